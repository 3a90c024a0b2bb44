"""The whole chain on a small bilingual shop."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from bot.errors import ProjectError, RegistryError
from bot.nlu.component import ParseResult
from bot.nlu.pipeline import Pipeline
from bot.training_data.data import TrainingData
from tests.nlu.conftest import Entry
from tests.nlu.small_shop import HELD_OUT, small_shop


def entities_of(result: ParseResult, name: str) -> list[tuple[str, str]]:
    return [(e["value"], result.text[e["start"] : e["end"]]) for e in result.entities if e["entity"] == name]


def test_held_out_texts_in_both_languages(pipeline: Pipeline) -> None:
    pairs = [(text, intent) for intent, texts in HELD_OUT.items() for text in texts]
    results = pipeline.parse([text for text, _ in pairs])
    right = sum(best(result) == intent for result, (_, intent) in zip(results, pairs, strict=True))
    assert right >= 17, f"{right} of {len(pairs)}"


def best(result: ParseResult) -> str:
    """The likeliest intent, also where the fallback stands before it."""
    return next(item["name"] for item in result.intent_ranking if item["name"] != "nlu_fallback")


@pytest.mark.parametrize(
    ("text", "entity", "spelling"),
    [
        ("do you have the black shirt in XL", "color", "black"),
        ("do you have the black shirt in size XL", "size", "XL"),
        ("蓝色的大衣有XL码吗", "color", "蓝色"),
        ("蓝色的大衣有XL码吗", "size", "XL"),
        ("where is order 55123", "order_number", "55123"),
        ("SO-77812到哪了", "order_number", "SO-77812"),
    ],
)
def test_entities(pipeline: Pipeline, text: str, entity: str, spelling: str) -> None:
    (result,) = pipeline.parse([text])
    assert spelling in [found for _, found in entities_of(result, entity)]


def test_roles(pipeline: Pipeline) -> None:
    (result,) = pipeline.parse(["please ship it from Oslo to Rome"])
    roles = {e.get("role"): e["value"] for e in result.entities if e["entity"] == "city"}
    assert roles == {"from": "Oslo", "to": "Rome"}


def test_synonyms_and_language(pipeline: Pipeline) -> None:
    english, chinese, neither = pipeline.parse(
        ["is the Crimson coat in stock, the red one", "红色的大衣有货吗", "12345"]
    )
    assert {value for value, _ in entities_of(chinese, "color")} == {"red"}
    assert [english.extra.get("language"), chinese.extra.get("language"), neither.extra.get("language")] == [
        "en",
        "zh",
        None,
    ]
    assert entities_of(chinese, "language") == [("zh", chinese.text)]
    assert "language" not in [e["entity"] for e in neither.entities]


def test_a_result_is_json_in_the_form_of_rasa(pipeline: Pipeline) -> None:
    (result,) = pipeline.parse(["where is order 55123"])
    wire = json.loads(json.dumps(result.to_json()))
    assert list(wire)[:4] == ["text", "intent", "entities", "intent_ranking"]
    assert 0 <= wire["intent"]["confidence"] <= 1
    assert wire["intent_ranking"][0] == wire["intent"]


def test_state_round_trip_through_files(pipeline: Pipeline, tmp_path: Path) -> None:
    state, arrays = pipeline.to_state()
    (tmp_path / "state.json").write_text(json.dumps(state))
    save_file(arrays, str(tmp_path / "arrays.safetensors"))
    loaded = Pipeline.from_state(
        json.loads((tmp_path / "state.json").read_text()), load_file(str(tmp_path / "arrays.safetensors"))
    )
    texts = [text for texts in HELD_OUT.values() for text in texts] + ["ship from Oslo to Rome", "SO-12345 红色"]
    for before, after in zip(pipeline.parse(texts), loaded.parse(texts), strict=True):
        assert [e | {"confidence_entity": 0} for e in before.entities] == [
            e | {"confidence_entity": 0} for e in after.entities
        ]
        assert before.intent["name"] == after.intent["name"]
        assert before.intent["confidence"] == pytest.approx(after.intent["confidence"], abs=2e-3)
    again, _ = loaded.to_state()
    assert again == json.loads(json.dumps(state))


PARTS = ["我的订单", "red", " ", "\u200b", "\u202e", "\ud83d", "👩\u200d👧", "#", "!!!", "سلام", "١٢٣"]
STRANGE = st.characters(codec=None, categories=["Cs", "Cf", "Mn", "So", "Zs", "Cc", "Co", "Lo"])
odd = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=STRANGE, max_size=40),
    st.lists(st.sampled_from(PARTS), max_size=15).map("".join),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(odd, min_size=1, max_size=3))
def test_no_text_breaks_it(pipeline: Pipeline, texts: list[str]) -> None:
    for text, result in zip(texts, pipeline.parse(texts), strict=True):
        assert result.text == text
        json.dumps(result.to_json())
        for entity in result.entities:
            if entity["extractor"] != "LanguageDetector" and "processors" not in entity:
                assert text[entity["start"] : entity["end"]] == entity["value"]


@pytest.mark.parametrize(
    "text", ["", "   ", "\n", "?!…", "\ud83d", "红" * 4000, "order " * 666, "a" * 4000, "👍" * 2000]
)
def test_extremes(pipeline: Pipeline, text: str) -> None:
    (result,) = pipeline.parse([text])
    assert result.intent["name"] is None or 0 <= result.intent["confidence"] <= 1


def test_no_texts(pipeline: Pipeline) -> None:
    assert pipeline.parse([]) == []


class Needy:
    """A merchant's component that needs something."""

    requires = ("sentence_vector",)
    assigns = ("sentiment",)

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings

    def train(self, data: TrainingData, results: Sequence[ParseResult]) -> None: ...

    def parse(self, results: Sequence[ParseResult]) -> None:
        for result in results:
            result.extra["sentiment"] = float(result.features["sentence_vector"][0])

    def to_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {}

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], state: dict[str, Any], arrays: Mapping[str, Any]) -> Self:
        return cls(settings)


def test_a_merchants_own_component_by_dotted_path() -> None:
    path = "tests.nlu.test_pipeline.Needy"
    with pytest.raises(ProjectError, match=r"sentence_vector.*Move DIETClassifier before it"):
        Pipeline.from_config([Entry(path), Entry("DIETClassifier")])
    found = Pipeline.from_config([Entry("DIETClassifier", {"model": "all-minilm-l6-v2"}), Entry(path)])
    found.train(small_shop())
    assert isinstance(found.parse(["hello"])[0].extra["sentiment"], float)


def test_a_misspelt_component_is_named() -> None:
    with pytest.raises(RegistryError, match="TransformerClassifier"):
        Pipeline.from_config([Entry("TransfomerClassifier")])


def test_an_empty_pipeline_is_the_default_one_and_reports_progress() -> None:
    found = Pipeline.from_config([], language="en")
    seen: list[tuple[str, float]] = []
    found.train(small_shop(), progress=lambda what, share: seen.append((what, share)))
    assert seen[-1][1] == 1.0
    assert [share for _, share in seen] == sorted(share for _, share in seen)
    assert best(found.parse(["hello there"])[0]) == "greet"


def test_no_examples_at_all() -> None:
    from bot.domain import Domain

    found = Pipeline.from_config([])
    found.train(TrainingData(Domain()))
    assert found.parse(["hello"])[0].entities[0]["entity"] == "language"
