"""Whether a constraint constrains: servers ignore request fields that they do not know, and say nothing.

Each request asks for what its constraint forbids, and the constraint allows nonsense words only, which the prompt does not name. An
answer that keeps to them was held to them: nobody would say them by chance.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from limner.inference.choose import choice_body
from limner.inference.doctor.probe import Examination, Outcome, Probe, nonsense, said
from limner.inference.opening import opening_body
from limner.inference.reply import Reply
from limner.inference.structured import response_format

__all__ = ["CHOICE", "OPENING", "SCHEMA", "SHAPES"]

_POEM = "Write a poem of four lines about the sea. Write verse only: no JSON, no code, no brackets."
_BANANA = "Answer with the single word banana. Do not write JSON."
_CHATTER = (
    "Tell me everything you know about the sea, in one sentence of at least two hundred words, then add your confidence as a "
    "number above 500."
)
_DECIDE = "Write down ten names of towns, one a line, as a plain list without brackets."
_BLANKS = (
    "The schema is heeded, but its grammar allows any number of blanks, and a small model does not stop writing them: the answer "
    'is cut off, and limner asks again. Start vLLM with --structured-outputs-config \'{"backend": "xgrammar", "disable_any_whitespace": true}\'.'
)
_ANSWER_TOKENS = 200
"""More than the longest of the objects below takes, even where every character is a token."""


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Word(_Closed):
    verdict: Literal["qzvbxwk", "vjxcqgd", "wfkzbqx"]


class _Code(_Closed):
    code: str = Field(pattern=r"^qzvb-[0-9]{4}-[A-Z]{2}$")


class _Statement(_Closed):
    kind: Literal["xbqdwvg", "kzcvfjq"]
    reasoning: str = Field(max_length=30)
    text: str = Field(min_length=3, max_length=30)
    evidence: list[Annotated[int, Field(ge=1, le=20)]] = Field(min_length=1, max_length=2)
    confidence: int = Field(ge=1, le=10)


class _Statements(_Closed):
    """Like what limner asks for when it reflects on a batch: a list of statements, with bounds on everything."""

    statements: list[_Statement] = Field(min_length=1, max_length=1)


class _Search(_Closed):
    action: Literal["gwxqzbv"]
    where: Literal["jkqvxcd", "zbgfwqk"]


class _Finish(_Closed):
    action: Literal["dvqxkzb"]


class _Decision(RootModel[_Search | _Finish]):
    """Like what the recommending agent decides: one of several kinds of object, with no object around them."""


class _Step(_Closed):
    step: Annotated[_Search | _Finish, Field(discriminator="action")]


def _under(
    schema: type[BaseModel], prompt: str, works: str, ignored: str
) -> Callable[[Examination], Awaitable[Outcome]]:
    async def run(exam: Examination) -> Outcome:
        dialect = await exam.model.adialect()
        if dialect == "plain":
            return Outcome(
                "unknown",
                "not asked",
                "A wrapped model is told the schema in words, and its answer is checked.",
            )
        body = response_format(schema.model_json_schema(), dialect, schema.__name__.strip("_"))
        reply = (await exam.reply(prompt, max_tokens=_ANSWER_TOKENS, body=body)).reply
        try:
            schema.model_validate_json(reply.text)
        except ValidationError as error:
            meaning = _BLANKS if _only_blanks(reply) else ignored
            return Outcome("does not", f"{said(reply.text)}{_problem(reply, error)}", meaning)
        return Outcome("works", said(reply.text), works)

    return run


def _only_blanks(reply: Reply) -> bool:
    return reply.truncated and not reply.text[-20:].strip()


def _problem(reply: Reply, error: ValidationError) -> str:
    if _only_blanks(reply):
        return ", then blanks without end"
    if reply.truncated:
        return ", cut off: something in it had no end"
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return ", which is no JSON"
    return f": {'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}"


async def _choice(exam: Examination) -> Outcome:
    dialect = await exam.model.adialect()
    if dialect == "plain":
        return Outcome("unknown", "not asked", "A wrapped model is told the options in words.")
    options = nonsense(2)
    body = choice_body(options, dialect)
    text = (await exam.reply(_BANANA, max_tokens=40, body=body)).reply.text.strip()
    if _chosen(text, dialect) in options:
        return Outcome("works", said(text), "`choose` gets one of its options in one call.")
    falls = (
        "`choose` asks again, in words, and takes the answer if it is one of the options: twice the calls."
        if dialect == "openai"
        else "`choose` fails: limner needs it for the call plan `small`, for audits, and to tell a wish from a question. "
        "vLLM older than 0.12 ignores `structured_outputs`: update it."
    )
    return Outcome("does not", f"{said(text)}, which is none of the options", falls)


def _chosen(text: str, dialect: str) -> str:
    if dialect != "openai":
        return text
    try:
        return str(json.loads(text)["choice"])
    except (ValueError, KeyError, TypeError):
        return ""


async def _opening(exam: Examination) -> Outcome:
    opening = f"The {nonsense()[0]} (so they say)"
    body = opening_body(opening, await exam.model.adialect())
    if body is None:
        return Outcome(
            "does not",
            "not asked: this API has no such request",
            "In the call plan `small`, a note that does not begin with “The user” by itself is dropped, with the reason.",
        )
    text = (await exam.reply(_BANANA, max_tokens=40, stop=["\n"], body=body)).reply.text
    if text.strip().startswith(opening):
        return Outcome("works", said(text), "In the call plan `small`, every note begins with “The user”.")
    return Outcome(
        "does not",
        f"{said(text)}, which begins otherwise",
        "In the call plan `small`, a note that does not begin with “The user” by itself is dropped, with the reason.",
    )


_AGAIN = "limner checks every object and asks again, up to twice, with the schema in words; then it gives up."
_NO_OBJECTS = "limner gets no objects: it cannot reflect with the call plan `batch`, nor recommend."

SCHEMA = Probe(
    "schema",
    "A JSON schema constrains",
    "a poem, under a schema that allows one of three nonsense words",
    _under(
        _Word,
        _POEM,
        "Objects come out valid at the first try.",
        f"The schema was ignored, and nobody said so. {_AGAIN} A small model will not manage.",
    ),
    _NO_OBJECTS,
)
SHAPES = (
    Probe(
        "schema_lists",
        "Lists, bounds and lengths in a schema",
        "two hundred words, under a schema of one short statement with numbers up to 10, as when limner reflects",
        _under(
            _Statements,
            _CHATTER,
            "Reflecting in batches and summaries get their lists, and no string runs on.",
            f"Lists of statements may come out invalid when limner reflects or summarises. {_AGAIN}",
        ),
        "limner cannot reflect with the call plan `batch`; LIMNER_CALL_PLAN=small asks for no lists.",
    ),
    Probe(
        "schema_union",
        "A schema that is one of several objects",
        "a list of towns, under a schema of two kinds of object at the top, as when limner recommends",
        _under(
            _Decision,
            _DECIDE,
            "The recommending agent can decide step by step.",
            f"The recommending agent's decisions may come out invalid. {_AGAIN}",
        ),
        "The recommending agent cannot decide: `recommend` gives the recommenders' own list, and says that the model failed. "
        "(OpenAI's strict mode takes no union at the top.)",
    ),
    Probe(
        "schema_one_of",
        "`oneOf` inside a schema",
        "a poem, under a schema with a discriminated union inside",
        _under(
            _Step,
            _POEM,
            "Schemas of your own with discriminated unions work in `structured`.",
            "limner's own schemas have none; discriminated unions of yours come out invalid.",
        ),
        "limner's own schemas have none; leave discriminated unions out of yours.",
    ),
    Probe(
        "schema_pattern",
        "A pattern inside a schema",
        "the word banana, under a schema of one code such as qzvb-0000-AA",
        _under(
            _Code,
            _BANANA,
            "Schemas of your own with patterns work in `structured`.",
            "limner's own schemas have none; patterns of yours are checked afterwards only.",
        ),
        "limner's own schemas have none; leave patterns out of yours.",
    ),
)
CHOICE = Probe(
    "choice",
    "A choice constrains",
    "the word banana, where two nonsense words are allowed",
    _choice,
    "`choose` fails: the call plan `small`, audits, and telling a wish from a question do not work.",
)
OPENING = Probe(
    "opening",
    "First words constrain",
    "the word banana, where the answer must begin with given words",
    _opening,
    "The call plan `small` cannot write notes.",
)
