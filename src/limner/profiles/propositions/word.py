"""Putting a computed finding into a sentence, and checking that the sentence says what the finding says."""

import re

from langchain_core.messages import AIMessage, HumanMessage

from limner.inference import LanguageModel, Prompt
from limner.memory.records import Evidence, Observation, Standing
from limner.profiles.propositions.drafts import Draft, whole
from limner.profiles.propositions.findings import Finding
from limner.profiles.propositions.validity import Validity

__all__ = ["described", "evidence", "faithful", "since_first", "template", "word"]

_NEGATIVE = re.compile(
    r"\b(dislik|hat(e|es|ing)\b|avoid|disappoint|cool|cold|less|lower|lowest|least|worst|poor|weak|not\b)"
)
_STRONG_NEGATIVE = re.compile(r"\b(dislik|hat(e|es|ing)\b|avoid|worst|lowest|disappoint)")
_POSITIVE = re.compile(
    r"\b(lov|enjoy|lik(e|es|ing)\b|favou?r|prefer|above|more|top|high|warm|fond|drawn|appreciat|pick|choos)"
)
_FREQUENT = re.compile(r"\b(often|frequent|pick|choos|watch|read|turn|go(es)? for|gravitat|drawn)")
_PRAISE = re.compile(
    r"\b(lov|enjoy|lik(e|es|ing)\b|favou?r|prefer|rat(e|es|ing)\b|top|best|high|lead|front|popular)"
)
_SPLIT_ARTICLE = re.compile(r"^(.*), (The|A|An)( \(.*\))?$")


def described(finding: Finding) -> str:
    """Return the finding as the one line that the wording prompt takes."""
    titles = [_title(o) for o in finding.examples]
    kind = (
        f"kind: {finding.topic.attribute} {finding.topic.value} | {finding.item_type}s | {finding.strength}: "
    )
    if finding.topic.measure == "share":
        shares = f"{finding.count} of {finding.total}, in general {finding.reference:.0%}"
        return f"{kind}{shares} | titles: {', '.join(titles)}"
    highest = max((o.event.scale[1] for o in finding.examples if o.event and o.event.scale), default=None)
    of = f" of {highest:g}" if highest is not None else ""
    means = f"mean {finding.level:.1f}{of} over {finding.count}, others {finding.reference:.1f}"
    rated = [
        f"{title} {o.event.value:g}" if o.event and o.event.value is not None else title
        for title, o in zip(titles, finding.examples, strict=True)
    ]
    return f"{kind}{means} | titles: {', '.join(rated)}"


def template(finding: Finding) -> str:
    """Return a plain sentence for the finding, without a model."""
    titles = " and ".join(_title(o) for o in finding.examples[:2])
    such_as = f", for example {titles}" if titles else ""
    value, items = finding.topic.value, f"{finding.item_type}s"
    of_kind = (
        f"{items} from the {value}" if finding.topic.attribute == "decade" else f"{value.lower()} {items}"
    )
    if finding.topic.measure == "share":
        return f"The user chooses {of_kind} more often than most people{such_as}."
    return {
        "loved": f"The user rates {of_kind} very highly{such_as}.",
        "liked more than the rest": f"The user rates {of_kind} above the rest{such_as}.",
        "less to their taste than the rest": f"The user rates {of_kind} below the rest{such_as}.",
        "disliked": f"The user rates {of_kind} low{such_as}.",
    }[finding.strength]


def faithful(sentence: str, finding: Finding) -> str | None:
    """Return what is wrong with a sentence as a statement of the finding, or none if nothing was found.

    It must be one sentence about the user, name the attribute value, state the direction and no stronger than the
    numbers do, and name nothing that is neither in the finding nor an ordinary word.
    """
    rest = sentence
    for title in sorted(
        (_title(o) for o in (*finding.supports, *finding.contradicts)), key=len, reverse=True
    ):
        rest = rest.replace(title, "•").replace(title.split(":")[0], "•")
    lowered = rest.lower()
    share = finding.topic.measure == "share"
    positive = (_FREQUENT if share else _POSITIVE).search(lowered)
    negative = _NEGATIVE.search(lowered)
    checks = {
        "it is not one sentence about the user": not re.fullmatch(r"The user [^\n]{5,300}", sentence),
        "it does not name the kind": _stem(finding.topic.value) not in lowered,
        "it names no example": bool(finding.examples) and "•" not in rest,
        "it names something that is not in the finding": bool(_strangers(rest, finding)),
        "it does not state the direction": (negative if finding.topic.sign == "-" else positive) is None,
        "it states the opposite direction": finding.topic.sign == "+" and negative is not None,
        "it speaks of liking, and only the number of choices is known": share
        and _PRAISE.search(lowered) is not None,
        "it is stronger than the numbers": finding.strength == "less to their taste than the rest"
        and _STRONG_NEGATIVE.search(lowered) is not None,
    }
    return next((problem for problem, found in checks.items() if found), None)


async def word(finding: Finding, model: LanguageModel, prompt: Prompt) -> Draft:
    """Let the model word a finding; if its second try is not faithful either, the plain template takes its place."""
    messages = prompt.messages(finding=described(finding))
    sentence, problem = "", None
    for _ in range(2):
        answer = await model.acomplete(messages, stage="propose", max_tokens=60)
        sentence = answer.strip().split("\n")[0]
        problem = faithful(sentence, finding)
        if problem is None:
            break
        complaint = (
            f"That cannot be used: {problem}. The finding says: {finding.strength}. Write the sentence again."
        )
        messages = [*messages, AIMessage(sentence), HumanMessage(complaint)]
    return Draft(
        text=template(finding) if problem else sentence,
        evidence=evidence(finding),
        occurred_at=max(o.occurred_at for o in (*finding.supports, *finding.contradicts)),
        validity=since_first(finding),
        durability=7 if finding.topic.measure == "rating" else 5,
        standing=Standing.INFERRED,
        reasoning=described(finding) + (f" (worded by template: {problem})" if problem else ""),
        probability=finding.borne_out,
        topic=str(finding.topic),
        model=None if problem else model.name,
        prompt_hash=prompt.hash,
    )


def since_first(finding: Finding) -> Validity:
    """Return when a finding is so: from the first observation that shows it on."""
    return Validity(min(o.occurred_at for o in (finding.supports or finding.contradicts)))


def evidence(finding: Finding) -> tuple[Evidence, ...]:
    """Return every observation with the attribute value as evidence, for or against."""
    return (*(whole(o) for o in finding.supports), *(whole(o, supports=False) for o in finding.contradicts))


def _title(observation: Observation) -> str:
    title = observation.event.title if observation.event is not None else observation.text
    without_year = re.sub(r" \(\d{4}\)$", "", title)
    moved = _SPLIT_ARTICLE.match(without_year)
    return f"{moved[2]} {moved[1]}" if moved else without_year


def _stem(value: str) -> str:
    return value.lower()[: max(4, len(value) - 3)]


def _strangers(rest: str, finding: Finding) -> list[str]:
    """Return capitalised words and numbers that neither the finding nor the sentence's form accounts for."""
    known = f"{finding.topic.value} {finding.item_type}".lower()
    found = re.findall(r"(?<!^)\b(?:[A-Z][\w'-]+|\d[\w.%]*)", rest)
    return [
        w
        for w in found
        if w not in {"The", "I"} and w.lower().rstrip("s") not in known and w.lower() not in known
    ]
