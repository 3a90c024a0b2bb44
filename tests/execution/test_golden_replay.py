"""Conversations recorded from Rasa 3.6.21, replayed through the engine with the recorded action server answers."""

from __future__ import annotations

import pytest

from tests.execution import replay

CASES = [(project, talk["id"]) for project in ("moodbot", "rules", "formbot") for talk in replay.conversations(project)]
BY_ID = {talk["id"]: talk for project in ("moodbot", "rules", "formbot") for talk in replay.conversations(project)}


@pytest.mark.parametrize(("project", "name"), CASES, ids=[name for _, name in CASES])
async def test_events_replies_and_action_calls_equal(project: str, name: str) -> None:
    compared = 0
    async for turn, ours, calls in replay.replayed(project, BY_ID[name]):
        if replay.is_learnt(turn):
            continue
        compared += 1
        # moodbot names no policies in its config.yml, so there another memoization policy than Rasa's decides.
        drop = ("policy",) if project == "moodbot" else ()
        got = replay.without(replay.events_of(ours), *drop)
        assert got == replay.without(turn["events"], *drop), turn["user"]
        assert calls == len(turn.get("action_calls", []))
        assert replies_of(ours) == [expected_reply(reply) for reply in turn["replies"]]
    if not compared:
        pytest.skip("trained weights of Rasa decided every turn of this conversation")


def replies_of(turn: replay.Turn) -> list[dict[str, object]]:
    """As the REST channel writes them: text and image are separate replies."""
    found: list[dict[str, object]] = []
    for message in turn.messages:
        if message.text is not None:
            found.append({"text": message.text} | ({"buttons": list(message.buttons)} if message.buttons else {}))
        if message.image:
            found.append({"image": message.image})
    return found


def expected_reply(reply: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in reply.items() if key != "variants"}


def test_most_turns_are_compared() -> None:
    turns = [
        turn
        for project in ("moodbot", "rules", "formbot")
        for t in replay.conversations(project)
        for turn in t["turns"]
    ]
    assert len(turns) == 632
    assert sum(not replay.is_learnt(turn) for turn in turns) == 541
