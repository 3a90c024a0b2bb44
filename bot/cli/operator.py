"""`shoptalk operator`: the people at the desk."""

from __future__ import annotations

import argparse
import asyncio

from bot.cli.place import Place
from bot.cli.settings import endpoints_from
from bot.errors import ShoptalkError
from bot.ledger.operator_store import OperatorStore
from bot.ledger.signal import Signal
from bot.ledger.store import open_ledger
from bot.training_data.project import Project


def main(args: argparse.Namespace) -> int:
    if args.action != "list" and not args.name:
        raise ShoptalkError(f"whom? Write: shoptalk operator {args.action} NAME")
    asyncio.run(_run(args))
    return 0


async def _run(args: argparse.Namespace) -> None:
    endpoints, _ = endpoints_from(args.endpoints or Project(args.project).endpoints_file)
    store = await open_ledger(Place(args.project).ledger_url(endpoints), signal=Signal())
    try:
        await _do(OperatorStore(store.database), args)
    finally:
        await store.close()


async def _do(operators: OperatorStore, args: argparse.Namespace) -> None:
    if args.action == "list":
        for one in await operators.operators():
            state = "disabled" if one.disabled else "ready" if one.has_password else "has not used the login link yet"
            print(f"{one.name:20} {one.display_name:24} {one.role:10} {state}")
        return
    if args.action == "disable":
        await operators.disable(args.name)
        print(f"{args.name} can't log in any more. To let them in again: shoptalk operator link {args.name}")
        return
    if args.action == "add":
        shown = args.display_name or ""
        await operators.add(args.name, display_name=shown, role="admin" if args.admin else "operator")
    token = await operators.make_link(args.name)
    print(f"One-time login link for {args.name}, valid for 24 hours:\n{login_url(args.url, token)}")


def login_url(url: str, token: str) -> str:
    """Where an operator opens a login link."""
    return f"{url.rstrip('/')}/desk/login?link={token}"
