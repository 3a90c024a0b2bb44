"""What the policies see of one moment: the shopper's input, featurized slots, the previous action, the active loop.

Source: the state dictionaries in Rasa 3.6's diagnostic logs; `to_json` writes the same keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

from bot.domain import Domain
from bot.events import UserUttered
from bot.messages import Json

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class State:
    """One moment, immutable.

    Args:
        user: `intent`, `entities` (sorted names, roles as `name#role`) and, for end-to-end input, `text`.
        slots: name -> numbers, or SHOULD_NOT_BE_SET.
        action: previous action; empty at the start of a conversation.
        loop: the active loop's name; SHOULD_NOT_BE_SET in a rule that wants none.
        action_text: the previous bot utterance where that was an end-to-end one.
    """

    def __init__(
        self,
        user: Mapping[str, Any] = _NOTHING,
        slots: Mapping[str, Any] = _NOTHING,
        action: str | None = None,
        loop: str | None = None,
        *,
        action_text: str | None = None,
    ) -> None:
        self.user = user
        self.slots = slots
        self.action = action
        self.loop = loop
        self.action_text = action_text

    @property
    def previous(self) -> str | None:
        """The previous action's name or text; None at the start of a conversation."""
        return self.action or self.action_text

    @cached_property
    def key(self) -> str:
        """Text that is equal for equal states."""
        if "text" in self.user:  # a shopper's words do not stay in a cache
            return json.dumps(self.to_json(), sort_keys=True)
        return _key(tuple(self.user.items()), tuple(self.slots.items()), self.action, self.loop, self.action_text)

    def to_json(self) -> Json:
        data: Json = {}
        if self.user:
            data["user"] = {name: list(v) if isinstance(v, tuple) else v for name, v in self.user.items()}
        if self.slots:
            data["slots"] = {name: list(v) if isinstance(v, tuple) else v for name, v in self.slots.items()}
        if self.previous:
            data["prev_action"] = {"action_name": self.action} if self.action else {"action_text": self.action_text}
        if self.loop:
            data["active_loop"] = {"name": self.loop}
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> State:
        def tuples(part: str) -> dict[str, Any]:
            return {name: tuple(v) if isinstance(v, list) else v for name, v in data.get(part, {}).items()}

        action = data.get("prev_action", {})
        loop = data.get("active_loop", {}).get("name")
        name, text = action.get("action_name"), action.get("action_text")
        return cls(tuples("user"), tuples("slots"), name, loop, action_text=text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"State({self.key})"


@lru_cache(maxsize=16_384)
def _key(
    user: tuple[tuple[str, Any], ...],
    slots: tuple[tuple[str, Any], ...],
    action: str | None,
    loop: str | None,
    action_text: str | None,
) -> str:
    """A state's text; the same few states come again and again."""
    return json.dumps(State(dict(user), dict(slots), action, loop, action_text=action_text).to_json(), sort_keys=True)


def user_state(message: UserUttered | None, entities: list[Json], use_text: bool | None, domain: Domain) -> Json:
    """The shopper's part of a state: the intent and the entities that the domain lets count, or the text."""
    if message is None:
        return {}
    intent = (message.intent or "").partition("/")[0]  # of a retrieval intent, the family
    if use_text or not intent:
        return {"text": message.text} if message.text and use_text is not False else {}
    names = sorted(_labels(entities) & _used(intent, domain, entities)) if entities else []
    state: Json = {"intent": intent}
    if names:
        state["entities"] = tuple(names)
    return state


def _labels(entities: list[Json]) -> set[str]:
    labels = set()
    for item in entities:
        name = item.get("entity")
        if name is None:
            continue
        labels.add(name)
        labels.update(f"{name}#{item[part]}" for part in ("role", "group") if item.get(part))
    return labels


def _used(intent: str, domain: Domain, entities: list[Json]) -> set[str]:
    """Labels that influence predictions after this intent."""
    config = domain.intents.get(intent)
    if config is None:
        return _labels(entities)
    if config.use_entities is True:
        names = {e.name for e in domain.entities.values() if e.influence_conversation}
    else:
        names = set(config.use_entities or ())
    names -= set(config.ignore_entities)
    for name in tuple(names):
        if entity := domain.entities.get(name):
            names.update(f"{name}#{part}" for part in (*entity.roles, *entity.groups))
    return names
