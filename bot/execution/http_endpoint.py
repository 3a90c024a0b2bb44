"""Custom actions over Rasa's HTTP protocol: POST <url> with the call, the answer is events and responses.

Source: Rasa 3.x's action server page and recorded exchanges.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.errors import ActionRejected, ActionUnavailable, ActionUnknown
from bot.messages import Json

if TYPE_CHECKING:
    import aiohttp

MAX_ANSWER_BYTES = 10_000_000
REJECTED, UNKNOWN, MISSING_DOMAIN = 400, 404, 449


class HttpEndpoint:
    """An action server at a URL.

    Args:
        url: of the webhook, as in endpoints.yml (`http://localhost:5055/webhook`).
        token: sent as a query parameter, as Rasa does. `token_name`: that parameter's name.
        headers: further headers, as in endpoints.yml.
        timeout_s: for one action, from connecting to the last byte.
        selective_domain: the domain is left out of calls unless the server asks for it (Rasa's
            `enable_selective_domain`) or the action is in `send_domain_actions`.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        token_name: str = "token",  # noqa: S107, the parameter's name in Rasa
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
        selective_domain: bool = False,
        send_domain_actions: frozenset[str] = frozenset(),
    ) -> None:
        self.url = url
        self._params = {token_name: token} if token else {}
        self._headers = dict(headers or {})
        self._timeout_s = timeout_s
        self._selective_domain = selective_domain
        self._send_domain_actions = send_domain_actions
        self._domain: tuple[Any, str] | None = None
        self._session: aiohttp.ClientSession | None = None

    async def run(self, call: Json) -> Json:
        """Run one action; see ActionEndpoint."""
        action = str(call["next_action"])
        is_bare = self._selective_domain and action not in self._send_domain_actions
        sent = {key: value for key, value in call.items() if key != "domain"} if is_bare else call
        status, body = await self._post(action, sent)
        if status == MISSING_DOMAIN and is_bare:
            status, body = await self._post(action, call)
        return self._answer(action, status, body)

    async def names(self) -> tuple[str, ...] | None:
        """The server's list at `/actions`; None when it does not answer."""
        import aiohttp

        url = self.url.rstrip("/").removesuffix("/webhook") + "/actions"
        try:
            async with self._open().get(url, params=self._params) as response:
                entries = await response.json(content_type=None)
                return tuple(str(entry["name"]) for entry in entries)
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
            return None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        """The session, opened at first use since it belongs to the running event loop."""
        import aiohttp

        if self._session is None or self._session.closed:
            timeout = aiohttp.ClientTimeout(total=self._timeout_s, connect=min(3.0, self._timeout_s))
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout, trust_env=False)
        return self._session

    async def _post(self, action: str, call: Json) -> tuple[int, bytes]:
        import aiohttp

        data = self._body(call)
        options: Json = {"params": self._params, "headers": {"Content-Type": "application/json"}}
        try:
            # A redirect is an error: a call holds the whole conversation and goes nowhere but to the URL configured.
            async with self._open().post(self.url, data=data, allow_redirects=False, **options) as response:
                return response.status, await self._read(action, response)
        except TimeoutError as error:
            raise self._unavailable(action, f"no answer within {self._timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._unavailable(action, f"{type(error).__name__}: {error}") from error

    def _body(self, call: Json) -> bytes:
        """The call as JSON; the domain, the same large object at every call, is written once."""
        if (domain := call.get("domain")) is None:
            return json.dumps(call, default=str).encode()
        if self._domain is None or self._domain[0] is not domain:
            self._domain = (domain, json.dumps(domain, default=str))
        head = json.dumps({key: value for key, value in call.items() if key != "domain"}, default=str)
        return f'{head[:-1]}, "domain": {self._domain[1]}}}'.encode()

    async def _read(self, action: str, response: aiohttp.ClientResponse) -> bytes:
        chunks, size = [], 0
        async for chunk in response.content.iter_chunked(65536):
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise self._unavailable(action, f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
            chunks.append(chunk)
        return b"".join(chunks)

    def _answer(self, action: str, status: int, body: bytes) -> Json:
        try:
            answer: Any = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if status == REJECTED and isinstance(answer, dict) and "action_name" in answer:
            raise ActionRejected(str(answer.get("error") or f"{action} refused"), action=action)
        if status == UNKNOWN:
            raise ActionUnknown(
                f"the action server at {self.url} knows no action {action!r}; is it running the project's code?",
                action=action,
            )
        if status != 200:
            raise self._unavailable(action, f"HTTP {status}: {body[:200]!r}")
        if not isinstance(answer, dict):
            raise self._unavailable(action, f"the answer is no JSON object: {body[:200]!r}")
        return answer

    def _unavailable(self, action: str, reason: str) -> ActionUnavailable:
        text = f"the action server at {self.url} failed at {action!r}: {reason}"
        return ActionUnavailable(text, action=action)
