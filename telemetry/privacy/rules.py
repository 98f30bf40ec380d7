"""The secrets and personal data that are known by their look.

In: nothing. Out: `RULES`, in the order in which they are applied, and `KINDS`, what their markers call them. State:
none. `docs/privacy.md` has them as a table, which a test compares.

Every pattern is linear by construction, which `telemetry.privacy.linear` checks: each repeat has an upper bound or
stands at the very end, and none that gives characters back stands inside another. So the work for one position of the
text has a bound, whatever the text. A rule is only tried on texts that hold one of its `hints`, in small letters. Its
validator returns where a match that is a secret ends in the text, and None for what only looks like one; it reads no
more than the match, and a bounded piece after it.
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


@dataclass(frozen=True, slots=True)
class Rule:
    """One look of one kind of secret.

    Arguments: `kind`, what the marker says; `what`, for the documentation; `hints`, of which each text that matches
    holds one (in small letters; `()` is any text); `pattern`; `group` of it that is hidden from its begin on; `ends`,
    which tells where the secret ends, or None where the match is none (default: the end of the group); `gate`, found in
    every text that matches, and shared by many rules; `skip`, whether a match that is none holds none from any later
    place on either: else a long one would be gone over again from each of its characters.
    """

    kind: str
    what: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    group: int = 0
    ends: Callable[[Match], int | None] | None = None
    gate: re.Pattern[str] | None = None
    skip: bool = False


_LONG: Final = re.compile("[A-Za-z0-9_=+/.~-]{14}")
_DIGITS: Final = re.compile("[0-9]{3}")
_LINE: Final = r"(?<=\\[nrt])"  # a line begins, as `repr` and JSON write it
_START: Final = rf"(?:(?<![A-Za-z0-9])|{_LINE})"  # a key begins where a word does

_KEYS: Final = (
    ("aws_key", "AWS access key ids",
     ("akia", "asia", "abia", "acca", "agpa", "aida", "aroa", "anpa", "anva", "aipa"),
     r"A(?:KIA|SIA|BIA|CCA|GPA|IDA|ROA|NPA|NVA|IPA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("google_key", "Google API keys, OAuth tokens and client secrets", ("aiza", "ya29.", "gocspx-"),
     r"(?:AIza[A-Za-z0-9_-]{30,}|(?:ya29\.|GOCSPX-)[A-Za-z0-9_.-]{20,})"),
    ("github_token", "GitHub tokens of every kind", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
     r"(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{20,}"),
    ("gitlab_token", "GitLab tokens of every kind", ("gl",),
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
"""Keys that their makers gave a prefix: kind, what, hints, pattern. A key cut short is still one."""

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
    Rule("private_key", "private keys in PEM, to their end or the text's", ("-----begin",),
         re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----"), ends=private_key),
    Rule("credentials", "user and password in a URL or a DSN (databases, Sentry, proxies)", ("://",),
         re.compile(rf"://({_USER})@"), 1),
    Rule("credentials", "the same where the password holds a slash", ("://",),
         re.compile(r"""://([^\s/?#@:\["'<>]{0,128}:(?![0-9]{1,5}[/?#])[^\s"'<>]{1,256})@"""), 1),
    Rule("credentials", "the same as Go's MySQL driver spells it", ("@tcp(", "@unix("),
         re.compile(r"""([^\s:@/"'=]{1,64}:[^\s@]{1,128})@(?:tcp|unix)\("""), 1),
    *(Rule(kind, what, hints, re.compile(_START + pattern), gate=_LONG) for kind, what, hints, pattern in _KEYS),
    Rule("openai_key", "older OpenAI keys, and those that imitate them", ("sk-",), re.compile(_START + _SK),
         ends=with_digit, gate=_LONG, skip=True),
    Rule("azure_key", "client secrets of Azure", ("q~",), re.compile(_START + _AZURE), gate=_LONG),
    Rule("jwt", "JSON Web Tokens (Qdrant's API keys are such), whole or cut", ("eyj",),
         re.compile(_START + r"eyJ[A-Za-z0-9_-]{17,}"), gate=_LONG),  # what follows a dot is taken by the next
    Rule("jwt", "their further parts", ("[redacted:jwt].",),
         re.compile(r"(?<=\[redacted:jwt\])\.[A-Za-z0-9_.-]*")),
    Rule("credentials", "`Bearer`, `Basic` and the like with their credentials",
         ("bearer", "basic", "apikey", "token"),
         re.compile(rf"(?i)(?:\b|{_LINE})(bearer|basic|apikey|token)" + r"[ \t]{1,3}([a-z0-9._~+/=-]{8,})"), 2,
         scheme),
    Rule("signature", "signatures and keys in the query of a URL",
         ("sig=", "signature=", "key=", "credential=", "accesskeyid=", "auth="),
         re.compile(r"""(?i)[?&;](?:sig|signature|auth|awsaccesskeyid|googleaccessid|x-(?:amz|goog)-(?:signature"""
                    r"""|credential)|(?:subscription-|api-?)?key(?==[^&#\s"'<>]{16}))=([^&#\s"'<>]{1,})"""), 1),
    Rule("password", "passwords in SQL", ("password", "identified"),
         re.compile(rf"(?i)(?:\b|{_LINE})" + r"""(?:password|identified[ ]{1,3}by)\s{1,3}'([^'\n]{1,})"""), 1),
    Rule("email", "e-mail addresses", ("@", "%40"), re.compile(r"[\w.%+-]{1,64}(?:@|%40)([\w.-]{1,253}+)"),
         ends=email),
    Rule("card", "payment card numbers of the known schemes, Luhn digit right, plain or in groups", (),
         re.compile(_CARD), ends=card, gate=_DIGITS),
    Rule("iban", "IBANs, check digits right, in capitals, plain or in groups", (), re.compile(_IBAN),
         ends=iban, gate=_DIGITS),
    Rule("ssn", "US social security numbers, with hyphens", ("-",), re.compile(_SSN), gate=_DIGITS),
    Rule("phone", "phone numbers that begin with + (E.164)", ("+",),
         re.compile(rf"(?:(?<![\w+/=.])|{_LINE})" + r"\+[1-9][0-9 ().-]{6,24}+"), ends=phone),
)  # fmt: skip
"""The order matters where one look holds another: the mail-like `user:password@example.com` of a URL is credentials."""

IP_RULE: Final = Rule(
    "ip", "IPv4 and IPv6 addresses, where `Scrub(ip_addresses=True)` asks for it", (".", ":"), re.compile(_IP),
    ends=address,
)  # fmt: skip

SECRET: Final = "secret"  # noqa: S105  the name of a kind
ERROR: Final = "error"
KINDS: Final = frozenset({rule.kind for rule in RULES} | {IP_RULE.kind, SECRET})
"""What can be switched off; `secret` is what a name gives away."""


def marker(kind: str) -> str:
    """Return what stands for a secret: its kind, and nothing of it, not even its length."""
    return f"[redacted:{kind}]"
