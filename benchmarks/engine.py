"""The two engines under measurement as processes: Shoptalk, and Rasa 3.6.21 in a Python 3.10 environment.

CPU and memory are the operating system's own figures for the process and all of its children (/proc, Linux).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Engine:
    """How one engine is trained and served. `{port}` in `serve` is filled in; `ready` is polled until it says 200."""

    name: str
    train: Sequence[str]
    serve: Sequence[str]
    ready: str
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Use:
    """Wall and CPU seconds of one finished command, and the largest memory of any one process in bytes."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def shoptalk() -> Engine:
    command = str(Path(sys.executable).with_name("shoptalk"))
    return Engine(
        "shoptalk",
        train=(command, "train", "--force"),
        serve=(command, "run", "--port", "{port}", "--enable-api"),
        ready="/ready",
    )


def rasa(python: Path) -> Engine:
    """Rasa 3.6.21 as installed beside that Python 3.10."""
    command = str(python.with_name("rasa"))
    quiet = {"RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3", "SQLALCHEMY_SILENCE_UBER_WARNING": "1"}
    return Engine(
        "rasa 3.6.21",
        train=(command, "train"),
        serve=(command, "run", "--enable-api", "--port", "{port}"),
        ready="/status",
        env=quiet,
    )


def timed(command: Sequence[str], *, cwd: Path, env: dict[str, str]) -> Use:
    """Run to the end. Raises CalledProcessError with the output when it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, env=os.environ | env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command), output)
    wall = time.perf_counter() - start
    return Use(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


class Server:
    """A serving engine."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, start_s: float) -> None:
        self.process, self.url, self.start_s = process, url, start_s

    def family(self) -> list[int]:
        """Its process and all descendants."""
        parents = {int(p.name): _stat(p)[3] for p in Path("/proc").iterdir() if p.name.isdigit() and _stat(p)}
        family = [self.process.pid]
        for pid in family:
            family += [child for child, parent in parents.items() if int(parent) == pid]
        return family

    def cpu_s(self) -> float:
        stats = [_stat(Path(f"/proc/{pid}")) for pid in self.family()]
        return sum(int(s[13]) + int(s[14]) for s in stats if s) / TICKS

    def rss_bytes(self) -> int:
        pages = 0
        for pid in self.family():
            path = Path(f"/proc/{pid}/statm")
            pages += int(path.read_text().split()[1]) if path.exists() else 0
        return pages * PAGE_BYTES


def _stat(folder: Path) -> list[str]:
    try:
        head, _, tail = (folder / "stat").read_text().rpartition(")")
    except OSError:
        return []
    return [*head.split("(", 1), *tail.split()]


@contextmanager
def served(engine: Engine, cwd: Path, *, timeout_s: float = 300) -> Iterator[Server]:
    """The engine serving `cwd`, from the moment that it is ready; killed at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [part.format(port=port) for part in engine.serve]
    start = time.perf_counter()
    with (cwd / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=cwd, env=os.environ | engine.env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(process, url + engine.ready, cwd / "serve.log", timeout_s)
        yield Server(process, url, time.perf_counter() - start)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path, timeout_s: float) -> None:
    deadline = time.perf_counter() + timeout_s
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}:\n{log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.02)
    raise RuntimeError(f"not ready after {timeout_s} s:\n{log.read_text()[-2000:]}")


def copied(project: Path, target: Path, *, endpoints: str = "") -> Path:
    """A copy of a project to work in, with its own endpoints.yml."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(project, target)
    (target / "endpoints.yml").write_text(endpoints)
    (target / "credentials.yml").write_text("rest:\n")
    return target
