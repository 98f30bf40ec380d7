"""Tells what only looks like a secret from what is one.

In: a match of a rule. Out: where the secret ends in the text, None where it is none. State: none. Each looks at no more
than the match, and a bounded piece after it.
"""

import base64
import binascii
import ipaddress
import re
from typing import Final

Match = re.Match[str]

_IBAN_LENGTHS: Final = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28,
    "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
    "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22,
    "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
    "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18,
    "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24,
    "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24,
    "XK": 20,
}  # fmt: skip
"""Characters of an IBAN by country, as the registry of SWIFT has them."""

_CARDS: Final = re.compile(
    r"4(?:.{12}|.{15}|.{18})|5[1-5].{14}|2(?:22[1-9]|2[3-9].|[3-6]..|7[01].|720).{12}|3[47].{13}|3(?:0[0-5]|[689].).{11}"
    r"|(?:6011|64[4-9].|65..|62..|35(?:2[89]|[3-8].)).{12,15}|(?:5018|5020|5038|5893|6304|6759|676[123]).{8,15}",
    re.DOTALL,
)
"""The numbers that card schemes give out, by first digits and length: Visa, Mastercard, American Express, Diners Club,
Discover, UnionPay, JCB, Maestro. No time since 1970 in milli-, micro- or nanoseconds begins like one before 2040."""


def card(match: Match) -> int | None:
    """Take a number that a card scheme gives out and whose check digit (Luhn) is right."""
    digits = re.sub(r"[^0-9]", "", match[0])
    if not _CARDS.fullmatch(digits):
        return None
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return match.end() if (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0 else None


def iban(match: Match) -> int | None:
    """Take as many characters as the country's IBAN has, if the remainder by 97 is 1 (ISO 13616)."""
    text, end = match.string, match.start()
    account = ""
    length = _IBAN_LENGTHS.get(match[0][:2], 0)
    while len(account) < length:
        if end >= match.end():
            return None
        if text[end] not in " -":
            account += text[end]
        end += 1
    if not account or text[end : end + 1].isalnum():
        return None
    number = "".join(str(int(letter, 36)) for letter in account[4:] + account[:4])
    return end if int(number) % 97 == 1 else None


def phone(match: Match) -> int | None:
    """Take a plus with 8 to 15 digits (E.164); digits beyond that, after a space, are the text's."""
    text, begin = match.string, match.start()
    digits = [begin + place for place, letter in enumerate(match[0]) if letter in "0123456789"]
    for last in digits[14:6:-1]:
        after = text[last + 1 : last + 3]
        if not (after[:1].isalnum() or after[:1] == "_" or (after[:1] == "." and after[1:].isdigit())):
            return last + 1
    return None


def email(match: Match) -> int | None:
    """Take an address whose domain ends in a name: `bob@example.com`, not `pkg@1.2.3`."""
    domain = match[1].rstrip(".-_")
    name, _, top = domain.rpartition(".")
    return match.start(1) + len(domain) if name and len(top) >= 2 and top.isalpha() else None


def scheme(match: Match) -> int | None:
    """Take what follows `Bearer`, `Basic` and the like, if it is no word of a sentence."""
    value = match[2]
    if match[1].lower() == "basic":
        return match.end(2) if _user_and_password(value) or value.endswith("=") else None
    return match.end(2) if looks_random(value) else None


def with_digit(match: Match) -> int | None:
    """Take a key that holds a digit: a few words joined by hyphens are none."""
    return match.end() if any(letter in "0123456789" for letter in match[0]) else None


def private_key(match: Match) -> int:
    """Take everything to the end line of a PEM block, to the end of the text where there is none."""
    text = match.string
    foot = text.find("-----END", match.end())
    if foot < 0:
        return len(text)
    close = text.find("-----", foot + 8, foot + 100)
    return close + 5 if close >= 0 else len(text)


def address(match: Match) -> int | None:
    """Take an IPv4 or IPv6 address."""
    found = match[0].rstrip(".:") or match[0]
    try:
        ipaddress.ip_address(found)
    except ValueError:
        return None
    return match.start() + len(found)


def looks_random(value: str) -> bool:
    """Say whether a word is no word of a language: digits in it, or capitals in its middle."""
    if any(letter in "0123456789" for letter in value):
        return True
    return len(value) >= 12 and not value.isupper() and any(letter.isupper() for letter in value[1:])


def _user_and_password(value: str) -> bool:
    whole = value.rstrip("=")
    try:
        return b":" in base64.b64decode(whole[: len(whole) // 4 * 4])
    except (ValueError, binascii.Error):
        return False
