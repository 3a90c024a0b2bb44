"""Places where a test lets the process die, as if the power had gone.

`SHOPTALK_FAILPOINT=name` or `name:3` (the third time it is reached) in the environment kills the process there with
SIGKILL. Unset, which is always so outside of tests, a failpoint is one comparison.
"""

from __future__ import annotations

import os
import signal

_NAME, _, _COUNT = os.environ.get("SHOPTALK_FAILPOINT", "").partition(":")
_left = int(_COUNT or 1)


def failpoint(name: str) -> None:
    """Die here if the environment says so."""
    if _NAME and name == _NAME:
        _die_when_due()


def _die_when_due() -> None:
    global _left  # noqa: PLW0603 - the countdown is per process, like the environment that sets it
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
