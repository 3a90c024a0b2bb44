"""Frozen dataclasses of the domain to plain JSON and back, led by their own type hints."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """The dataclass as JSON can hold it; sets become sorted lists."""
    return _listed(asdict(value))


def from_plain(kind: type[T], value: Mapping[str, Any]) -> T:
    """The dataclass that `to_plain` made JSON of."""
    built: T = _build(kind, value)
    return built


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _listed(item) for key, item in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    return [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _build(kind: Any, value: Any) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        given = {name: _build(hint, value[name]) for name, hint in _hints(kind).items() if name in value}
        return kind(**given)
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        lists = [arg for arg in args if get_origin(arg) is tuple]
        return _build(lists[0], value) if isinstance(value, list) and lists else value
    if origin is tuple:
        return tuple(_build(args[0], item) for item in value)
    if origin is frozenset:
        return frozenset(value)
    if isinstance(origin, type) and issubclass(origin, Mapping) and len(args) == 2:
        return {key: _build(args[1], item) for key, item in value.items()}
    return value
