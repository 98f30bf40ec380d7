"""What a board is made of, before it becomes the JSON of one product.

In: the boards of `dashboards/boards`. Out: plain values, which `dashboards/rendering` turns into Grafana's and Perses'
JSON; the page of the local collector takes titles and order from them. State: none.
"""

from dataclasses import dataclass
from enum import Enum

COLUMNS = 24
"""Width of a board, in Grafana's units."""


class Draw(Enum):
    """How a panel shows its answers."""

    STAT = "stat"  # the last value of each query, large
    LINES = "lines"  # over time
    AREAS = "areas"  # over time, on top of each other
    HEAT = "heat"  # buckets of a histogram over time
    STATES = "states"  # which of a few states holds, over time
    BARS = "bars"  # the last value of each series, as bars
    TABLE = "table"  # the last values, a row for each set of labels


class Unit(Enum):
    """Units, with Grafana's names."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    SHARE = "percentunit"  # 0 to 1
    BYTES = "bytes"
    REQUESTS_PER_SECOND = "reqps"
    PER_SECOND = "cps"
    NUMBER = "short"
    UNIX_SECONDS = "dateTimeFromNow"
    NONE = "none"


class Tone(Enum):
    """What a value means, with Grafana's colours for it."""

    GOOD = "green"
    WARNING = "orange"
    BAD = "red"
    PLAIN = "text"
    WEAK = "gray"  # too few to judge by


@dataclass(frozen=True, slots=True)
class Step:
    """From this value on, the panel has this tone; None: below all others."""

    at: float | None
    tone: Tone


@dataclass(frozen=True, slots=True)
class OnDesk:
    """A view of the local collector's page, with what is chosen there beside the time.

    Attributes:
        path: of the view, such as `/traces`.
        query: pairs of a parameter of the page's address and its value, with labels as `${__field.labels.x}`.
    """

    path: str
    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A link from a row, a bucket or a point, made by `dashboards.links`.

    `url` has the labels as `${__field.labels.x}`, also in tables, and variables and time as Grafana writes them.
    `desk` is where the same is on the desk; None: nowhere.
    """

    title: str
    url: str
    new_tab: bool = True
    desk: OnDesk | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A question in PromQL.

    Attributes:
        expr: may have `$__rate_interval`, `$__range` and the board's variables.
        legend: name of each series, such as `{{search_stage}}`.
        title: in a table, of its column; of a stat, under the value.
        unit: its own, if it is not the panel's.
        steps: its own, if they are not the panel's.
        exemplars: also asks for exemplars: points that lead to a trace.
        hidden: asked for a table's order or colours, not shown.
        trouble: has data only during this incident of `pamazon incident`.
        after: has data only once a flow has run for so long, such as `1h`: what it compares with is that old.
        source: names the program of the series, if it is neither our library nor the Collector, such as `qdrant`.
    """

    expr: str
    legend: str = ""
    title: str = ""
    unit: Unit | None = None
    steps: tuple[Step, ...] = ()
    exemplars: bool = False
    hidden: bool = False
    trouble: str = ""
    after: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture, which answers a question.

    Attributes:
        title: the question, or a plain noun.
        description: what it shows, from which signal, and what to do when it is bad.
        draw: how.
        queries: what is asked; in a table each is a column.
        unit: of all values, unless a query has its own.
        steps: thresholds, the first with `at=None`.
        width: of 24.
        height: in Grafana's rows of 30 pixels.
        labels: of a table, the columns before the values: pairs of label and title.
        sort: of a table, the title of the column by which it is sorted: the highest value first, labels from a to z.
        gray_below: of a table, the title of a column, and the value below which its rows are gray: too few to judge by.
        tones: of series with these names, whatever their values.
        states: of `Draw.STATES`, the text and tone of each value.
        links: from each series, row or bucket.
        least: lower end of the axis; None: by the data.
        most: upper end.
        nothing: what is shown in place of a value if there is not one.
    """

    title: str
    description: str
    draw: Draw
    queries: tuple[Query, ...]
    unit: Unit = Unit.NUMBER
    steps: tuple[Step, ...] = ()
    width: int = 12
    height: int = 8
    labels: tuple[tuple[str, str], ...] = ()
    sort: str = ""
    gray_below: tuple[str, float] | None = None
    tones: tuple[tuple[str, Tone], ...] = ()
    states: tuple[tuple[float, str, Tone], ...] = ()
    links: tuple[Link, ...] = ()
    least: float | None = None
    most: float | None = None
    nothing: str = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a title; those that do not fit into 24 columns stand below."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice above the board: the values that a label has in series.

    Attributes:
        name: as queries name it, with `$` before it.
        title: as people read it.
        label: whose values are offered.
        series: selector of the series.
        several: several values at once, and all of them (the default); else one, the first.
        everything: what "all" is in a query, as a regular expression.
        hidden: for links alone, not shown.
        pattern: a regular expression whose group is the value; empty: the whole value.
        first: chosen at first, if it is offered; empty: all.
    """

    name: str
    title: str
    label: str
    series: str
    several: bool = True
    everything: str = ".*"
    hidden: bool = False
    pattern: str = ""
    first: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A text above the board, such as the address of a product that links lead to.

    Attributes:
        name: as links name it, with `$` before it.
        title: as people read it.
        value: at first.
        description: what it is for.
    """

    name: str
    title: str
    value: str
    description: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Events that are drawn through all panels over time.

    Attributes:
        title: what they are.
        expr: has a series at the moments of the events.
        text: of one event, with labels that it has for certain, as `{{search_deployment_version}}`.
        labels: shown with the event where it has them.
        tone: of its line.
        value_is_time: the value is the event's moment, in Unix seconds; else an event is where the series begins.
    """

    title: str
    expr: str
    text: str
    tone: Tone
    value_is_time: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Board:
    """A page of panels.

    Attributes:
        uid: in its address, such as `search-overview`.
        title: as people read it.
        question: what it answers.
        variables: in their order.
        rows: in their order.
        marks: drawn through its panels.
        texts: above the board, after the variables.
    """

    uid: str
    title: str
    question: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    marks: tuple[Mark, ...] = ()
    texts: tuple[Text, ...] = ()

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, in their order."""
        return tuple(panel for row in self.rows for panel in row.panels)
