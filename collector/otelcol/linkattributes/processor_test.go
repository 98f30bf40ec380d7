package linkattributesprocessor

import (
	"testing"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
)

// Two resources of two scopes of two spans of two links: in each place a first and a last.
func linked(fill func(ptrace.SpanLink)) ptrace.Traces {
	traces := ptrace.NewTraces()
	for range 2 {
		ofResource := traces.ResourceSpans().AppendEmpty()
		for range 2 {
			ofScope := ofResource.ScopeSpans().AppendEmpty()
			for range 2 {
				span := ofScope.Spans().AppendEmpty()
				span.SetName("receive")
				span.TraceState().FromRaw("vendor=of the span")
				span.Attributes().PutStr("of", "the span")
				span.Events().AppendEmpty().Attributes().PutStr("of", "an event")
				for number := range 2 {
					link := span.Links().AppendEmpty()
					link.SetTraceID([16]byte{1, byte(number)})
					link.SetSpanID([8]byte{2, byte(number)})
					link.SetFlags(257)
					fill(link)
				}
			}
		}
	}
	return traces
}

// A link keeps its ids and flags and nothing else, what was taken is counted, and nothing beside links is touched.
func TestLinksKeepTheirIdsAlone(t *testing.T) {
	factory, sink := NewFactory(), new(consumertest.TracesSink)
	settings := processortest.NewNopSettings(factory.Type())
	made, err := factory.CreateTraces(t.Context(), settings, factory.CreateDefaultConfig(), sink)
	if err != nil {
		t.Fatal(err)
	}
	if !made.Capabilities().MutatesData {
		t.Error("it changes what it is given, and has to declare it: another pipeline may hold the same data")
	}
	if err := made.Start(t.Context(), componenttest.NewNopHost()); err != nil {
		t.Fatal(err)
	}
	given := linked(func(link ptrace.SpanLink) {
		link.TraceState().FromRaw("vendor=secret")
		link.SetDroppedAttributesCount(1)
		link.Attributes().PutStr("password", "secret")
		link.Attributes().PutEmptyMap("deep").PutStr("password", "secret")
	})
	wanted := linked(func(link ptrace.SpanLink) { link.SetDroppedAttributesCount(3) })
	if err := made.ConsumeTraces(t.Context(), given); err != nil {
		t.Fatal(err)
	}
	if err := made.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if came := sink.AllTraces(); len(came) != 1 || plain(t, came[0]) != plain(t, wanted) {
		t.Errorf("%d batches came out; wanted\n%s", len(came), plain(t, wanted))
		for _, batch := range came {
			t.Error(plain(t, batch))
		}
	}
}

// All that traces hold, as JSON.
func plain(t *testing.T, traces ptrace.Traces) string {
	text, err := (&ptrace.JSONMarshaler{}).MarshalTraces(traces)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
