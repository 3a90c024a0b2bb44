"""Messages as frozen data. Nothing in them can send.

Channels turn a platform's payload into an InboundMessage and an OutboundMessage into a platform's payload; the
ledger stores both as JSON (`to_json` / `from_json`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

Json = dict[str, Any]

Status = Literal["bot", "queued", "human", "resolved"]
"""Who answers: the bot; nobody yet (a hand-off was asked for); an operator; the bot, after an operator closed it."""

Kind = Literal["text", "handback"]
"""`text`: a shopper said something. `handback`: an operator gave the conversation back; the bot takes it up again."""

Origin = Literal["bot", "operator", "system"]
"""Who an outbound message speaks for. `system`: the desk's own notices ("Ana has joined")."""

MAX_TEXT_CHARS = 4000
"""Longest shopper text that a channel accepts; longer ones are refused at the door with an explanation."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a message. `url` points into the channel's own storage, never to a shopper's server."""

    kind: Literal["image", "audio", "video", "file", "location", "contact"]
    url: str
    name: str = ""
    mime: str = ""
    size_bytes: int = 0


def _shallow(message: InboundMessage | OutboundMessage) -> Json:
    """The fields by name; what they hold is shared, for `asdict` would copy it all and costs more than the rest."""
    return {name: getattr(message, name) for name in message.__slots__}


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """What a shopper sent, as one channel understood it.

    Args:
        id: the platform's id of this delivery: the de-duplication key within conversation and channel.
        sender_id: who, in the channel's own words; Rasa's `sender_id`.
        channel: name of the channel that parsed it.
        text: at most MAX_TEXT_CHARS characters.
        kind: see Kind.
        trusted: the text may be a command in Rasa's syntax (`/intent{"entity": "value"}`): an authenticated API
            caller, a test, or a button that this server signed. Everything else is plain text.
        attachments: files, already stored by the channel.
        metadata: the channel's extra facts; JSON values only.
    """

    id: str
    sender_id: str
    channel: str
    text: str
    kind: Kind = "text"
    trusted: bool = False
    attachments: tuple[Attachment, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def conversation_id(self) -> str:
        """A pure function of the platform's ids, so that two first messages can't open two conversations."""
        return f"{self.channel}:{self.sender_id}"

    def to_json(self) -> Json:
        return _shallow(self) | {"attachments": [asdict(item) for item in self.attachments]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        values = dict(data)
        values["attachments"] = tuple(Attachment(**item) for item in values.get("attachments", ()))
        return cls(**values)


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """What the shopper is to see: Rasa's response fields, plus who speaks.

    Args:
        text: plain text; None when the message is only an image, card or attachment.
        buttons: Rasa's form, `{"title": ..., "payload": ..., ["type": ...]}`.
        image: URL.
        attachment: URL or JSON, as Rasa passes it on.
        custom: free JSON; `{"card": {...}}` is drawn as a product or order card by channels that can.
        elements: Rasa's carousel elements.
        quick_replies: Rasa's quick replies.
        metadata: not shown; `utter_action` names the response.
        origin: see Origin.
        author: the operator's display name when origin is `operator`.
    """

    text: str | None = None
    buttons: tuple[Json, ...] = ()
    image: str | None = None
    attachment: Any = None
    custom: Json | None = None
    elements: tuple[Json, ...] = ()
    quick_replies: tuple[Json, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin = "bot"
    author: str | None = None

    def to_json(self) -> Json:
        return _shallow(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        values = dict(data)
        for name in ("buttons", "elements", "quick_replies"):
            values[name] = tuple(values.get(name) or ())
        return cls(**values)
