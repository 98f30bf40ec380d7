"""The rules that find secrets and personal data by pattern.

`RULES` are applied in their order; `KINDS` are the kinds in markers. `docs/privacy.md` has the same table (a test
compares them).

All patterns take linear time, which `telemetry.privacy.linear` checks: a repeat has an upper bound or is at the end of
its pattern, and no backtracking repeat contains another. A rule is only tried on texts that contain one of its `hints`
in lower case. A validator returns where the secret ends, or None if the match is not a secret; it reads the match and
at most a bounded number of characters after it.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
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
"""The length of an IBAN by country, from the registry of SWIFT."""

_CARDS: Final = re.compile(
    r"4(?:.{12}|.{15}|.{18})|5[1-5].{14}|2(?:22[1-9]|2[3-9].|[3-6]..|7[01].|720).{12}|3[47].{13}|3(?:0[0-5]|[689].).{11}"
    r"|(?:6011|64[4-9].|65..|62..|35(?:2[89]|[3-8].)).{12,15}|(?:5018|5020|5038|5893|6304|6759|676[123]).{8,15}",
    re.DOTALL,
)
"""Card numbers by first digits and length: Visa, Mastercard, American Express, Diners Club, Discover, UnionPay, JCB,
Maestro. No Unix time before 2040 in milli-, micro- or nanoseconds matches."""


def card(match: Match) -> int | None:
    """Accept a number of a known card scheme with the right check digit (Luhn)."""
    digits = re.sub(r"[^0-9]", "", match[0])
    if not _CARDS.fullmatch(digits):
        return None
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return match.end() if (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0 else None


def iban(match: Match) -> int | None:
    """Accept as many characters as an IBAN of that country has, if the remainder modulo 97 is 1 (ISO 13616)."""
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
    """Accept a plus and 8 to 15 digits (E.164); further digits after a space are not part of the number."""
    text, begin = match.string, match.start()
    digits = [begin + place for place, letter in enumerate(match[0]) if letter in "0123456789"]
    for last in digits[14:6:-1]:
        after = text[last + 1 : last + 3]
        if not (after[:1].isalnum() or after[:1] == "_" or (after[:1] == "." and after[1:].isdigit())):
            return last + 1
    return None


def email(match: Match) -> int | None:
    """Accept an address whose domain ends in a name: `bob@example.com`, not `pkg@1.2.3`."""
    domain = match[1].rstrip(".-_")
    name, _, top = domain.rpartition(".")
    return match.start(1) + len(domain) if name and len(top) >= 2 and top.isalpha() else None


def scheme(match: Match) -> int | None:
    """Accept what follows `Bearer`, `Basic` and the like, if it is not a word of a sentence."""
    value = match[2]
    if match[1].lower() == "basic":
        return match.end(2) if _user_and_password(value) or value.endswith("=") else None
    return match.end(2) if looks_random(value) else None


def with_digit(match: Match) -> int | None:
    """Accept a key that contains a digit, unlike words joined by hyphens."""
    return match.end() if any(letter in "0123456789" for letter in match[0]) else None


def private_key(match: Match) -> int:
    """Accept everything up to the end line of a PEM block; up to the end of the text if there is none."""
    text = match.string
    foot = text.find("-----END", match.end())
    if foot < 0:
        return len(text)
    close = text.find("-----", foot + 8, foot + 100)
    return close + 5 if close >= 0 else len(text)


def address(match: Match) -> int | None:
    """Accept an IPv4 or IPv6 address."""
    found = match[0].rstrip(".:") or match[0]
    try:
        ipaddress.ip_address(found)
    except ValueError:
        return None
    return match.start() + len(found)


def looks_random(value: str) -> bool:
    """Return whether a word looks like a credential: it has digits, or capitals after its first letter."""
    if any(letter in "0123456789" for letter in value):
        return True
    return len(value) >= 12 and not value.isupper() and any(letter.isupper() for letter in value[1:])


def _user_and_password(value: str) -> bool:
    whole = value.rstrip("=")
    try:
        return b":" in base64.b64decode(whole[: len(whole) // 4 * 4])
    except (ValueError, binascii.Error):
        return False


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern of one kind of secret."""

    kind: str
    """The kind in the marker."""
    what: str
    """The description, for the documentation."""
    hints: tuple[str, ...]
    """Each text that matches contains one of these, in lower case; `()`: any text may match."""
    pattern: re.Pattern[str]
    group: int = 0
    """The group that is hidden."""
    validator: Callable[[Match], int | None] | None = None
    """Returns where the secret ends, or None if the match is not one; without it, the secret ends with the group."""
    gate: re.Pattern[str] | None = None
    """A quick check, shared by many rules: each text that matches the pattern matches this one too."""
    skip: bool = False
    """After a match that is not a secret, whether to search on from its end instead of its second character."""


