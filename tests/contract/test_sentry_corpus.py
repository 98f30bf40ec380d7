"""The corpus of secrets in errors of a process: none of it is in an envelope to Sentry."""

import json
from typing import Any

import pytest

from tests.secrets_corpus import leaked
from tests.sentry_stand_in import sentry_stand_in
from tests.unit.own_process import python

OFF: Any = {"OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
SHOP = r"""
from tests.secrets_corpus import SECRETS
import sentry_sdk
telemetry.configure("shop", sentry_dsn=sys.argv[1], capture_content=sys.argv[2] == "True")
log = logging.getLogger("shop")
def sell(texts):
    text = "\n".join(texts)
    try:
        raise ValueError(text) from KeyError(text)
    except ValueError as error:
        error.add_note(text)
        log.warning("before %s", text)
        log.exception(text, extra={"note": text, "deep": {"note": texts}})
        log.error("failed for %s", texts)
texts = [secret.text for secret in SECRETS if not secret.name]
for place in range(0, len(texts), 10):
    sell(texts[place:place + 10])
named = {secret.name: secret.text for secret in SECRETS if secret.name}
with sentry_sdk.new_scope() as scope:
    for name, text in named.items():
        scope.set_tag(name, text)
    log.error("named", extra={**named, "deep": named})
show(2 * len(range(0, len(texts), 10)) + 1)
"""


@pytest.mark.parametrize("content", [False, True], ids=["as it is", "with content"])
def test_no_secret_is_in_an_envelope(content: bool) -> None:
    """Messages, arguments, extras, notes, causes, tags; with content, local variables and breadcrumbs too."""
    with sentry_stand_in() as sentry:
        ended = python(SHOP, sentry.dsn, str(content), **OFF)
        assert ended.status == 0, ended.err
        assert len(sentry.events) == ended.shown[0]
        assert leaked(json.dumps(sentry.events, ensure_ascii=False)) == []
        assert sentry.mistakes == []
