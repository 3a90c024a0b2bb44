"""Forms: how does the bot ask for each slot?"""

from __future__ import annotations

from bot.training_data.project import ReadResult
from bot.yaml.report import Report


def check_forms(result: ReadResult, report: Report) -> None:
    """Warn where a form has no words to ask for a required slot."""
    if result.broken:
        return
    domain = result.data.domain
    for form in domain.forms.values():
        for slot in form.required_slots:
            ways = (f"utter_ask_{form.name}_{slot}", f"utter_ask_{slot}")
            actions = (f"action_ask_{form.name}_{slot}", f"action_ask_{slot}")
            if any(way in domain.responses for way in ways) or any(action in domain.actions for action in actions):
                continue
            text = f"The form '{form.name}' can't ask for '{slot}': there is no question."
            report.warning(result.declared.get(("form", form.name)), text, f"Add a response '{ways[0]}'.")
