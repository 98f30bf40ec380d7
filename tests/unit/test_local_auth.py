"""Tokens, certificates and addresses: what lets a caller in, and what the collector refuses to start with."""

from __future__ import annotations

import hmac
import logging
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from collector.local.errors import SettingsError, UnauthorizedError
from collector.local.net.access import TOKEN as TOKEN_VARIABLE
from collector.local.net.access import TOKEN_FILE, Access, Tokens, token_to_send, tokens_from
from collector.local.net.log_limiter import LogLimiter
from collector.local.net.tls import Tls
from collector.local.server import LocalCollector
from telemetry.otlp.target import is_loopback
from tests import certificates
from tests.certificates import BEARER, TOKEN

OTHER = "another-token-of-enough-characters"


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> certificates.Pems:
    return certificates.make(tmp_path_factory.mktemp("pems"))


def token_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "token"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("sent", [BEARER, f"bearer {TOKEN}", f"BEARER  {TOKEN} ", f"Bearer {OTHER}"])
def test_each_of_the_tokens_lets_in(sent: str) -> None:
    """Several at once, so that one can be replaced; the scheme is not case-sensitive (RFC 7235)."""
    Tokens([TOKEN, OTHER]).check(sent)


@pytest.mark.parametrize(
    "sent",
    [None, "", "Bearer ", TOKEN, f"Basic {TOKEN}", f"{BEARER}x", f"Bearer {TOKEN[:-1]}", "Bearer ü\udcff"],
    ids=repr,
)
def test_anything_else_does_not_and_is_not_repeated(sent: str | None) -> None:
    """What was sent might be a secret for somewhere else."""
    with pytest.raises(UnauthorizedError) as refused:
        Tokens([TOKEN]).check(sent)
    assert TOKEN not in str(refused.value)
    assert (sent or "").removeprefix("Bearer ") in {"", None} or str(sent).split()[-1] not in str(refused.value)


