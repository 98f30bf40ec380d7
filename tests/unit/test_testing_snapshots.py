"""Whole trees as text: everything that stands on the spans, and nothing that differs from run to run."""

import textwrap
from pathlib import Path

import pytest

import telemetry
from telemetry.errors import TelemetryError
from telemetry.testing import Spans, record_spans

pytest_plugins = ("pytester",)


def work() -> None:
    """A request whose index fails, with a link, an event and attributes."""
    with telemetry.stage("earlier") as earlier:
        pass

    @telemetry.endpoint("/search")
    def search(docs: list[str]) -> None:
        with telemetry.stage("encode", minibatch_size=2, port=4317) as span:
            span.add_event("cache", {"hit": False})
            span.add_link(earlier.get_span_context(), {"why": "warm"})
        with telemetry.stage("qdrant_search"):
            raise ValueError("no such collection")

    with pytest.raises(ValueError, match="no such"):
        search(["jacket"])


WHOLE = """
    earlier
    /search ! no such collection
    │   error.type = 'ValueError'
    │   len_docs = 1
    │   search.entry = True
    │   search.operation = 'search'
    ├ encode
    │     minibatch_size = 2
    │     port = …
    │     search.operation = 'search'
    │     event cache: hit = False
    │     link to earlier: why = 'warm'
    └ qdrant_search ! no such collection
          error.type = 'ValueError'
          search.operation = 'search'
          event exception: exception.escaped = 'True', exception.message = 'no such collection', \
exception.type = 'ValueError'
"""


def test_a_snapshot_shows_all_that_the_spans_have(spans: Spans) -> None:
    """Kind, status, attributes, events and links; ids, times and stack traces are left out."""
    work()
    assert spans.snapshot(without={"port"}) == textwrap.dedent(WHOLE).strip()


def test_a_wrong_tree_fails_with_a_diff(spans: Spans) -> None:
    """The reader sees what is missing and what is new, at its place in the tree."""
    work()
    spans.assert_tree(
        """
        earlier
        /search
        ├ encode
        └ qdrant_search
        """
    )
    with pytest.raises(AssertionError, match=r"(?m)^-└ qdrant_index\n\+├ encode\n\+└ qdrant_search$"):
        spans.assert_tree("earlier\n/search\n└ qdrant_index")


def test_without_the_fixture_there_is_no_file() -> None:
    """Who records by hand compares by hand."""
    with record_spans() as spans, pytest.raises(TelemetryError, match="needs the fixture"):
        spans.assert_snapshot()


def test_a_snapshot_lies_beside_its_test(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing: a failure that states how to write it. Written: compared. Changed: a failure with a diff."""
    source = """
        import pytest, telemetry

        @pytest.mark.parametrize("stage", ["encode/a b"])
        def test_it(spans, stage):
            with telemetry.stage("{name}"):
                pass
            spans.assert_snapshot()
    """
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # each run would load those of others for seconds
    options = ("-p", "no:cacheprovider", "-p", "search_telemetry_pytest")
    test = pytester.makepyfile(test_shop=source.format(name="encode"))
    missing = pytester.runpytest_subprocess(*options)
    missing.assert_outcomes(failed=1)
    missing.stdout.fnmatch_lines(["*run pytest with --update-span-snapshots*"])
    pytester.runpytest_subprocess(*options, "--update-span-snapshots").assert_outcomes(passed=1)
    (file,) = (Path(test).parent / "__snapshots__").rglob("*.txt")
    assert (file.parent.name, file.name, file.read_text()) == ("test_shop", "test_it_encode_a_b.txt", "encode\n")
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=1)
    test.write_text(test.read_text().replace('stage("encode")', 'stage("inference")'))
    changed = pytester.runpytest_subprocess(*options)
    changed.assert_outcomes(failed=1)
    changed.stdout.fnmatch_lines(["*-encode", "*+inference"])
