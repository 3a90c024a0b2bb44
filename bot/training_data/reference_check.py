"""Names that are used and never declared, with the nearest that is."""

from __future__ import annotations

from collections.abc import Collection

from bot.domain import DEFAULT_INTENTS, Domain
from bot.errors import nearest
from bot.training_data.project import ReadResult
from bot.training_data.reading import Reference
from bot.yaml.report import MAX_PROBLEMS, Report

_DEFAULT_SLOTS = ("requested_slot", "session_started_metadata")
_DEFAULT_LOOPS = ("action_two_stage_fallback",)
_SECTION = {"intent": "intents", "entity": "entities", "slot": "slots", "action": "actions", "loop": "forms",
            "form": "forms"}  # fmt: skip


def check_references(result: ReadResult, report: Report) -> None:
    """One problem for each unknown name, at its first place, saying how often it is used."""
    if "domain" in result.broken:
        return
    known = _known(result.data.domain)
    missing: dict[tuple[str, str], list[Reference]] = {}
    for reference in result.references:
        name = reference.name.partition("/")[0] if reference.kind == "intent" else reference.name
        if name not in known[reference.kind]:
            missing.setdefault((reference.kind, name), []).append(reference)
    for (kind, name), references in list(missing.items())[:MAX_PROBLEMS]:
        _tell(kind, name, references, known[kind], report)
    _check_unsaid(result, report)


def _known(domain: Domain) -> dict[str, Collection[str]]:
    loops = {*domain.forms, *_DEFAULT_LOOPS}
    # A response with a slash answers a retrieval intent through `utter_<intent>`.
    retrieval = {name.partition("/")[0] for name in domain.responses if "/" in name}
    return {
        "intent": {*domain.intents, *DEFAULT_INTENTS},
        "entity": set(domain.entities),
        "slot": {*domain.slots, *_DEFAULT_SLOTS},
        "action": {*domain.action_names, *retrieval} - {"..."},
        "loop": loops,
        "form": loops,
    }


def _tell(kind: str, name: str, references: list[Reference], known: Collection[str], report: Report) -> None:
    fatal = [each for each in references if each.severity == "error"]
    first = (fatal or references)[0]
    word = "form" if kind == "loop" else kind
    others = len(references) - 1
    more = f" (and in {others} more place{'s' if others > 1 else ''})" if others else ""
    text = f"The {word} '{name}' is used in {first.where}{more} and is not declared in the domain."
    near = nearest(name, known)
    if near:
        advice = f"Did you mean '{near}'?"
    elif kind == "action" and name.startswith("utter_"):
        advice = f"Add a response '{name}' below 'responses:', or correct the name."
    else:
        advice = f"Add it below '{_SECTION[kind]}:' in the domain, or correct the name."
    (report.error if fatal else report.warning)(first.mark, text, advice)


def _check_unsaid(result: ReadResult, report: Report) -> None:
    """`utter_...` listed as an action without any response: nothing could be said."""
    domain = result.data.domain
    retrieval = {name.partition("/")[0] for name in domain.responses if "/" in name}
    for name in domain.actions:
        mark = result.declared.get(("action", name))
        if name.startswith("utter_") and name not in domain.responses and name not in retrieval and mark:
            near = nearest(name, domain.responses)
            hint = f"Did you mean '{near}'?" if near else f"Add a response '{name}' below 'responses:'."
            report.warning(mark, f"The action '{name}' has no response: the bot would say nothing.", hint)
