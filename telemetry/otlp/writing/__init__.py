"""Writes spans, metrics and log records as OTLP's protobuf, without protobuf's message classes.

In: our spans, the SDK's metrics and log records. Out: the bytes of export requests. A test parses them and compares
them with what OpenTelemetry's own encoder makes of the same items.

OpenTelemetry's encoder makes a dozen objects for each span, in C code that does not let another thread run. An encoded
message is the sequence of its encoded fields, so here these are joined; most of them were encoded for an earlier item.
`wire.py` has the format, `values.py` attributes, `frames.py` what is around items of one resource.
"""
