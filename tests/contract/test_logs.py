"""Logs: JSON lines that lead to their trace, and OTLP."""

import json
import logging
import math

import pytest

import telemetry
from telemetry.testing.spans import Spans
from tests.otlp_stand_in import StandIn, attributes
from tests.unit.own_process import python


def record(message: object, *args: object, **extra: object) -> logging.LogRecord:
    """A record, with `extra` as `logging` adds it."""
    made = logging.getLogger("shop").makeRecord("shop", logging.INFO, __file__, 1, message, args, None, extra=extra)
    made.created = 1_767_225_600.25
    return made


class Raising:
    """Raises at any look, as proxies of web frameworks do outside of a request."""

    @property
    def __class__(self) -> type:
        raise RuntimeError("outside of a request")

    @__class__.setter
    def __class__(self, kind: type) -> None: ...


LOOPED: list[object] = []
LOOPED.append(LOOPED)


class TestJsonLines:
    def test_a_line_leads_to_its_trace(self, spans: Spans) -> None:
        """Every line states when, how bad, who, what, and where in which trace."""
        formatter = telemetry.JsonFormatter("clip_encoder")
        with telemetry.stage("encode"):
            line = json.loads(formatter.format(record("%d of %s", 3, "Jacke", kind="img")))
        assert line == {
            "time": "2026-01-01T00:00:00.250000+00:00",
            "level": "INFO",
            "logger": "shop",
            "message": "3 of Jacke",
            "service": "clip_encoder",
            "trace_id": "0" * 31 + "1",
            "span_id": "0" * 15 + "1",
            "kind": "img",
        }

    def test_a_line_is_one_line_whatever_is_logged(self) -> None:
        """Line breaks, odd objects and names that are taken do not break the format."""

        class Broken:
            def __str__(self) -> str:
                raise RuntimeError("no words")

        text = telemetry.JsonFormatter().format(record("two\nlines", odd=Broken(), level="mine", text="ü"))
        assert "\n" not in text
        line = json.loads(text)
        assert (line["message"], line["odd"], line["level"], line["text"]) == ("two\nlines", "<Broken>", "INFO", "ü")
        assert "trace_id" not in line

    @pytest.mark.parametrize(
        ("odd", "written"),
        [
            (math.nan, "nan"),
            ({"deep": [math.inf, -0.5]}, {"deep": ["inf", -0.5]}),
            ({(1, 2): 3, None: 4}, {"(1, 2)": 3, "None": 4}),
            ("jacket \ud83d", "jacket ?"),
            ({"\udcff": 1}, {"?": 1}),
            (LOOPED, "[redacted:error]"),
            (10**5000, "<int>"),
            ({1, }, "{1}"),
            (Raising(), "[redacted:error]"),
        ],
        ids=lambda value: type(value).__name__,
    )  # fmt: skip
    def test_a_line_is_valid_json_whatever_extra_holds(self, odd: object, written: object) -> None:
        """Python's own parser reads it without NaN. Other values stay as they were."""
        line = telemetry.JsonFormatter().format(record("hello", odd=odd, fine=0.5))
        line.encode()
        read = json.loads(line, parse_constant=pytest.fail)
        assert (read["odd"], read["fine"], read["message"]) == (written, 0.5, "hello")

    def test_a_line_is_valid_json_whatever_the_names_and_arguments_are(self) -> None:
        """Names that are not texts; a message whose arguments do not fit it."""
        made = record("%d hits")
        made.args = ("no",)
        vars(made)[1, 2] = 3  # type: ignore[index]  # as `extra={(1, 2): 3}` does
        read = json.loads(telemetry.JsonFormatter().format(made))
        assert (read["message"], read["(1, 2)"]) == ("%d hits", 3)

    def test_an_exception_comes_with_its_traceback(self) -> None:
        """What `logging.exception` knows stands in the line."""
        made = record("failed")
        try:
            raise ValueError("no")
        except ValueError as error:
            made.exc_info = (type(error), error, error.__traceback__)
        assert json.loads(telemetry.JsonFormatter().format(made))["exception"].endswith("ValueError: no")


class TestExport:
    def test_records_arrive_in_their_trace(self, collector: StandIn) -> None:
        """What `logging` records is exported with its severity, its extras, its exception and its trace."""
        ended = python(
            """
telemetry.configure("shop", logs="otlp")
with telemetry.stage("pay"):
    logging.getLogger("shop").warning("sold %s", "out", extra={"item": "jacket", "odd": object()})
    try:
        raise ValueError("no")
    except ValueError:
        logging.exception("failed")
logging.getLogger("quiet").info("below the root logger's level")
            """,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        )
        assert ended.status == 0
        warning, error = collector.logs()
        ((span, _),) = collector.spans()
        assert [(r.trace_id, r.span_id) for r in (warning, error)] == [(span.trace_id, span.span_id)] * 2
        assert (warning.body.string_value, warning.severity_text, error.severity_text) == ("sold out", "WARN", "ERROR")
        assert attributes(warning.attributes)["item"] == "jacket"
        assert "odd" not in attributes(warning.attributes)
        written = attributes(error.attributes)
        assert (written["exception.type"], written["exception.message"]) == ("ValueError", "no")
        assert "Traceback" in written["exception.stacktrace"]

    def test_exporting_logs_makes_no_logs(self, collector: StandIn) -> None:
        """What we, gRPC and OpenTelemetry log themselves is not exported, at any level."""
        python(
            """
logging.getLogger().setLevel(logging.DEBUG)
handle = telemetry.configure("shop", logs="otlp", endpoint=sys.argv[1], protocol="http/protobuf")
logging.getLogger("shop").warning("only this")
handle.flush()
logging.getLogger("opentelemetry.sdk").error("not this")
logging.getLogger("search_telemetry").error("nor this")
            """,
            collector.http,
        )
        assert [r.body.string_value for r in collector.logs()] == ["only this"]

    def test_the_console_gets_json(self) -> None:
        """`console` writes lines to standard error; after the shutdown the handlers are gone."""
        ended = python(
            """
handle = telemetry.configure("shop", logs="console", traces_exporter="none", metrics="none")
logging.warning("sold out")
handle.shutdown()
show(len(logging.getLogger().handlers))
            """
        )
        assert [json.loads(line)["message"] for line in ended.err.splitlines()] == ["sold out"]
        assert ended.shown == [0]

    def test_no_logs_are_the_default(self, collector: StandIn) -> None:
        """`logging` is the user's: without being asked, telemetry adds no handler."""
        ended = python(
            "telemetry.configure('shop')\nlogging.getLogger().addHandler(logging.NullHandler())\nlogging.warning('x')\n"
            "show(len(logging.getLogger().handlers))",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc,
        )
        assert (ended.shown, collector.logs()) == ([1], [])

    def test_exported_logs_are_still_read_where_they_were(self, collector: StandIn) -> None:
        """A process without handlers writes its warnings to standard error as before; one with handlers, by those."""
        code = """
telemetry.configure("shop", logs="otlp", endpoint=sys.argv[1])
logging.getLogger("shop").warning("sold out")
logging.getLogger("shop").info("not this")
logging.getLogger("theirs").addHandler(logging.StreamHandler(sys.stdout))
logging.getLogger("theirs").warning("SHOWN 1")
        """
        ended = python(code, collector.grpc)
        assert (ended.err, ended.shown) == ("sold out\n", [1])
        assert [r.body.string_value for r in collector.logs()] == ["sold out", "SHOWN 1"]
