"""Loads a project's `actions` (a package or one file) and finds the actions in it.

Two projects may be open in one process, and both call their code `actions`: the modules of the one that was there
first keep the name in `sys.modules`; the other's are kept by the classes that they define.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import pkgutil
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from bot.errors import Mark, Problem, ProjectError

_LOADING = threading.Lock()

_log = logging.getLogger(__name__)


def find_actions(package: str, project: Path) -> dict[str, Any]:
    """Action name -> instance of the merchant's class.

    Raises:
        ProjectError: the package can't be imported or an action can't be made; with file and line.
    """
    from rasa_sdk import utils
    from rasa_sdk.interfaces import Action

    with _LOADING, _importing(package, project):
        before = {id(cls) for cls in utils.all_subclasses(Action)}
        modules = _import_all(package, project)
        listed = {id(value) for module in modules for value in vars(module).values() if inspect.isclass(value)}
        # Classes made while importing, and those that the package imports from a library loaded earlier.
        found = [cls for cls in utils.all_subclasses(Action) if id(cls) not in before or id(cls) in listed]
        return _instances([cls for cls in dict.fromkeys(found) if _is_own(cls)], project)


def _is_own(cls: Any) -> bool:
    """Not one of rasa_sdk's own, and complete."""
    return not inspect.isabstract(cls) and not cls.__module__.startswith(("rasa_sdk.", "rasa."))


def _instances(classes: list[Any], project: Path) -> dict[str, Any]:
    actions: dict[str, Any] = {}
    for cls in classes:
        try:
            action = cls()
            name = action.name()
        except NotImplementedError:
            continue  # a parent class that others build on
        except Exception as error:
            raise _project_error(error, project, f"The action class {cls.__name__} can't be made") from error
        if name in actions:
            _log.warning("action %r is defined twice: %s counts, %s does not", name, cls, type(actions[name]))
        actions[name] = action
    return actions


@contextmanager
def _importing(package: str, project: Path) -> Iterator[None]:
    """The project's folder first on the path; modules of the same name from another project out of the way."""
    folder = str(project.resolve())
    top = package.split(".", maxsplit=1)[0]
    others = {name: module for name, module in sys.modules.items() if name == top or name.startswith(f"{top}.")}
    for name in others:
        del sys.modules[name]
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        _put_back(top, others, folder)


def _put_back(top: str, others: dict[str, ModuleType], folder: str) -> None:
    if others and not _is_below(others.get(top), folder):
        for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
            del sys.modules[name]
        sys.modules.update(others)
        sys.path.remove(folder)
    elif sys.path.count(folder) > 1:
        sys.path.remove(folder)  # it stays once: actions import their siblings also while they run


def _is_below(module: ModuleType | None, folder: str) -> bool:
    places = [module.__file__] if module and module.__file__ else list(getattr(module, "__path__", ()))
    return any(place and Path(place).resolve().is_relative_to(folder) for place in places)


def _import_all(package: str, project: Path) -> list[ModuleType]:
    try:
        root = importlib.import_module(package)
        names = [name for _, name, _ in pkgutil.walk_packages(getattr(root, "__path__", []), f"{root.__name__}.")]
        return [root, *(importlib.import_module(name) for name in names)]
    except (Exception, SystemExit) as error:
        raise _project_error(error, project, f"The custom actions in `{package}` can't be loaded") from error


def _project_error(error: BaseException, project: Path, text: str) -> ProjectError:
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError) and error.filename:
        mark = Mark(_name(error.filename, project), error.lineno or 1, error.offset or 1)
        return ProjectError([Problem(mark, f"{text}: {error.msg}.", "Correct the Python syntax there.")])
    place = _last_place(error, project)
    return ProjectError([Problem(place, f"{text}: {reason}.", _advice(error))])


def _last_place(error: BaseException, project: Path) -> Mark | None:
    """The last line of the merchant's own code that the error went through."""
    folder = project.resolve()
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).resolve().is_relative_to(folder) and "site-packages" not in frame.filename:
            return Mark(_name(frame.filename, project), frame.lineno or 1)
    return None


def _name(file: str, project: Path) -> str:
    path = Path(file).resolve()
    return str(path.relative_to(project.resolve())) if path.is_relative_to(project.resolve()) else file


def _advice(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"Install the package that brings `{error.name}` into this environment, or correct the name."
    return "Correct the code there; an action must be importable and made without arguments."
