"""Finds the secrets that a text gives a name to.

In: a text, the names that hide. Out: where the values of such names begin and end. State: none.

`password=x`, `"api_key": "x"`, `Authorization: x`, `--token x`, `<secret>x`: in log lines, headers, query strings,
JSON, XML, connection strings, representations of objects, command lines. The text is gone over once: a name has at most
64 characters, and a value is passed over once it is found.
"""

import re
from collections.abc import Iterator
from typing import Final

from telemetry.privacy.keys import HEADERS, Keys
from telemetry.privacy.verdicts import looks_random

HINTS: Final = ("=", ":", "--", "<")
"""Of these, every text that names a secret holds one."""

# A name, what may stand around it, and `=` or `:`; or an option of a command line and a space; or a tag. Before it may
# stand the end of a line as `repr` and JSON write it, whose letter is none of the name's.
_NAMED: Final = re.compile(
    r"""(?:(?<![A-Za-z0-9_])|(?=\\))(?:\\(?P<escape>[nrt]))?+"""
    r"""(?:(?P<name>[A-Za-z_][\w.-]{0,63}+)[\\"'\]]{0,4}+\s{0,2}+(?P<sign>=>|:=|==?|:)\s{0,3}+"""
    r"""|--?(?P<option>[A-Za-z][\w-]{0,63}+)["']?+[\s,]{1,3}(?=[^\s-])|<(?P<tag>[A-Za-z_][\w.-]{0,63}+)>)"""
)
_QUOTED: Final = re.compile(r"""(?P<q>\\{0,3}["'])""")
_IN_DOUBLE: Final = re.compile(r'[^"\\]*+(?:\\[\s\S][^"\\]*+)*+')
_IN_SINGLE: Final = re.compile(r"[^'\\]*+(?:\\[\s\S][^'\\]*+)*+")
_IN_ESCAPED: Final = re.compile(r"""[^"'\\]*+""")
_LINE: Final = re.compile(r"""[^\r\n"']*+""")
_INSIDE: Final = re.compile(r"[^<]*+")
_ESCAPED_LINE: Final = re.compile(r"\\[nrt]")
_WORD: Final = re.compile(r"""[^\s;&"'<>]*+""")
_NO_SECRET: Final = frozenset({"", "none", "null", "nil", "true", "false", "undefined", "***", "[redacted"})
_LEAST_WEAK: Final = 6  # characters of a credential behind an everyday word


def find(text: str, keys: Keys) -> Iterator[tuple[int, int]]:
    """Yield begin and end of every value that its name hides, in order."""
    done = passed = 0
    for match in _NAMED.finditer(text):
        if match.start() < passed:
            continue  # inside a value that is hidden already
        name = match["name"] or match["option"] or match["tag"]
        phrase = keys.found(name) or (keys.found(match["escape"] + name) if match["escape"] else ())
        header = not HEADERS.isdisjoint(phrase)
        if not phrase or (match.end() < done and not header):
            continue  # no secret's name; or one whose value is hidden already, with that of a name before
        begin, end = _value(text, max(match.end(), done), tagged=match["tag"] is not None, header=header)
        if begin < end and _is_secret(text[begin:end], match, weak=keys.weak(phrase)):
            line = _ESCAPED_LINE.search(text, begin, end)
            passed, done = end if line is None else line.start(), end  # names on the next line have values of their own
            yield begin, end


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
    if plain in _NO_SECRET or (plain.startswith("[redacted:") and plain.find("]") in {-1, len(plain) - 1}):
        return False
    prose = match["sign"] == ":" and _in_prose(match)
    return not (weak and prose) or (len(value) >= _LEAST_WEAK and looks_random(value))


def _in_prose(match: re.Match[str]) -> bool:
    """Say whether a colon stands as in a sentence: right after the word, and a space after it."""
    return match["name"] is not None and match.string[match.start("name") : match.end()] == match["name"] + ": "
