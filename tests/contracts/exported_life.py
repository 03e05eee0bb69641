"""A user who has something in every table that is exported, and the export as a file."""

import json
from pathlib import Path

from langgraph.checkpoint.base import empty_checkpoint

from contracts.memory_reflections import proposed, reflect, revision_of
from limner.memory import Event, Media, Memory, Portrait, PortraitLine

__all__ = ("live", "written")


def live(memory: Memory, name: str = "ada") -> None:
    """Let a user have something in every table that is exported."""
    ada = memory.user(name)
    home = ada.observe("I live in Porto", source="chat", key="1", session="s")
    held = reflect(ada, proposed(ada, "Lives in Porto.", home))[0]
    move = ada.observe(
        "I moved to Lisbon", source="chat", media=Media(uri="file:///x.png", mime_type="image/png")
    )
    moved = revision_of(ada, held, "Lives in Lisbon.", move)
    reflect(ada, moved)
    tea = ada.observe(
        "Rated Tea 5/5", event=Event(kind="rating", item_id="1", title="Tea", value=5.0, scale=(1, 5))
    )
    drinks = proposed(ada, "Drinks tea.", tea, topic="drink")
    reflect(ada, drinks)
    line = PortraitLine(text="Lisbon.", propositions=(moved.id,), evidence=moved.evidence)
    ada.save_portrait(Portrait(user_id=name, kind="k", lines=(line,)))
    ada.record_audit("a friend", "small talk", decision="share", proposition_id=moved.id)
    ada.consent("chat", granted=True, basis="a form")
    ada.retain("chat", 3000)
    ada.pause("mail")
    ada.pin(moved.id)
    ada.deny(drinks.id)
    ada.forget(ada.observe("a secret").id)
    thread = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
    stored = ada.checkpoints().put(thread, empty_checkpoint(), {"source": "input", "step": 1}, {})
    ada.checkpoints().put_writes(stored, [("channel", "said")], "task")
    ada.observe("limner said so", author="assistant")
    ada.search("Lisbon")
    ada.observe("still to be reflected on")


def written(memory: Memory, path: Path, *, vectors: bool = False) -> Path:
    """Write an export of everybody."""
    path.write_text(
        "".join(json.dumps(line) + "\n" for line in memory.export(vectors=vectors)), encoding="utf-8"
    )
    return path
