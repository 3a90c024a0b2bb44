"""One trained pipeline for all tests of this folder: training is what takes time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.nlu.pipeline import Pipeline
from tests.nlu.small_shop import small_shop


@dataclass(frozen=True)
class Entry:
    """An entry of `config.yml`."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)


CONFIG = [
    Entry("LanguageDetector"),
    Entry("WhitespaceTokenizer"),
    Entry("CountVectorsFeaturizer", {"analyzer": "char_wb"}),
    Entry("DIETClassifier", {"epochs": 100}),
    Entry("RegexEntityExtractor"),
    Entry("EntitySynonymMapper"),
    Entry("FallbackClassifier", {"threshold": 0.3, "ambiguity_threshold": 0.05}),
]


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    found = Pipeline.from_config(CONFIG, language="zh")
    found.train(small_shop())
    return found
