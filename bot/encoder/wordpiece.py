"""Tokenizers that come as a `tokenizer.json`: BERT's word pieces and whatever a local folder brings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bot.encoder.unigram import MAX_CHARS, Tokens

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class FileTokenizer:
    """A `tokenizers` file. Reading takes time in proportion to the vocabulary (30,000 pieces: 50 ms)."""

    def __init__(self, tokenizer: Tokenizer, *, prefix: str = "") -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self._prefix = prefix

    @classmethod
    def read(cls, path: Path, *, prefix: str = "") -> FileTokenizer:
        from tokenizers import Tokenizer

        return cls(Tokenizer.from_file(str(path)), prefix=prefix)

    def encode(self, text: str, *, max_tokens: int) -> Tokens:
        """Tokenizes one text, cut to `max_tokens` pieces, marks included."""
        found = self._tokenizer.encode(self._prefix + _whole(text))
        shift = len(self._prefix)
        ids = list(found.ids)
        spans = [
            (start - shift, end - shift) if end > shift and start >= shift else (0, 0) for start, end in found.offsets
        ]
        if len(ids) > max_tokens:
            ids = [*ids[: max_tokens - 1], ids[-1]]
            spans = [*spans[: max_tokens - 1], (0, 0)]
        return Tokens(ids, spans)


def _whole(text: str) -> str:
    """A lone surrogate can't cross into Rust; replacing it by one character keeps every offset."""
    text = text[:MAX_CHARS]
    if text.isascii():
        return text
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
