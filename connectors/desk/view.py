"""What one page knows of one conversation, and what is news to it."""

from __future__ import annotations

from bot.ledger.ledger import DeskLedger, Line, Outbox
from bot.messages import Json
from connectors.desk.board import Board
from connectors.desk.payloads import conversation_json, line_json

FIRST_LINES = 200
"""Lines of a conversation that was just opened."""
AGAIN_LINES = 60
"""Lines told again after a broken connection, as their states may have changed, and lines whose state is watched."""
PAGE_LINES = 500
OPEN_STATES = ("pending", "due")


class View:
    """Reads the store and gives the frames that bring the page up to date.

    Args:
        desk: for status and slots.
        outbox: for the lines.
        board: for operators' names.
        conversation_id: which conversation.
        after: the last seq that the page has; 0 for none.
    """

    def __init__(self, desk: DeskLedger, outbox: Outbox, board: Board, *, conversation_id: str, after: int = 0) -> None:
        self._desk = desk
        self._outbox = outbox
        self._board = board
        self._id = conversation_id
        self._known: Json = {}
        self._first = after == 0
        self._last_seq = max(0, after - AGAIN_LINES)
        self._open: dict[int, str] = {}

    @property
    def waits(self) -> bool:
        """Whether a line may change its state without news."""
        return bool(self._open)

    async def frames(self) -> list[Json]:
        """The frames `conversation` and `lines`, as far as there is something new; empty also when it is unknown."""
        row = await self._desk.conversation(self._id)
        if row is None:
            return []
        if self._first:
            self._last_seq, self._first = max(0, row.last_seq - FIRST_LINES), False
        shown = conversation_json(row, await self._board.names())
        frames: list[Json] = [] if shown == self._known else [{"type": "conversation", **shown}]
        self._known = shown
        if lines := await self._new_lines():
            frames.append({"type": "lines", "conversation": self._id, "lines": [line_json(line) for line in lines]})
        return frames

    async def _new_lines(self) -> list[Line]:
        """Lines that are new, or whose state has changed."""
        start = min([self._last_seq, *(seq - 1 for seq in self._open)])
        found: list[Line] = []
        while True:
            lines = await self._outbox.transcript(self._id, after=start, limit=PAGE_LINES)
            found += [line for line in lines if line.seq > self._last_seq or self._changed(line)]
            if len(lines) < PAGE_LINES:
                break
            start = lines[-1].seq
        for line in found:
            self._note(line)
        self._open = {seq: state for seq, state in self._open.items() if seq > self._last_seq - AGAIN_LINES}
        return found

    def _changed(self, line: Line) -> bool:
        return self._open.get(line.seq, line.state) != line.state

    def _note(self, line: Line) -> None:
        self._last_seq = max(self._last_seq, line.seq)
        if line.state in OPEN_STATES:
            self._open[line.seq] = line.state
        else:
            self._open.pop(line.seq, None)
