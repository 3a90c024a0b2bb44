"""Domain files -> one Domain. Sections of several files are merged; the first file that declares a name wins."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as MappingOf
from typing import Any

from bot.domain import Domain, Entity, Form, Intent, SessionConfig, Slot, Variation
from bot.messages import Json
from bot.training_data.reading import Reading
from bot.training_data.response_reader import read_responses
from bot.training_data.slot_reader import read_slot
from bot.yaml.node import Mapping, Node, Scalar, Sequence

DOMAIN_KEYS = ("version", "intents", "entities", "slots", "responses", "forms", "actions", "e2e_actions",
               "session_config", "config")  # fmt: skip
_RAW_ORDER = ("version", "intents", "entities", "slots", "responses", "actions", "forms", "e2e_actions",
              "session_config")  # fmt: skip
_VERSION = "3.1"


class DomainReader:
    """Takes in one file after the other; `domain()` gives the sum.

    `raw` keeps, for each section, name -> what the file says in plain JSON.
    """

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.intents: dict[str, Intent] = {}
        self.entities: dict[str, Entity] = {}
        self.slots: dict[str, Slot] = {}
        self.responses: dict[str, tuple[Variation, ...]] = {}
        self.forms: dict[str, Form] = {}
        self.send_domain: set[str] = set()
        self.session: SessionConfig | None = None
        self.raw: dict[str, dict[str, Any]] = {key: {} for key in _RAW_ORDER}

    def read(self, root: Mapping) -> None:
        """Take in the domain sections of one file."""
        sections: dict[str, Callable[[Node | None], object]] = {
            "intents": self._read_intents,
            "entities": self._read_entities,
            "slots": self._read_slots,
            "responses": self.add_responses,
            "forms": self._read_forms,
            "actions": self._read_actions,
            "e2e_actions": self._read_e2e_actions,
            "session_config": self._read_session,
        }
        for name, reader in sections.items():
            node, before = root.get(name), len(self.reading.errors)
            reader(node)
            if node is not None and any(problem.mark == node.mark for problem in self.reading.errors[before:]):
                # The section as a whole is wrong: names missing from it are no news.
                self.reading.broken.add("domain")

    def domain(self) -> Domain:
        return Domain(
            intents=self.intents,
            entities=self.entities,
            slots=self.slots,
            responses=self.responses,
            forms=self.forms,
            actions=tuple(self.raw["actions"]),
            send_domain_actions=frozenset(self.send_domain),
            e2e_actions=tuple(self.raw["e2e_actions"]),
            session=self.session or SessionConfig(),
            raw=self._plain(),
        )

    def _plain(self) -> Json:
        """Rasa's own form: lists for what is a list in the files, intents sorted, empty sections left out."""
        raw: Json = {"version": _VERSION}
        for section in _RAW_ORDER:
            found = self.raw[section]
            if section == "intents":
                found = dict(sorted(found.items()))
            if found:
                is_list = section in ("intents", "entities", "actions", "e2e_actions")
                raw[section] = list(found.values()) if is_list else found
        return raw

    def _is_new(self, kind: str, section: str, key: Scalar, plain: Any) -> bool:
        """Declare; a second declaration that differs is a problem, an equal one is none."""
        if self.reading.declare(kind, key):
            self.raw[section][key.text] = plain
            return True
        first = self.reading.declared[kind, key.text]
        if self.raw[section].get(key.text) != plain:
            text = f"The {kind} '{key.text}' is declared a second time, and differently; the first counts ({first})."
            self.reading.warning(key, text, "Keep one of the two.")
        return False

    def _read_intents(self, node: Node | None) -> None:
        for key, settings in self.reading.named(node, "'intents'"):
            name = key.text.removeprefix("/")
            plain = name if settings is None else {name: settings.value}
            if not self._is_new("intent", "intents", key, plain):
                continue
            mapping = self.reading.mapping(settings, f"The settings of the intent '{name}'")
            if mapping is None:
                self.intents[name] = Intent(name)
                continue
            self.reading.unknown_keys(mapping, ("use_entities", "ignore_entities", "is_retrieval_intent"), "an intent")
            use = self._entities_of(mapping.get("use_entities"), name) if "use_entities" in mapping else True
            ignored = self._entities_of(mapping.get("ignore_entities"), name)
            self.intents[name] = Intent(name, use, ignored if isinstance(ignored, tuple) else ())

    def _entities_of(self, node: Node | None, intent: str) -> bool | tuple[str, ...]:
        """true means all entities; false, nothing and an empty list mean none."""
        if node is None or node.is_null:
            return ()
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return True if node.value else ()
        names = self.reading.names(node, f"An entity of the intent '{intent}'")
        # `city#from` names a role of the entity.
        return tuple(self._entity_name(name, f"the intent '{intent}'") for name in names)

    def _entity_name(self, node: Scalar, where: str) -> str:
        self.reading.refer_at("entity", node.text.partition("#")[0], node.mark, where)
        return node.text

    def _read_entities(self, node: Node | None) -> None:
        for key, settings in self.reading.named(node, "'entities'"):
            name = key.text
            plain = name if settings is None else {name: settings.value}
            if not self._is_new("entity", "entities", key, plain):
                continue
            mapping = self.reading.mapping(settings, f"The settings of the entity '{name}'")
            if mapping is None:
                self.entities[name] = Entity(name)
                continue
            self.reading.unknown_keys(mapping, ("roles", "groups", "influence_conversation"), "an entity")
            influence = mapping.get("influence_conversation")
            self.entities[name] = Entity(
                name,
                tuple(each.text for each in self.reading.names(mapping.get("roles"), "A role")),
                tuple(each.text for each in self.reading.names(mapping.get("groups"), "A group")),
                self.reading.flag(influence, "influence_conversation", True),
            )

    def _read_slots(self, node: Node | None) -> None:
        mapping = self.reading.mapping(node, "'slots'")
        for key, child in mapping.items() if mapping else ():
            if self._is_new("slot", "slots", key, child.value):
                slot = read_slot(key, child, self.reading)
                if slot is not None:
                    self.slots[slot.name] = slot

    def add_responses(self, node: Node | None) -> MappingOf[str, tuple[Variation, ...]]:
        """Take in a `responses:` section, of a domain file or a training file."""
        found = read_responses(node, self.reading)
        for name, (key, variations, child) in found.items():
            if self._is_new("response", "responses", key, child.value):
                self.responses[name] = variations
        return {name: variations for name, (_, variations, _) in found.items()}

    def _read_forms(self, node: Node | None) -> None:
        if isinstance(node, Sequence):
            self.reading.error(node, "'forms' must be keys: form names with 'required_slots:' below.", "Found a list.")
            return
        mapping = self.reading.mapping(node, "'forms'")
        for key, child in mapping.items() if mapping else ():
            if self._is_new("form", "forms", key, child.value):
                self.forms[key.text] = self._form(key, child)

    def _form(self, key: Scalar, node: Node) -> Form:
        where = f"the form '{key.text}'"
        mapping = self.reading.mapping(node, f"T{where[1:]}")
        if mapping is None or "required_slots" not in mapping:
            self.reading.warning(key, f"T{where[1:]} has no required_slots: it asks for nothing.", "List its slots.")
        if mapping is None:
            return Form(key.text)
        self.reading.unknown_keys(mapping, ("required_slots", "ignored_intents"), "a form")
        slots = mapping.get("required_slots")
        if isinstance(slots, Mapping):
            text = f"T{where[1:]} lists its slots in the way of Rasa 2."
            self.reading.warning(slots, text, "Make required_slots a list, and move the mappings to the slots.")
            found: Iterable[Scalar] = (slot for slot, _ in slots.items())
        else:
            items = self.reading.sequence(slots, f"'required_slots' of {where}")
            found = (item for item in items if self.reading.text(item, "A required slot") and isinstance(item, Scalar))
        ignored = self.reading.names(mapping.get("ignored_intents"), f"An ignored intent of {where}")
        return Form(
            key.text,
            tuple(self.reading.refer("slot", slot, where) for slot in found),
            tuple(self.reading.refer("intent", intent, where) for intent in ignored),
        )

    def _read_actions(self, node: Node | None) -> None:
        for key, settings in self.reading.named(node, "'actions'"):
            plain = key.text if settings is None else {key.text: settings.value}
            if not self._is_new("action", "actions", key, plain):
                continue
            mapping = self.reading.mapping(settings, f"The settings of the action '{key.text}'")
            if mapping is not None:
                self.reading.unknown_keys(mapping, ("send_domain",), "an action")
                if self.reading.flag(mapping.get("send_domain"), "send_domain", False):
                    self.send_domain.add(key.text)

    def add_action(self, name: str) -> None:
        """An action that follows from the training data (`utter_faq` of a retrieval intent)."""
        self.raw["actions"].setdefault(name, name)

    def add_e2e_action(self, text: str | None) -> None:
        """A text that a story lets the bot say."""
        if text:
            self.raw["e2e_actions"].setdefault(text, text)

    def _read_e2e_actions(self, node: Node | None) -> None:
        for item in self.reading.sequence(node, "'e2e_actions'"):
            self.add_e2e_action(self.reading.text(item, "An entry of 'e2e_actions'"))

    def _read_session(self, node: Node | None) -> None:
        mapping = self.reading.mapping(node, "'session_config'")
        if mapping is None:
            return
        keys = ("session_expiration_time", "carry_over_slots_to_new_session")
        self.reading.unknown_keys(mapping, keys, "session_config")
        default = SessionConfig()
        session = SessionConfig(
            self.reading.number(mapping.get(keys[0]), keys[0], default.expiration_min),
            self.reading.flag(mapping.get(keys[1]), keys[1], default.carry_over_slots),
        )
        if self.session is not None and self.session != session:
            self.reading.warning(mapping, "session_config stands in two files, and differs; the first counts.")
            return
        if session.expiration_min < 0:
            self.reading.error(mapping.get(keys[0]), f"{keys[0]} can't be negative.", "Write 0 for 'never'.")
        self.session = session
        self.raw["session_config"] = mapping.value
