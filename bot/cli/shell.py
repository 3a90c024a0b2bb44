"""`shoptalk shell`: talk to the bot in the terminal, or look at what it understands."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import uuid
from typing import cast

from bot.agent import Agent
from bot.cli.console import trained
from bot.cli.loading import endpoints_of, load
from bot.messages import InboundMessage, OutboundMessage, Status

STOP = "/stop"


def main(args: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.DEBUG if args.debug else logging.WARNING)
    endpoints = endpoints_of(args)
    _, agent, _ = load(trained(args), args.project, endpoints)
    print(f"Type a message; {STOP} or Ctrl-D ends. A number presses that button.")
    with asyncio.Runner() as runner:
        try:
            if args.what == "nlu":
                _show_parses(agent, runner)
            else:
                _talk(agent, runner)
        finally:
            runner.run(agent.close())
    return 0


def _typed() -> str | None:
    """One line; None at the end. Read outside the event loop, so that Ctrl-C ends it at once."""
    if sys.stdin is None:  # started with a closed standard input
        return None
    try:
        text = input("> ").strip()
    except EOFError:
        print()
        return None
    return None if text == STOP else text


def _show_parses(agent: Agent, runner: asyncio.Runner) -> None:
    while (text := _typed()) is not None:
        if text:
            print(json.dumps(runner.run(agent.parse(text)).to_json(), ensure_ascii=False, indent=1))


def _talk(agent: Agent, runner: asyncio.Runner) -> None:
    """A conversation of its own, kept in memory. What is typed is trusted, as the terminal's user owns the bot."""
    sender, status, payloads = uuid.uuid4().hex, "bot", list[str]()
    tracker = agent.tracker(sender)
    while (text := _typed()) is not None:
        if not text:
            continue
        if text.isdecimal() and 0 < int(text) <= len(payloads):
            text = payloads[int(text) - 1]
        message = InboundMessage(uuid.uuid4().hex, sender, "shell", text, trusted=True)
        turn = runner.run(agent.handle(tracker, message, status=cast("Status", status), turn_id=message.id))
        tracker.apply_all(turn.events)
        status = turn.status or status
        payloads = _show(turn.messages)
        if status in ("queued", "human"):
            print(f"[{status}: the bot is silent until a person hands back; /back_to_bot goes back]")


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
