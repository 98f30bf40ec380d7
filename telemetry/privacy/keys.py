"""Finds names whose values are secret: names of attributes, and names inside a text.

A name is split into words, however it is written (`dbPassword`, `db.password`, `DB_PASSWORD`, `db-password`), and only
whole words match: `token` is in `auth_token`, not in `tokenizer`. A following word that describes the secret, such as
`count` in `token_count`, means that the value is shown; so does a word before `token` that makes it a language token.

`find_values` looks for names with values in a text: `password=x`, `"api_key": "x"`, `Authorization: x`, `--token x`,
`<secret>x`, as in log lines, headers, query strings, JSON, XML, connection strings, `repr` and command lines. It reads
the text once: a name has at most 64 characters, and the search continues behind each value.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from telemetry.privacy.rules import looks_random

STRONG: Final = (
    "password", "passwords", "passwd", "passphrase", "passcode", "pwd", "secret", "secrets", "credential",
    "credentials", "authorization", "cookie", "cookies", "api key", "api keys", "apikey", "apikeys", "private key",
    "privatekey", "secret key", "secretkey", "access key", "accesskey", "account key", "signing key", "encryption key",
    "master key", "ssh key", "client secret", "clientsecret", "connection string", "connectionstring", "dsn",
)  # fmt: skip
"""Phrases after which any value is hidden, also inside a text."""

WEAK: Final = (
    "token", "auth tokens", "access tokens", "refresh tokens", "authtoken", "accesstoken", "refreshtoken", "bearer",
    "session", "sessionid", "jsessionid", "phpsessid", "jwt", "csrf", "xsrf", "otp", "ssn", "social security",
    "credit card", "creditcard", "card number", "cardnumber", "cvv", "cvc", "iban",
)  # fmt: skip
"""Phrases that are everyday words too: after `token: ` inside a text, only what looks like a credential is hidden."""

ABOUT: Final = frozenset({
    "count", "counts", "length", "len", "size", "type", "types", "kind", "name", "names", "limit", "max", "min",
    "budget", "usage", "used", "rate", "ratio", "per", "index", "idx", "position", "pos", "offset", "version",
    "expiry", "expires", "expired", "expiration", "ttl", "age", "duration", "seconds", "ms", "at", "time",
    "enabled", "disabled", "present", "set", "valid", "invalid", "required", "missing", "policy", "algorithm",
    "alg", "format", "status", "state", "method", "mode", "source", "provider", "strategy", "scheme", "encoding",
    "vocab", "ids", "embedding", "embeddings", "file", "path", "dir", "env", "stdin", "url", "uri", "endpoint",
})  # fmt: skip
"""Words that mean, right after such a phrase, that the value describes the secret."""

PIECES: Final = frozenset({
    "pad", "eos", "bos", "cls", "sep", "mask", "unk", "start", "end", "special", "first", "last", "next", "prev",
    "previous", "num", "max", "min", "n", "per", "total", "stop",
})  # fmt: skip
"""Words that mean, right before `token`, a token of a language model."""

HEADERS: Final = frozenset({"authorization", "cookie", "cookies"})
"""Phrases whose value inside a text is the rest of the line."""

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


class Keys:
    """The names whose values are hidden.

    Arguments: `more`, further phrases, in any spelling; `keep`, whole names whose values are always shown.
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
        """Return whether the options exempt `name`."""
        return name.lower() in self._keep

    def _found(self, name: str) -> tuple[str, ...]:
        """Return the phrase in `name` that hides its value; empty if there is none. Cached as `found`."""
        if self.kept(name):
            return ()
        words = words_of(name)
        for start in range(len(words)):
            for end in range(start + 1, min(start + self._longest, len(words)) + 1):
                if words[start:end] in self._phrases and not _is_descriptive(words, start, end):
                    return words[start:end]
        return ()

    def weak(self, phrase: tuple[str, ...]) -> bool:
        """Return whether a phrase is an everyday word too."""
        return phrase in self._weak


def words_of(name: str) -> tuple[str, ...]:
    """Split a name into words: `X-API-Key` into x, api, key."""
    return tuple(word.lower() for word in _WORDS.findall(name[:1024]))


def _is_descriptive(words: tuple[str, ...], start: int, end: int) -> bool:
    if end < len(words) and words[end] in ABOUT:
        return True
    return words[start] == "token" and start > 0 and words[start - 1] in PIECES


HINTS: Final = ("=", ":", "--", "<")
"""Every text that names a secret contains one of these."""

