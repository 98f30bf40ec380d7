"""sentry-sdk: spans of a transaction, which is what it sends."""

from typing import Any

import sentry_sdk

from benchmarks.engine.peers import ATTRIBUTES, Addresses, Call, Mode, Started


def start(sink: Addresses, mode: Mode, **_: Any) -> Started:
    """Initialize it, unless it is switched off."""
    if mode != "off":
        sentry_sdk.init(
            dsn=f"{sink.http.replace('://', '://key@')}/1",
            traces_sample_rate=0.0 if mode == "unsampled" else 1.0,
            default_integrations=False,
        )

    def span() -> None:
        with sentry_sdk.start_span(op="work", name="work") as span:
            for name, value in ATTRIBUTES.items():
                span.set_data(name, value)

    return Started(
        {"span": Call(span)},
        lambda: sentry_sdk.start_transaction(name="root"),
        lambda: sentry_sdk.flush(30),
    )
