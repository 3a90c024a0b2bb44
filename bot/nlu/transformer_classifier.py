"""Intents and entities from one pass of the shared encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from bot.encoder.encoder import load_encoder
from bot.encoder.weights import E5, MINILM
from bot.messages import Json
from bot.nlu.component import ParseResult
from bot.nlu.entity_head import EntityHead
from bot.nlu.gazetteer import Gazetteer
from bot.nlu.intent_head import IntentHead
from bot.training_data.data import TrainingData

if TYPE_CHECKING:
    from bot.encoder.encoder import Encoding

NAME = "TransformerClassifier"


class TransformerClassifier:
    """A frozen multilingual encoder with a small head for intents and one for entities.

    Settings: `model` (`auto`, an encoder's name, a folder or a hub id), `device`, and Rasa's
    `intent_classification` and `entity_recognition`. `auto` takes the English encoder, which is twice as fast, where
    the project's language is English and every example is ASCII.
    """

    requires: tuple[str, ...] = ()
    assigns: tuple[str, ...] = ("sentence_vector",)
    reads_language = True

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._model = str(settings.get("model", "auto"))
        self._device = str(settings.get("device", "cpu"))
        self._intents: IntentHead | None = None
        self._entities: EntityHead | None = None
        self._trained_on: tuple[list[str], Encoding] | None = None

    def train(self, data: TrainingData, results: Sequence[ParseResult]) -> None:
        examples = data.nlu.examples
        if self._model == "auto":
            english = self._settings.get("language") == "en" and all(item.text.isascii() for item in examples)
            self._model = MINILM if english else E5
        texts = [item.text for item in examples]
        encoding = load_encoder(self._model, device=self._device).encode(texts)
        self._trained_on = (texts, encoding)
        labelled = [index for index, item in enumerate(examples) if item.intent]
        if labelled and self._settings.get("intent_classification", True):
            intents = [examples[index].intent.partition("/")[0] for index in labelled]
            self._intents = IntentHead.train(encoding.sentence[labelled], [texts[i] for i in labelled], intents)
        if self._settings.get("entity_recognition", True):
            gazetteer = Gazetteer.from_data(data.nlu)
            self._entities = EntityHead.train(examples, encoding.tokens, encoding.spans, gazetteer)

    def parse(self, results: Sequence[ParseResult]) -> None:
        texts = [result.text for result in results]
        encoding = self._encode(texts)
        self._keep(results, encoding)
        if self._intents:
            for result, ranking in zip(results, self._intents.rankings(encoding.sentence, texts), strict=True):
                if result.text.strip():
                    result.intent_ranking = ranking
                    result.intent = dict(ranking[0])
        if self._entities:
            found = self._entities.entities(texts, encoding.tokens, encoding.spans)
            for result, entities in zip(results, found, strict=True):
                result.entities += [entity | {"extractor": NAME} for entity in entities]

    def _encode(self, texts: list[str]) -> Encoding:
        """Training asks for the examples a second time: most of its work, kept until then."""
        kept, self._trained_on = self._trained_on, None
        if kept and kept[0] == texts:
            return kept[1]
        return load_encoder(self._model, device=self._device).encode(texts)

    def _keep(self, results: Sequence[ParseResult], encoding: Encoding) -> None:
        for index, result in enumerate(results):
            result.features["sentence_vector"] = encoding.sentence[index]

    def quicken(self) -> None:
        """See Encoder.quicken."""
        load_encoder(self._model, device=self._device).quicken()

    def to_state(self) -> tuple[Json, Mapping[str, Any]]:
        state: Json = {"model": self._model}
        arrays: dict[str, Any] = {}
        for name, head in (("intents", self._intents), ("entities", self._entities)):
            if head:
                state[name], own = head.to_state()
                arrays |= {f"{name}.{key}": array for key, array in own.items()}
        return state, arrays

    @classmethod
    def from_state(cls, settings: Mapping[str, Any], state: Json, arrays: Mapping[str, Any]) -> Self:
        found = cls(settings)
        found._model = state["model"]
        load_encoder(found._model, device=found._device)
        if "intents" in state:
            found._intents = IntentHead.from_state(state["intents"], _part("intents", arrays))
        if "entities" in state:
            found._entities = EntityHead.from_state(state["entities"], _part("entities", arrays))
        return found


def _part(name: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    prefix = f"{name}."
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}
