"""The shared encoder: texts in, sentence and token vectors out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.encoder.unigram import Tokens, UnigramTokenizer
from bot.encoder.weights import E5, Shape, locate, read_shape
from bot.encoder.wordpiece import FileTokenizer

if TYPE_CHECKING:
    from torch import Tensor

    from bot.encoder.transformer import Arithmetic

BATCH_TOKENS = 1024
"""Tokens of one forward pass. More gains nothing on a processor and costs memory."""


MANY_PASSES = 64
"""From so many forward passes on, threads are worth starting."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """What the encoder says of B texts.

    Args:
        sentence: (B, H) float32, each of length 1: the mean over tokens.
        tokens: for each text (T, 2H) float32: last layer and a middle one; prefix and marks left out.
        spans: for each text T pairs of character offsets, one for each row of `tokens`.
    """

    sentence: Tensor
    tokens: list[Tensor]
    spans: list[list[tuple[int, int]]]


class Encoder:
    """A frozen sentence encoder. Holds no state between calls: any number of threads may use it.

    Args:
        folder: converted weights (`bot.encoder.weights.locate`).
        name: as asked for.
        device: torch's name of it.
        arithmetic: None for the fastest one of this machine.
    """

    def __init__(
        self, folder: Path, *, name: str = "", device: str = "cpu", arithmetic: Arithmetic | None = None
    ) -> None:
        import torch
        from safetensors.torch import load_file

        from bot.encoder.transformer import Transformer, best_arithmetic

        torch.set_num_threads(1)
        self.name = name or folder.name
        self.shape = read_shape(folder)
        self.arithmetic = arithmetic or best_arithmetic(device)
        weights = load_file(str(folder / "weights.safetensors"))
        self._tokenizer = _tokenizer(folder, self.shape, weights.pop("scores", None))
        self._transformer = Transformer(weights, self.shape, arithmetic=self.arithmetic, device=device)

    @property
    def size(self) -> int:
        """H, the length of a sentence vector."""
        return self.shape.hidden

    def quicken(self) -> None:
        """See Transformer.quicken."""
        self._transformer.quicken()

    def tokenize(self, text: str) -> Tokens:
        """The text's pieces, cut to the positions that the encoder has."""
        return self._tokenizer.encode(text, max_tokens=min(512, self.shape.positions))

    def encode(self, texts: Sequence[str]) -> Encoding:
        """Encodes any number of texts; where the arithmetic allows it, texts of like length share a forward pass."""
        import torch

        found = [self.tokenize(text) for text in texts]
        sentence = torch.zeros(len(texts), self.size)
        tokens: list[Tensor] = [torch.zeros(0, 2 * self.size)] * len(texts)
        spans: list[list[tuple[int, int]]] = [[]] * len(texts)
        buckets = self._buckets([len(item.ids) for item in found])
        for bucket, rows in zip(buckets, self._passes(buckets, found), strict=True):
            for index, (last, middle) in zip(bucket, rows, strict=True):
                keep = [row for row, (start, end) in enumerate(found[index].spans) if end > start]
                sentence[index] = last.mean(0)
                tokens[index] = torch.cat([last[keep], middle[keep]], 1)
                spans[index] = [found[index].spans[row] for row in keep]
        return Encoding(torch.nn.functional.normalize(sentence, dim=1), tokens, spans)

    def _passes(self, buckets: list[list[int]], found: list[Tokens]) -> Iterable[list[tuple[Tensor, Tensor]]]:
        """Forward passes in order; many of them (training) on all cores, for torch lets go of Python meanwhile."""
        batches = [[found[index].ids for index in bucket] for bucket in buckets]
        if len(batches) < MANY_PASSES:
            return map(self._pass, batches)
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
            return list(threads.map(self._pass, batches))

    def _pass(self, ids: list[list[int]]) -> list[tuple[Tensor, Tensor]]:
        """One forward pass; for each text the (T, H) hidden states of two layers."""
        last, middle = self._transformer.run(ids)
        lengths = [len(text) for text in ids]
        import torch

        return list(zip(torch.split(last.cpu(), lengths), torch.split(middle.cpu(), lengths), strict=True))

    def _buckets(self, lengths: Sequence[int]) -> list[list[int]]:
        """Indices in groups of like length, each of at most BATCH_TOKENS padded tokens.

        In int8 each text is a group: activations are scaled by the largest one of the pass, so that company would
        change what a text means to the bot; a replayed conversation must not depend on who wrote at the same time.
        """
        order = sorted(range(len(lengths)), key=lengths.__getitem__)
        if self.arithmetic == "int8":
            return [[index] for index in order]
        groups: list[list[int]] = []
        for index in order:
            if groups and (len(groups[-1]) + 1) * lengths[index] <= BATCH_TOKENS:
                groups[-1].append(index)
            else:
                groups.append([index])
        return groups


def _tokenizer(folder: Path, shape: Shape, scores: Any) -> UnigramTokenizer | FileTokenizer:
    if shape.tokenizer != "unigram":
        return FileTokenizer.read(folder / "tokenizer.json", prefix=shape.prefix)
    import json

    vocabulary = json.loads((folder / "vocabulary.json").read_text())
    begin, end, unknown = vocabulary["marks"]
    pieces = (folder / "pieces.txt").read_text(encoding="utf-8").split("\n")
    return UnigramTokenizer(
        pieces, scores.tolist(), vocabulary["normal"], marks=(begin, end, unknown), prefix=shape.prefix
    )


@lru_cache(maxsize=4)
def load_encoder(model_name: str = E5, *, device: str = "cpu") -> Encoder:
    """The encoder of this name; one a process, however often it is asked for.

    Args:
        model_name: `multilingual-e5-small`, `all-minilm-l6-v2`, a folder, or a hub id (a BERT-shaped model).
        device: torch's name of it.

    Raises:
        ModelError: there are no such weights.
    """
    return Encoder(locate(model_name), name=model_name, device=device)