def test_tokens_are_compared_in_constant_time_and_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after one of them matched: the time does not depend on the tokens."""
    compared: list[bytes] = []

    def watched(one: bytes, other: bytes) -> bool:
        compared.append(other)
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", watched)
    Tokens([TOKEN, OTHER]).check(BEARER)
    assert len(compared) == 2
    assert {len(digest) for digest in compared} == {32}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "has no token"),
        ("\n  \n", "has no token"),
        ("short", "fewer than 16 characters"),
        ("two words in one line of the file", "a character that is not allowed"),
        ("secret-with-ümlaut-in-the-middle", "a character that is not allowed"),
    ],
)
def test_a_token_file_that_holds_no_fit_token_is_refused_without_quoting_it(
    tmp_path: Path, text: str, problem: str
) -> None:
    """An open collector must not come of a file that was left empty."""
    with pytest.raises(SettingsError, match=problem) as refused:
        tokens_from(token_file(tmp_path, text), {})
    assert not text.strip() or text.strip() not in str(refused.value)


def test_a_token_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(SettingsError, match="nowhere cannot be read: No such file"):
        tokens_from(tmp_path / "nowhere", {})
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="is not text"):
        tokens_from(tmp_path / "bytes", {})


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o644, True)])
def test_a_token_file_that_others_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, warned: bool
) -> None:
    """The warning has the fix; the token is accepted nevertheless."""
    path = token_file(tmp_path, f"{TOKEN}\n", mode)
    with caplog.at_level(logging.WARNING, "collector.local"):
        found = tokens_from(path, {})
    assert found is not None
    found.check(BEARER)
    assert [record.getMessage() for record in caplog.records] == (
        [f"the token file {path} can be read by others (mode {mode:o}); fix: chmod 600 {path}"] if warned else []
    )
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_the_environment_names_a_token_or_a_file(tmp_path: Path) -> None:
    """The option goes before the file that the environment names, that before its token; nothing means no token."""
    path = token_file(tmp_path, f"{OTHER}\n{TOKEN}\n")
    both = {TOKEN_VARIABLE: TOKEN, TOKEN_FILE: str(path)}
    by_token, by_file = tokens_from(None, {TOKEN_VARIABLE: TOKEN}), tokens_from(None, both)
    assert by_token is not None
    assert by_file is not None
    by_token.check(BEARER)
    by_file.check(f"Bearer {OTHER}")
    with pytest.raises(UnauthorizedError):
        by_token.check(f"Bearer {OTHER}")
    assert tokens_from(None, {TOKEN_VARIABLE: " "}) is None
    assert [token_to_send(env) for env in ({}, {TOKEN_FILE: str(path)}, both)] == [None, OTHER, TOKEN]


LOOPBACK = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"]
BEYOND = ["0.0.0.0", "::", "192.168.1.1", "10.0.0.1", "8.8.8.8", "fe80::1%eth0", "::ffff:0.0.0.0", "2001:db8::1"]


@pytest.mark.parametrize("ip", LOOPBACK + BEYOND)
def test_only_the_loopback_is_this_machine_alone(ip: str) -> None:
    """In both families, and one within the other."""
    assert is_loopback(ip) == (ip in LOOPBACK)


@pytest.mark.parametrize("option", ["grpc", "http", "api"])
@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "everywhere.example:0"])
def test_listening_beyond_this_machine_without_a_token_is_refused(
    option: str, address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """For each port, by any name of the address; the error has the cause and the fix, and nothing is left open."""
    asked = names_resolved(monkeypatch, {"everywhere.example": "192.0.2.7"})
    addresses: dict[str, Any] = {"grpc": None, "http": None, "api": None, option: address}
    store = tmp_path / "store.duckdb"
    with pytest.raises(SettingsError) as refused:
        LocalCollector(store, **addresses).start()
    assert refused.value.message == (
        f"--{option} {address}{' (192.0.2.7)' if 'example' in address else ''} can be reached from other machines, "
        "and without a token anyone there could send and read"
    )
    assert refused.value.hint == (
        "give --token-file FILE (openssl rand -hex 32 > FILE), listen on 127.0.0.1, "
        "or give --allow-anonymous if that is intended"
    )
    assert (store.exists(), asked) == (False, [address])


def names_resolved(monkeypatch: pytest.MonkeyPatch, names: dict[str, str]) -> list[str]:
    """Resolve some names without a name server; note what was asked."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, **kinds: int) -> object:
        asked.append(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        return real(names.get(host, host), port, **kinds)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_all_addresses_that_are_too_open_are_named_at_once() -> None:
    """And those that are not are left out."""
    with pytest.raises(SettingsError, match=r"^--grpc 0\.0\.0\.0:0, --api \[::\]:0 can be reached"):
        LocalCollector(None, "0.0.0.0:0", "127.0.0.1:0", "[::]:0").start()


@pytest.mark.parametrize("by", ["tokens", "client certificates", "allow_anonymous"])
def test_listening_beyond_this_machine_is_allowed_where_callers_are_known_or_it_is_meant(
    by: str, pems: certificates.Pems
) -> None:
    """A token, a client certificate, or the option that allows it."""
    access = {
        "tokens": Access(Tokens([TOKEN])),
        "client certificates": Access(tls=Tls(pems.certificate, pems.key, pems.authority)),
        "allow_anonymous": Access(allow_anonymous=True),
    }[by]
    with LocalCollector(None, None, "0.0.0.0:0", None, access=access) as collector:
        assert str(collector.addresses.http).startswith("0.0.0.0:")


def test_tls_without_client_certificates_does_not_authenticate(pems: certificates.Pems) -> None:
    """It hides what is sent, not who may send."""
    with pytest.raises(SettingsError, match="without a token"):
        LocalCollector(None, None, "0.0.0.0:0", None, access=Access(tls=Tls(pems.certificate, pems.key))).start()


def test_certificates_that_cannot_be_are_refused_by_the_option_that_named_them(
    pems: certificates.Pems, tmp_path: Path
) -> None:
    """Before anything listens: missing, no PEM, not a pair, out of date, locked."""
    (tmp_path / "empty.pem").write_text("")
    cases = {
        Tls(tmp_path / "none", pems.key): "--tls-cert .*none cannot be read: No such file",
        Tls(pems.certificate, tmp_path / "none"): "--tls-key .*none cannot be read",
        Tls(pems.certificate, pems.key, tmp_path / "none"): "--tls-client-ca .*none cannot be read",
        Tls(tmp_path / "empty.pem", pems.key): "--tls-cert .* and --tls-key .* do not match",
        Tls(pems.certificate, pems.expired_key): "do not match",
        Tls(pems.certificate, pems.key, tmp_path / "empty.pem"): "--tls-client-ca .* is not a certificate",
        Tls(pems.expired, pems.expired_key): "--tls-cert .* is not valid: certificate has expired",
    }
    for tls, problem in cases.items():
        with pytest.raises(SettingsError, match=problem):
            tls.context()


def test_a_key_with_a_passphrase_is_refused_instead_of_asking_for_it(pems: certificates.Pems, tmp_path: Path) -> None:
    """A collector that waits for a passphrase would never start."""
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(pems.key.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(SettingsError, match=r"locked\.pem has a passphrase"):
        Tls(pems.certificate, locked).context()


def test_complaints_are_reported_once_a_minute_by_kind() -> None:
    """Then with the number of those left out: no caller can flood the log."""
    now, logged = [0.0], list[str]()
    limiter = LogLimiter(lambda: now[0], logged.append)
    for moment in (0.0, 1.0, 59.9, 60.0, 61.0):
        now[0] = moment
        limiter.warn("tls", f"at {moment}")
    limiter.warn("other", "another kind")
    assert logged == ["at 0.0", "at 60.0 (2 more like this since the last such line)", "another kind"]
