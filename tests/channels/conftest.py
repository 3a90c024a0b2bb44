from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.running_site import RunningSite


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """One server for the tests of a module; they keep apart by their senders."""
    running = RunningSite(tmp_path_factory.mktemp("site")).start()
    yield running
    running.stop()
