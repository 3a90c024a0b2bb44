"""One open WebSocket: frames in, lines out.

What is pushed live and what a client missed travel one path: read the transcript after the last seq sent, and send it.
News only says when to look, so that losing one, or coming back after an hour, changes nothing but the moment.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from bot.errors import LedgerError
from bot.ledger.signal import News
from bot.messages import Json
from connectors.http import RateLimit, Refusal, first_of, parse_object, refusal_of
from connectors.ingest import Ingest
from connectors.receipts import Receipts
from connectors.web.payloads import inbound, line_frame
from connectors.web.session import Signer

HELLO_S = 10.0
"""How long a fresh socket may stay silent before it is closed."""
SEND_S = 15.0
"""How long a slow reader may take for one frame; then the socket is cut, and the client comes back for the rest."""
LOOK_S = 25.0
"""How often to look at the transcript without news (another process may have written)."""
PENDING_LOOK_S = 1.0
"""The same while an answer is due."""
PAGE_LINES = 100
STRIKES = 5
"""Wrong frames until the socket is closed."""
CLOSE_SESSION = 4401
"""Close code: the token is forged or has expired; ask for a new session."""


class Connection:
    """Serves one socket until either side closes it.

    Args:
        socket: prepared.
        ingest: the system's side.
        signer: checks the session and signs buttons.
        receipts: takes note of rows that the browser has seen.
        rate: messages per shopper.
        frames: frames of any kind on this socket.
        cut: drops the connection without a closing handshake, which a peer that reads nothing would not answer.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        ingest: Ingest,
        *,
        signer: Signer,
        receipts: Receipts,
        rate: RateLimit,
        frames: RateLimit,
        cut: Callable[[], None],
    ) -> None:
        self._socket = socket
        self._ingest = ingest
        self._signer = signer
        self._receipts = receipts
        self._rate = rate
        self._cut = cut
        self._frames = frames
        self._strikes = 0
        self._waiting: set[int] = set()
        self._status = "bot"
        self._lang = "en"
        self._last_seq = 0
        self.shopper_id = ""

    async def run(self) -> None:
        """Greet, then read and push until the end."""
        try:
            if await self._greeted():
                await self._converse()
        except (TimeoutError, ConnectionError):
            self._cut()
        except LedgerError as error:
            await self._refuse(refusal_of(error))
            await self._socket.close(code=WSCloseCode.TRY_AGAIN_LATER)

    async def _converse(self) -> None:
        await first_of(self._push(), self._read())

    @property
    def conversation_id(self) -> str:
        return f"web:{self.shopper_id}"

    async def _greeted(self) -> bool:
        """Take the hello frame; False when the socket was closed instead."""
        try:
            message = await self._socket.receive(timeout=HELLO_S)
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return False
            frame = _frame(message.type, message.data)
            if frame.get("type") != "hello":
                raise Refusal(400, "no_hello", "The first frame must be hello.", "首个消息必须是 hello。")
            self._last_seq = _seq(frame.get("last_seq", 0))
        except TimeoutError:
            await self._socket.close(code=WSCloseCode.POLICY_VIOLATION)
            return False
        except Refusal as refusal:
            await self._refuse(refusal)
            await self._socket.close(code=WSCloseCode.POLICY_VIOLATION)
            return False
        return await self._recognised(frame)

    async def _recognised(self, frame: Json) -> bool:
        now = time.time()
        claim = self._signer.shopper_of(frame.get("token"), now=now)
        if claim is None:
            await self._refuse(Refusal(401, "session", "This session has ended.", "会话已失效。"))
            await self._socket.close(code=CLOSE_SESSION)
            return False
        self.shopper_id, expires_at = claim
        self._lang = "zh" if frame.get("lang") == "zh" else "en"
        ready: Json = {"type": "ready", "status": await self._look_up_status()}
        if expires_at - now < self._signer.lifetime_s / 2:
            ready["token"] = self._signer.issue(self.shopper_id, now=now)
        await self._send(ready)
        return True

    async def _look_up_status(self) -> str:
        row = await self._ingest.desk.conversation(self.conversation_id) if self._ingest.desk else None
        self._status = row.status if row else "bot"
        return self._status

    # Out

    async def _push(self) -> None:
        with self._ingest.signal.listen(self.conversation_id) as queue:
            await self._catch_up()
            while True:
                try:
                    news = await asyncio.wait_for(queue.get(), PENDING_LOOK_S if self._waiting else LOOK_S)
                except TimeoutError:
                    await self._catch_up()
                    await self._tell_status()
                    continue
                await self._tell(news)

    async def _tell(self, news: News) -> None:
        if news.kind == "typing":
            if isinstance(news.data, dict) and news.data.get("who") != "shopper":
                await self._send({"type": "typing", **news.data})
            return
        await self._catch_up()
        if news.kind == "accepted" and self._status in ("bot", "resolved"):
            await self._send({"type": "typing", "who": "bot", "on": True})
        elif news.kind == "committed":
            await self._send({"type": "typing", "who": "bot", "on": False})
        if news.kind in ("status", "committed"):
            await self._tell_status()

    async def _catch_up(self) -> None:
        """Send every line after the last one sent."""
        while True:
            lines = await self._ingest.outbox.transcript(self.conversation_id, after=self._last_seq, limit=PAGE_LINES)
            for line in lines:
                await self._send(line_frame(line, self.conversation_id, self._signer))
                self._last_seq = line.seq
                if line.who == "shopper" and line.state == "pending":
                    self._waiting.add(line.seq)
                elif line.who == "bot":
                    self._waiting.clear()
            if len(lines) < PAGE_LINES:
                return

    async def _tell_status(self) -> None:
        before = self._status
        status = await self._look_up_status()
        if status in ("queued", "human"):
            self._waiting.clear()
        if status != before:
            await self._send({"type": "status", "status": status})

    async def _send(self, frame: Json) -> None:
        await asyncio.wait_for(self._socket.send_str(json.dumps(frame, ensure_ascii=False)), SEND_S)

    async def _refuse(self, refusal: Refusal, *, message_id: Any = None) -> None:
        frame: Json = {"type": "error", "code": refusal.code, "text": {"en": refusal.en, "zh": refusal.zh}}
        if isinstance(message_id, str):
            frame["id"] = message_id[:64]
        if refusal.retry_after_s is not None:
            frame["retry_after_s"] = refusal.retry_after_s
        await self._send(frame)

    # In

    async def _read(self) -> None:
        async for message in self._socket:
            frame: Json = {}
            try:
                self._frames.check("")
                frame = _frame(message.type, message.data)
                await self._take(frame)
            except LedgerError as error:
                await self._refuse(refusal_of(error), message_id=frame.get("id"))
            except Refusal as refusal:
                await self._refuse(refusal, message_id=frame.get("id"))
                self._strikes += refusal.code in ("bad_json", "not_an_object", "unsound_json", "bad_frame", "bad_id")
                if self._strikes >= STRIKES:
                    await self._socket.close(code=WSCloseCode.POLICY_VIOLATION)
                    return

    async def _take(self, frame: Json) -> None:
        match frame.get("type"):
            case "message" | "button":
                await self._accept(frame)
            case "typing":
                data = {"who": "shopper", "author": None, "on": frame.get("on") is not False}
                self._ingest.signal.publish(News("typing", self.conversation_id, data=data))
            case "seen":
                await self._seen(_seq(frame.get("seq")))
            case "ping":
                await self._send({"type": "pong"})
            case _:
                raise Refusal(400, "bad_frame", "Unknown type of frame.", "未知的消息类型。")

    async def _accept(self, frame: Json) -> None:
        message = inbound(frame, self.shopper_id, signer=self._signer, lang=self._lang)
        self._rate.check(self.shopper_id)
        accepted = await self._ingest.ledger.accept(message)
        await self._send({"type": "ack", "id": message.id, "seq": accepted.seq})

    async def _seen(self, seq: int) -> None:
        rows = await self._ingest.outbox.pending(self.conversation_id)
        self._receipts.add(row.id for row in rows if row.seq <= min(seq, self._last_seq))


def _frame(kind: WSMsgType, data: Any) -> Json:
    if kind is not WSMsgType.TEXT:
        raise Refusal(400, "bad_frame", "Frames are JSON text.", "消息必须是 JSON 文本。")
    return parse_object(data)


def _seq(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise Refusal(400, "bad_frame", "A seq is a whole number from 0.", "seq 必须是非负整数。")
    return value
