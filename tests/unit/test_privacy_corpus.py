"""Recall and precision: every secret of the corpus is hidden, every harmless text stays."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.privacy import scrubber as privacy_scrubber
from telemetry.privacy.options import Scrub
from telemetry.privacy.rules import KINDS, RULES
from telemetry.privacy.scrubber import MARGIN, Scrubber
from tests.secrets_corpus import HARMLESS, SECRETS, Harmless, Secret, leaked

scrubber = Scrubber(Scrub())


@pytest.mark.parametrize("secret", SECRETS, ids=str)
def test_a_secret_is_hidden(secret: Secret) -> None:
    """What must not leave is gone, and a marker of its kind stands there."""
    scrubbed = str(scrubber.value(secret.name or "note", secret.text))
    assert not [part for part in secret.hidden if part in scrubbed], scrubbed
    assert f"[redacted:{secret.kind}]" in scrubbed


@pytest.mark.parametrize("harmless", HARMLESS, ids=str)
def test_a_harmless_text_stays(harmless: Harmless) -> None:
    """Ids, hashes, times, versions, names, numbers and sentences come out as they were."""
    assert scrubber.value(harmless.name or "note", harmless.text) == harmless.text


@pytest.mark.parametrize("secret", SECRETS, ids=str)
def test_no_half_of_a_secret_is_left_by_a_cut(secret: Secret) -> None:
    """Wherever a limit falls, what is scrubbed with its margin and cut then holds no piece of the secret."""
    for longest in range(len(secret.text)):
        left = scrubber.value(secret.name or "note", secret.text[: longest + MARGIN])[:longest]
        assert not [part for part in secret.hidden if part[:8] in left]


@given(st.permutations([secret for secret in SECRETS if not secret.name]), st.sampled_from(["\n", " \n ", "\n---\n"]))
@settings(max_examples=10, deadline=None)
def test_secrets_side_by_side_are_all_hidden(secrets: list[Secret], between: str) -> None:
    """The order in a text does not matter, and what is hidden stays hidden as it is, however often it is scrubbed."""
    closed = [secret for secret in secrets if not secret.text.endswith("after")]  # PEM: read to the end of the block
    scrubbed = scrubber.text(between.join(secret.text for secret in (*closed, *secrets)))
    assert leaked(scrubbed) == []
    assert scrubber.text(scrubbed) == scrubbed


@pytest.mark.parametrize("secret", [secret for secret in SECRETS if not secret.name], ids=str)
def test_a_secret_in_a_text_that_was_written_as_code_is_hidden(secret: Secret) -> None:
    """In `repr` and JSON the end of a line is a backslash and a letter, which belongs to no name and no key."""
    bare = [part for part in secret.hidden if secret.kind in {"card", "iban", "ssn", "phone", "email"}]
    bare += [secret.text.split()[1]] if secret.text.startswith("key ") else []
    for text in (secret.text, *bare):
        for written in (repr(f"x\n{text}"), json.dumps({"k": f"\r\n{text}"}, ensure_ascii=False), repr([f"\t{text}"])):
            scrubbed = scrubber.text(written)
            assert not [part for part in secret.hidden if part in scrubbed], scrubbed


@pytest.mark.parametrize("secret", [secret for secret in SECRETS if not secret.name], ids=str)
def test_a_secret_in_a_long_text_is_hidden(secret: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long texts are searched piece by piece: also what begins in one piece and ends in another is found."""
    monkeypatch.setattr(privacy_scrubber, "_CHUNK", 32)
    for before in range(33):
        text = f"{'. ' * 50}{'.' * before} {secret.text}"
        assert scrubber._scrubbed(text) == text[: 101 + before] + scrubber.text(secret.text)


@pytest.mark.parametrize("length", [14, 40, 400])
def test_a_marker_reveals_nothing_of_what_it_hides(length: int) -> None:
    """Neither a part of the secret nor its length."""
    assert scrubber.text("password=" + "x7" * length) == "password=[redacted:secret]"


def test_the_corpus_has_every_kind() -> None:
    """A rule without a secret in the corpus is a rule that nobody has seen work."""
    assert {secret.kind for secret in SECRETS} | {"ip"} == KINDS
    assert {rule.kind for rule in RULES} < KINDS
