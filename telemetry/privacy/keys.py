"""Which names say that their value is a secret.

In: names of attributes, of baggage, of JSON fields, of settings inside a text. Out: whether the value is hidden. State:
none.

A name is taken apart into words, however it is spelled (`dbPassword`, `db.password`, `DB_PASSWORD`, `db-password`), and
whole words count: `token` is one of `auth_token`, none of `tokenizer`. A word that says something about a secret and is
none, such as the `count` of `token_count`, keeps the value; so does one before `token` that makes it a piece of text.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

STRONG: Final = (
    "password", "passwords", "passwd", "passphrase", "passcode", "pwd", "secret", "secrets", "credential",
    "credentials", "authorization", "cookie", "cookies", "api key", "api keys", "apikey", "apikeys", "private key",
    "privatekey", "secret key", "secretkey", "access key", "accesskey", "account key", "signing key", "encryption key",
    "master key", "ssh key", "client secret", "clientsecret", "connection string", "connectionstring", "dsn",
)  # fmt: skip
"""Phrases after which, in a text too, anything is hidden."""

WEAK: Final = (
    "token", "auth tokens", "access tokens", "refresh tokens", "authtoken", "accesstoken", "refreshtoken", "bearer",
    "session", "sessionid", "jsessionid", "phpsessid", "jwt", "csrf", "xsrf", "otp", "ssn", "social security",
    "credit card", "creditcard", "card number", "cardnumber", "cvv", "cvc", "iban",
)  # fmt: skip
"""Phrases that are also everyday words: after `token: ` in a text only what looks like a credential is hidden."""

ABOUT: Final = frozenset({
    "count", "counts", "length", "len", "size", "type", "types", "kind", "name", "names", "limit", "max", "min",
    "budget", "usage", "used", "rate", "ratio", "per", "index", "idx", "position", "pos", "offset", "version",
    "expiry", "expires", "expired", "expiration", "ttl", "age", "duration", "seconds", "ms", "at", "time",
    "enabled", "disabled", "present", "set", "valid", "invalid", "required", "missing", "policy", "algorithm",
    "alg", "format", "status", "state", "method", "mode", "source", "provider", "strategy", "scheme", "encoding",
    "vocab", "ids", "embedding", "embeddings", "file", "path", "dir", "env", "stdin", "url", "uri", "endpoint",
})  # fmt: skip
"""Words that, right after such a phrase, make the value something about the secret."""

PIECES: Final = frozenset({
    "pad", "eos", "bos", "cls", "sep", "mask", "unk", "start", "end", "special", "first", "last", "next", "prev",
    "previous", "num", "max", "min", "n", "per", "total", "stop",
})  # fmt: skip
"""Words that, right before `token`, make it a piece of text."""

HEADERS: Final = frozenset({"authorization", "cookie", "cookies"})
"""Words whose value in a text is the rest of the line."""

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


class Keys:
    """The names that hide.

    Arguments: `more`, phrases of the user's, in any spelling; `keep`, whole names that never hide.
    """

    def __init__(self, more: Iterable[str] = (), keep: Iterable[str] = ()) -> None:
        self._keep = frozenset(name.lower() for name in keep)
        phrases = {tuple(phrase.split()) for phrase in (*STRONG, *WEAK)} | {words_of(phrase) for phrase in more}
        self._weak = frozenset(tuple(phrase.split()) for phrase in WEAK)
        self._phrases = frozenset(phrases - {()})
        self._longest = max(map(len, self._phrases))
        self.found = lru_cache(4096)(self._found)
        last = {phrase[-1] for phrase in self._phrases}
        self.stems = tuple(sorted(word for word in last if not any(other in word for other in last - {word})))

    def kept(self, name: str) -> bool:
        """Say whether the user wants the value of `name` as it is."""
        return name.lower() in self._keep

    def _found(self, name: str) -> tuple[str, ...]:
        """Return the phrase in `name` that hides its value; nothing where it does not. Cached as `found`."""
        if self.kept(name):
            return ()
        words = words_of(name)
        for start in range(len(words)):
            for end in range(start + 1, min(start + self._longest, len(words)) + 1):
                if words[start:end] in self._phrases and not _harmless(words, start, end):
                    return words[start:end]
        return ()

    def weak(self, phrase: tuple[str, ...]) -> bool:
        """Say whether a phrase that was found is an everyday word too."""
        return phrase in self._weak


def words_of(name: str) -> tuple[str, ...]:
    """Take a name apart: `X-API-Key` is x, api, key."""
    return tuple(word.lower() for word in _WORDS.findall(name[:1024]))


def _harmless(words: tuple[str, ...], start: int, end: int) -> bool:
    if end < len(words) and words[end] in ABOUT:
        return True
    return words[start] == "token" and start > 0 and words[start - 1] in PIECES
