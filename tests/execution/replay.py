"""Drives the engine through conversations recorded from Rasa 3.6.21."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.agent import Agent
from bot.events import from_json
from bot.execution.http_endpoint import HttpEndpoint
from bot.messages import InboundMessage
from bot.nlu.component import ParseResult
from bot.policies.ensemble import Ensemble
from bot.training_data.data import TrainingData
from bot.training_data.project import Project, read
from bot.turn import Turn

TESTS = Path(__file__).parents[1]
LEARNT = {"TEDPolicy", "UnexpecTEDIntentPolicy"}
RUN_SPECIFIC = {"timestamp", "message_id", "model_id", "assistant_id", "input_channel"}


class RecordedParser:
    """Understands a text as Rasa did in the recording."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any]] = {}

    async def parse(self, text: str) -> ParseResult:
        data = self.answers[text]
        known = {"text", "intent", "entities", "intent_ranking", "metadata"}
        extra = {key: value for key, value in data.items() if key not in known}
        return ParseResult(text, data["intent"], data["entities"], data["intent_ranking"], extra)


@cache
def trained(project: str) -> tuple[TrainingData, Ensemble]:
    result = read(Project(TESTS / "projects" / project))
    result.raise_errors()
    ensemble = Ensemble(result.config.policies)
    ensemble.train(result.data)
    return result.data, ensemble


def conversations(project: str) -> Iterator[dict[str, Any]]:
    with (TESTS / "golden" / f"{project}.jsonl").open() as lines:
        yield from map(json.loads, lines)


@asynccontextmanager
async def action_server(calls: list[dict[str, Any]], seen: list[dict[str, Any]]) -> AsyncIterator[str]:
    """Answers one call after the other as recorded."""

    async def hook(request: web.Request) -> web.Response:
        seen.append(await request.json())
        call = calls[len(seen) - 1]
        assert seen[-1]["next_action"] == call["next_action"]
        return web.json_response(call["response"], status=call["status"])

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/webhook", hook)
    async with TestServer(app) as server:
        yield str(server.make_url("/webhook"))


async def replayed(project: str, conversation: dict[str, Any]) -> AsyncIterator[tuple[dict[str, Any], Turn, int]]:
    """Each recorded turn, ours on the recorded history, and how many action calls ours made."""
    data, ensemble = trained(project)
    parser = RecordedParser()
    history: list[Any] = []
    for number, turn in enumerate(conversation["turns"]):
        seen: list[dict[str, Any]] = []
        for event in turn["events"]:
            if event["event"] == "user":
                parser.answers[turn["user"]] = event["parse_data"]
        async with action_server(turn.get("action_calls", []), seen) as url:
            agent = Agent(domain=data.domain, parser=parser, ensemble=ensemble, endpoint=HttpEndpoint(url))
            tracker = agent.tracker(conversation["id"], history)
            message = InboundMessage(str(number), conversation["id"], "rest", turn["user"], trusted=True)
            ours = await agent.handle(tracker, message)
            await agent.close()
        yield turn, ours, len(seen)
        history += [from_json(event) for event in turn["events"]]


def is_learnt(turn: dict[str, Any]) -> bool:
    """Whether trained weights of Rasa had a say."""
    return any(prediction["policy"] in LEARNT for prediction in turn["predictions"])


def clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items() if key not in RUN_SPECIFIC}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


def events_of(turn: Turn) -> list[Any]:
    return [clean(json.loads(json.dumps(event.to_json()))) for event in turn.events]


def without(events: list[dict[str, Any]], *keys: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in event.items() if key not in keys} for event in events]
