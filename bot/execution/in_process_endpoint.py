"""Custom actions in this process, run by rasa_sdk's own executor in threads of their own."""

from __future__ import annotations

import copy
import json
import logging
import marshal
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.errors import ActionRejected, ActionUnavailable, ActionUnknown
from bot.execution.action_package import find_actions
from bot.execution.action_thread import ActionThreads, Busy
from bot.messages import Json

if TYPE_CHECKING:
    from rasa_sdk.executor import ActionExecutor

_log = logging.getLogger(__name__)


class InProcessEndpoint:
    """The actions of one project.

    Args:
        package: name of the package or module, `actions` in Rasa.
        project: the folder it lies in.
        timeout_s: for one action; a blocking one goes on in its thread, but nobody waits for it any more.
        threads: how many actions may run at the same time.

    Raises:
        ProjectError: the code can't be loaded; with file and line.
    """

    def __init__(self, package: str, project: Path | str, *, timeout_s: float = 10.0, threads: int = 32) -> None:
        from rasa_sdk.executor import ActionExecutor

        self._executor: ActionExecutor = ActionExecutor()
        for name, action in find_actions(package, Path(project)).items():
            self._executor.register_function(name, action.run)
        self._timeout_s = timeout_s
        self._threads = ActionThreads(limit=threads, timeout_s=timeout_s)

    async def run(self, call: Json) -> Json:
        """Run one action; see ActionEndpoint."""
        name = str(call.get("next_action"))
        if name not in self._executor.actions:
            known = ", ".join(sorted(self._executor.actions)) or "none"
            raise ActionUnknown(f"no action class is named {name!r}; known are: {known}", action=name)
        own = _own(call)  # the action may change what it is given
        try:
            result = await self._threads.run(lambda: self._executor.run(own))
        except TimeoutError as error:
            text = f"action {name!r} did not end within {self._timeout_s:g} s"
            raise ActionUnavailable(text, action=name) from error
        except Busy as error:
            raise ActionUnavailable(f"action {name!r} can't start: {error}", action=name) from error
        except Exception as error:
            raise _translated(error, name) from error
        return {"events": _plain(name, result.events), "responses": _plain(name, result.responses)}

    async def names(self) -> tuple[str, ...] | None:
        return tuple(self._executor.actions)

    async def close(self) -> None:
        self._threads.close()


def _own(call: Json) -> Json:
    """A copy for the action alone; of the domain, which is large and only read, the top level."""
    domain = call.get("domain")
    rest = {key: value for key, value in call.items() if key != "domain"}
    try:
        own: Json = marshal.loads(marshal.dumps(rest))  # noqa: S302 - our own bytes; far faster than deepcopy
    except ValueError:  # a slot holds what is no plain data
        own = copy.deepcopy(rest)
    return own | {"domain": dict(domain) if isinstance(domain, dict) else {}}


def _plain(name: str, entries: list[Json]) -> list[Json]:
    """The entries that can be written as JSON; the same in this process and behind a server."""
    kept = []
    for entry in entries:
        try:
            kept.append(json.loads(json.dumps(entry, allow_nan=False)))
        except (TypeError, ValueError) as error:
            _log.error("action %s: %.200r is ignored, it can't be written as JSON: %s", name, entry, error)
    return kept


def _translated(error: Exception, name: str) -> ActionRejected | ActionUnknown | ActionUnavailable:
    from rasa_sdk.interfaces import ActionExecutionRejection, ActionNotFoundException

    if isinstance(error, ActionExecutionRejection):
        return ActionRejected(error.message, action=name)
    if isinstance(error, ActionNotFoundException):
        return ActionUnknown(error.message, action=name)
    place = _place(error)
    _log.error("action %s failed at %s", name, place, exc_info=error)
    return ActionUnavailable(f"action {name!r} failed at {place}: {type(error).__name__}: {error}", action=name)


def _place(error: Exception) -> str:
    frames: list[Any] = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
    own = [frame for frame in frames if "/bot/execution/" not in frame.filename and "asyncio" not in frame.filename]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else "an unknown place"
