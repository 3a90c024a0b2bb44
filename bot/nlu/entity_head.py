"""Token vectors to entities: a label for each unit of the text, and the best legal row of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bot.messages import Json
from bot.nlu.gazetteer import Gazetteer
from bot.nlu.solver import Linear, bucket_of, solve
from bot.nlu.units import Span, overlaps, units_of
from bot.training_data.data import EntitySpan, Example

if TYPE_CHECKING:
    from torch import Tensor

OUTSIDE = "O"
GAIN = 0.5
"""Scale of the standardised token vectors: one penalty then suits few and many examples."""
JOINT = "\t"
"""Stands between the parts of a label: entity, role, group."""


@dataclass(frozen=True, slots=True)
class TextUnits:
    """One text ready for the head: its units, a (U, 2H) vector and the hashed features of each."""

    text: str
    units: list[Span]
    dense: Tensor
    hashed: list[list[int]]


class EntityHead:
    """B-/I-/O labels over units; an entity's role and group are part of its label."""

    def __init__(self, labels: Sequence[str], linear: Linear, scale: tuple[Tensor, Tensor], moves: Tensor,
                 gazetteer: Gazetteer) -> None:  # fmt: skip
        self._labels = list(labels)
        self._linear = linear
        self._scale = scale
        self._moves = moves
        self._gazetteer = gazetteer

    @classmethod
    def train(cls, examples: Sequence[Example], tokens: Sequence[Tensor], spans: Sequence[list[Span]],
              gazetteer: Gazetteer) -> Self | None:  # fmt: skip
        """None when no example has an entity."""
        import torch

        if not any(example.entities for example in examples):
            return None
        prepared = [units(e.text, t, s, gazetteer) for e, t, s in zip(examples, tokens, spans, strict=True)]
        tags = [tags_of(item.units, example.entities) for item, example in zip(prepared, examples, strict=True)]
        labels = [OUTSIDE, *sorted({tag for row in tags for tag in row} - {OUTSIDE})]
        # Where a label begins it may also go on, even if no example shows it.
        labels += sorted({f"I{label[1:]}" for label in labels if label[0] == "B"} - set(labels))
        number = {label: index for index, label in enumerate(labels)}
        dense = torch.cat([item.dense for item in prepared])
        scale = (dense.mean(0), GAIN / (dense.std(0) + 1e-3))
        rows = [number[tag] for row in tags for tag in row]
        hashed = [row for item in prepared for row in item.hashed]
        linear = solve(
            (dense - scale[0]) * scale[1], rows, count=len(labels), hashed=hashed, table_penalty=0.1, steps=80
        )
        return cls(labels, linear, scale, _moves(labels), gazetteer)

    def entities(self, texts: Sequence[str], tokens: Sequence[Tensor], spans: Sequence[list[Span]]) -> list[list[Json]]:
        """Rasa's entity objects of each text; `text[start:end] == value`."""
        import torch

        prepared = [units(a, b, c, self._gazetteer) for a, b, c in zip(texts, tokens, spans, strict=True)]
        hashed = [row for item in prepared for row in item.hashed]
        if not hashed:
            return [[] for _ in texts]
        with torch.inference_mode():
            dense = (torch.cat([item.dense for item in prepared]) - self._scale[0]) * self._scale[1]
            scores = self._linear.scores(dense, hashed).log_softmax(1)
        found, start = [], 0
        for item in prepared:
            end = start + len(item.units)
            found.append(self._decode(item, scores[start:end].numpy()))
            start = end
        return found

    def _decode(self, item: TextUnits, scores: Any) -> list[Json]:
        if not len(scores) or (scores.argmax(1) == 0).all():
            return []
        path = best_path(scores, self._moves.numpy())
        found: list[Json] = []
        for index, label in enumerate(self._labels[number] for number in path):
            chance = float(np.exp(scores[index, path[index]]))
            if label[0] == "B":
                found.append(_entity(label[2:], item.units[index], chance))
            elif label[0] == "I":
                found[-1]["end"] = item.units[index][1]
                found[-1]["confidence_entity"] = min(found[-1]["confidence_entity"], chance)
        for entity in found:
            entity["value"] = item.text[entity["start"] : entity["end"]]
        return found

    def to_state(self) -> tuple[Json, dict[str, Any]]:
        arrays = self._linear.to_arrays("linear")
        arrays |= {"mean": self._scale[0].numpy(), "gain": self._scale[1].numpy()}
        return {"labels": self._labels, "gazetteer": self._gazetteer.to_json()}, arrays

    @classmethod
    def from_state(cls, state: Json, arrays: Mapping[str, Any]) -> Self:
        import torch

        own = dict(arrays)
        mean, gain = (torch.from_numpy(np.array(own[name], np.float32)) for name in ("mean", "gain"))
        labels = state["labels"]
        gazetteer = Gazetteer.from_json(state["gazetteer"])
        return cls(labels, Linear.from_arrays("linear", own), (mean, gain), _moves(labels), gazetteer)


