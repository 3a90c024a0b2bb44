"""Signed tokens: who a shopper is, and which button this server offered to whom. Pure; keys and clock come in."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

TOKEN_LIMIT_CHARS = 512


def new_shopper_id() -> str:
    """128 random bits: nobody guesses another shopper's."""
    return secrets.token_urlsafe(16)


@dataclass(frozen=True, slots=True)
class Signer:
    """Issues and checks signatures.

    Args:
        secret: at least 32 bytes.
        lifetime_s: how long a session token is good for.
    """

    secret: bytes
    lifetime_s: float = 30 * 86400

    def issue(self, shopper_id: str, *, now: float) -> str:
        """A session token: shopper id and expiry, readable, and signed."""
        body = _encode({"s": shopper_id, "e": int(now + self.lifetime_s)})
        return f"{body}.{self._mac('session', body)}"

    def shopper_of(self, token: Any, *, now: float) -> tuple[str, float] | None:
        """Shopper id and expiry (seconds since the epoch) of a token; None when it is forged or has expired."""
        if not isinstance(token, str) or len(token) > TOKEN_LIMIT_CHARS:
            return None
        body, _, mac = token.partition(".")
        if not _same(mac, self._mac("session", body)):
            return None
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return (claims["s"], float(claims["e"])) if claims["e"] > now else None

    def sign_button(self, conversation_id: str, title: str, payload: str) -> str:
        """A press with this signature comes back as trusted, in this conversation only."""
        return self._mac("button", json.dumps([conversation_id, title, payload]))

    def offered(self, signature: Any, conversation_id: str, title: str, payload: str) -> bool:
        """Whether this server offered that button in that conversation."""
        return isinstance(signature, str) and _same(signature, self.sign_button(conversation_id, title, payload))

    def _mac(self, purpose: str, text: str) -> str:
        digest = hmac.digest(self.secret, f"shoptalk {purpose}\n{text}".encode(errors="surrogatepass"), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogatepass"), expected.encode())


def _encode(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")
