"""Names of components. Listing them imports none."""

from __future__ import annotations

from typing import Any

_TRANSFORMER = "bot.nlu.transformer_classifier:TransformerClassifier"
_REGEX = "bot.nlu.regex_entity_extractor:RegexEntityExtractor"

COMPONENTS = {
    "TransformerClassifier": _TRANSFORMER,
    "DIETClassifier": _TRANSFORMER,
    "LogisticRegressionClassifier": _TRANSFORMER,
    "SklearnIntentClassifier": _TRANSFORMER,
    "CRFEntityExtractor": _TRANSFORMER,
    "LanguageDetector": "bot.nlu.language_detector:LanguageDetector",
    "RegexEntityExtractor": _REGEX,
    "EntitySynonymMapper": "bot.nlu.entity_synonym_mapper:EntitySynonymMapper",
    "FallbackClassifier": "bot.nlu.fallback_classifier:FallbackClassifier",
    "KeywordIntentClassifier": "bot.nlu.keyword_intent_classifier:KeywordIntentClassifier",
    "ResponseSelector": "bot.nlu.response_selector:ResponseSelector",
}
"""Component name -> `module:Class`, Rasa's names beside our own."""

HANDLED_BY_ENCODER = frozenset(
    {
        "WhitespaceTokenizer",
        "JiebaTokenizer",
        "MitieTokenizer",
        "SpacyTokenizer",
        "ConveRTTokenizer",
        "LanguageModelTokenizer",
        "RegexFeaturizer",
        "LexicalSyntacticFeaturizer",
        "CountVectorsFeaturizer",
        "LanguageModelFeaturizer",
        "ConveRTFeaturizer",
        "MitieFeaturizer",
        "SpacyFeaturizer",
        "HFTransformersNLP",
        "SpacyNLP",
        "MitieNLP",
        "DucklingEntityExtractor",
        "SpacyEntityExtractor",
        "MitieEntityExtractor",
    }
)
"""Rasa's components that are accepted and left out: tokenizers and featurizers, whose work the encoder does, and
extractors that are outside services or models."""

DEFAULT_PIPELINE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("LanguageDetector", {}),
    ("TransformerClassifier", {}),
    ("EntitySynonymMapper", {}),
    ("FallbackClassifier", {"threshold": 0.3, "ambiguity_threshold": 0.1}),
)
"""What an empty `pipeline:` stands for."""