def _entity(label: str, span: Span, chance: float) -> Json:
    name, role, group = label.split(JOINT)
    entity: Json = {"entity": name, "start": span[0], "end": span[1], "confidence_entity": chance, "value": ""}
    if role:
        entity["role"] = role
    if group:
        entity["group"] = group
    return entity


def tags_of(spans: Sequence[Span], entities: Sequence[EntitySpan]) -> list[str]:
    """The label of each unit. A unit that an entity only touches belongs to it; the first entity wins."""
    tags = [OUTSIDE] * len(spans)
    for entity in sorted(entities, key=lambda entity: entity.start):
        label = JOINT.join((entity.entity, entity.role or "", entity.group or ""))
        kind = "B"
        for index, (start, end) in enumerate(spans):
            if start < entity.end and end > entity.start and tags[index] == OUTSIDE:
                tags[index] = f"{kind}-{label}"
                kind = "I"
    return tags


def _moves(labels: Sequence[str]) -> Tensor:
    """(K, K) score of one label after another: minus infinity where an inside follows what it does not continue."""
    import torch

    moves = torch.zeros(len(labels), len(labels))
    for after, label in enumerate(labels):
        if label[0] == "I":
            for before, other in enumerate(labels):
                if other == OUTSIDE or other[2:] != label[2:]:
                    moves[before, after] = -torch.inf
    return moves


def best_path(scores: Any, moves: Any) -> list[int]:
    """The row of labels of highest total score (Viterbi), (U, K) scores and (K, K) moves; never begins inside."""
    total = scores[0] + moves[0]
    back = []
    for row in scores[1:]:
        options = total[:, None] + moves
        choice = options.argmax(0)
        back.append(choice)
        total = options[choice, np.arange(len(choice))] + row
    path = [int(total.argmax())]
    for choice in reversed(back):
        path.append(int(choice[path[-1]]))
    path.reverse()
    return path


def units(text: str, tokens: Tensor, spans: list[Span], gazetteer: Gazetteer) -> TextUnits:
    """Cuts a text, as far as the encoder read it, into units with their features."""
    import torch

    limit = spans[-1][1] if spans else 0
    found = [span for span in units_of(text[:limit]) if span[0] < limit]
    pieces = overlaps(found, spans)
    kept = [(span, rows) for span, rows in zip(found, pieces, strict=True) if rows]
    found, pieces = [span for span, _ in kept], [rows for _, rows in kept]
    if not found:
        return TextUnits(text, [], tokens.new_zeros(0, tokens.shape[1]), [])
    index = torch.tensor([row for rows in pieces for row in rows])
    starts = torch.tensor([0, *(len(rows) for rows in pieces[:-1])]).cumsum(0)
    dense = torch.nn.functional.embedding_bag(index, tokens, starts, mode="mean")
    return TextUnits(text, found, dense, _hashed(text, found, [spans[rows[0]] for rows in pieces], gazetteer))


def _hashed(text: str, found: list[Span], pieces: list[Span], gazetteer: Gazetteer) -> list[list[int]]:
    """Spelling of the unit and of its neighbours, its place in the encoder's piece, and the lists it stands in."""
    words = [text[start:end].lower() for start, end in found]
    shapes = [_shape(text[start:end]) for start, end in found]
    listed = gazetteer.matches(text, found)
    rows = []
    for index, word in enumerate(words):
        before = words[index - 1] if index else "<"
        after = words[index + 1] if index + 1 < len(words) else ">"
        features = [
            f"w={word}",
            f"s={shapes[index]}",
            f"b={before}",
            f"a={after}",
            f"p={before}|{word}",
            f"n={word}|{after}",
        ]
        features += [f"3={word[:3]}", f"-3={word[-3:]}"] if len(word) > 3 else []
        features += [f"l={name}" for name in listed[index]]
        start, end = found[index]
        features.append(f"i={min(start - pieces[index][0], 3)}|{min(pieces[index][1] - end, 3)}")
        rows.append([bucket_of(feature) for feature in features])
    return rows


def _shape(word: str) -> str:
    """`Nike` -> `Aa`, `SO10231` -> `A9`, digits with their number up to 12."""
    if word.isdigit():
        return f"9x{min(len(word), 12)}"
    kinds = [
        "9" if c.isdigit() else "中" if c >= "\u3400" else "A" if c.isupper() else "a" if c.isalpha() else c
        for c in word
    ]
    return "".join(kind for kind, previous in zip(kinds, ["", *kinds], strict=False) if kind != previous)[:8]
