"""`shoptalk shell`: talk to the bot in the terminal, or look at what it understands."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import uuid

from bot.agent import Agent
from bot.cli.console import trained
from bot.cli.loading import endpoints_of, load
from bot.messages import InboundMessage, OutboundMessage, Status

STOP = "/stop"


def main(args: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.DEBUG if args.debug else logging.WARNING)
    path = trained(args)
    _, agent = load(path, args.project, endpoints_of(args))
    print(f"Type a message; {STOP} or Ctrl-D ends. A number presses that button.")
    asyncio.run(_parses(agent) if args.what == "nlu" else _talk(agent))
    return 0


async def _typed() -> str | None:
    """One line; None at the end."""
    try:
        text = (await asyncio.to_thread(input, "> ")).strip()
    except (EOFError, KeyboardInterrupt):
        return None
    return None if text == STOP else text


async def _parses(agent: Agent) -> None:
    try:
        while (text := await _typed()) is not None:
            print(json.dumps((await agent.parse(text)).to_json(), ensure_ascii=False, indent=1))
    finally:
        await agent.close()


async def _talk(agent: Agent) -> None:
    """A conversation of its own, kept in memory. What is typed is trusted, as the terminal's user owns the bot."""
    sender, status, payloads = uuid.uuid4().hex, "bot", list[str]()
    tracker = agent.tracker(sender)
    try:
        while (text := await _typed()) is not None:
            if text.isdigit() and 0 < int(text) <= len(payloads):
                text = payloads[int(text) - 1]
            message = InboundMessage(uuid.uuid4().hex, sender, "shell", text, trusted=True)
            turn = await agent.handle(tracker, message, status=_status(status), turn_id=message.id)
            tracker.apply_all(turn.events)
            status = turn.status or status
            payloads = _show(turn.messages)
            if status in ("queued", "human"):
                print(f"[{status}: the bot is silent until a person hands back; /back_to_bot goes back]")
    finally:
        await agent.close()


def _status(name: str) -> Status:
    return name  # type: ignore[return-value]


def _show(messages: tuple[OutboundMessage, ...]) -> list[str]:
    """Print the messages; returns the payloads of their buttons, in the order of their numbers."""
    payloads: list[str] = []
    for message in messages:
        for part in (message.text, message.image, message.attachment):
            if part:
                print(part)
        if message.custom:
            print(json.dumps(message.custom, ensure_ascii=False, indent=1))
        for button in message.buttons:
            payloads.append(str(button.get("payload") or button.get("title")))
            print(f"  {len(payloads)}: {button.get('title')} ({payloads[-1]})")
    return payloads
