"""The forward pass of a BERT-shaped encoder, fused for short texts.

Texts of a batch are laid end to end as one (N, H) matrix: the linear layers, nearly all of the work, see no padding;
only attention sees a text at a time as a (B, T) block.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from bot.encoder.weights import Shape

Arithmetic = Literal["float32", "bfloat16", "int8"]
Linear = Callable[[Tensor], Tensor]


def best_arithmetic(device: str) -> Arithmetic:
    """int8 on x86 processors (1.5 to 4 times float32 at one message), bfloat16 on a GPU, else float32."""
    if device != "cpu":
        return "bfloat16"
    return "int8" if "fbgemm" in torch.backends.quantized.supported_engines else "float32"


def linear_of(weights: Mapping[str, Tensor], name: str, arithmetic: Arithmetic) -> Linear:
    """A linear layer from int8 rows with scales, in the arithmetic asked for."""
    rows, scale, bias = (weights[f"{name}.{part}"] for part in "qsb")
    if arithmetic == "int8":
        return _int8_linear(rows, scale, bias)
    dtype = torch.float32 if arithmetic == "float32" else torch.bfloat16
    weight, offset = (rows.float() * scale[:, None]).to(dtype), bias.to(dtype)
    return lambda x: functional.linear(x, weight, offset)


def _int8_linear(rows: Tensor, scale: Tensor, bias: Tensor) -> Linear:
    """Activations are quantized on the fly, in the range of the whole (N, C) matrix."""
    with warnings.catch_warnings():
        # torch announces another home for these operators; nothing that a merchant could act upon.
        warnings.simplefilter("ignore")
        zero = torch.zeros(len(scale), dtype=torch.long)
        quantized = torch._make_per_channel_quantized_tensor(rows, scale.double(), zero, 0)
        packed = torch.ops.quantized.linear_prepack(quantized, bias.clone())
    return _Int8Linear(packed)


class _Int8Linear(torch.nn.Module):
    """A module, since a trace can only hold packed weights that belong to one."""

    def __init__(self, packed: Any) -> None:
        super().__init__()
        self.packed = packed

    def forward(self, x: Tensor) -> Tensor:
        # All eight bits: without VNNI a rare sum saturates, which costs less than a bit of every activation.
        result: Tensor = torch.ops.quantized.linear_dynamic(x, self.packed, False)
        return result


class _Layer(torch.nn.Module):
    def __init__(self, weights: Mapping[str, Tensor], index: int, arithmetic: Arithmetic) -> None:
        super().__init__()
        self.qkv, self.o, self.up, self.down = (
            linear_of(weights, f"{index}.{name}", arithmetic) for name in ("qkv", "o", "up", "down")
        )
        self.norm1, self.norm2 = (_norm(weights, f"{index}.{name}", arithmetic) for name in ("n1", "n2"))

    def scripted(self) -> _Layer:
        """The same layer with linear layers that a trace can hold."""
        layer = copy(self)
        script: Callable[..., torch.nn.Module] = torch.jit.script
        layer._modules = {name: script(module) for name, module in self._modules.items()}
        return layer


def _norm(weights: Mapping[str, Tensor], name: str, arithmetic: Arithmetic) -> tuple[Tensor, Tensor]:
    dtype = torch.bfloat16 if arithmetic == "bfloat16" else torch.float32
    return weights[f"{name}.w"].to(dtype, copy=True), weights[f"{name}.b"].to(dtype, copy=True)


class Transformer:
    """N tokens in, hidden states out.

    Args:
        weights: converted weights (`bot.encoder.weights`); word rows stay mapped from the file.
        shape: dimensions.
        arithmetic: see `best_arithmetic`.
        device: torch's name of it.
    """

    def __init__(self, weights: Mapping[str, Tensor], shape: Shape, *, arithmetic: Arithmetic, device: str) -> None:
        if device != "cpu":
            weights = {name: tensor.to(device) for name, tensor in weights.items()}
        self._shape = shape
        self._arithmetic = arithmetic
        self._dtype = torch.bfloat16 if arithmetic == "bfloat16" else torch.float32
        self._device = device
        self._words, self._scale = weights["word.q"], weights["word.s"]
        self._position = weights["position"].clone()
        self._norm0 = tuple(part.float() for part in _norm(weights, "n0", arithmetic))
        self._layers = [_Layer(weights, index, arithmetic) for index in range(shape.layers)]
        self.middle = (2 * shape.layers) // 3
        self._one_text: torch.jit.ScriptModule | None = None

    def run(self, ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Hidden states of B texts of T_b tokens each.

        Returns:
            (N, H) of the last layer and (N, H) of the layer two thirds up, float32, N the sum of all T_b.
        """
        with torch.inference_mode():
            if self._one_text is not None and len(ids) == 1:
                last, middle = self._one_text(torch.tensor(ids[0]))
                return last, middle
            lengths, flat = [len(text) for text in ids], [number for text in ids for number in text]
            index = torch.tensor(flat, device=self._device)
            place = torch.cat([torch.arange(length, device=self._device) for length in lengths])
            attend = _attention(lengths, self._shape, self._device)
            return self._run(index, self._position[place], attend, self._layers)

    def quicken(self) -> None:
        """Make the pass over one text a TorchScript graph: the same operators and results, without Python between them,
        so a third quicker for short texts, and other threads run meanwhile. Takes part of a second, so a server does
        it once it answers; passes that run meanwhile go the old way. Does nothing where the arithmetic is not int8."""
        if self._arithmetic == "int8" and self._one_text is None:
            self._one_text = self._traced()

    def _traced(self) -> torch.jit.ScriptModule:
        layers = [layer.scripted() for layer in self._layers]

        def alone(qkv: Tensor) -> Tensor:
            q, k, v = qkv.view(1, -1, 3, self._shape.heads, self._shape.hidden // self._shape.heads).permute(
                2, 0, 3, 1, 4
            )
            found = functional.scaled_dot_product_attention(q, k, v)
            return found.transpose(1, 2).reshape(-1, self._shape.hidden)

        class OneText(torch.nn.Module):
            def __init__(self, outer: Transformer) -> None:
                super().__init__()
                self.layers, self.outer = torch.nn.ModuleList(layers), outer

            def forward(self, index: Tensor) -> tuple[Tensor, Tensor]:
                return self.outer._run(index, self.outer._position[: index.shape[0]], alone, layers)

        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # q, k, v are always three
            example = torch.zeros(8, dtype=torch.long)
            trace: Callable[..., torch.jit.ScriptModule] = torch.jit.trace
            return trace(OneText(self).eval(), example, check_trace=False)

    def _run(self, index: Tensor, position: Tensor, attend: Linear, layers: Sequence[_Layer]) -> tuple[Tensor, Tensor]:
        x = self._embed(index, position)
        hidden, epsilon = (self._shape.hidden,), self._shape.norm_epsilon
        middle = x
        for depth, layer in enumerate(layers):
            if depth == self.middle:
                middle = x
            x = functional.layer_norm(layer.o(attend(layer.qkv(x))).add_(x), hidden, *layer.norm1, epsilon)
            inner = layer.down(functional.gelu(layer.up(x)))
            x = functional.layer_norm(inner.add_(x), hidden, *layer.norm2, epsilon)
        return x.float(), middle.float()

    def _embed(self, index: Tensor, position: Tensor) -> Tensor:
        x = self._words[index].float().mul_(self._scale[index][:, None]).add_(position)
        norm, bias = self._norm0
        return functional.layer_norm(x, (self._shape.hidden,), norm, bias, self._shape.norm_epsilon).to(self._dtype)


def _attention(lengths: list[int], shape: Shape, device: str) -> Callable[[Tensor], Tensor]:
    """Self-attention inside each text: (N, 3H) -> (N, H)."""
    count, longest, heads = len(lengths), max(lengths), shape.heads
    size = shape.hidden // heads

    def block(qkv: Tensor, mask: Tensor | None) -> Tensor:
        q, k, v = qkv.view(count, longest, 3, heads, size).permute(2, 0, 3, 1, 4)  # each (B, heads, T, size)
        found = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return found.transpose(1, 2).reshape(count * longest, shape.hidden)

    if min(lengths) == longest:
        return lambda qkv: block(qkv, None)
    real = torch.arange(longest, device=device)[None] < torch.tensor(lengths, device=device)[:, None]  # (B, T)
    rows = real.flatten().nonzero()[:, 0]
    mask = real[:, None, None, :]

    def ragged(qkv: Tensor) -> Tensor:
        padded = qkv.new_zeros(count * longest, qkv.shape[1])
        padded[rows] = qkv
        return block(padded, mask)[rows]

    return ragged
