// Package linkattributesprocessor is the Collector's processor `link_attributes`: it empties the links of spans.
//
// In: traces. Out: the same, with nothing of each link but its ids and flags, by which backends follow it. State: none.
//
// The Collector's own processors cannot look into links: a secret in one would pass all of privacy.yaml.
package linkattributesprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"
)

// NewFactory is what the distribution asks for. There is nothing to configure.
func NewFactory() processor.Factory {
	return processor.NewFactory(
		component.MustNewType("link_attributes"),
		func() component.Config { return &struct{}{} },
		processor.WithTraces(create, component.StabilityLevelStable),
	)
}

func create(
	ctx context.Context, settings processor.Settings, config component.Config, next consumer.Traces,
) (processor.Traces, error) {
	return processorhelper.NewTraces(ctx, settings, config, next, emptyLinks,
		processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true}))
}

func emptyLinks(_ context.Context, traces ptrace.Traces) (ptrace.Traces, error) {
	for _, ofResource := range traces.ResourceSpans().All() {
		for _, ofScope := range ofResource.ScopeSpans().All() {
			for _, span := range ofScope.Spans().All() {
				for _, link := range span.Links().All() {
					empty(link)
				}
			}
		}
	}
	return traces, nil
}

// empty takes out attributes, and counts them as dropped as OTLP has it; and the trace state, which can hold any text.
func empty(link ptrace.SpanLink) {
	link.SetDroppedAttributesCount(link.DroppedAttributesCount() + uint32(link.Attributes().Len()))
	link.Attributes().Clear()
	link.TraceState().FromRaw("")
}
