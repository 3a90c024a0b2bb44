"""The `shoptalk` command: Rasa's verbs. Each verb's module is imported only when it is called, so `--help` is quick."""

from __future__ import annotations

import argparse
import gc
import importlib
import io
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from bot import __version__
from bot.errors import ProjectError, ShoptalkError

STARTED = time.perf_counter()
"""When this process began to work, for telling how long a start took."""

DESCRIPTION = "Chat bots for shops: reads Rasa 3.x projects, serves them on the web, hands over to people."


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog="shoptalk", description=DESCRIPTION)
    top.add_argument("--version", action="version", version=f"shoptalk {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    _init(verbs)
    _train(verbs)
    _run(verbs)
    _shell(verbs)
    _validate(verbs)
    _test(verbs)
    _operator(verbs)
    return top


Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _verb(verbs: Verbs, name: str, module: str, text: str) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    verb.set_defaults(module=f"bot.cli.{module}")
    verb.add_argument(
        "--project", type=Path, default=Path("."), metavar="DIR", help="the project's folder (default: .)"
    )
    verb.add_argument("--debug", action="store_true", help="show the log of the engine and Python's tracebacks")
    return verb


def _sources(verb: argparse.ArgumentParser) -> None:
    """Where a project keeps its parts, as Rasa's flags name them; by default they are found by name."""
    verb.add_argument("--config", "-c", type=Path, help="config.yml")
    verb.add_argument("--domain", "-d", type=Path, help="domain file or folder")
    verb.add_argument("--data", type=Path, nargs="+", help="files or folders of training data")


def _init(verbs: Verbs) -> None:
    verb = _verb(verbs, "init", "init", "Write a small project to start from.")
    verb.add_argument("--no-prompt", action="store_true", help="accepted for Rasa's sake: nothing is asked anyway")


def _train(verbs: Verbs) -> None:
    verb = _verb(verbs, "train", "train", "Check the project and train a model.")
    _sources(verb)
    verb.add_argument("--out", type=Path, help="folder for the model (default: models/ in the project)")
    verb.add_argument("--fixed-model-name", metavar="NAME", help="name of the model file, without the date")
    verb.add_argument("--force", action="store_true", help="train although nothing changed")


def _run(verbs: Verbs) -> None:
    verb = _verb(verbs, "run", "run", "Serve the bot: channels, desk and API; `run actions` serves the custom actions.")
    _sources(verb)
    verb.add_argument("what", nargs="?", choices=["actions"], help="serve the custom actions over Rasa's protocol")
    verb.add_argument("--port", "-p", type=_port, help="port (default: 5005; actions: 5055)")
    verb.add_argument("--interface", "-i", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    verb.add_argument("--model", "-m", type=Path, help="a model file or folder (default: the newest, trained if stale)")
    verb.add_argument("--endpoints", type=Path, help="endpoints.yml")
    verb.add_argument("--credentials", type=Path, help="credentials.yml")
    verb.add_argument("--enable-api", action="store_true", help="also serve Rasa's HTTP API")
    verb.add_argument("--auth-token", "-t", metavar="TOKEN", help="token that the HTTP API asks for")
    verb.add_argument("--actions", default="actions", metavar="PACKAGE", help="Python package with the custom actions")


def _shell(verbs: Verbs) -> None:
    verb = _verb(verbs, "shell", "shell", "Talk to the bot in the terminal; `shell nlu` shows what it understands.")
    _sources(verb)
    verb.add_argument("what", nargs="?", choices=["nlu"], help="show the parse of each line instead of answering")
    verb.add_argument("--model", "-m", type=Path, help="a model file or folder")
    verb.add_argument("--endpoints", type=Path, help="endpoints.yml")


def _validate(verbs: Verbs) -> None:
    verb = _verb(verbs, "validate", "validate", "Report every problem of the project with file, line and column.")
    _sources(verb)
    verb.add_argument("--fail-on-warnings", action="store_true", help="warnings too make the command fail")
    data = verbs.add_parser("data", help="Rasa's spelling: `data validate`")
    inner = data.add_subparsers(dest="data_verb", metavar="COMMAND", required=True)
    alias = _verb(inner, "validate", "validate", "Report every problem of the project with file, line and column.")
    _sources(alias)
    alias.add_argument("--fail-on-warnings", action="store_true", help="warnings too make the command fail")


def _test(verbs: Verbs) -> None:
    verb = _verb(verbs, "test", "test", "Run the project's test stories.")
    _sources(verb)
    verb.add_argument("what", nargs="?", choices=["core", "nlu"], help="only the stories, or only their intents")
    verb.add_argument("--model", "-m", type=Path, help="a model file or folder")
    verb.add_argument("--stories", "-s", type=Path, help="test stories (default: test_*.yml below tests/)")
    verb.add_argument("--out", type=Path, help="folder for failed_test_stories.txt (default: results/)")


def _operator(verbs: Verbs) -> None:
    verb = _verb(verbs, "operator", "operator", "Add, list, disable the people at the desk, or make a new login link.")
    verb.add_argument("action", choices=["add", "list", "link", "disable"])
    verb.add_argument("name", nargs="?", help="login name")
    verb.add_argument("--display-name", help="what shoppers see (default: the login name)")
    verb.add_argument("--admin", action="store_true", help="may manage other operators")
    verb.add_argument("--url", default="http://127.0.0.1:5005", help="where the desk is, for the link")
    verb.add_argument("--endpoints", type=Path, help="endpoints.yml")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is no port: 1 to 65535, or 0 for any free one")
    return int(text)


def _check_paths(args: argparse.Namespace) -> None:
    """What a flag names must be there: a misspelt `--credentials` would open the bot to everybody.

    Raises:
        ShoptalkError: a path leads nowhere.
    """
    if not args.project.is_dir() and args.verb != "init":
        raise ShoptalkError(f"there is no folder {args.project}; name the project's folder with --project")
    given = {name: getattr(args, name, None) for name in ("config", "domain", "endpoints", "credentials", "stories")}
    paths = [(name, path) for name, path in given.items() if path]
    paths += [("data", path) for path in getattr(args, "data", None) or ()]
    for name, path in paths:
        if not path.exists():
            raise ShoptalkError(f"--{name}: there is no file or folder {path}")


def _tolerate_terminal() -> None:
    """A terminal that can't show Chinese shows something else instead, and odd bytes are no reason to stop."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (0 fine, 1 the project or the request is at fault, 130 stopped)."""
    _tolerate_terminal()
    args = parser().parse_args(argv)
    if args.verb == "run":
        gc.disable()  # a start makes much and throws away nothing; whoever serves or trains enables it again
    try:
        _check_paths(args)
        status: int = importlib.import_module(args.module).main(args)
    except ProjectError as error:
        print(error, file=sys.stderr)
        print(f"\n{len(error.problems)} problem(s); nothing was trained or changed.", file=sys.stderr)
        return 1
    except ShoptalkError as error:
        if args.debug:
            raise
        print(f"shoptalk: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read the output has left (`| head`); without this, Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if args.debug:
            raise
        print(f"shoptalk: {error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    return status


if __name__ == "__main__":
    sys.exit(main())
