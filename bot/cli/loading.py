"""From an archive on the disk to an agent that answers."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from bot.agent import Agent
from bot.config import Endpoints, read_endpoints
from bot.domain import Domain
from bot.execution.endpoint import ActionEndpoint
from bot.model.archive import Model, read
from bot.nlu.batcher import Batcher
from bot.training_data.project import Project


def endpoints_of(args: argparse.Namespace) -> Endpoints:
    """The project's endpoints.yml, or the one that `--endpoints` names. Tells the actions where both are."""
    os.environ["SHOPTALK_PROJECT"] = str(args.project.resolve())
    if not args.endpoints:
        return Project(args.project).endpoints()
    os.environ["SHOPTALK_ENDPOINTS"] = str(args.endpoints.resolve())
    return read_endpoints(args.endpoints)


def load(path: Path, project: Path, endpoints: Endpoints, *, actions: str = "actions") -> tuple[Model, Agent]:
    """Load the model and what it needs. Blocks for as long as torch takes to be imported.

    Raises:
        ModelError: the archive can't be used.
        ProjectError: the code of the actions can't be loaded.
    """
    model = read(path)
    endpoint = _action_endpoint(model.domain, project, endpoints, actions)
    agent = Agent(
        domain=model.domain,
        parser=Batcher(model.pipeline, cache_size=int(endpoints.section("nlu").get("cache_size") or 0)),
        ensemble=model.ensemble,
        endpoint=endpoint,
        model_id=model.id,
        assistant_id=model.assistant_id,
        language=model.language,
    )
    return model, agent


def _action_endpoint(domain: Domain, project: Path, endpoints: Endpoints, package: str) -> ActionEndpoint | None:
    """Over HTTP where `action_endpoint` is set; else in this process, if the project has actions."""
    config = endpoints.action_endpoint
    if config:
        from bot.execution.http_endpoint import HttpEndpoint

        return HttpEndpoint(
            config.url,
            token=config.token,
            headers=config.headers,
            timeout_s=config.timeout_s,
            selective_domain=bool(config.extra.get("enable_selective_domain")),
            send_domain_actions=domain.send_domain_actions,
        )
    module = project / package.replace(".", "/")
    if not module.is_dir() and not module.with_suffix(".py").is_file():
        return None
    from bot.execution.in_process_endpoint import InProcessEndpoint

    return InProcessEndpoint(package, project)