_LONG: Final = re.compile("[A-Za-z0-9_=+/.~-]{14}")
_GROUPS: Final = re.compile("[0-9]{3}(?:[0-9][0-9 .-][0-9]{4}|-[0-9]{2}-[0-9]{4})")  # of a card, or of a US number
_COUNTRY: Final = re.compile("[A-Z]{2}[0-9]{2}[ -]?[A-Z0-9]")
_DIAL: Final = re.compile(r"\+[1-9][0-9 ().-]{6}")
_GITLAB: Final = re.compile("gl[a-z]{2,5}-")
_LINE: Final = r"(?<=\\[nrt])"  # after an escaped line end, as in `repr` and JSON
_START: Final = rf"(?:(?<![A-Za-z0-9])|{_LINE})"  # a key starts where a word does

_KEYS: Final = (
    ("aws_key", "AWS access key ids",
     ("akia", "asia", "abia", "acca", "agpa", "aida", "aroa", "anpa", "anva", "aipa"),
     r"A(?:KIA|SIA|BIA|CCA|GPA|IDA|ROA|NPA|NVA|IPA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("google_key", "Google API keys, OAuth tokens and client secrets", ("aiza", "ya29.", "gocspx-"),
     r"(?:AIza[A-Za-z0-9_-]{30,}|(?:ya29\.|GOCSPX-)[A-Za-z0-9_.-]{20,})"),
    ("github_token", "GitHub tokens of every kind", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
     r"(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{20,}"),
    ("gitlab_token", "GitLab tokens of every kind", (),
     r"gl(?:pat|dt|rt|rtr|cbt|ptt|ft|oas|soat|imt|agent|ffct|wt)-[A-Za-z0-9_.-]{16,}"),
    ("slack_token", "Slack tokens", ("xox", "xapp-"), r"(?:xox[abceoprs]|xapp)-[A-Za-z0-9-]{10,}"),
    ("slack_webhook", "Slack webhooks", ("hooks.slack.com",), r"hooks\.slack\.com/[a-z]{1,16}/[A-Za-z0-9/_+-]{10,}"),
    ("stripe_key", "Stripe keys and webhook secrets", ("k_live_", "k_test_", "whsec_"),
     r"(?:[rsp]k_(?:live|test)|whsec)_[A-Za-z0-9]{10,}"),
    ("anthropic_key", "Anthropic keys", ("sk-ant-",), r"sk-ant-[A-Za-z0-9_-]{10,}"),
    ("openai_key", "OpenAI keys of a project or a service account", ("sk-",),
     r"sk-(?:proj|svcacct|admin|None|or-v1|lf)-[A-Za-z0-9_-]{16,}"),
    ("huggingface_token", "Hugging Face tokens", ("hf_", "api_org_"), r"(?:hf|api_org)_[A-Za-z0-9]{20,}"),
    ("api_key",
     ("keys of Databricks, DigitalOcean, Grafana, Groq, Jina, Linear, npm, Perplexity, Pinecone, PyPI, Replicate, "
      "SendGrid, Sentry, Vault, xAI"),
     ("jina_", "pcsk_", "gsk_", "r8_", "pplx-", "xai-", "dapi", "dop_v1_", "doo_v1_", "glsa_", "glc_", "hvs.", "sntry",
      "npm_", "pypi-", "lin_api_", "sg."),
     (r"(?:(?:jina|pcsk|gsk|r8|do[op]_v1|glsa|glc|sntry[su]|npm|lin_api)_|(?:pplx|xai|pypi)-|dapi(?=[0-9a-f]{16})|hvs\."
      r"|SG\.)[A-Za-z0-9_=+/.-]{24,}")),
)  # fmt: skip
"""Keys with a known prefix: kind, what, hints, pattern. They match when they are cut, too."""

_SK: Final = r"sk-[A-Za-z0-9_-]{20,}"
_AZURE: Final = r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{20,}"
_USER: Final = r"""[^\s/?#"'<>]{1,256}"""

_CARD: Final = (
    rf"(?:(?<![\w.+])(?<![\w.]-)|{_LINE})"
    r"(?:[0-9]{13,19}|[0-9]{4}[ .-][0-9]{4}[ .-][0-9]{4}[ .-][0-9]{4}(?:[ .-][0-9]{3})?"
    r"|[0-9]{4}[ .-][0-9]{6}[ .-][0-9]{4,5})(?![.-]?\w)"
)
_IBAN: Final = _START + r"[A-Z]{2}[0-9]{2}(?:[ -]?+[A-Z0-9]){11,36}+"
_SSN: Final = rf"(?:(?<![\w-])|{_LINE})" + r"(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w-])"
_IP: Final = r"(?<![\w.:])(?:[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|[0-9A-Fa-f:]{2,39}[0-9.]{0,15})(?![\w])"

