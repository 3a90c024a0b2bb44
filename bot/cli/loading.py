"""From an archive on the disk to an agent that answers."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from bot.agent import Agent
from bot.cli.console import warn
from bot.cli.settings import endpoints_from
from bot.config import EndpointConfig, Endpoints
from bot.domain import Domain
from bot.execution.endpoint import ActionEndpoint
from bot.execution.pending_endpoint import PendingEndpoint
from bot.model.archive import Model, read
from bot.nlu.batcher import Batcher
from bot.training_data.project import Project


def endpoints_of(args: argparse.Namespace) -> Endpoints:
    """The project's endpoints.yml, or the one that `--endpoints` names. Tells the actions where both are.

    Raises:
        ProjectError: a setting is wrong.
    """
    os.environ["SHOPTALK_PROJECT"] = str(args.project.resolve())
    if args.endpoints:
        os.environ["SHOPTALK_ENDPOINTS"] = str(args.endpoints.resolve())
    endpoints, notices = endpoints_from(args.endpoints or Project(args.project).endpoints_file)
    for notice in notices:
        warn(notice)
    return endpoints


def load(
    path: Path, project: Path, endpoints: Endpoints, *, actions: str = "actions", pending: bool = False
) -> tuple[Model, Agent, PendingEndpoint | None]:
    """Load the model and what it needs. Blocks for as long as torch takes to be imported.

    Args:
        path: the archive.
        project: the folder with the actions.
        endpoints: says whether actions run elsewhere.
        actions: their package.
        pending: leave loading the actions to the caller, who must `make` the endpoint that is returned with the agent.

    Raises:
        ModelError: the archive can't be used.
        ProjectError: the code of the actions can't be loaded.
    """
    config = endpoints.action_endpoint
    own = None if config else _own_actions(project, actions)
    if own and not pending:
        own.make()  # before the model, as a mistake there is found sooner than a model is read
    model = read(path)
    endpoint = _action_server(config, model.domain) if config else own
    agent = Agent(
        domain=model.domain,
        parser=Batcher(model.pipeline, cache_size=int(endpoints.section("nlu").get("cache_size") or 0)),
        ensemble=model.ensemble,
        endpoint=endpoint,
        model_id=model.id,
        assistant_id=model.assistant_id,
        language=model.language,
    )
    return model, agent, own if pending else None


def has_actions(project: Path, package: str) -> bool:
    """Whether the project has custom actions: a package, or one file."""
    module = project / package.replace(".", "/")
    return module.is_dir() or module.with_suffix(".py").is_file()


def _own_actions(project: Path, package: str) -> PendingEndpoint | None:
    """In this process, if the project has actions."""

    def build() -> ActionEndpoint:
        from bot.execution.in_process_endpoint import InProcessEndpoint

        return InProcessEndpoint(package, project)

    return PendingEndpoint(build) if has_actions(project, package) else None


def _action_server(config: EndpointConfig, domain: Domain) -> ActionEndpoint:
    from bot.execution.http_endpoint import HttpEndpoint

    return HttpEndpoint(
        config.url,
        token=config.token,
        token_name=config.token_name,
        headers=config.headers,
        timeout_s=config.timeout_s,
        selective_domain=bool(config.extra.get("enable_selective_domain")),
        send_domain_actions=domain.send_domain_actions,
    )
