"""Asks the server of vectors.proto, as a command that ends: `vectors_client.py ADDRESS TEXT …`."""

from __future__ import annotations

import logging
import sys
from typing import Any

import grpc

import telemetry
import telemetry.rpc

messages: Any
services: Any
messages, services = grpc.protos_and_services("vectors.proto")
log = logging.getLogger("vectors_client")


class BadTexts(ValueError):
    """The texts are refused by the server."""


class Client:
    """What a shop's page would do, one call after the other."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.stub = services.VectorsStub(channel)

    @telemetry.endpoint("/similar", expected=(BadTexts,))
    def similar(self, texts: list[str]) -> list[str]:
        """Names of goods that are like all the texts together."""
        try:
            vector = self.stub.Encode(messages.Texts(texts=texts), timeout=10)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.INVALID_ARGUMENT:
                raise BadTexts(error.details()) from error
            raise
        query = messages.Query(query="x" * round(vector.values[0]), top_k=2)
        names = [hit.name for hit in self.stub.Nearest(query, timeout=10)]
        log.warning("found %s", names)
        return names


def main() -> None:
    """One request for each word list: words with a comma between them."""
    telemetry.configure("vectors_client", logs="otlp")
    target, *lists = sys.argv[1:]
    with grpc.insecure_channel(target) as plain:
        client = Client(grpc.intercept_channel(plain, *telemetry.rpc.client_interceptors(target)))
        for words in lists:
            try:
                with telemetry.request("/similar", platform="command"):
                    print(*client.similar([word for word in words.split(",") if word]), sep=", ")
            except BadTexts as error:
                print(f"refused: {error}")
            except grpc.RpcError as error:
                print(f"failed: {error.code().name}")


if __name__ == "__main__":
    main()
