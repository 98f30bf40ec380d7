"""What telemetry costs, ours beside others: `python -m benchmarks.engine`.

Each figure comes from launches: processes of their own, in the environment of the library that they measure, in turns
(ours, OpenTelemetry's SDK, ddtrace, …, ours, …), so that whatever else the machine does meets all of them; the table
has the medians. What is exported goes over loopback to a sink in the first process, which takes everything.

| room | is |
|---|---|
| `rows` | the table's rows: which measure of which library stands where |
| `runner`, `launch` | the launches, from both sides |
| `environments` | the other libraries' environments |
| `peers` | how each library is started and called, one file each |
| `measures` | what is measured, one file each |
| `table` | figures to a table, or JSON |
"""