RULES: Final = (
    Rule("private_key", "private keys in PEM, up to their end line, or the end of the text", ("-----begin",),
         re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----"), validator=private_key),
    Rule("credentials", "user and password in a URL or a DSN (databases, Sentry, proxies)", ("://",),
         re.compile(rf"://({_USER})@"), 1),
    Rule("credentials", "the same if the password contains a slash", ("://",),
         re.compile(r"""://([^\s/?#@:\["'<>]{0,128}:(?![0-9]{1,5}[/?#])[^\s"'<>]{1,256})@"""), 1),
    Rule("credentials", "the same in the form of Go's MySQL driver", ("@tcp(", "@unix("),
         re.compile(r"""([^\s:@/"'=]{1,64}:[^\s@]{1,128})@(?:tcp|unix)\("""), 1),
    *(Rule(kind, what, hints, re.compile(_START + pattern), gate=_LONG if hints else _GITLAB)
      for kind, what, hints, pattern in _KEYS),
    Rule("openai_key", "older OpenAI keys, and other keys in their format", ("sk-",), re.compile(_START + _SK),
         validator=with_digit, gate=_LONG, skip=True),
    Rule("azure_key", "client secrets of Azure", ("q~",), re.compile(_START + _AZURE), gate=_LONG),
    Rule("jwt", "JSON Web Tokens (such as API keys of Qdrant), whole or cut", ("eyj",),
         re.compile(_START + r"eyJ[A-Za-z0-9_-]{17,}"), gate=_LONG),  # the next rule takes the parts after it
    Rule("jwt", "further parts of a JSON Web Token", ("[redacted:jwt].",),
         re.compile(r"(?<=\[redacted:jwt\])\.[A-Za-z0-9_.-]*")),
    Rule("credentials", "`Bearer`, `Basic` and the like with their credentials",
         tuple(f"{word}{space}" for word in ("bearer", "basic", "apikey", "token") for space in " \t"),
         re.compile(rf"(?i)(?:\b|{_LINE})(bearer|basic|apikey|token)" + r"[ \t]{1,3}([a-z0-9._~+/=-]{8,})"), 2,
         scheme),
    Rule("signature", "signatures and keys in the query of a URL",
         ("sig=", "signature=", "key=", "credential=", "accesskeyid=", "auth="),
         re.compile(r"""(?i)[?&;](?:sig|signature|auth|awsaccesskeyid|googleaccessid|x-(?:amz|goog)-(?:signature"""
                    r"""|credential)|(?:subscription-|api-?)?key(?==[^&#\s"'<>]{16}))=([^&#\s"'<>]{1,})"""), 1),
    Rule("password", "passwords in SQL", ("password", "identified"),
         re.compile(rf"(?i)(?:\b|{_LINE})" + r"""(?:password|identified[ ]{1,3}by)\s{1,3}'([^'\n]{1,})"""), 1),
    Rule("email", "e-mail addresses", ("@", "%40"), re.compile(r"[\w.%+-]{1,64}(?:@|%40)([\w.-]{1,253}+)"),
         validator=email),
    Rule("card", "payment card numbers of known schemes with a valid Luhn digit, plain or in groups", (),
         re.compile(_CARD), validator=card, gate=_GROUPS),
    Rule("iban", "IBANs in capitals with valid check digits, plain or in groups", (), re.compile(_IBAN),
         validator=iban, gate=_COUNTRY),
    Rule("ssn", "US social security numbers, with hyphens", (), re.compile(_SSN), gate=_GROUPS),
    Rule("phone", "phone numbers that begin with + (E.164)", (),
         re.compile(rf"(?:(?<![\w+/=.])|{_LINE})" + r"\+[1-9][0-9 ().-]{6,24}+"), validator=phone, gate=_DIAL),
)  # fmt: skip
"""The order matters if patterns overlap: `user:password@example.com` in a URL is credentials, not an e-mail address."""

IP_RULE: Final = Rule(
    "ip", "IPv4 and IPv6 addresses, with `Scrub(ip_addresses=True)`", (".", ":"), re.compile(_IP),
    validator=address,
)  # fmt: skip

SECRET: Final = "secret"  # noqa: S105  the name of a kind
ERROR: Final = "error"
KINDS: Final = frozenset({rule.kind for rule in RULES} | {IP_RULE.kind, SECRET})
"""The kinds that can be switched off; `secret` is the kind of values that are hidden by name."""


def marker(kind: str) -> str:
    """Return the text that replaces a secret; it does not reveal even its length."""
    return f"[redacted:{kind}]"
