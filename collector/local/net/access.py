"""Who may reach the collector: tokens, TLS, and the rule that nobody beyond this machine may without either.

In: addresses as they were resolved. Out: nothing, or a `SettingsError` that names every address that is too open.
No state.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field

from collector.local.errors import SettingsError
from collector.local.net.auth import Tokens
from collector.local.net.origins import Origins
from collector.local.net.tls import Tls


@dataclass(frozen=True, slots=True)
class Access:
    """What the three ports ask of their callers.

    Args:
        tokens: a request must carry one of them; None: no token is asked for.
        tls: the ports speak TLS; None: plain text.
        allow_anonymous: listen beyond this machine even where callers need neither token nor certificate.
        origins: the web pages that may send, to the OTLP port alone.
    """

    tokens: Tokens | None = None
    tls: Tls | None = None
    allow_anonymous: bool = False
    origins: Origins = field(default_factory=Origins)

    @property
    def knows_callers(self) -> bool:
        """Whether a caller has to prove that it may call: by a token, or by a certificate."""
        return self.tokens is not None or (self.tls is not None and self.tls.client_ca is not None)

    def check(self, authorization: str | None) -> None:
        """Let a request in, or raise `UnauthorizedError`."""
        if self.tokens is not None:
            self.tokens.check(authorization)

    def allow(self, addresses: Iterable[tuple[str, str, str]]) -> None:
        """See that no address is more open than was meant.

        Args:
            addresses: option, address as it was given, and the IP address that it means.

        Raises:
            SettingsError: one can be reached from elsewhere, and anyone could send to it or read from it.
        """
        if self.knows_callers or self.allow_anonymous:
            return
        beyond = [(option, given, ip) for option, given, ip in addresses if not is_loopback(ip)]
        if not beyond:
            return
        named = ", ".join(f"--{option} {given}{'' if ip in given else f' ({ip})'}" for option, given, ip in beyond)
        raise SettingsError(
            f"{named} can be reached from other machines, and without a token anyone there could send and read",
            "give --token-file FILE (openssl rand -hex 32 > FILE), listen on 127.0.0.1, "
            "or give --allow-anonymous where that is meant",
        )


OPEN = Access()
"""Plain text and no token: for the loopback."""


def is_loopback(ip: str) -> bool:
    """Whether an IP address, perhaps with an interface (`fe80::1%eth0`), is this machine's own."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
