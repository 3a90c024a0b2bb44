"""The contract of whatever runs a merchant's custom actions."""

from __future__ import annotations

from typing import Protocol

from bot.messages import Json


class ActionEndpoint(Protocol):
    """Runs custom actions: in this process, or over Rasa's HTTP protocol."""

    async def run(self, call: Json) -> Json:
        """Run one action.

        Args:
            call: Rasa's webhook body: next_action, sender_id, tracker, domain, version; plus `turn_id`, the
                idempotency key: the same turn may be tried again after a crash.

        Returns:
            `{"events": [...], "responses": [...]}`.

        Raises:
            ActionUnknown, ActionRejected, ActionUnavailable: see bot.errors.
        """
        ...

    async def names(self) -> tuple[str, ...] | None:
        """The actions it knows; None when it can't tell now."""
        ...

    async def close(self) -> None: ...
