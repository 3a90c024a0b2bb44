"""The real command in a process of its own, as a merchant starts it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.fakes.running_site import free_port

COMMAND = str(Path(sys.executable).with_name("shoptalk"))
LINK = re.compile(r"(http\S+)/desk/login\?link=([\w-]+)")


def shoptalk(*words: object, typed: str | bytes = b"", **options: Any) -> subprocess.CompletedProcess[str]:
    """Run to the end. `typed` is the standard input."""
    given = typed.encode() if isinstance(typed, str) else typed
    command = [COMMAND, *map(str, words)]
    done = subprocess.run(command, input=given, capture_output=True, timeout=120, check=False, **options)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


def refusal(*words: object, **options: Any) -> str:
    """The one line in which a command says why it can't do it."""
    done = shoptalk(*words, **options)
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr + done.stdout
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("shoptalk: ")]
    return line


class Served:
    """`shoptalk run …` from ready to Ctrl-C.

    Args:
        words: the flags after `run`; a free port is added.
    """

    def __init__(self, *words: object) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.command = [COMMAND, "run", *map(str, words), "--port", str(self.port)]
        self.output = ""

    def __enter__(self) -> Served:
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        path = "/actions" if "actions" in self.command else "/ready"
        deadline = time.monotonic() + 60
        while self.get(path)[0] != 200:
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.send_signal(signal.SIGINT)
        self.output = self.process.communicate(timeout=30)[0]

    def get(self, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON; status 0 while nobody listens."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, None
        except (urllib.error.URLError, ConnectionError):
            return 0, None

    def say(self, text: str, sender: str = "anna") -> list[str]:
        """What the bot answers over the REST channel."""
        status, messages = self.get("/webhooks/rest/webhook", {"sender": sender, "message": text})
        assert status == 200
        return [message.get("text", "") for message in messages]
