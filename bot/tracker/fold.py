"""What events amount to: an immutable value for each point of a conversation, made from the one before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from bot import events as ev
from bot.domain import Domain, Slot
from bot.messages import Json
from bot.tracker.slot import all_slots, coerce, features, is_featurized
from bot.tracker.state import State, user_state

LISTEN = "action_listen"


@dataclass(frozen=True, slots=True)
class Loop:
    """A running form. `trigger_message`: parse data of the message that started it. `rejected`: it refused to run."""

    name: str
    is_interrupted: bool = False
    rejected: bool = False
    trigger_message: Json | None = None

    def to_json(self) -> Json:
        return {
            "name": self.name,
            "is_interrupted": self.is_interrupted,
            "rejected": self.rejected,
            "trigger_message": self.trigger_message,
        }


class World:
    """What stays the same while events are folded: the domain and its slots."""

    def __init__(self, domain: Domain, slots: Mapping[str, Slot]) -> None:
        self.domain = domain
        self.slots = slots
        self.initial = MappingProxyType({name: coerce(s, s.initial_value) for name, s in slots.items()})
        self.initial_features = MappingProxyType(self._features(self.initial))

    def _features(self, values: Mapping[str, Any]) -> dict[str, Any]:
        found = {name: features(self.slots[name], value) for name, value in values.items()}
        return {name: value for name, value in found.items() if value is not None}


_WORLDS: dict[int, World] = {}


def world_of(domain: Domain) -> World:
    """The domain's world; one for each domain object, for trackers are made for every conversation."""
    world = _WORLDS.get(id(domain))
    if world is None or world.domain is not domain:
        world = World(domain, all_slots(domain))
        if len(_WORLDS) > 64:  # reloaded models leave domains behind
            _WORLDS.clear()
        _WORLDS[id(domain)] = world
    return world


@dataclass(frozen=True)
class Fold:
    """One point of a conversation. The mappings are shared between folds and never changed in place.

    Args:
        world: domain and slots.
        slots: name -> value.
        features: name -> what policies see; slots that show nothing are absent.
        filled: slots that an event has set, since initial values are no condition of a rule.
        message: the latest one.
        entities: the message's, with those that policies added.
        use_text: whether policies see the message's text (True) or intent (False); None while undecided.
        action: the latest action's name.
        action_text: the latest end-to-end bot utterance, when that came last.
        followup: the action that is due next, whatever the policies say.
    """

    world: World
    slots: Mapping[str, Any]
    features: Mapping[str, Any]
    filled: frozenset[str] = frozenset()
    message: ev.UserUttered | None = None
    entities: tuple[Json, ...] = ()
    use_text: bool | None = None
    action: str | None = None
    action_text: str | None = None
    loop: Loop | None = None
    followup: str | None = LISTEN
    paused: bool = False

    @cached_property
    def state(self) -> State:
        """What the policies see here."""
        return self._state(self.features)

    @property
    def state_of_filled(self) -> State:
        """The same without slots that only hold their initial value: what a rule asks for."""
        return self._state({name: value for name, value in self.features.items() if name in self.filled})

    def _state(self, shown: Mapping[str, Any]) -> State:
        user = user_state(self.message, list(self.entities), self.use_text, self.world.domain)
        loop = self.loop.name if self.loop else None
        return State(user, shown, self.action, loop, action_text=self.action_text)

    def but(self, **changes: Any) -> Fold:
        """The same with some attributes changed: `dataclasses.replace` at a fifth of its price, for it runs for every
        event of every conversation."""
        values = dict(self.__dict__)
        values.pop("state", None)  # what was worked out from the old values
        values.update(changes)
        new = object.__new__(Fold)
        new.__dict__.update(values)
        return new

    def after(self, event: ev.Event) -> Fold:
        """The point after `event`. Events that rewrite history (restart, undo ...) are the tracker's."""
        handler = _HANDLERS.get(type(event))
        return handler(self, event) if handler else self


