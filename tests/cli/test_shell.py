"""`shoptalk shell` and `shoptalk shell nlu`, with pipes and with a terminal."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path

from tests.cli.terminal import COMMAND, shoptalk


def test_it_talks_in_both_languages_and_presses_buttons(starter: Path) -> None:
    said = "hello\n你好\n请帮我转人工客服\nhello?\n1\n\n/stop\nnot read\n"
    done = shoptalk("shell", "--project", starter, typed=said)
    assert done.returncode == 0, done.stderr
    answers = done.stdout.split("> ")[1:]
    assert "Hello! How can I help you?" in answers[0]
    assert "您好" in answers[1]
    assert "queued" in answers[2]
    assert len(answers) == 7


def test_nlu_shows_the_parse(starter: Path) -> None:
    done = shoptalk("shell", "nlu", "--project", starter, typed="请帮我转人工客服")
    parse = json.loads(done.stdout.partition("> ")[2].rpartition("> ")[0])
    assert parse["intent"]["name"] == "human"
    assert parse["language"] == "zh"


def test_odd_bytes_and_a_terminal_without_chinese_do_not_stop_it(formbot: Path) -> None:
    plain = {**os.environ, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    done = shoptalk("shell", "--project", formbot, typed=b"\xff\xfe\xc3\n\xe4\xbd\xa0\xe5\xa5\xbd\nhello\n", env=plain)
    assert done.returncode == 0, done.stderr
    assert "Hello! I am restaurant search assistant!" in done.stdout


def test_a_closed_input_ends_it(formbot: Path) -> None:
    command = ["sh", "-c", 'exec "$0" shell --project "$1" <&-', COMMAND, str(formbot)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_ctrl_c_ends_it_at_once(formbot: Path) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execv(COMMAND, [COMMAND, "shell", "--project", str(formbot)])
    shown = b""
    while b"> " not in shown:
        shown += os.read(terminal, 4096)
    time.sleep(0.5)  # Python prints the prompt a moment before it reads
    start = time.monotonic()
    os.write(terminal, b"\x03")
    done, status = 0, 0
    while not done and time.monotonic() < start + 10:
        done, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.05)
    if not done:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert done
    assert os.waitstatus_to_exitcode(status) == 130
    assert b"Traceback" not in os.read(terminal, 65536)
