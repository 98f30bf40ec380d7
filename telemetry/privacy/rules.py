"""The secrets and personal data that are known by their look.

In: nothing. Out: `RULES`, in the order in which they are applied, and `KINDS`, what their markers call them. State:
none. `docs/privacy.md` has them as a table, which a test compares.

Every pattern is linear by construction, which `telemetry.privacy.linear` checks: each repeat has an upper bound or
stands at the very end, and none that gives characters back stands inside another. So the work for one position of the
text has a bound, whatever the text. A rule is only tried on texts that hold one of its `hints`, in small letters.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from telemetry.privacy import verdicts


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
    ends: Callable[[verdicts.Match], int | None] | None = None
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
         re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----"), ends=verdicts.private_key),
    Rule("credentials", "user and password in a URL or a DSN (databases, Sentry, proxies)", ("://",),
         re.compile(rf"://({_USER})@"), 1),
    Rule("credentials", "the same where the password holds a slash", ("://",),
         re.compile(r"""://([^\s/?#@:\["'<>]{0,128}:(?![0-9]{1,5}[/?#])[^\s"'<>]{1,256})@"""), 1),
    Rule("credentials", "the same as Go's MySQL driver spells it", ("@tcp(", "@unix("),
         re.compile(r"""([^\s:@/"'=]{1,64}:[^\s@]{1,128})@(?:tcp|unix)\("""), 1),
    *(Rule(kind, what, hints, re.compile(_START + pattern), gate=_LONG) for kind, what, hints, pattern in _KEYS),
    Rule("openai_key", "older OpenAI keys, and those that imitate them", ("sk-",), re.compile(_START + _SK),
         ends=verdicts.with_digit, gate=_LONG, skip=True),
    Rule("azure_key", "client secrets of Azure", ("q~",), re.compile(_START + _AZURE), gate=_LONG),
    Rule("jwt", "JSON Web Tokens (Qdrant's API keys are such), whole or cut", ("eyj",),
         re.compile(_START + r"eyJ[A-Za-z0-9_-]{17,}"), gate=_LONG),  # what follows a dot is taken by the next
    Rule("jwt", "their further parts", ("[redacted:jwt].",),
         re.compile(r"(?<=\[redacted:jwt\])\.[A-Za-z0-9_.-]*")),
    Rule("credentials", "`Bearer`, `Basic` and the like with their credentials",
         ("bearer", "basic", "apikey", "token"),
         re.compile(rf"(?i)(?:\b|{_LINE})(bearer|basic|apikey|token)" + r"[ \t]{1,3}([a-z0-9._~+/=-]{8,})"), 2,
         verdicts.scheme),
    Rule("signature", "signatures and keys in the query of a URL",
         ("sig=", "signature=", "key=", "credential=", "accesskeyid=", "auth="),
         re.compile(r"""(?i)[?&;](?:sig|signature|auth|awsaccesskeyid|googleaccessid|x-(?:amz|goog)-(?:signature"""
                    r"""|credential)|(?:subscription-|api-?)?key(?==[^&#\s"'<>]{16}))=([^&#\s"'<>]{1,})"""), 1),
    Rule("password", "passwords in SQL", ("password", "identified"),
         re.compile(rf"(?i)(?:\b|{_LINE})" + r"""(?:password|identified[ ]{1,3}by)\s{1,3}'([^'\n]{1,})"""), 1),
    Rule("email", "e-mail addresses", ("@", "%40"), re.compile(r"[\w.%+-]{1,64}(?:@|%40)([\w.-]{1,253}+)"),
         ends=verdicts.email),
    Rule("card", "payment card numbers of the known schemes, Luhn digit right, plain or in groups", (),
         re.compile(_CARD), ends=verdicts.card, gate=_DIGITS),
    Rule("iban", "IBANs, check digits right, in capitals, plain or in groups", (), re.compile(_IBAN),
         ends=verdicts.iban, gate=_DIGITS),
    Rule("ssn", "US social security numbers, with hyphens", ("-",), re.compile(_SSN), gate=_DIGITS),
    Rule("phone", "phone numbers that begin with + (E.164)", ("+",),
         re.compile(rf"(?:(?<![\w+/=.])|{_LINE})" + r"\+[1-9][0-9 ().-]{6,24}+"), ends=verdicts.phone),
)  # fmt: skip
"""The order matters where one look holds another: the mail-like `user:password@example.com` of a URL is credentials."""

IP_RULE: Final = Rule(
    "ip", "IPv4 and IPv6 addresses, where `Scrub(ip_addresses=True)` asks for it", (".", ":"), re.compile(_IP),
    ends=verdicts.address,
)  # fmt: skip

SECRET: Final = "secret"  # noqa: S105  the name of a kind
ERROR: Final = "error"
KINDS: Final = frozenset({rule.kind for rule in RULES} | {IP_RULE.kind, SECRET})
"""What can be switched off; `secret` is what a name gives away."""


def marker(kind: str) -> str:
    """Return what stands for a secret: its kind, and nothing of it, not even its length."""
    return f"[redacted:{kind}]"
