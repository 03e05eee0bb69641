"""A scripted model that knows which prompt it is asked with, so that a test says only what matters to it."""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from limner.inference import LanguageModel
from limner.testing import ScriptedChatModel, scripted_model

CHOICE = "Answer with one of these, word for word, and nothing else:"
PROMPTS = {
    "gist": "profiles/propositions",
    "orders": "profiles/propositions",
    "lasting": "profiles/propositions",
    "propose": "profiles/propositions",
    "look": "profiles/propositions",
    "support": "profiles/propositions",
    "supports": "profiles/propositions",
    "replaces": "profiles/propositions",
    "clash": "profiles/propositions",
    "same": "profiles/propositions",
    "exact": "profiles/propositions",
    "relate": "profiles/propositions",
    "word": "profiles/propositions",
    "kind": "profiles/sharing",
    "private": "profiles/sharing",
    "needed": "profiles/sharing",
    "query": "profiles/entities",
    "queries": "profiles/entities",
    "step": "profiles/suggestions",
    "helps": "profiles/suggestions",
    "weighs": "profiles/suggestions",
    "steps": "profiles/suggestions",
    "merge": "profiles",
    "summarise": "profiles",
    "carry": "profiles",
    "recur": "profiles",
    "recur_all": "profiles",
    "ask": "agents",
    "intent": "agents",
    "wish": "agents",
    "decide": "agents",
    "lead": "agents",
    "fit": "agents",
    "reason": "agents",
    "seek": "agents",
    "plot": "agents",
    "tells": "agents",
    "note": "agents",
    "portray": "agents",
}


def _opening(name: str) -> str:
    """The first words of a prompt's system message, up to where a variable begins."""
    path = files("limner").joinpath(*PROMPTS[name].split("/"), "prompts", f"{name}.md")
    return path.read_text("utf-8").partition("# system\n")[2].split("\n")[0].split("{{")[0].strip()


OPENINGS = {name: _opening(name) for name in PROMPTS}

_MEANS = {
    "same": {"same"},
    "replaces": {"updates", "contradicts"},
    "clash": {"updates", "contradicts"},
    "exact": {"narrows", "broadens"},
}
"""The relations that each question of the small plan is answered with yes for."""

Answer = str | AIMessage | BaseException | Callable[[str], Any]


@dataclass
class Answers:
    """Replies by the name of the prompt; `said` and `relations` answer the small plan's questions.

    A reply is a text, an error, a function of the last message's text, or a list of these, one for each call.
    """

    said: Mapping[str, str] = field(default_factory=dict)
    """What each sentence tells about the user; other sentences tell nothing."""
    relations: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """`same`, `updates`, `contradicts` or `narrows` for (earlier, later) pairs of notes; other pairs are unrelated."""
    replies: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, list[BaseMessage]]] = field(default_factory=list)
    """Prompt and messages of every call."""

    def __call__(self, messages: Sequence[BaseMessage]) -> str | AIMessage | BaseException:
        system = messages[0].text
        name = next(n for n, opening in OPENINGS.items() if system.startswith(opening))
        self.asked.append((name, list(messages)))
        last = messages[-1].text
        if name in self.replies:
            reply = self.replies[name]
            if isinstance(reply, list):
                reply = reply.pop(0)
            reply = reply(last) if callable(reply) else reply
            return reply if isinstance(reply, (str, AIMessage, BaseException)) else json.dumps(reply)
        return self._usual(name, last)

    def _usual(self, name: str, last: str) -> str:
        if name == "gist":
            told = self.said.get(_field("Sentence", last, quoted=True))
            return ("The user" if told else "-") if CHOICE in last else told or "-"
        if name in _MEANS:
            first, second = re.findall(r"^(?:Earlier|Later|First|Second): (.*)$", last, re.MULTILINE)
            kind = self.relations.get((first, second))
            if name == "exact":
                kind = kind or self.relations.get((second, first))
            return "yes" if kind in _MEANS[name] else "no"
        if name == "support":
            numbers = [int(number) for number in re.findall(r"^\[(\d+)\] ", last, re.MULTILINE)]
            verdicts = [{"draft": n, "reason": "It says so.", "supported": True} for n in numbers]
            return json.dumps({"verdicts": verdicts})
        if name == "lead":
            return re.findall(r"^([A-Z]): look for nothing more$", last, re.MULTILINE)[0]
        usual = {
            "orders": "no",
            "supports": "yes",
            "lasting": "yes",
            "kind": "none",
            "private": "no",
            "needed": "yes",
            "intent": "answer",
            "fit": "yes",
        }
        if name not in usual:
            raise AssertionError(f"nobody said what to answer to {name}: {last}")
        return usual[name]

    @property
    def calls(self) -> Counter[str]:
        """Number of calls by prompt."""
        return Counter(name for name, _ in self.asked)

    def model(self, **options: Any) -> LanguageModel:
        """A language model that gives these answers."""
        return scripted_model(self, **options)


def _field(name: str, text: str, *, quoted: bool = False) -> str:
    found = re.search(rf"^{name}: (.*)$", text, re.MULTILINE)
    assert found is not None, f"no {name} in {text}"
    return json.loads(found[1]) if quoted else found[1]


def scored(**logprobs: float) -> AIMessage:
    """An answer with the log-probabilities of likely first tokens; `_` stands for a dash."""
    tokens = {token.replace("_", "-"): logprob for token, logprob in logprobs.items()}
    best = max(tokens, key=tokens.__getitem__)
    likely = [{"token": t, "logprob": p} for t, p in tokens.items()]
    content = [{"token": best, "logprob": tokens[best], "top_logprobs": likely}]
    return AIMessage(best, response_metadata={"logprobs": {"content": content}})


def scoring_model(script: Any, **options: Any) -> LanguageModel:
    """A scripted model whose endpoint gives log-probabilities."""
    return LanguageModel.wrap(
        ScriptedChatModel(script=script), dialect="openai", plan=options.pop("plan", "small"), **options
    )
