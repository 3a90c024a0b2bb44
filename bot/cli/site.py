"""Puts a serving process together: store, channels, desk, pages, agent."""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.agent import Agent
from bot.cli.console import trained, warn
from bot.cli.loading import load
from bot.cli.main import STARTED
from bot.cli.operator import login_url
from bot.cli.place import Place
from bot.cli.settings import credentials_from
from bot.config import Credentials, Endpoints
from bot.ledger.operator_store import OperatorStore
from bot.ledger.signal import Signal
from bot.ledger.store import Store, open_ledger
from bot.training_data.project import Project
from connectors import server
from connectors.api.routes import Api, Serving
from connectors.desk.desk import Desk
from connectors.mailbox.mailbox import Mailbox
from connectors.server import Mount
from connectors.storefront.storefront import Storefront

FIRST_OPERATOR = "admin"
DEFAULT_CHANNELS: Mapping[str, Mapping[str, Any]] = {"rest": {}, "web": {}}
"""Without credentials.yml."""


class Site:
    """One serving process of a project.

    Args:
        args: the flags of `shoptalk run`.
        endpoints: of the project.
    """

    def __init__(self, args: argparse.Namespace, endpoints: Endpoints) -> None:
        self.args = args
        self.endpoints = endpoints
        self.place = Place(args.project)
        self.credentials = self._credentials()
        self.serving = Serving()
        self.url = ""

    def _credentials(self) -> Credentials:
        file = self.args.credentials or Project(self.args.project).credentials_file
        credentials, notices = credentials_from(file)
        for notice in notices:
            warn(notice)
        return credentials

    async def serve(self, port: int) -> None:
        """Train if the sources have changed, then serve until told to stop."""
        model = trained(self.args)
        signal = Signal()
        store = await open_ledger(self.place.ledger_url(self.endpoints), signal=signal, serve=True)
        operators = OperatorStore(store.database)
        desk = Desk(store, operators, self.endpoints.section("desk"), signal=signal)
        link = await first_link(operators)

        async def load_agent() -> Agent:
            agent, finish = await asyncio.to_thread(self._load, model)
            self._tell(link)
            self._finishing = asyncio.create_task(asyncio.to_thread(finish))
            self._finishing.add_done_callback(lambda task: _stop_if_failed(app, task))
            return agent

        parts = server.Site(
            store=store,
            signal=signal,
            load_agent=load_agent,
            secret=self.place.secret(),
            channels=server.open_channels(self.credentials.channels or DEFAULT_CHANNELS),
            mounts=self._mounts(store, desk),
            availability=desk.availability,
        )
        app = server.create_app(parts)
        await server.serve(app, interface=self.args.interface, port=port, opened=self._opened)

    def _mounts(self, store: Store, desk: Desk) -> list[Mount]:
        mounts: list[Mount] = [desk]
        if self.has_storefront:
            mounts.append(Storefront())
        if self.mailbox:
            mounts.append(Mailbox(self.mailbox))
        if self.args.enable_api:
            mounts.append(Api(store.ledger, self.serving, token=self.args.auth_token))
        return mounts

    @property
    def has_storefront(self) -> bool:
        return "storefront" in self.credentials.channels

    @property
    def mailbox(self) -> Path | None:
        """The folder of the development mailbox, unless mail goes out by SMTP or the project sends none."""
        mail = self.endpoints.section("mail")
        if mail.get("type") != "mailbox":
            return None
        return self.place.project.resolve() / str(mail.get("folder") or "var/mailbox")

    def _load(self, path: Path) -> tuple[Agent, Callable[[], None]]:
        """The agent, and what is left to do once it answers: load the actions (calls wait for them) and speed up."""
        project, package = self.args.project, self.args.actions
        model, agent, actions = load(path, project, self.endpoints, actions=package, pending=True)
        model.pipeline.parse(["hello"])  # the first pass is slower than the others
        self.serving.agent, self.serving.model_file = agent, path.name

        def finish() -> None:
            if actions:
                actions.make()
            model.pipeline.quicken()
            _settle_in()

        return agent, finish

    def _opened(self, url: str) -> None:
        self.url = url

    def _tell(self, link: tuple[str, str] | None) -> None:
        """Where everything is, on the terminal."""
        lines = [f"Ready in {time.perf_counter() - STARTED:.1f} s."]
        if self.has_storefront:
            lines.append(f"Shop page     {self.url}/")
        lines.append(f"Desk          {self.url}/desk")
        if self.mailbox:
            lines.append(f"Mailbox       {self.url}/mailbox")
        if link:
            lines.append(f"First login   {login_url(self.url, link[1])}  (operator '{link[0]}', once, within 24 hours)")
        print("\n".join(lines), flush=True)


def _stop_if_failed(app: web.Application, task: asyncio.Task[None]) -> None:
    """Actions that can't be loaded stop the server, as they would have stopped its start."""
    if not task.cancelled() and (error := task.exception()) and not app[server.FAILED].done():
        app[server.FAILED].set_exception(error)


def _settle_in() -> None:
    """Tune the interpreter for a process of one busy event loop beside one thread of torch; measured on two cores, it
    answers a tenth to a fifth more messages."""
    gc.collect()
    gc.freeze()  # what is loaded stays: no collection need look at it again
    gc.set_threshold(50_000, 20, 100)
    gc.enable()
    sys.setswitchinterval(0.0005)  # the thread that has understood a text need not wait 5 ms to say so


async def first_link(operators: OperatorStore) -> tuple[str, str] | None:
    """A login link for the first operator, made if there is none; None as soon as anybody has a password."""
    known = await operators.operators()
    if any(operator.has_password for operator in known):
        return None
    if not known:
        known = [await operators.add(FIRST_OPERATOR, role="admin")]
    return known[0].name, await operators.make_link(known[0].name)
