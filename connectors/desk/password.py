"""Passwords: what is a good one, hashing and checking with argon2id, off the event loop.

Source: RFC 9106 (argon2id, second recommended option: 64 MiB, 3 passes), the default of argon2-cffi.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING

from connectors.http import Refusal

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_CHARS = 10
MAX_CHARS = 200
"""Nobody types more; hashing without a limit would be a way to keep the server busy."""
AT_ONCE = 2
"""Hashes computed at the same time: each takes 64 MiB and a core for some ten milliseconds."""


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobody() -> str:
    """A hash that no password fits, so that an unknown name takes as long as a wrong password."""
    import secrets

    return _hasher().hash(secrets.token_urlsafe(32))


def check_rules(password: object, name: str) -> str:
    """The password, if it may be chosen.

    Raises:
        Refusal: 400 with what is wrong with it.
    """
    if not isinstance(password, str) or len(password) < MIN_CHARS:
        en = f"Please choose a password of at least {MIN_CHARS} characters."
        raise Refusal(400, "password_short", en, f"密码至少需要 {MIN_CHARS} 个字符。")
    if len(password) > MAX_CHARS:
        en = f"A password may have at most {MAX_CHARS} characters."
        raise Refusal(400, "password_long", en, f"密码最多 {MAX_CHARS} 个字符。")
    if len(set(password)) < 4 or password.casefold() == name.casefold():
        en = "That password is too easy to guess: use different characters, and not your name."
        raise Refusal(400, "password_weak", en, "密码过于简单：请使用不同的字符，且不要使用您的用户名。")
    return password


class Passwords:
    """Hashing in threads, a few at a time."""

    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        """An argon2id hash with its own salt, to be stored."""
        async with self._gate:
            return await asyncio.to_thread(lambda: _hasher().hash(password))

    async def fits(self, password: str, stored: str | None) -> bool:
        """Whether the password is the stored one; with no stored hash it takes as long, and is False."""
        async with self._gate:
            return await asyncio.to_thread(_fits, password, stored)


def _fits(password: str, stored: str | None) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(stored or _nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False
