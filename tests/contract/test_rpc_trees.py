"""Whole span trees of calls: every arity, sync and aio on both sides, every way to end on the server."""

from collections.abc import Iterator

import pytest

from tests.contract.rpc_clients import TRACED, Call, Refused
from tests.contract.rpc_echo import ARITIES, SERVERS, Echo
from tests.contract.rpc_watch import Watch, watching


@pytest.fixture
def watch() -> Iterator[Watch]:
    with watching() as found:
        yield found


@pytest.fixture(params=SERVERS)
def served(request: pytest.FixtureRequest, watch: Watch) -> Iterator[tuple[Echo, str]]:
    serve, kind = SERVERS[request.param]
    echo = kind()
    with serve(echo) as target:
        yield echo, target


@pytest.fixture
def echo(served: tuple[Echo, str]) -> Echo:
    return served[0]


@pytest.fixture(params=TRACED)
def call(request: pytest.FixtureRequest, served: tuple[Echo, str]) -> Iterator[Call]:
    with TRACED[request.param](served[1]) as found:
        yield found


@pytest.mark.parametrize("arity", ARITIES)
def test_a_call_that_succeeds_is_one_client_and_one_server_span(call: Call, watch: Watch, arity: str) -> None:
    """The SERVER span is the CLIENT span's child, work in the handler is the SERVER span's; no status is set."""
    assert b" ".join(call(arity, "ok", "stage")[:2]).startswith(b"ok") or arity == "unary_unary"
    stage = "" if arity == "unary_unary" else "\n    stage"
    assert watch.tree(2) == f"{arity} CLIENT OK\n  {arity} SERVER OK{stage}"


@pytest.mark.parametrize("arity", ARITIES)
def test_an_exception_in_the_handler_is_an_error_on_both_sides(call: Call, watch: Watch, arity: str) -> None:
    """The exception is recorded once, on the SERVER span; the peer gets what it would get without us."""
    with pytest.raises(Refused) as refusal:
        call(arity, "raise")
    assert (refusal.value.code, "boom" in refusal.value.details) == ("UNKNOWN", True)
    assert watch.tree(2) == f"{arity} CLIENT UNKNOWN ! UNKNOWN\n  {arity} SERVER UNKNOWN ! ValueError *ValueError"


@pytest.mark.parametrize("arity", ARITIES)
@pytest.mark.parametrize("how", ["abort", "code"])
@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "UNAVAILABLE"])
def test_a_status_is_the_servers_fault_or_the_callers(
    call: Call, watch: Watch, arity: str, how: str, code: str
) -> None:
    """`abort` and `set_code` alike: the caller's mistake leaves SERVER unset, the server's fault does not."""
    with pytest.raises(Refused) as refusal:
        call(arity, f"{how}:{code}")
    assert (refusal.value.code, refusal.value.details) == (code, "as asked")
    fault = f" ! {code}" if code == "UNAVAILABLE" else ""
    assert watch.tree(2) == f"{arity} CLIENT {code} ! {code}\n  {arity} SERVER {code}{fault}"


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("CANCELLED", False), ("UNKNOWN", True), ("INVALID_ARGUMENT", False), ("DEADLINE_EXCEEDED", True),
        ("NOT_FOUND", False), ("ALREADY_EXISTS", False), ("PERMISSION_DENIED", False), ("RESOURCE_EXHAUSTED", True),
        ("FAILED_PRECONDITION", False), ("ABORTED", False), ("OUT_OF_RANGE", False), ("UNIMPLEMENTED", True),
        ("INTERNAL", True), ("UNAVAILABLE", True), ("DATA_LOSS", True), ("UNAUTHENTICATED", False),
    ],
)  # fmt: skip
def test_each_code_has_its_status(call: Call, watch: Watch, code: str, fault: bool) -> None:
    """On the client each of them is an error."""
    with pytest.raises(Refused):
        call("unary_unary", f"abort:{code}")
    server = f" ! {code}" if fault else ""
    assert watch.tree(2) == f"unary_unary CLIENT {code} ! {code}\n  unary_unary SERVER {code}{server}"


@pytest.mark.parametrize("arity", ["unary_unary", "stream_stream"])
def test_a_deadline_ends_both_spans(call: Call, watch: Watch, arity: str) -> None:
    """The server was too slow: that is its own fault, and stands on both spans."""
    with pytest.raises(Refused):
        call(arity, "hang", timeout=0.4)
    code = "DEADLINE_EXCEEDED"
    assert watch.tree(2) == f"{arity} CLIENT {code} ! {code}\n  {arity} SERVER {code} ! {code}"


def test_a_stream_that_fails_half_way_keeps_what_it_had_sent(call: Call, watch: Watch) -> None:
    """The responses before the failure arrive; the spans end once, with the failure."""
    with pytest.raises(Refused):
        call("stream_stream", "ok", "ok", "raise")
    assert watch.tree(2) == (
        "stream_stream CLIENT UNKNOWN ! UNKNOWN\n  stream_stream SERVER UNKNOWN ! ValueError *ValueError"
    )
