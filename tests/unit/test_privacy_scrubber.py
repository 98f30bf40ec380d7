"""What is scrubbed besides texts, what a user can set, and what happens when scrubbing fails."""

import logging
import time
from typing import Any

import pytest

import telemetry
from telemetry.config.settings import load
from telemetry.errors import ConfigurationError
from telemetry.privacy import keys, scrubber
from telemetry.privacy.linear import why_not_linear
from telemetry.privacy.options import Scrub
from telemetry.privacy.rules import IP_RULE, RULES
from telemetry.privacy.scrubber import NoScrubber, Scrubber

MAIL = "ada@example.com"
CLEAN = "[redacted:email]"


class TestValues:
    def test_containers_are_copied_and_never_changed(self) -> None:
        """Lists, tuples and mappings keep their shape; what the user gave keeps its secrets."""
        given = {"to": [MAIL, ("x", MAIL)], "n": {"password": {"a": 1}, "b": 2}}
        assert Scrubber(Scrub()).value("note", given) == {
            "to": [CLEAN, ("x", CLEAN)],
            "n": {"password": "[redacted:secret]", "b": 2},
        }
        assert given == {"to": [MAIL, ("x", MAIL)], "n": {"password": {"a": 1}, "b": 2}}

    @pytest.mark.parametrize("value", [True, False, None, 0.25, b"", "", object], ids=repr)
    def test_what_cannot_be_a_secret_stays(self, value: object) -> None:
        """Booleans, fractions and empty values stay, whatever their name; objects are none of ours."""
        assert Scrubber(Scrub()).value("password", value) is value

    def test_numbers_and_bytes_are_hidden_by_their_name(self) -> None:
        """A PIN is a secret by its name alone; bytes are looked at as text."""
        assert Scrubber(Scrub()).attributes({"password": 1234, "len_docs": 1234, "raw": b"\xff " + MAIL.encode()}) == {
            "password": "[redacted:secret]",
            "len_docs": 1234,
            "raw": b"\xff " + CLEAN.encode(),
        }

    def test_no_method_of_a_user_is_called(self) -> None:
        """A text of a user's own class is read as the text it is."""

        class Loud(str):
            __slots__ = ()

            def __str__(self) -> str:
                raise RuntimeError("called")

        assert Scrubber(Scrub()).value("note", Loud(MAIL)) == CLEAN


class TestSettings:
    def test_a_users_keys_and_patterns_count(self) -> None:
        """Names in any spelling, and patterns that give the marker its kind."""
        mine = Scrubber(Scrub(keys=["customer_no"], patterns={"order": r"ORD-[0-9]{6}"}))
        assert mine.attributes({"shop.customerNo": "77", "note": "customer-no=77, ORD-123456"}) == {
            "shop.customerNo": "[redacted:secret]",
            "note": "customer-no=[redacted:secret] [redacted:order]",
        }

    def test_a_user_can_keep_a_name_and_switch_off_a_kind(self) -> None:
        """`keep` leaves a value exactly as it is; `off` is a kind that is not looked for."""
        mine = Scrubber(Scrub(keep=["session.id"], off=["email"]))
        assert mine.attributes({"session.id": "password=x", "note": MAIL}) == {
            "session.id": "password=x",
            "note": MAIL,
        }
        assert Scrubber(Scrub(off=["secret"])).value("password", "hunter2") == "hunter2"

    def test_ip_addresses_are_hidden_where_asked(self) -> None:
        """By default they stay: an address of a pod is how it is found."""
        texts = ["from 192.0.2.7:443", "from 2001:db8::7, twice", "1.2.3", "12:30:45"]
        assert [Scrubber(Scrub()).text(text) for text in texts] == texts
        assert [Scrubber(Scrub(ip_addresses=True)).text(text) for text in texts] == [
            "from [redacted:ip]:443", "from [redacted:ip], twice", "1.2.3", "12:30:45",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ("maybe", "is neither true nor false"),
            (Scrub(patterns={"order": "ORD-["}), "is not a regular expression"),
            (Scrub(patterns={"order": "[0-9]*"}), "matches the empty text"),
            (Scrub(patterns={"order": r"(\d{1,9}){1,9}x"}), "has a repeat inside a repeat"),
            (Scrub(patterns={"order": r"\d+-x"}), "repeats without an upper bound before its end"),
            (Scrub(patterns={"order": r"(\d)-\1"}), "refers back to a group"),
            (Scrub(patterns={"order": r"\d{1,99}\d{1,99}\d{1,99}\d{1,99}"}), "too many repeats one after another"),
            (Scrub(patterns={"Order No": "x"}), "which must be lower-case letters"),
            (Scrub(patterns={"order": 7}), "is not a string"),  # type: ignore[dict-item]
            (Scrub(patterns=["x"]), "has patterns that are not a mapping"),  # type: ignore[arg-type]
            (Scrub(keys="customer"), "has keys that are not a list of words"),
            (Scrub(off=["mails"]), "has the unknown kind 'mails' in off"),
        ],
        ids=lambda value: str(value)[:20] if isinstance(value, str) else "",
    )
    def test_a_mistake_is_reported_at_the_start(self, wrong: object, words: str) -> None:
        """Wrong options, and patterns that could take for ever, are refused by `configure` in a sentence."""
        with pytest.raises(ConfigurationError) as caught:
            load({"scrub": wrong}, {})
        assert words in str(caught.value)
        assert "configure: scrub=" in str(caught.value)

    def test_scrubbing_is_on_unless_switched_off(self) -> None:
        """By argument or variable; the argument goes first."""
        assert load({}, {}).scrub == Scrub()
        assert load({}, {"SEARCH_TELEMETRY_SCRUB": "false"}).scrub is None
        assert load({"scrub": True}, {"SEARCH_TELEMETRY_SCRUB": "false"}).scrub == Scrub()
        assert load({"scrub": False}, {}).scrub is None

    def test_switched_off_nothing_is_hidden(self) -> None:
        """Values come out as they went in."""
        assert NoScrubber().value("password", MAIL) == NoScrubber().text(MAIL) == MAIL
        assert NoScrubber().attributes({"password": MAIL}) == {"password": MAIL}


