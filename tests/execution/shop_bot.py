"""The engine on a small project with real rasa_sdk actions, in this process or behind a real action server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestServer

from bot.action_server import create_app
from bot.agent import Agent
from bot.events import Event
from bot.execution.endpoint import ActionEndpoint
from bot.execution.http_endpoint import HttpEndpoint
from bot.execution.in_process_endpoint import InProcessEndpoint
from bot.messages import InboundMessage
from bot.nlu.component import ParseResult
from bot.policies.ensemble import Ensemble
from bot.training_data.data import TrainingData
from bot.training_data.project import Project, read
from bot.turn import Turn

SHOP = Path(__file__).parent / "shop"


class Nobody:
    """Understands nothing: the messages of these tests are commands."""

    async def parse(self, text: str) -> ParseResult:
        return ParseResult(text, {"name": "nlu_fallback", "confidence": 0.3})


@cache
def trained() -> tuple[TrainingData, Ensemble]:
    result = read(Project(SHOP))
    result.raise_errors()
    ensemble = Ensemble(result.config.policies)
    ensemble.train(result.data)
    return result.data, ensemble


def agent_with(endpoint: ActionEndpoint | None, **options: Any) -> Agent:
    data, ensemble = trained()
    return Agent(domain=data.domain, parser=Nobody(), ensemble=ensemble, endpoint=endpoint, model_id="m",
                 assistant_id="execution_shop", **options)  # fmt: skip


@asynccontextmanager
async def endpoint_of(kind: str, *, timeout_s: float = 5.0) -> AsyncIterator[ActionEndpoint]:
    """`here`: in this process; `http`: a real server on loopback in front of the same."""
    here = InProcessEndpoint("actions", SHOP, timeout_s=timeout_s)
    if kind == "here":
        yield here
        await here.close()
        return
    async with TestServer(create_app(here)) as server:
        endpoint = HttpEndpoint(str(server.make_url("/webhook")), timeout_s=timeout_s)
        yield endpoint
        await endpoint.close()


class Talk:
    """One conversation; keeps the history as the ledger would."""

    def __init__(self, agent: Agent, sender: str = "ana", channel: str = "rest") -> None:
        self.agent = agent
        self.sender = sender
        self.channel = channel
        self.history: list[Event] = []
        self.status: Any = "bot"
        self.count = 0

    async def say(self, text: str, *, trusted: bool = True, at: float | None = None, **options: Any) -> Turn:
        self.count += 1
        metadata = {} if at is None else {"accepted_at": at}
        message = InboundMessage(
            str(self.count), self.sender, self.channel, text, trusted=trusted, metadata=metadata,
            kind=options.pop("kind", "text"),
        )  # fmt: skip
        tracker = self.agent.tracker(self.sender, self.history)
        before = tracker.to_json("ALL")
        turn = await self.agent.handle(tracker, message, status=self.status, turn_id=f"t{self.count}", **options)
        assert tracker.to_json("ALL") == before, "the given tracker was changed"
        self.history += turn.events
        self.status = turn.status or self.status
        return turn

    @property
    def slots(self) -> dict[str, Any]:
        return self.agent.tracker(self.sender, self.history).slots


def texts(turn: Turn) -> list[str | None]:
    return [message.text for message in turn.messages]


def shape(events: Sequence[Event]) -> list[str]:
    """Events in short, for comparing."""
    found = []
    for event in events:
        data = event.to_json()
        found.append(" ".join(str(data[key]) for key in ("event", "name", "value", "text") if key in data))
    return found
