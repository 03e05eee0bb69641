"""PersonaBench answers (Tan et al. 2025, "PersonaBench", arXiv 2502.20616): are a person's questions answered?"""

import re
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import cast

from limner.evals.asking import prompted
from limner.evals.personabench.files import Asking, load_communities
from limner.evals.records import Answer, Asked, Benchmark, Marked, Passage, Question

__all__ = ["personabench_qa", "word_overlap"]

_OWN_WORDS = "the question's own words, f1"
_PROMPT = "evals/personabench/answer"
_STRIPPED = re.compile(r"[^a-zA-Z0-9\s]")


def personabench_qa(data: str, *, seed: int = 0, noise: float = 0.5) -> Benchmark:
    """Ask a model the questions and compare the words of its answer with those of the right one.

    The published score is the overlap of two sets of words: precision, recall and F1 of the words of all terms together.
    Subjective questions are left out and counted, as the published scores leave them out.

    Args:
        data: Folder of one community or of several, which are then scored together.
        seed: Taken for the sake of uniformity; nothing is drawn.
        noise: Noise level of the documents.

    Returns:
        The benchmark; its groups are the columns of the published table, its clusters the people.

    Raises:
        DataError: A file is missing or malformed, or this noise level is not among the files.
    """
    loaded = load_communities(data, noise)
    return Benchmark(
        name="personabench_qa",
        questions=[_question(one) for one in loaded.asked],
        measures=("f1", "answer_recall", "answer_precision"),
        mark=_mark,
        histories=loaded.histories,
        ask=_ask,
        files=loaded.files,
        prompts=(_PROMPT,),
        floors={_OWN_WORDS: fmean(_own_words(one) for one in loaded.asked)},
        counted={what: n for what, n in loaded.counted.items() if n},
    )


def word_overlap(said: Iterable[str], right: Iterable[str]) -> tuple[float, float, float]:
    """Return precision, recall and F1 between two sets of words.

    Everything but ASCII letters, digits and white space is taken out and case is dropped, as published: "Covent-Garden" is
    one word and "café" is "caf".

    Args:
        said: Texts whose words are taken together.
        right: Likewise.
    """
    ours, theirs = _words(said), _words(right)
    both = len(ours & theirs)
    precision = both / len(ours) if ours else 0.0
    recall = both / len(theirs) if theirs else 0.0
    return precision, recall, 2 * precision * recall / (precision + recall) if both else 0.0


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in _STRIPPED.sub("", text).lower().split()}


def _question(asking: Asking) -> Question:
    return Question(
        id=asking.id,
        text=asking.text,
        target=(", ".join(asking.answers),),
        history=asking.person,
        group=asking.group,
        cluster=asking.person,
        details={
            "answers": list(asking.answers),
            "outdated": list(asking.outdated),
            "floors": {_OWN_WORDS: _own_words(asking)},
        },
    )


def _own_words(asking: Asking) -> float:
    return word_overlap([asking.text], asking.answers)[2]


def _ask(question: Question, passages: Sequence[Passage]) -> Asked:
    found = [(passage.text, passage.at) for passage in passages]
    return Asked(prompted(_PROMPT, passages=found, question=question.text), max_tokens=96)


def _mark(question: Question, answer: Answer) -> Marked:
    right = cast(Sequence[str], question.details["answers"])
    precision, recall, f1 = word_overlap([answer.text], right)
    values = {"f1": f1, "answer_precision": precision, "answer_recall": recall}
    outdated = cast(Sequence[str], question.details["outdated"])
    if outdated:
        # How much of what is no longer true was said; the less the better.
        values["outdated_recall"] = word_overlap([answer.text], outdated)[1]
    return Marked(values, answer=answer.text.strip())
