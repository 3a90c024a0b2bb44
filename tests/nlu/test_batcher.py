"""Understanding off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Self

import pytest

from bot.errors import ModelError
from bot.nlu.batcher import Batcher
from bot.nlu.component import ParseResult
from bot.nlu.pipeline import Pipeline
from bot.training_data.data import TrainingData
from tests.nlu.conftest import Entry


class Fragile:
    """A merchant's component that one text breaks; remembers the size of each batch."""

    requires: tuple[str, ...] = ()
    assigns: tuple[str, ...] = ()

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._seen: list[int] = settings["sizes"]

    def train(self, data: TrainingData, results: Sequence[ParseResult]) -> None: ...

    def parse(self, results: Sequence[ParseResult]) -> None:
        self._seen.append(len(results))
        for result in results:
            if result.text == "break":
                raise ValueError("broken by a text")
            result.intent = {"name": result.text, "confidence": 1.0}

    def to_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {}

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], state: dict[str, Any], arrays: Mapping[str, Any]) -> Self:
        return cls(settings)


@pytest.fixture
def sizes() -> list[int]:
    return []


@pytest.fixture
def fragile(sizes: list[int]) -> Pipeline:
    return Pipeline.from_config([Entry("tests.nlu.test_batcher.Fragile", {"sizes": sizes})])


async def test_each_caller_gets_its_own_result(fragile: Pipeline, sizes: list[int]) -> None:
    batcher = Batcher(fragile)
    results = await asyncio.gather(*(batcher.parse(f"text {number}") for number in range(100)))
    assert [result.intent["name"] for result in results] == [f"text {number}" for number in range(100)]
    assert max(sizes) <= 32
    assert len(sizes) < 100, "waiting texts share a pass"
    await batcher.close()


async def test_one_bad_text_hurts_its_own_caller_only(fragile: Pipeline) -> None:
    batcher = Batcher(fragile)
    results = await asyncio.gather(*(batcher.parse(text) for text in ("a", "break", "b")), return_exceptions=True)
    assert isinstance(results[1], ValueError)
    assert [result.text for result in results if isinstance(result, ParseResult)] == ["a", "b"]
    assert (await batcher.parse("c")).text == "c"
    await batcher.close()


async def test_a_caller_that_went_away_stops_nobody(fragile: Pipeline) -> None:
    batcher = Batcher(fragile)
    gone = asyncio.create_task(batcher.parse("gone"))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await batcher.parse("here")).text == "here"
    await batcher.close()


async def test_close_answers_what_waits_and_refuses_the_rest(fragile: Pipeline) -> None:
    batcher = Batcher(fragile)
    waiting = asyncio.create_task(batcher.parse("waiting"))
    await asyncio.sleep(0)
    await batcher.close()
    assert (await waiting).text == "waiting"
    with pytest.raises(ModelError):
        await batcher.parse("late")


async def test_cache_counts_hits_and_hands_out_copies(fragile: Pipeline) -> None:
    batcher = Batcher(fragile, cache_size=2)
    first = await batcher.parse("same")
    first.entities.append({"entity": "x"})
    assert (await batcher.parse("same")).entities == []
    assert (batcher.hit_count, batcher.parse_count) == (1, 2)
    for text in ("a", "b", "same"):
        await batcher.parse(text)
    assert batcher.hit_count == 1, "the oldest of three went out of a cache of two"
    await batcher.close()


async def test_real_pipeline(pipeline: Pipeline) -> None:
    batcher = Batcher(pipeline)
    texts = ["hello", "我要退款", "where is order 55123"] * 4
    results = await asyncio.gather(*(batcher.parse(text) for text in texts))
    expected = pipeline.parse(texts)
    assert [result.intent["name"] for result in results] == [result.intent["name"] for result in expected]
    await batcher.close()
