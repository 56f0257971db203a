"""Language models on loopback: a server that answers as the vendor does, well and badly."""

import json
from collections.abc import Mapping
from typing import Any

from app.intelligence.kinds import provider_kinds
from app.platform.types import JsonObject
from tests.support.http_server import Answer, HttpServer

LLMS = tuple(provider_kinds())
ANALYSIS = json.dumps({
    "summary": "The disk is full.",
    "probable_cause": "Logs are not rotated.",
    "confidence": 0.7,
    "recommendations": [
        {"type": "disk", "priority": "high", "title": "Rotate", "description": "Rotate the logs.", "actions": ["look"]}
    ],
})  # fmt: skip


class Llm:
    """One vendor's model; unless told otherwise it answers with an analysis."""

    def __init__(self, server: HttpServer, name: str) -> None:
        self.server, self.name = server, name
        self.kind = provider_kinds()[name]
        self.sample = self.kind.samples[0]
        server.answer_by(lambda _request: self.saying(ANALYSIS))

    @property
    def config(self) -> JsonObject:
        """A configuration that leads to the server."""
        return {**self.sample.config, "base_url": self.server.url}

    def saying(self, text: str) -> Answer:
        """An answer in which the model says this."""
        return as_json(json.loads(json.dumps(self.sample.answer).replace('"{TEXT}"', json.dumps(text))))

    def failing(self, status: int, headers: Mapping[str, str] | None = None) -> Answer:
        """An error of the vendor's."""
        return as_json(self.sample.error, status, headers)

    @property
    def cut(self) -> Answer:
        """An answer that the limit of tokens has cut."""
        return as_json(self.sample.cut)

    @property
    def refused(self) -> Answer | None:
        """An answer of a model that would not; None where the vendor knows no such thing."""
        return as_json(self.sample.refused) if self.sample.refused is not None else None


def as_json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """JSON as an answer."""
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})
