"""Secrets that must not leave, and texts that look like some and must stay: for every place that hides secrets.

In: nothing. Out: `SECRETS` and `HARMLESS`; `leaked(text)` names the secrets of which a text still holds a part. State:
none. Every secret here is made up, and put together from parts when this is imported, so that no secret scanner takes
this file for a leak.
"""

import base64
import json
import random
import string
from dataclasses import dataclass

_random = random.Random(20260101)
_WORD = string.ascii_letters + string.digits
_UPPER = string.ascii_uppercase + string.digits
_HEX = "0123456789abcdef"


@dataclass(frozen=True)
class Secret:
    """One secret in its surroundings.

    `kind` as the marker has it; `text` as somebody may record it; `hidden`, the parts of it that must not leave, none
    of which is in any other text here; `name` of the attribute that it is the value of ("" for any name).
    """

    kind: str
    text: str
    hidden: tuple[str, ...]
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}-{self.name or self.text[:24]!r}"


@dataclass(frozen=True)
class Harmless:
    """A text, or the value of the attribute `name`, that must come out as it is."""

    text: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name or 'any'}-{self.text[:24]!r}"


def _body(length: int, alphabet: str = _WORD) -> str:
    """Return letters and digits as a key has them: some of each."""
    return _random.choice("abcdefXYZ" if alphabet == _WORD else alphabet) + "".join(
        _random.choice("0123456789") if place % 5 == 0 else _random.choice(alphabet) for place in range(length - 1)
    )


def _upper(length: int) -> str:
    return _body(length, _UPPER)


def _luhn(number: str) -> str:
    """Return `number` with its check digit."""
    digits = [int(digit) for digit in reversed(number)]
    total = sum(digit if place % 2 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits))
    return number + str(-total % 10)


def _iban(country: str, account: str) -> str:
    """Return the IBAN of an account, with its check digits."""
    number = "".join(str(int(letter, 36)) for letter in account + country + "00")
    return f"{country}{98 - int(number) % 97:02}{account}"


