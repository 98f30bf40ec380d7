"""Certificates made on the fly: an authority, what it vouches for, and what it does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

TOKEN = "a-token-for-tests-0123456789abcdef"
BEARER = f"Bearer {TOKEN}"


@dataclass(frozen=True)
class Pems:
    """Paths of PEM files."""

    authority: Path
    certificate: Path
    key: Path
    client: Path
    """A client's certificate with its key, of the same authority."""
    other_authority: Path
    other_client: Path
    """The same of another authority."""
    expired: Path
    expired_key: Path


def make(folder: Path) -> Pems:
    """Write them all."""
    folder.mkdir(exist_ok=True)
    pems = Pems(*(folder / f"{name}.pem" for name in Pems.__annotations__))
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(pems.authority)
    other.cert_pem.write_to_path(pems.other_authority)
    server = authority.issue_cert("localhost", "127.0.0.1", "::1")
    server.cert_chain_pems[0].write_to_path(pems.certificate)
    server.private_key_pem.write_to_path(pems.key)
    authority.issue_cert("client@example.org").private_key_and_cert_chain_pem.write_to_path(pems.client)
    other.issue_cert("client@example.org").private_key_and_cert_chain_pem.write_to_path(pems.other_client)
    now = datetime.now(UTC)
    past = authority.issue_cert("127.0.0.1", not_before=now - timedelta(9), not_after=now - timedelta(1))
    past.cert_chain_pems[0].write_to_path(pems.expired)
    past.private_key_pem.write_to_path(pems.expired_key)
    return pems
