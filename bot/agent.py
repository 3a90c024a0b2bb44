"""The loaded bot: one message in, one Turn out. It decides and never sends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from bot.domain import Domain
from bot.events import Event
from bot.execution.endpoint import ActionEndpoint
from bot.execution.executor import Executor
from bot.messages import InboundMessage, Status
from bot.nlu.component import ParseResult
from bot.policies.policy import Prediction
from bot.tracker import Tracker
from bot.turn import Availability, Turn


class Parser(Protocol):
    """Understands one text: a pipeline, or a batcher in front of it."""

    async def parse(self, text: str) -> ParseResult: ...


class Predictor(Protocol):
    """Chooses the next action: the ensemble of policies."""

    def predict(self, tracker: Tracker, domain: Domain) -> Prediction: ...


class Agent:
    """Decides turns.

    Args:
        domain: the bot's world.
        parser: anything with `async parse(text) -> ParseResult`.
        ensemble: the policies.
        endpoint: runs custom actions; None when the project has none.
        model_id: of the archive, for the events' metadata.
        assistant_id: as in config.yml.
        language: as in config.yml.
    """

    def __init__(
        self,
        *,
        domain: Domain,
        parser: Parser,
        ensemble: Predictor,
        endpoint: ActionEndpoint | None = None,
        model_id: str = "",
        assistant_id: str = "",
        language: str = "",
    ) -> None:
        self.domain = domain
        self.model_id = model_id
        self.assistant_id = assistant_id
        self._parser = parser
        self._ensemble = ensemble
        self._endpoint = endpoint
        self._executor = Executor(domain, endpoint)
        self._language = language

    def tracker(self, sender_id: str, events: Iterable[Event] = ()) -> Tracker: ...

    async def handle(
        self,
        tracker: Tracker,
        message: InboundMessage,
        *,
        status: Status = "bot",
        turn_id: str = "",
        availability: Availability = "present",
    ) -> Turn: ...

    async def close(self) -> None: ...
