"""What becomes of duplicates, changes and contradictions when real conversations are taken in? Runs on the model that the settings name.

    python benchmarks/consolidation.py propose RUN --data DATA [--users mb3,mb4,pm-b,lo-0] [--most 40]
    python benchmarks/consolidation.py relate RUN --name new [--half test]
    python benchmarks/consolidation.py pairs RUN --name new [--half test]
    python benchmarks/consolidation.py candidates RUN --name new
    python benchmarks/consolidation.py report RUN

`propose` reads the messages of one side (MemoryBank, PersonaMem's context, one speaker of LoCoMo) into drafts, once, and can be stopped and
begun again. `relate` stores them batch by batch through the reflection, with the drafts taken from the file: only relating and revising
differ between two versions of the code, so run it with each (`PYTHONPATH=OLD/src` for another checkout). Among each user's messages it puts pairs
of notes from `note_pairs.jsonl` whose relation is known: the earlier among the first, the later among the last. `candidates` writes the pairs of
current statements with a cosine above .75, to be judged by a reader in `RUN/judged.jsonl`; `report` counts, with 95 % Wilson intervals. `pairs` relates each
pair of known notes by itself.
"""

import argparse
import asyncio
import json
import math
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

from limner.inference.encoder import encoder
from limner.inference.language_model import LanguageModel, language_model
from limner.inference.response_cache import ResponseCache
from limner.memory import Evidence, Memory, NewObservation, Observation, Proposition, Standing, utc_now
from limner.profiles.propositions import reflect as loop
from limner.profiles.propositions.drafts import Draft
from limner.profiles.propositions.propose import propose
from limner.profiles.propositions.relate import Candidate, relate
from limner.profiles.propositions.validity import Validity
from limner.settings import Settings

PAIRS = Path(__file__).with_name("note_pairs.jsonl")
NEAR = 0.75
AT_ONCE = 6
BATCH_TOKENS = 500
KNOWN: dict[str, dict[str, dict[str, Any]]] = {}
"""What was read before, by user and message."""