def _segment(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def _grouped(text: str, size: int = 4, between: str = " ") -> str:
    return between.join(text[place : place + size] for place in range(0, len(text), size))


_PREFIXED = [
    ("aws_key", "AK" + "IA", _upper(16)),
    ("aws_key", "AS" + "IA", _upper(16)),
    ("google_key", "AI" + "za", _body(35)),
    ("google_key", "ya" + "29.", _body(60)),
    ("google_key", "GOC" + "SPX-", _body(28)),
    ("github_token", "gh" + "p_", _body(36)),
    ("github_token", "gh" + "s_", _body(36)),
    ("github_token", "github" + "_pat_", _body(82)),
    ("gitlab_token", "gl" + "pat-", _body(20)),
    ("gitlab_token", "gl" + "cbt-", _body(22)),
    ("slack_token", "xo" + "xb-", f"{_body(12)}-{_body(24)}"),
    ("slack_token", "xa" + "pp-", f"1-{_body(11)}-{_body(40)}"),
    ("slack_webhook", "hooks." + "slack.com", f"/services/T{_upper(9)}/B{_upper(9)}/{_body(24)}"),
    ("stripe_key", "sk" + "_live_", _body(24)),
    ("stripe_key", "rk" + "_test_", _body(24)),
    ("stripe_key", "wh" + "sec_", _body(32)),
    ("anthropic_key", "sk-" + "ant-", f"api03-{_body(90)}"),
    ("openai_key", "sk-" + "proj-", _body(48)),
    ("openai_key", "sk-" + "svcacct-", _body(48)),
    ("openai_key", "sk" + "-", _body(48)),
    ("huggingface_token", "hf" + "_", _body(34)),
    ("azure_key", f"{_body(3)}8" + "Q~", _body(34)),
    ("api_key", "ji" + "na_", _body(44)),
    ("api_key", "pc" + "sk_", _body(60)),
    ("api_key", "gs" + "k_", _body(52)),
    ("api_key", "r" + "8_", _body(37)),
    ("api_key", "dop" + "_v1_", _body(64, _HEX)),
    ("api_key", "gl" + "sa_", _body(40)),
    ("api_key", "hv" + "s.", _body(40)),
    ("api_key", "np" + "m_", _body(36)),
    ("api_key", "py" + "pi-", _body(60)),
    ("api_key", "SG" + ".", f"{_body(22)}.{_body(43)}"),
    ("api_key", "da" + "pi", _body(32, _HEX)),
]
"""Kind, prefix, the rest. It is the rest that must not leave."""

_PASSWORDS = [_body(14) for _ in range(40)]
_next = iter(_PASSWORDS).__next__


def _jwt() -> Secret:
    head, body, sign = _segment({"alg": "HS256", "typ": "JWT"}), _segment({"access": _body(12)}), _body(43)
    return Secret("jwt", f"token was {head}.{body}.{sign}, refused", (body[4:], sign))


def _pem(kind: str) -> Secret:
    lines = [_body(64) for _ in range(3)]
    inside = "\n".join(lines)
    return Secret("private_key", f"-----BEGIN {kind}-----\n{inside}\n-----END {kind}-----\nafter", tuple(lines))


def _in(kind: str, before: str, secret: str, after: str = "", name: str = "") -> Secret:
    return Secret(kind, f"{before}{secret}{after}", (secret,), name)


def _basic(password: str) -> str:
    return base64.b64encode(f"aladdin:{password}".encode()).decode()


def _personal() -> list[Secret]:
    cards = [_luhn(f"{prefix}{_random.randrange(10 ** (length - len(prefix) - 1)):0{length - len(prefix) - 1}}")
             for prefix, length in (("4", 16), ("4", 19), ("51", 16), ("2221", 16), ("2720", 16), ("37", 15),
                                    ("36", 14), ("6011", 16), ("3528", 16), ("62", 16))]  # fmt: skip
    visa, amex = _luhn("453900000001234"), _luhn("37000000009876")
    ibans = [_iban("DE", "370400440532013071"), _iban("GB", "NWBK60161331926871"), _iban("NO", "86011117971"),
             _iban("FR", "20041010050500013M02671")]  # fmt: skip
    spaced = [_iban("DE", "500105175407324971"), _iban("NL", "ABNA0417164371")]
    return [
        *(_in("email", "from ", address, " again") for address in (
            "ada.lovelace+news@example.com", "o_brien-7@mail.example.co.uk", "UPPER.CASE@EXAMPLE.ORG",
            "jürgen@bücher.example",
        )),
        _in("email", "mailto:", "grace@navy.example", "."),
        _in("email", "GET /unsubscribe?who=", "alan%40bletchley.example", "&really=yes"),
        *(_in("card", "paid with ", card, "") for card in cards),
        _in("card", "number ", _grouped(visa), ", thanks"),
        _in("card", "number ", _grouped(_luhn("555500000004321"), between="-")),
        _in("card", "number ", f"{amex[:4]} {amex[4:10]} {amex[10:]}"),
        *(_in("iban", "to ", iban, " today") for iban in ibans),
        *(_in("iban", "to ", _grouped(iban), " IS due") for iban in spaced),
        _in("ssn", "SSN ", "219-09-9871"),
        _in("phone", "call ", "+4915112345678"),
        _in("phone", "call ", "+1 (415) 555-2671", " 2026-01-01"),
        _in("phone", "call ", "+44 20 7946 0958", "; or not"),
    ]  # fmt: skip


def _named() -> list[Secret]:
    """Secrets that only their name gives away."""
    texts = [
        ("login with password=", ""), ("{'passwd': '", "', 'user': 'ada'}"), ('{"api_key": "', '", "n": 1}'),
        ('body={\\"client_secret\\": \\"', '\\"}'), ("GET /v1?access_token=", "&page=2"),
        ("Set-Cookie: sid=", "; Path=/"),
        ("cookie: theme=dark; session=", ""), ("X-Api-Key: ", ""), ("api-key: ", "\nAccept: */*"),
        ("Server=db;User Id=sa;Password=", ";Encrypt=yes"), ("AccountName=shop;AccountKey=", "=="),
        ("host=db user=ada password=", " dbname=shop"), ("qdrant --api-key ", " --port 6334"),
        ("['psql', '--password', '", "']"), ("DB_PASSWORD=", ""), ("secretKey => ", ""), ("passphrase: ", ""),
        ("Config(token='", "', retries=3)"), ("authorization: AWS4-HMAC-SHA256 Signature=", ""),
        ("ALTER USER ada PASSWORD '", "'"), ("CREATE USER ada IDENTIFIED BY '", "'"),
        ("token: ", ""), ("csrf_token=", ""), ("aws_secret_access_key = ", ""), ("<password>", "</password>"),
    ]  # fmt: skip
    names = [
        "password", "db.password", "dbPassword", "DB_PASSWD", "user-secret", "openai_api_key", "apiKey", "X-API-Key",
        "http.request.header.authorization", "http.request.header.cookie", "session.id", "auth_token", "refreshToken",
        "private_key", "sentry.dsn", "aws.secret_access_key", "client.secret", "credentials", "connectionString",
    ]  # fmt: skip
    in_texts = [_in("password" if "'" in after and "USER" in before else "secret", before, _body(14), after)
                for before, after in texts]  # fmt: skip
    return [*in_texts, *(_in("secret", "", _body(14), name=name) for name in names)]


def _in_urls() -> list[Secret]:
    schemes = ("https", "postgresql", "mysql", "redis", "amqp", "mongodb+srv", "qdrant", "http")
    return [
        *(_in("credentials", f"{scheme}://ada:", _body(12), "@db.example:5432/shop") for scheme in schemes),
        _in("credentials", "postgres://ada:", f"{_body(5)}@{_body(5)}", "@db/shop"),
        _in("credentials", "postgres://ada:", f"{_body(5)}/{_body(5)}", "@db/shop"),
        _in("credentials", "ada:", _body(12), "@tcp(db.example:3306)/shop"),
        _in("credentials", "dial https://", _body(32, _HEX), "@o123.ingest.sentry.example/456 failed"),
        _in("signature", "https://blob.example/c/f?sv=2024&sig=", f"{_body(20)}%2F{_body(20)}", "&se=1"),
        _in("signature", "https://s3.example/f?X-Amz-Signature=", _body(64, _HEX), "&X-Amz-Expires=60"),
        _in("signature", "https://maps.example/?key=", _body(39), "&q=shoes"),
    ]


def _headers() -> list[Secret]:
    return [
        _in("credentials", "sent Bearer ", _body(40), " to it"),
        _in("credentials", "sent bearer ", f"{_body(20)}.{_body(20)}"),
        _in("credentials", "sent Basic ", _basic(_body(12)), ", which was refused"),
        _in("secret", "Authorization: Bearer ", _body(32), "\r\nHost: x"),
        _in("secret", '{"Authorization": "Basic ', _basic(_body(12)), '"}'),
        _in("secret", "-H 'Authorization: ApiKey ", _body(32), "' -d x"),
    ]


SECRETS: tuple[Secret, ...] = (
    *(Secret(kind, f"key {prefix}{rest} is used", (rest,)) for kind, prefix, rest in _PREFIXED),
    *(Secret(kind, f"url?x={prefix}{rest}", (rest,)) for kind, prefix, rest in _PREFIXED[::4]),
    _jwt(), *(_pem(kind + " PRIVATE KEY") for kind in ("RSA", "EC", "OPENSSH", "ENCRYPTED")), _pem("PRIVATE KEY"),
    *_in_urls(), *_headers(), *_named(), *_personal(),
)  # fmt: skip
"""Every kind of secret, in the places where it is met."""

_EVERYDAY = r"""
onnx
/pamazon.Executor/Process
ViT-B-32::openai
pamazon-tiny
xlm-roberta-base-ViT-B-32::laion5b
0af7651916cd43dd8448eb211c80319c
b7ad6b7169203331
00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
0b7cfa4e-7b43-4d55-bd40-a1c0c1c5d8a1
41111111-1111-1111-8111-111111111111
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
d41d8cd98f00b204e9800998ecf8427e
0.4111111111111111
4111.1111111111111
-3.1415926535897931
1e+12345678
1.45.2
v2.0.0-rc.1+build.20260101
10.0.19045.3803
3.11.9 (main, Apr  2 2026)
/usr/lib/python3.11/site-packages/telemetry/stage.py
C:\Users\ada\shop\main.py
demo_flow/flow.py:128
2026-01-01T00:00:00.123456+00:00
2026-01-01T12:00:00-0800
2026-01-01 00:00:00,123
Thu, 01 Jan 2026 00:00:00 GMT
gateway-7d9f8b6c5-x2x4z
ip-10-0-12-34.eu-west-1.compute.internal
db-1.shop.svc.cluster.local:5432
http://localhost:4317
https://shop.example:8443/search?q=black+jacket&limit=10
grpc://qdrant:6334
http://[::1]:4318/v1/traces
left-pad@1.3.0
user@host
@telemetry.stage
1700000000123456789
1767225600123456
1767225600123
1234567812345678
4111111111111112
9999999999999995
4242424242424
100000000000000000
20260101123456789
ISBN 978-3-16-148410-0
EAN 4006381333931
DE00370400440532013000
GB82 WEST 1234 5698 7654 33
000-12-3456
2026-01-02
12-34-5678
+1.5
+00:00
score=0.93 hits=12 took=3.4ms
a=1&b=2
key=value
x: y
status: ok
top_k: 10
::1
127.0.0.1:8080
Basic understanding of search
bearer authentication is required
the token is missing
Unexpected token: foo
token expired
password is required
session: started
a secret garden
password=None
{"api_key": null}
token_count=512 max_tokens: 77
tokenizer=wordpiece
next_token: b
secret_name=shop
password_file=/run/secrets/db
has_password=true
risk-assessment-for-the-next-year
task-force-for-better-search-results
disk-usage-monitoring-agent-7
sk-learn
global-configuration-settings
Winterjacke für Herren, schwarz
guitarra española
日本語のテキスト
🧥 jacket
SELECT * FROM goods WHERE id = $1
ValueError: not enough values to unpack (expected 2, got 1)
File "x.py", line 12, in search
[redacted:email]
len(docs)=3, names=['a', 'b']
p50=1.25 p95=10.5
Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36
CVE-2024-12345
550e8400-e29b-11d4-a716-446655440000
AAAAAAAAAAAAAAAAAAAAAAAA
iPhone 15 Pro Max 256GB
order 2024-000123
https://en.wikipedia.org/wiki/Basic_access_authentication
mailto:
a@b
eyJ
hf_transfer
npm_config_cache
sk_test
gh_actions
AKIA
""".strip().splitlines()

_NAMED_TEXTS = (
    ("service.instance.id", "6f1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"),
    ("host.name", "encoder-0.encoders.shop.svc"),
    ("token_count", "512"),
    ("gen_ai.usage.input_tokens", "77"),
    ("gen_ai.token.type", "input"),
    ("pad_token", "[PAD]"),
    ("search.operation", "search"),
    ("model", "ViT-B-32::openai"),
    ("tokenizer", "wordpiece"),
    ("max_tokens", "77"),
    ("password_file", "/run/secrets/db"),
    ("secret.name", "shop-db"),
    ("cookie_count", "3"),
    ("keyboard", "qwerty"),
    ("db.collection.name", "goods"),
    ("sessions_open", "4"),
    ("token_type_ids", "0 0 1"),
    ("http.request.header.content-type", "text/plain"),
    ("search.docs.text", "black jacket"),
)

HARMLESS: tuple[Harmless, ...] = (
    *(Harmless(text) for text in _EVERYDAY),
    Harmless(""),
    Harmless("sha256:" + "5f" * 32),
    Harmless("qdrant/qdrant@sha256:" + "0c" * 32),
    Harmless("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"),
    *(Harmless(text, name) for name, text in _NAMED_TEXTS),
)
"""What a search pipeline records every day."""


def leaked(text: str) -> list[str]:
    """Return the secrets of which a part stands in `text`, as short names that do not repeat them."""
    return [str(place) for place, secret in enumerate(SECRETS) if any(part in text for part in secret.hidden)]