# A name, perhaps in quotes or brackets, and `=` or `:`; or a command-line option and a space; or a tag. The name may
# follow an escaped line end, as in `repr` and JSON; the letter of that escape is not part of the name.
_NAMED: Final = re.compile(
    r"""(?:(?<![A-Za-z0-9_])|(?=\\))(?:\\(?P<escape>[nrt]))?+"""
    r"""(?:(?P<name>[A-Za-z_][\w.-]{0,63}+)[\\"'\]]{0,4}+\s{0,2}+(?P<sign>=>|:=|==?|:)\s{0,3}+"""
    r"""|--?(?P<option>[A-Za-z][\w-]{0,63}+)["']?+[\s,]{1,3}(?=[^\s-])|<(?P<tag>[A-Za-z_][\w.-]{0,63}+)>)"""
)
# What stands after any part of a name: the rest of it and a sign; after that of an option, a space.
_AFTER_STEM: Final = re.compile(r"""[\w.-]{0,63}+(?:(?P<sign>[\\"'\]]{0,4}+\s{0,2}+[=:]|>)|["']?+[\s,])""")
_AFTER_LINE: Final = 16  # characters, more than `_NAMED` matches after the line of the name
_QUOTED: Final = re.compile(r"""(?P<q>\\{0,3}["'])""")
_IN_DOUBLE: Final = re.compile(r'[^"\\]*+(?:\\[\s\S][^"\\]*+)*+')
_IN_SINGLE: Final = re.compile(r"[^'\\]*+(?:\\[\s\S][^'\\]*+)*+")
_IN_ESCAPED: Final = re.compile(r"""[^"'\\]*+""")
_LINE: Final = re.compile(r"""[^\r\n"']*+""")
_INSIDE: Final = re.compile(r"[^<]*+")
_ESCAPED_LINE: Final = re.compile(r"\\[nrt]")
_WORD: Final = re.compile(r"""[^\s;&"'<>]*+""")
_NOT_SECRET: Final = frozenset({"", "none", "null", "nil", "true", "false", "undefined", "***", "[redacted"})
_MIN_WEAK: Final = 6  # characters of a credential after an everyday word


def find_values(text: str, keys: Keys) -> Iterator[tuple[int, int]]:
    """Yield start and end of each value that its name hides, in order."""
    done = passed = 0
    for match in _names(text, keys.stems):
        if match.start() < passed:
            continue  # inside a value that is hidden already
        name = match["name"] or match["option"] or match["tag"]
        phrase = keys.found(name) or (keys.found(match["escape"] + name) if match["escape"] else ())
        header = not HEADERS.isdisjoint(phrase)
        if not phrase or (match.end() < done and not header):
            continue  # not a secret's name, or inside a value that is hidden already
        begin, end = _value(text, max(match.end(), done), tagged=match["tag"] is not None, header=header)
        if begin < end and _is_secret(text[begin:end], match, weak=keys.weak(phrase)):
            line = _ESCAPED_LINE.search(text, begin, end)
            passed, done = end if line is None else line.start(), end  # the next line may name further secrets
            yield begin, end


def may_name(line: str, lowered: str, stems: tuple[str, ...]) -> bool:
    """Return whether a text may hold, in this line, a name with a value; the sign may stand in the next line."""
    for stem in stems:
        if stem in lowered:
            return len(lowered) != len(line) or bool(_lines_with_names(f"{line}\n=", f"{lowered}\n=", stems))
    return False


def _names(text: str, stems: tuple[str, ...]) -> Iterator[re.Match[str]]:
    """Yield all names with values in the lines that hold a stem: a name that hides something has one, in one line."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters become two
        yield from _NAMED.finditer(text)
        return
    for begin, end in sorted(_lines_with_names(text, lowered, stems).items()):
        for match in _NAMED.finditer(text, begin, end + _AFTER_LINE):
            if match.start() < end:
                yield match


def _lines_with_names(text: str, lowered: str, stems: tuple[str, ...]) -> dict[int, int]:
    """Return start and end of the lines that hold a stem, and behind it what may be the end of a name."""
    lines: dict[int, int] = {}
    for stem in stems:
        place = lowered.find(stem)
        while place >= 0:
            after = _AFTER_STEM.match(text, place + len(stem))
            begin = lowered.rfind("\n", 0, place) + 1 if after else 0
            if after and (after["sign"] or text.find("-", begin, place) >= 0):
                end = lowered.find("\n", place)
                lines[begin] = place = len(text) if end < 0 else end
            place = lowered.find(stem, place + 1)
    return lines


def _value(text: str, begin: int, *, tagged: bool, header: bool) -> tuple[int, int]:
    if tagged:
        return begin, _end(_INSIDE, text, begin)
    quoted = _QUOTED.match(text, begin)
    if quoted is None:
        return begin, _end(_LINE if header else _WORD, text, begin)
    quote = quoted["q"]
    inside = _IN_ESCAPED if len(quote) > 1 else _IN_DOUBLE if quote == '"' else _IN_SINGLE
    return quoted.end(), _end(inside, text, quoted.end())


def _end(pattern: re.Pattern[str], text: str, begin: int) -> int:
    match = pattern.match(text, begin)
    return begin if match is None else match.end()


def _is_secret(value: str, match: re.Match[str], *, weak: bool) -> bool:
    plain = value.strip(" ,)]}\\").lower()
    if plain in _NOT_SECRET or (plain.startswith("[redacted:") and plain.find("]") in {-1, len(plain) - 1}):
        return False
    prose = match["sign"] == ":" and _in_prose(match)
    return not (weak and prose) or (len(value) >= _MIN_WEAK and looks_random(value))


def _in_prose(match: re.Match[str]) -> bool:
    """Return whether the colon is used as in a sentence: right after the word, and followed by a space."""
    return match["name"] is not None and match.string[match.start("name") : match.end()] == match["name"] + ": "
