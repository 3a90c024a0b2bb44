"""The demo shop for tests of whole journeys: trained once for the session, a fresh server on a copy for each test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.demo import COMMAND, Demo, copied


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: Playwright keeps an event loop running in the thread that no asyncio test could share."""
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.fixture(scope="session")
def trained_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo shop's files with a model trained by the command."""
    project = copied(tmp_path_factory.mktemp("shop"))
    subprocess.run([COMMAND, "train", "--project", str(project)], check=True, capture_output=True)
    return project


@pytest.fixture
def demo(trained_shop: Path, tmp_path: Path) -> Iterator[Demo]:
    """A fresh server: no conversation, no operator yet."""
    shutil.copytree(trained_shop, tmp_path / "shop")
    running = Demo(tmp_path / "shop").start()
    yield running
    running.stop()