def start(world: World) -> Fold:
    """The point where nothing has happened."""
    return Fold(world, world.initial, world.initial_features)


def _user(fold: Fold, event: Any) -> Fold:
    return fold.but(message=event, entities=tuple(event.entities), use_text=None, followup=None)


def _action(fold: Fold, event: Any) -> Fold:
    loop = fold.loop
    if loop is not None:
        rejected = loop.rejected and event.name != loop.name
        if loop.is_interrupted or rejected != loop.rejected:
            loop = replace(loop, is_interrupted=False, rejected=rejected)
    text = None if event.name else event.action_text
    return fold.but(action=event.name, action_text=text, loop=loop, followup=None)


def _slot(fold: Fold, event: Any) -> Fold:
    slot = fold.world.slots.get(event.name)
    if slot is None:  # as in Rasa: kept in the history, but there is nowhere to put the value
        return fold
    value = coerce(slot, event.value)
    slots = MappingProxyType({**fold.slots, event.name: value})
    if not is_featurized(slot):
        return fold.but(slots=slots)
    shown = dict(fold.features)
    shown.pop(event.name, None)
    if (found := features(slot, value)) is not None:
        shown[event.name] = found
    return fold.but(slots=slots, features=MappingProxyType(shown), filled=fold.filled | {event.name})


def _slots_reset(fold: Fold, event: Any) -> Fold:
    return fold.but(slots=fold.world.initial, features=fold.world.initial_features, filled=frozenset())


def _loop(fold: Fold, event: Any) -> Fold:
    if event.name is None:
        return fold.but(loop=None)
    trigger = latest_message_json(fold.message, ()) if fold.message is None else parse_data(fold.message)
    return fold.but(loop=Loop(event.name, trigger_message=trigger))


def _interrupted(fold: Fold, event: Any) -> Fold:
    return fold if fold.loop is None else fold.but(loop=replace(fold.loop, is_interrupted=event.is_loop_interrupted))


def _rejected(fold: Fold, event: Any) -> Fold:
    if fold.loop is None or fold.loop.name != event.name:
        return fold
    return fold.but(loop=replace(fold.loop, rejected=True))


def _featurization(fold: Fold, event: Any) -> Fold:
    if fold.action != LISTEN or fold.message is None:  # it belongs to a message, and a message follows a listen
        return fold
    return fold.but(use_text=event.use_text_for_featurization)


def _entities(fold: Fold, event: Any) -> Fold:
    if fold.action != LISTEN:
        return fold
    new = tuple(item for item in event.entities if item not in fold.entities)
    return fold.but(entities=fold.entities + new)


_HANDLERS: dict[type[ev.Event], Callable[[Fold, Any], Fold]] = {
    ev.UserUttered: _user,
    ev.ActionExecuted: _action,
    ev.SlotSet: _slot,
    ev.AllSlotsReset: _slots_reset,
    ev.ActiveLoop: _loop,
    ev.LoopInterrupted: _interrupted,
    ev.ActionExecutionRejected: _rejected,
    ev.FollowupAction: lambda fold, event: fold.but(followup=event.name),
    ev.DefinePrevUserUtteredFeaturization: _featurization,
    ev.EntitiesAdded: _entities,
    ev.ConversationPaused: lambda fold, event: fold.but(paused=True),
    ev.ConversationResumed: lambda fold, event: fold.but(paused=False),
}


def parse_data(message: ev.UserUttered) -> Json:
    """The message's parse data with the keys that Rasa always gives, in Rasa's order."""
    head: Json = {
        "intent": {},
        "entities": [],
        "text": message.text,
        "message_id": message.message_id,
        "metadata": dict(message.metadata),
    }
    return head | message.parse_data


def latest_message_json(message: ev.UserUttered | None, entities: tuple[Json, ...]) -> Json:
    """Rasa's `latest_message`: parse data, and entities with those that policies added."""
    if message is None:
        return {"intent": {}, "entities": [], "text": None, "message_id": None, "metadata": {}}
    return parse_data(message) | {"entities": list(entities)}
