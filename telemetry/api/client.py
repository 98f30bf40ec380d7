"""`client_request`: sets operation, platform and region, and times the request where it is sent.

In: operation, platform, region. Out: the baggage of the request; its duration, with the outcome of the exception that
leaves the block. State: one `Sent` for each measured request, in the block's context.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.util.types import AttributeValue

from telemetry import conventions as c
from telemetry.recording import providers
from telemetry.recording.clock import clock, generation
from telemetry.recording.current import attach, detach
from telemetry.recording.guard import guard
from telemetry.recording.metrics.instruments import observe
from telemetry.recording.request.baggage import operation_of
from telemetry.recording.request.request import client_labels, is_inner, with_request
from telemetry.recording.request.scope import Sent, sent_in, with_sent
from telemetry.recording.runs.exceptions import error_type, rpc_status
from telemetry.recording.runs.outcome import CANCELLED, ERROR, OK, gave_up, outcome_of_error, outcome_of_status


@contextmanager
def client_request(
    operation: str | None = None, /, *, platform: str | None = None, region: str | None = None
) -> Iterator[None]:
    """Send one request in this block, which may await: sets what `request` sets, and measures how long it takes.

    Arguments: `operation`, such as `/search`; `platform` and `region` of this client, such as `linux` and `cl`. None
    keeps the value that the context has.

    Metric: `search.client.duration`, once for each request: not in a block inside another one, and not in a block
    inside an endpoint, where the request is on its way already.
    """
    context = with_request(operation, platform, region)
    sent = None
    with guard:
        if providers.recording() and sent_in(context) is None and not is_inner(context):
            sent = Sent(generation.current, clock.steady())
            context = with_sent(sent, context)
    token = attach(context)
    try:
        yield
    except BaseException as error:
        _end(sent, error, context)
        raise
    else:
        _end(sent, None, context)
    finally:
        detach(token, context)


def _end(sent: Sent | None, error: BaseException | None, context: Context) -> None:
    if sent is None or sent.generation is not generation.current or sys.is_finalizing():
        return  # it is the parent's, which forked this process; or no lock can be trusted any more
    with guard:
        seconds = max(0, clock.steady() - sent.begun) / 1e9
        outcome = _outcome(error)
        labels: dict[str, AttributeValue] = {**client_labels(context), c.SEARCH_OUTCOME.name: outcome}
        operation = operation_of(context)
        if operation is not None:
            labels[c.SEARCH_OPERATION.name] = operation
        if error is not None and outcome == ERROR:
            labels[c.ERROR_TYPE.name] = error_type(error)
        observe(c.CLIENT_DURATION, seconds, labels, sent.context or context)


def _outcome(error: BaseException | None) -> str:
    """Return how the request ended for the client: by its gRPC status if the exception has one."""
    if error is None:
        return OK
    status = rpc_status(error)
    if status is not None:
        return outcome_of_status(status[0])
    return CANCELLED if gave_up(error) else outcome_of_error(error)
