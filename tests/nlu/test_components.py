"""Small components, each by itself."""

from __future__ import annotations

import time

import pytest

from bot.domain import Domain
from bot.nlu.component import ParseResult
from bot.nlu.fallback_classifier import FallbackClassifier
from bot.nlu.keyword_intent_classifier import KeywordIntentClassifier
from bot.nlu.language_detector import language_of
from bot.nlu.pattern import compile_pattern
from bot.nlu.pipeline import Pipeline
from bot.nlu.regex_entity_extractor import RegexEntityExtractor
from bot.nlu.units import overlaps, units_of
from bot.training_data.data import EntitySpan, Example, NluData, TrainingData
from tests.nlu.conftest import Entry


def test_fallback_as_in_rasa() -> None:
    classifier = FallbackClassifier({"threshold": 0.4, "ambiguity_threshold": 0.1})

    def run(*confidences: float) -> ParseResult:
        ranking = [{"name": f"i{index}", "confidence": value} for index, value in enumerate(confidences)]
        result = ParseResult("text", intent=dict(ranking[0]), intent_ranking=ranking)
        classifier.parse([result])
        return result

    assert run(0.9, 0.05).intent["name"] == "i0"
    low = run(0.39, 0.1)
    assert low.intent == {"name": "nlu_fallback", "confidence": 0.4} == low.intent_ranking[0]
    assert [item["name"] for item in low.intent_ranking] == ["nlu_fallback", "i0", "i1"]
    assert run(0.5, 0.45).intent["name"] == "nlu_fallback"
    assert run(0.5, 0.39).intent["name"] == "i0"


def extractor(nlu: NluData, **settings: object) -> RegexEntityExtractor:
    found = RegexEntityExtractor(settings)
    found.train(TrainingData(Domain(), nlu), [])
    state, arrays = found.to_state()
    return RegexEntityExtractor.from_state(settings, state, dict(arrays))


def found_by(component: RegexEntityExtractor, text: str) -> list[tuple[str, str]]:
    result = ParseResult(text)
    component.parse([result])
    assert all(text[e["start"] : e["end"]] == e["value"] for e in result.entities)
    return [(e["entity"], e["value"]) for e in result.entities]


NLU = NluData(
    examples=(Example("x", "i", (EntitySpan(0, 1, "color", "x"), EntitySpan(0, 1, "zip", "x"))),),
    regexes={"zip": (r"\b\d{5}\b",), "unknown_name": ("x",)},
    lookups={"color": ("red", "navy blue", "blue", "红色", "C++", "(beta)")},
)


def test_regex_and_lookup() -> None:
    component = extractor(NLU)
    assert found_by(component, "Navy Blue and RED in 12345, not 123456 x") == [
        ("color", "Navy Blue"),
        ("color", "RED"),
        ("zip", "12345"),
    ]
    assert found_by(component, "我要红色的") == [("color", "红色")]
    assert found_by(component, "bored of C++ and (beta)") == [("color", "C++"), ("color", "(beta)")]
    assert found_by(extractor(NLU, use_word_boundaries=False), "bored") == [("color", "red")]
    assert found_by(extractor(NLU, case_sensitive=True), "RED red") == [("color", "red")]
    assert found_by(extractor(NLU, use_lookup_tables=False), "red 12345") == [("zip", "12345")]
    assert found_by(extractor(NLU, use_regexes=False), "red 12345") == [("color", "red")]


def test_large_lookup_table() -> None:
    entries = tuple(f"product {number} pro" for number in range(5000))
    component = extractor(NluData(examples=NLU.examples, lookups={"color": entries}))
    assert found_by(component, "is product 4321 pro in stock") == [("color", "product 4321 pro")]


def test_hostile_patterns_are_harmless(caplog: pytest.LogCaptureFixture) -> None:
    pattern = compile_pattern(r"(a+)+$")
    began = time.process_time()
    assert pattern.spans("a" * 4000 + "!") == []
    assert time.process_time() - began < 0.5
    assert compile_pattern(r"(?<=x)y").spans("xy") == []
    assert compile_pattern("((((a{1000}){1000}){1000}){1000})").spans("a" * 100) == []
    assert caplog.text.count("can't be used") == 2


def test_pattern_offsets_are_characters() -> None:
    text = "😀\ud83d号12号"
    assert [text[start:end] for start, end in compile_pattern(r"\d+").spans(text)] == ["12"]
    assert compile_pattern("x*").spans("aaa") == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("where is my order", "en"),
        ("我的订单", "zh"),
        ("iPhone 15 Pro Max有货吗", "zh"),
        ("what does 谢谢 mean in English please tell me", "en"),
        ("", None),
        ("12345", None),
        ("SO-10231", None),
        ("ana@example.com", None),
        ("👍 !!", None),
    ],
)
def test_language(text: str, language: str | None) -> None:
    assert language_of(text) == language


def test_keywords() -> None:
    classifier = KeywordIntentClassifier({"case_sensitive": False})
    examples = (Example("good bye", "bye"), Example("bye", "short"), Example("退款", "refund"))
    classifier.train(TrainingData(Domain(), NluData(examples)), [])
    results = [ParseResult(text) for text in ("well Good Bye then", "kilobyte", "我要退款")]
    classifier.parse(results)
    assert [result.intent["name"] for result in results] == ["bye", None, "refund"]


def test_units() -> None:
    text = "Order SO-1, 红色M码!"
    assert [text[start:end] for start, end in units_of(text)] == [
        "Order",
        "SO",
        "-",
        "1",
        ",",
        "红",
        "色",
        "M",
        "码",
        "!",
    ]
    assert overlaps([(0, 2), (3, 4), (4, 6)], [(0, 1), (1, 4), (4, 6)]) == [[0, 1], [1], [2]]


def test_response_selector() -> None:
    from bot.domain import Variation

    texts = {"faq/hours": ["when are you open", "opening hours", "what time do you close"],
             "faq/parking": ["can I park there", "is there parking", "where do I leave my car"],
             "greet": ["hello", "hi", "good morning"]}  # fmt: skip
    examples = tuple(Example(text, intent) for intent, items in texts.items() for text in items)
    responses = {"utter_faq/hours": (Variation(text="9 to 6"),), "utter_faq/parking": (Variation(text="Behind us"),)}
    pipeline = Pipeline.from_config([Entry("DIETClassifier"), Entry("ResponseSelector")])
    pipeline.train(TrainingData(Domain(responses=responses), NluData(examples)))
    state, arrays = pipeline.to_state()
    (result,) = Pipeline.from_state(state, arrays).parse(["are there parking spaces"])
    assert result.intent["name"] == "faq"
    selected = result.extra["response_selector"]["default"]
    assert selected["response"]["intent_response_key"] == "faq/parking"
    assert selected["response"]["responses"][0]["text"] == "Behind us"
    assert selected["response"]["utter_action"] == "utter_faq/parking"
