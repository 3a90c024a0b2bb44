"""Finds plug-ins by name: the one mechanism for channels, components, policies, ledgers and back ends.

A name is looked up in this order: the owning package's table of `"Name": "module:Class"` strings; a dotted path as
written in the YAML (`my_shop.nlu.Speller`); the entry points of group `shoptalk.<kind>`. Listing imports nothing.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Mapping

from bot.errors import RegistryError, nearest


def find(kind: str, name: str, table: Mapping[str, str]) -> type:
    """The class that `name` stands for.

    Args:
        kind: what is looked for, in the singular: `component`, `policy`, `channel` ...
        name: as in the YAML: a name of the table, a dotted path (also Rasa's own,
            `rasa.nlu.classifiers.diet_classifier.DIETClassifier`), or the name of an entry point.
        table: the owning package's own names, each with its `module:Class`.

    Raises:
        RegistryError: nothing has this name, or what has it can't be imported.
    """
    path = table.get(name) or _of_rasa(name, table)
    if path is None and ("." in name or ":" in name):
        path = name
    if path is None:
        path = _entry_points(kind).get(name)
    if path is None:
        raise RegistryError(_missing(kind, name, table), known=names(kind, table))
    return _load(kind, name, path)


def names(kind: str, table: Mapping[str, str]) -> tuple[str, ...]:
    """All known names, sorted; imports none of them."""
    return tuple(sorted({*table, *_entry_points(kind)}))


def is_known(kind: str, name: str, table: Mapping[str, str]) -> bool:
    """Whether `find` would have something to import; a dotted path is taken at its word."""
    return name in table or "." in name or ":" in name or name in _entry_points(kind)


def _of_rasa(name: str, table: Mapping[str, str]) -> str | None:
    """Rasa lets its own classes be written in full; only the class name counts."""
    return table.get(name.rpartition(".")[2]) if name.startswith("rasa.") else None


def _entry_points(kind: str) -> dict[str, str]:
    from importlib.metadata import entry_points  # slow to import, and rarely needed

    return {point.name: point.value for point in entry_points(group=f"shoptalk.{kind}")}


def _missing(kind: str, name: str, table: Mapping[str, str]) -> str:
    known = names(kind, table)
    near = nearest(name, known)
    hint = f" Did you mean '{near}'?" if near else ""
    return f"There is no {kind} named '{name}'.{hint} Known: {', '.join(known) or 'none'}."


def _load(kind: str, name: str, path: str) -> type:
    module_name, _, class_name = path.partition(":") if ":" in path else path.rpartition(".")
    if not module_name or not class_name:
        raise RegistryError(f"'{path}' is not the path of a {kind}: write 'package.module.Class'.")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # a plug-in's module may raise anything; the start stops with its place
        raise RegistryError(f"The {kind} '{name}' can't be imported: {_reason(error)}") from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        classes = [key for key, value in vars(module).items() if isinstance(value, type)]
        near = nearest(class_name, classes)
        hint = f" Did you mean '{near}'?" if near else ""
        raise RegistryError(f"The module '{module_name}' has no class '{class_name}'.{hint}", known=classes)
    return found


def _reason(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if len(frames) > 1 else ""
    return f"{type(error).__name__}: {error}{place}"