def messages(data: Path, user: str) -> list[tuple[str, datetime]]:
    """Return what a user said, and when: `mb3` of MemoryBank, `pm-a`/`pm-b` halves of PersonaMem's context, `lo-0` of LoCoMo."""
    kind, _, which = user.partition("-")
    if kind == "pm":
        (context,) = json.loads(
            (data / "personamem/shared_contexts_32k.jsonl").read_text().splitlines()[0]
        ).values()
        said = [m["content"].removeprefix("User: ") for m in context if m["role"] == "user"]
        start = datetime(2024, 1, 1, 9, tzinfo=UTC)
        told = [(text, start + timedelta(hours=n)) for n, text in enumerate(said)]
        return told[: len(told) // 2] if which == "a" else told[len(told) // 2 :]
    if kind == "lo":
        return list(
            _spoken(json.loads((data / "locomo/locomo.json").read_text())[int(which)]["conversation"])
        )
    bank = json.loads((data / "memorybank/memory_bank_en.json").read_text())
    days = list(bank.values())[int(kind.removeprefix("mb")) - 1]["history"]
    return [
        (turn["query"], datetime.fromisoformat(day[:10]).replace(tzinfo=UTC) + timedelta(hours=9, minutes=n))
        for day, turns in days.items()
        for n, turn in enumerate(turns)
    ]


def _spoken(conversation: dict[str, Any]) -> Iterator[tuple[str, datetime]]:
    number = 1
    while turns := conversation.get(f"session_{number}"):
        when = datetime.strptime(conversation[f"session_{number}_date_time"], "%I:%M %p on %d %B, %Y")
        mine = [t["text"] for t in turns if t["speaker"] == conversation["speaker_a"]]
        for n, text in enumerate(mine):
            yield text, when.replace(tzinfo=UTC) + timedelta(minutes=n)
        number += 1


async def read(run: Path, data: Path, users: list[str], most: int) -> None:
    """Propose drafts from messages, and keep them by user and message."""
    out = run / "drafts.jsonl"
    done = {(row["user"], row["message"]) for row in rows(out)}
    limit = asyncio.Semaphore(AT_ONCE)
    model = language_model(Settings())

    async def one(user: str, text: str, when: datetime) -> None:
        async with limit:
            told = Observation(user_id=user, text=text, source="chat", occurred_at=when, recorded_at=when)
            drafts, _ = await propose([told], model)
        kept = [
            {
                "text": d.text,
                "spans": [[e.start, e.end] for e in d.evidence],
                "first": iso(d.valid_from),
                "until": iso(d.valid_until),
                "durability": d.durability,
            }
            for d in drafts
        ]
        write(out, {"user": user, "message": text, "when": iso(when), "drafts": kept})

    todo = [(user, *told) for user in users for told in messages(data, user)[:most]]
    await asyncio.gather(*(one(*told) for told in todo if (told[0], told[1]) not in done))
    print_cost(model)


async def take_in(run: Path, name: str, half: str, users: list[str] | None) -> None:
    """Store the drafts of every user through the reflection, with known pairs among them."""
    by_user: dict[str, list[dict[str, Any]]] = {}
    for row in rows(run / "drafts.jsonl"):
        if row["drafts"] and (users is None or row["user"] in users):
            by_user.setdefault(row["user"], []).append(row)
    pairs = [pair for pair in rows(PAIRS) if pair["half"] == half]
    done = {row["user"] for row in rows(run / f"{name}.jsonl")}
    encode = encoder(Settings())
    with ResponseCache(run / "answers.sqlite") as cache, language_model(Settings(), cache=cache) as model:
        names = sorted(by_user)
        await asyncio.gather(
            *(
                _take_in(run, name, user, by_user[user], pairs[place :: len(names)], model, encode)
                for place, user in enumerate(names)
                if user not in done
            )
        )
        print_cost(model)


async def by_themselves(run: Path, half: str) -> None:
    """Print what the notes of each known pair are found to be to each other."""
    known = [pair for pair in rows(PAIRS) if pair["half"] == half]
    encode = encoder(Settings())
    day = datetime(2025, 3, 1, tzinfo=UTC)
    earlier, later = (
        [Draft(p[key], (), day + timedelta(days=n)) for p in known]
        for n, key in enumerate(("earlier", "later"))
    )
    near = [
        float(a @ b)
        for a, b in zip(
            *(encode.encode_documents([d.text for d in side]) for side in (earlier, later)), strict=True
        )
    ]
    asked = [(b, [Candidate(a, cosine)]) for a, b, cosine in zip(earlier, later, near, strict=True)]
    with ResponseCache(run / "answers.sqlite") as cache, language_model(Settings(), cache=cache) as model:
        found = await relate(asked, model)
        print_cost(model)
    table: dict[str, Counter[str]] = {}
    for pair, related in zip(known, found, strict=True):
        kind = related[0].kind if related else "unrelated"
        table.setdefault(pair["kind"], Counter())[kind] += 1
        if kind != pair["kind"]:
            print(f"  {pair['kind']} -> {kind}: {pair['earlier']} | {pair['later']}")
    for kind, found_kinds in table.items():
        print(
            f"{kind:12s} {found_kinds[kind]} of {found_kinds.total()} {wilson(found_kinds[kind], found_kinds.total())}  {dict(found_kinds)}"
        )


async def _take_in(
    run: Path,
    name: str,
    user: str,
    told: list[dict[str, Any]],
    pairs: list[dict[str, str]],
    model: LanguageModel,
    encode: Any,
) -> None:
    told = sorted(told, key=lambda row: row["when"])
    first, last = (datetime.fromisoformat(told[end]["when"]) for end in (0, -1))
    earlier = [_probe(pair["earlier"], first + timedelta(minutes=n)) for n, pair in enumerate(pairs)]
    later = [_probe(pair["later"], last + timedelta(days=1, minutes=n)) for n, pair in enumerate(pairs)]
    drafts = {row["message"]: row for row in (*told, *earlier, *later)}
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), batch_tokens=BATCH_TOKENS)
        with Memory(settings, encode) as memory:
            mine = memory.user(user)
            for rows_ in (told[:1] + earlier, told[1:], later):
                mine.observe_many(
                    NewObservation(r["message"], "chat", occurred_at=datetime.fromisoformat(r["when"]))
                    for r in rows_
                )
                _propose_from(user, drafts)
                done = await loop.reflect(mine, model, encode, settings)
                if done.failed:
                    raise RuntimeError(f"{user}: {done.failed}")
            held = mine.propositions()
            over = [p for p in mine.propositions(at=first + timedelta(days=1)) if p.valid_until is not None]
    write(
        run / f"{name}.jsonl",
        {
            "user": user,
            "drafts": sum(len(row["drafts"]) for row in told),
            "pairs": pairs,
            "held": [_shown(p) for p in held],
            "over": [_shown(p) for p in over],
        },
    )


def _propose_from(user: str, drafts: dict[str, dict[str, Any]]) -> None:
    """Let the reflection find what was read before, and take it as it is."""
    KNOWN[user] = drafts

    async def proposed(told: list[Observation], *_: object, **__: object) -> tuple[list[Draft], list[Any]]:
        return [d for o in told for d in _drafts(KNOWN[o.user_id][o.text], o)], []

    async def as_it_is(found: list[Draft], *_: object, **__: object) -> tuple[list[Draft], list[Any]]:
        return found, []

    loop.propose = proposed
    if hasattr(loop, "supported"):
        loop.supported = as_it_is


def _drafts(row: dict[str, Any], told: Observation) -> Iterator[Draft]:
    for d in row["drafts"]:
        spans = tuple(
            Evidence(observation_id=told.id, start=start, end=end, quote=told.text[start:end])
            for start, end in d["spans"]
        )
        first, until = (
            None if d[key] is None else datetime.fromisoformat(d[key]) for key in ("first", "until")
        )
        yield Draft(
            text=d["text"],
            evidence=spans,
            occurred_at=told.occurred_at,
            validity=Validity(first, until),
            durability=d["durability"],
            standing=Standing.STATED,
        )


