"""`pamazon incident` and `pamazon load --incident` against the running shop: what they start, they end."""

import json
import subprocess

from demo_flow.incidents.client import IncidentsClient
from tests.pamazon_fixtures import Shop, pamazon_command
from tests.waiting import until


def active(shop: Shop) -> list[str]:
    with IncidentsClient(shop.gateway) as client:
        return list(client.active())


def test_an_incident_is_started_listed_and_ended(shop: Shop) -> None:
    """A second one and one that needs more processes are refused; `stop` is harmless when nothing is active."""
    started = shop.pamazon("incident", "start", "tiny-batches", "--for", "60")
    assert (started.returncode, started.stderr) == (0, "")
    assert started.stdout.startswith("tiny-batches is active for 60 s: The encoder takes one document")
    try:
        rows = json.loads(shop.pamazon("incident", "list", "--json").stdout)["incidents"]
        assert [row["name"] for row in rows if row["seconds_left"] is not None] == ["tiny-batches"]
        second = shop.pamazon("load", "--rate", "5", "--duration", "1", "--incident", "cold-cache")
        assert second.returncode == 2
        assert "tiny-batches is active for another" in second.stderr
        assert active(shop) == ["tiny-batches"], "a load that was refused ends nothing"
    finally:
        ended = shop.pamazon("incident", "stop")
    assert (ended.returncode, ended.stdout) == (0, "Ended: tiny-batches.\n")
    again = shop.pamazon("incident", "stop")
    assert (again.returncode, again.stdout) == (0, "No incident was active.\n")
    refused = shop.pamazon("incident", "start", "slow-replica")
    assert refused.returncode == 2
    assert "pamazon up --index-replicas 2" in refused.stderr


def test_a_load_ends_its_incident(shop: Shop) -> None:
    """With its last answer, and if it is ended before."""
    options = ("load", "--rate", "10", "--json", "--incident", "tiny-batches")
    done = shop.pamazon(*options, "--duration", "1")
    assert (done.returncode, active(shop)) == (0, [])
    command = pamazon_command(*options, "--duration", "60", "--gateway", shop.gateway)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as load:
        until(lambda: active(shop) == ["tiny-batches"], 30, pause=0.1)
        load.terminate()
        load.wait(30)
    assert active(shop) == []


def test_the_service_leaves_no_trace_and_counts_in_no_metric(shop: Shop) -> None:
    """After all of these calls, and those of the loads that ask what is active."""
    assert active(shop) == []
    shop.search("guitarra")
    names = [row["operation"] for row in shop.ask("/api/operations", limit="1000")["operations"]]
    for metric in ("rpc.server.call.duration", "rpc.client.call.duration", "search.request.size"):
        names += [repr(series["attributes"]) for series in shop.ask(f"/api/metrics/{metric}", latest="true")["series"]]
    assert names
    assert [name for name in names if "Incidents" in name] == []
