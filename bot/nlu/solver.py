"""Multinomial logistic regression on dense vectors and hashed features, solved to its optimum."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

BUCKETS = 1 << 13
"""Rows of the table of hashed features."""


def bucket_of(feature: str) -> int:
    """The table row of a feature; the same on every machine."""
    return zlib.crc32(feature.encode("utf-8", "surrogatepass")) % BUCKETS


@dataclass(frozen=True, slots=True)
class Linear:
    """Scores of K labels.

    Args:
        weight: (K, H), for dense vectors.
        bias: (K,).
        table: (BUCKETS, K), for hashed features; empty where there are none.
    """

    weight: Tensor
    bias: Tensor
    table: Tensor

    def scores(self, dense: Tensor, hashed: Sequence[Sequence[int]] | None = None) -> Tensor:
        """(N, H) vectors and the rows of each one's hashed features to (N, K) scores."""
        import torch

        found = torch.nn.functional.linear(dense, self.weight, self.bias)
        if hashed is not None and len(self.table):
            values, starts = flat(hashed)
            found = found + torch.nn.functional.embedding_bag(values, self.table, starts, mode="sum")
        return found

    def to_arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Numpy arrays; the table as float16, of which it is the larger part."""
        return {
            f"{name}.weight": self.weight.numpy(),
            f"{name}.bias": self.bias.numpy(),
            f"{name}.table": self.table.numpy().astype(np.float16),
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: dict[str, Any]) -> Linear:
        """As it was after training."""
        import torch

        parts = (
            torch.from_numpy(np.array(arrays[f"{name}.{part}"], np.float32)) for part in ("weight", "bias", "table")
        )
        return cls(*parts)


def flat(hashed: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Ragged rows as embedding_bag takes them: all values, and where each row begins."""
    import torch

    lengths = torch.tensor([0, *(len(row) for row in hashed[:-1])])
    return torch.tensor([value for row in hashed for value in row], dtype=torch.long), lengths.cumsum(0)


def solve(
    dense: Tensor,
    labels: Sequence[int],
    *,
    count: int,
    hashed: Sequence[Sequence[int]] | None = None,
    penalty: float = 1.0,
    table_penalty: float = 1.0,
    steps: int = 100,
    weights: Iterable[float] | None = None,
) -> Linear:
    """Minimises the summed cross-entropy plus half the penalty times the squared weights (L-BFGS).

    Args:
        dense: (N, H).
        labels: N numbers below `count`.
        count: K.
        hashed: rows of hashed features of each example.
        penalty: of the dense weights, above 0.
        table_penalty: of the hashed ones, above 0.
        steps: at most.
        weights: of the examples; None for 1 each.
    """
    import torch

    target = torch.tensor(list(labels), dtype=torch.long)
    share = None if weights is None else torch.tensor(list(weights), dtype=torch.float32)
    weight = torch.zeros(count, dense.shape[1], requires_grad=True)
    bias = torch.zeros(count, requires_grad=True)
    table = torch.zeros(BUCKETS if hashed is not None else 0, count, requires_grad=hashed is not None)
    indices = flat(hashed) if hashed is not None else None
    trained = [weight, bias, table] if hashed is not None else [weight, bias]
    optimizer = torch.optim.LBFGS(trained, max_iter=steps, history_size=8, line_search_fn="strong_wolfe",
                                  tolerance_grad=1e-4 * len(target) ** 0.5, tolerance_change=1e-7)  # fmt: skip

    def closure() -> Any:
        optimizer.zero_grad()
        scores = torch.nn.functional.linear(dense, weight, bias)
        if indices is not None:
            scores = scores + torch.nn.functional.embedding_bag(indices[0], table, indices[1], mode="sum")
        losses = torch.nn.functional.cross_entropy(scores, target, reduction="none")
        loss = (losses if share is None else losses * share).sum() + 0.5 * penalty * weight.square().sum()
        if indices is not None:
            loss = loss + 0.5 * table_penalty * table.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return Linear(weight.detach(), bias.detach(), table.detach())