def _probe(note: str, when: datetime) -> dict[str, Any]:
    draft = {"text": note, "spans": [[0, len(note)]], "first": iso(when), "until": None, "durability": 8}
    return {"message": note, "when": iso(when), "drafts": [draft]}


def _shown(p: Proposition) -> dict[str, Any]:
    cited = {
        kind: len({e.observation_id for e in p.evidence if e.polarity == kind})
        for kind in ("supports", "contradicts")
    }
    quotes = [[e.polarity, e.quote] for e in p.evidence]
    return {
        "text": p.text,
        "confidence": p.confidence,
        "until": iso(p.valid_until),
        **cited,
        "quotes": quotes,
    }


def candidates(run: Path, name: str) -> list[tuple[str, str, str, float]]:
    """Return the near pairs among what is held of each user, known notes left out: user, both texts, cosine."""
    encode = encoder(Settings())
    probes = {pair[key] for pair in rows(PAIRS) for key in ("earlier", "later")}
    found = []
    for row in rows(run / f"{name}.jsonl"):
        texts = sorted({p["text"] for p in row["held"]} - probes)
        vectors = encode.encode_documents(texts)
        for (i, one), (j, other) in combinations(enumerate(texts), 2):
            if (cosine := float(vectors[i] @ vectors[j])) > NEAR:
                found.append((row["user"], one, other, round(cosine, 2)))
    return found


def outcome(pair: dict[str, str], row: dict[str, Any]) -> str:
    """Return what became of a known pair: of the earlier note, and whether the two know of each other."""
    held = {p["text"]: p for p in row["held"]}
    over = {p["text"] for p in row["over"]}
    earlier, later = held.get(pair["earlier"]), held.get(pair["later"])
    if earlier is None or later is None:
        if pair["earlier"] in over:
            return "ended"
        return "one" if earlier or later or pair["earlier"] not in over else "gone"
    knows = any(kind == "contradicts" and quote == pair["later"] for kind, quote in earlier["quotes"])
    return "both, knowing" if knows else "both"


GOOD = {
    "updates": {"ended"},
    "contradicts": {"ended", "both, knowing"},
    "same": {"one"},
    "narrows": {"one"},
    "unrelated": {"both"},
}
"""What should become of a known pair."""


def report(run: Path) -> None:
    judged = {
        (r["user"], frozenset((r["one"], r["other"]))): r["judgement"] for r in rows(run / "judged.jsonl")
    }
    for path in sorted(run.glob("*.jsonl")):
        if path.stem in ("drafts", "judged"):
            continue
        users = list(rows(path))
        held = sum(len(row["held"]) for row in users)
        print(
            f"\n{path.stem}: {len(users)} users, {sum(r['drafts'] for r in users)} drafts, {held} statements held"
        )
        near = candidates(run, path.stem)
        verdicts = Counter(judged.get((u, frozenset((a, b))), "not judged") for u, a, b, _ in near)
        print(f"  near pairs among them: {len(near)}; as judged: {dict(verdicts)}")
        outcomes = [(p["kind"], outcome(p, row)) for row in users for p in row["pairs"]]
        for kind, good in GOOD.items():
            these = Counter(done for known, done in outcomes if known == kind)
            right, n = sum(these[g] for g in good), these.total()
            print(f"  {kind:12s} {right} of {n} {wilson(right, n)}  {dict(these)}")


def wilson(right: int, n: int, z: float = 1.96) -> str:
    if not n:
        return ""
    share, spread = right / n, z * math.sqrt(right / n * (1 - right / n) / n + z * z / (4 * n * n))
    middle, scale = share + z * z / (2 * n), 1 + z * z / n
    return f"[{(middle - spread) / scale:.2f}, {(middle + spread) / scale:.2f}]"


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def write(path: Path, row: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def print_cost(model: LanguageModel) -> None:
    total = model.ledger.total()
    print(f"{utc_now():%H:%M}: {total.calls} calls, {total.computed_tokens} prompt tokens computed")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["propose", "relate", "pairs", "candidates", "report"])
    parser.add_argument("run", type=Path, help="folder of this run")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--users", type=lambda text: text.split(","))
    parser.add_argument("--most", type=int, default=40, help="messages of each user")
    parser.add_argument("--name", default="new")
    parser.add_argument("--half", default="test", choices=["dev", "test"])
    chosen = parser.parse_args()
    chosen.run.mkdir(parents=True, exist_ok=True)
    if chosen.step == "propose":
        asyncio.run(read(chosen.run, chosen.data, chosen.users, chosen.most))
    elif chosen.step == "relate":
        asyncio.run(take_in(chosen.run, chosen.name, chosen.half, chosen.users))
    elif chosen.step == "pairs":
        asyncio.run(by_themselves(chosen.run, chosen.half))
    elif chosen.step == "candidates":
        for user, one, other, cosine in candidates(chosen.run, chosen.name):
            print(
                json.dumps({"user": user, "cosine": cosine, "one": one, "other": other}, ensure_ascii=False)
            )
    else:
        report(chosen.run)


if __name__ == "__main__":
    main()
