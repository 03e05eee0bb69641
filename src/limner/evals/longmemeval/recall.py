"""Are the sessions or rounds found on which the answer rests?"""

from collections import Counter

from limner.errors import ConfigurationError
from limner.evals.longmemeval.haystacks import Asking, read
from limner.evals.longmemeval.units import Granularity, Key, units
from limner.evals.records import Answer, Benchmark, Marked, Question, Turn
from limner.evals.scoring.ranking import ndcg, ranked_ids, recall_all, recall_any

__all__ = ["longmemeval_recall"]

_CUTOFFS = (1, 3, 5, 10, 50)


def longmemeval_recall(
    data: str, *, seed: int = 0, granularity: Granularity = "session", key: Key = "user"
) -> Benchmark:
    """Make the retrieval part of LongMemEval (Wu et al. 2024, §5.1, and `src/retrieval/eval_utils.py` of its code).

    Left out and counted are abstention questions, which have no evidence, and questions none of whose evidence is in the
    index: with `key="user"` those answered by the assistant's words alone, as in the published code.

    Args:
        data: The file.
        seed: Without effect: nothing is drawn.
        granularity: What is searched for: whole sessions, or rounds.
        key: Whose words are indexed.

    Raises:
        DataError: The file is missing or is not what it should be.
        ConfigurationError: There is no such granularity or key.
    """
    if granularity not in {"session", "round"} or key not in {"user", "both"}:
        raise ConfigurationError(
            f"granularity is {granularity!r} and key is {key!r}; the first must be session or round, the second user or both."
        )
    dataset = read(data)
    counted = Counter(dataset.counted)
    questions: list[Question] = []
    histories: dict[str, tuple[Turn, ...]] = {}
    for asking in dataset.askings:
        if asking.abstention:
            counted["abstention question, left out"] += 1
            continue
        found = list(units(asking, granularity, key))
        gold = tuple(str(unit.turn.id) for unit in found if unit.gold)
        _count(asking, granularity, len(gold), counted)
        if gold:
            histories[asking.id] = tuple(unit.turn for unit in found)
            questions.append(
                Question(
                    asking.id, asking.text, gold, history=asking.id, group=asking.kind, cluster=asking.id
                )
            )
    return Benchmark(
        name="longmemeval_recall",
        questions=questions,
        measures=tuple(
            f"{measure}@{k}" for k in (5, 10, 1, 3, 50) for measure in ("recall_all", "recall_any", "ndcg")
        ),
        mark=_mark,
        histories=histories,
        files=dataset.files,
        counted=+counted,
    )


def _count(asking: Asking, granularity: Granularity, gold: int, counted: Counter[str]) -> None:
    if not asking.labelled:
        # Only sessions are listed apart from the labels.
        usual = "evidence taken from answer_session_ids" if granularity == "session" else "left out"
        counted[f"question without has_answer labels, {usual}"] += 1
    if not gold and (asking.labelled or granularity == "session"):
        counted["question without evidence in the index, left out"] += 1


def _mark(question: Question, answer: Answer) -> Marked:
    ranked, gold = ranked_ids(answer.passages), question.target
    values: dict[str, float] = {}
    for k in _CUTOFFS:
        values[f"recall_any@{k}"] = recall_any(ranked, gold, k)
        values[f"recall_all@{k}"] = recall_all(ranked, gold, k)
        values[f"ndcg@{k}"] = ndcg(ranked, gold, k, "rank")
    places = ", ".join(f"{name} at {ranked.index(name) + 1}" for name in gold if name in ranked)
    return Marked(values, why=f"{len(gold)} wanted; found: {places or 'none'}")
