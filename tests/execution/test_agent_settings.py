"""Settings of the agent that come from the environment."""

from __future__ import annotations

import pytest

from bot.agent import Agent
from bot.domain import Domain
from bot.errors import ShoptalkError
from bot.nlu.batcher import Batcher
from bot.nlu.pipeline import Pipeline
from bot.policies.ensemble import Ensemble


@pytest.mark.parametrize("text", ["abc", "0", "-3", "", "٣"])
def test_a_wrong_number_of_predictions_says_so(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("MAX_NUMBER_OF_PREDICTIONS", text)
    with pytest.raises(ShoptalkError, match="MAX_NUMBER_OF_PREDICTIONS"):
        Agent(domain=Domain(), parser=Batcher(Pipeline([], language="en")), ensemble=Ensemble())