class TestLines:
    @pytest.mark.parametrize(
        ("text", "hidden"),
        [
            ("password\n= hunter2", "password\n= [redacted:secret]"),
            ("token:\n  a1b2c3d4", "token:\n  [redacted:secret]"),
            ("--api-key\nx1", "--api-key\n[redacted:secret]"), ("password\nspent", "password\nspent"),
            (f"to {MAIL}\n", f"to {CLEAN}\n"), ("ORD\n123", "[redacted:order]"),
            ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----", "[redacted:private_key]"),
        ],
    )  # fmt: skip
    def test_a_secret_in_a_long_text_is_found_in_any_line(self, text: str, hidden: str) -> None:
        """Texts are looked at line by line; a name, its sign and its value may stand in three of them."""
        mine = Scrubber(Scrub(patterns={"order": r"ORD\s[0-9]{3}"}))
        for around in (
            "",
            "\n".join(f'  File "/srv/shop_{number}.py", line {number}, in call' for number in range(20)),
        ):
            assert mine.text(f"{around}\n{text}\n{around}") == f"{around}\n{hidden}\n{around}"


class TestFaults:
    def test_a_fault_hides_the_value_and_is_counted(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A bug in a rule lets nothing out: not the value, and not in the words of the warning, which comes once."""

        def broken(*_: Any) -> str:
            raise RuntimeError(MAIL)

        mine = Scrubber(Scrub())
        monkeypatch.setattr(scrubber, "_hide", broken)
        with caplog.at_level(logging.WARNING):
            assert [mine.text(MAIL), mine.value("note", [MAIL])] == ["[redacted:error]", ["[redacted:error]"]]
        assert mine.failures == 2
        assert [record.getMessage() for record in caplog.records] == [
            "a value could not be scrubbed (RuntimeError), and is hidden (logged once)"
        ]

    def test_an_endless_container_is_hidden(self) -> None:
        """A list that holds itself is a fault like any other."""
        endless: list[Any] = []
        endless.append(endless)
        mine = Scrubber(Scrub())
        assert mine.value("note", endless) == "[redacted:error]"
        assert mine.failures == 1


class TestLinear:
    @pytest.mark.parametrize("rule", [*RULES, IP_RULE], ids=lambda rule: rule.kind)
    def test_every_rule_is_linear_by_construction(self, rule: Any) -> None:
        """Our own patterns pass what a user's must pass."""
        assert why_not_linear(rule.pattern.pattern) is None

    def test_names_in_texts_are_found_in_linear_time(self) -> None:
        """Their pattern has bounded repeats only; those of values run to their end and cannot fail."""
        assert why_not_linear(keys._NAMED.pattern) is None
        for pattern in (keys._LINE, keys._WORD, keys._INSIDE, keys._IN_ESCAPED):
            assert why_not_linear(pattern.pattern) is None

    @pytest.mark.parametrize(
        "piece",
        [
            "a", "1", "a@", "a.b@", "://a:", "://a:b@", "eyJ", "-eyJaaaa", "sk-", "sk-a", "sk-" + "a" * 30 + " ", "+1 ",
            "DE89",
            "4111 ", "password", 'password="', "password='\\", 'password=\\"', "a=", "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN ", "--password ", "bearer a", "<password>", "&key=", "password '",
        ],
        ids=repr,
    )  # fmt: skip
    def test_twice_the_text_takes_no_more_than_a_few_times_as_long(self, piece: str) -> None:
        """Hostile texts eight times as long take about eight times as long: squares would take 64 times."""
        mine = Scrubber(Scrub())
        short, long = (piece * (size // len(piece)) + "@ =password" for size in (2_000, 16_000))
        assert _seconds(mine, long) < 30 * max(_seconds(mine, short), 0.0005)


def _seconds(mine: Scrubber, text: str) -> float:
    def once() -> float:
        begun = time.thread_time()
        mine.text(text)
        return time.thread_time() - begun

    return min(once() for _ in range(3))


def test_json_lines_are_scrubbed_even_without_configure() -> None:
    """A formatter alone hides secrets in messages, extras, nested extras and exceptions; ids and the record stay."""
    record = logging.getLogger("shop").makeRecord(
        "shop", logging.INFO, __file__, 1, "sent to %s", (MAIL,), None, extra={"user": {"password": "x1"}, "api_key": 5}
    )
    try:
        raise ValueError(MAIL)
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    line = telemetry.JsonFormatter("shop").format(record)
    assert MAIL not in line
    assert '"message": "sent to [redacted:email]"' in line
    assert '"user": {"password": "[redacted:secret]"}, "api_key": "[redacted:secret]"' in line
    assert record.args == (MAIL,)
