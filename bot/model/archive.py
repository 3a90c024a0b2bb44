"""The model archive: a tar of JSON and safetensors, never pickle.

Three members, read into memory by exact name; nothing is ever unpacked to a folder, so an archive can't write anywhere:

    model.json           what it is: format, id, fingerprint, config, domain, and what components and policies learnt
    arrays.safetensors   their numbers, named `nlu.…` and `core.…`
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.config import ComponentConfig
from bot.domain import Domain
from bot.errors import ModelError
from bot.messages import Json
from bot.model.plain import from_plain, to_plain
from bot.nlu.pipeline import Pipeline
from bot.policies.ensemble import Ensemble

FORMAT = 1
SUFFIX = ".tar"
MAX_MEMBER_BYTES = 1 << 30
ADVICE = "Rasa's own models can't be loaded either: make one with `shoptalk train --force`"

_FACTS = "model.json"
_ARRAYS = "arrays.safetensors"


@dataclass(frozen=True, slots=True)
class Model:
    """Everything a running bot needs.

    Args:
        id: hexadecimal, new for each training.
        assistant_id: as in config.yml.
        language: as in config.yml.
        fingerprint: of the sources it was trained from; see Project.fingerprint.
        domain, pipeline, ensemble: the bot.
    """

    id: str
    assistant_id: str
    language: str
    fingerprint: str
    domain: Domain
    pipeline: Pipeline
    ensemble: Ensemble


def write(model: Model, path: Path) -> None:
    """Write the archive; it appears under its name only when it is whole."""
    from safetensors.numpy import save

    nlu, nlu_arrays = model.pipeline.to_state()
    core, core_arrays = model.ensemble.to_state()
    policies = [{"name": config.name, "settings": dict(config.settings)} for config in model.ensemble.configs]
    facts = {
        "format": FORMAT, "id": model.id, "assistant_id": model.assistant_id, "language": model.language,
        "fingerprint": model.fingerprint, "domain": to_plain(model.domain), "nlu": nlu, "core": core,
        "policies": policies,
    }  # fmt: skip
    arrays = {f"nlu.{name}": array for name, array in nlu_arrays.items()}
    arrays |= {f"core.{name}": array for name, array in core_arrays.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=SUFFIX, delete=False) as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            _add(tar, _FACTS, json.dumps(facts, ensure_ascii=False).encode())
            _add(tar, _ARRAYS, save(arrays))
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def read(path: Path) -> Model:
    """Load an archive.

    Raises:
        ModelError: it is missing, damaged, no archive of ours, or of another format.
    """
    members = _members(path)
    try:
        facts = _facts(members[_FACTS], path)
        arrays = _arrays(members[_ARRAYS])
        return Model(
            facts["id"],
            facts["assistant_id"],
            facts["language"],
            facts["fingerprint"],
            from_plain(Domain, facts["domain"]),
            Pipeline.from_state(facts["nlu"], _below("nlu.", arrays)),
            Ensemble.from_state(
                [ComponentConfig(item["name"], item["settings"]) for item in facts["policies"]],
                facts["core"],
                _below("core.", arrays),
            ),
        )
    except (LookupError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise ModelError(f"{path} is damaged ({error!r}): train again with `shoptalk train --force`") from error


def read_fingerprint(path: Path) -> str | None:
    """The fingerprint of an archive, without loading it; None where it is no archive of this format."""
    try:
        return str(_facts(_members(path)[_FACTS], path)["fingerprint"])
    except (ModelError, LookupError, ValueError, TypeError):
        return None


def newest(folder: Path) -> Path | None:
    """The archive in the folder that was written last; the folder may also be a file itself."""
    if folder.is_file():
        return folder
    found = [path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith(".")] if folder.is_dir() else []
    return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)


def _members(path: Path) -> dict[str, bytes]:
    """The two members by name; whatever else the file holds is not looked at."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if member.name in (_FACTS, _ARRAYS) and member.isreg() and member.size <= MAX_MEMBER_BYTES:
                    content = tar.extractfile(member)
                    found[member.name] = content.read() if content else b""
    except (OSError, tarfile.TarError) as error:
        raise ModelError(f"{path} is no model of Shoptalk, or it is damaged ({error}). {ADVICE}") from error
    if len(found) != 2:
        raise ModelError(f"{path} is no model of Shoptalk. {ADVICE}")
    return found


def _facts(content: bytes, path: Path) -> Json:
    facts: Json = json.loads(content)
    if not isinstance(facts, dict):
        raise TypeError("model.json holds no object")
    if facts.get("format") != FORMAT:
        text = f"{path} has format {facts.get('format')}, this version reads {FORMAT}: train again"
        raise ModelError(text)
    return facts


def _arrays(content: bytes) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays: dict[str, Any] = load(content)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    return arrays


def _below(head: str, arrays: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(head): array for name, array in arrays.items() if name.startswith(head)}
