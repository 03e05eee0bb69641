"""Who answers: which server, which models and adapters, how long a context, and whether it answers at all."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from anyio import to_thread

from limner.errors import ModelUnavailable
from limner.inference.doctor.probe import Examination, Outcome, Probe, said
from limner.inference.endpoint import Exchange

__all__ = ["ADAPTERS", "ANSWERS", "CONTEXT", "KIND", "LOADING", "MODELS", "kind_of"]

_KINDS = {"llama.cpp": "llama.cpp", "vllm": "vLLM", "openai": "OpenAI-compatible", "plain": "a chat model"}
_NO_ADAPTERS = "An adapter that was trained on users' data cannot be used here."
_SHOWN = 6


async def kind_of(exam: Examination) -> str:
    """Return which server this is, with its version where it tells.

    Raises:
        ModelUnavailable: Nobody answers.
    """
    dialect = await exam.model.adialect()
    if not exam.has_server or dialect in ("openai", "plain"):
        return _KINDS[dialect]
    found = (await exam.exchange("GET", "/version" if dialect == "vllm" else "/props")).body
    version = found.get("version" if dialect == "vllm" else "build_info") if isinstance(found, dict) else None
    told = isinstance(version, str) and not version.endswith("unknown")
    return f"{_KINDS[dialect]} {version if told else '(it does not say which version)'}"


async def _kind(exam: Examination) -> Outcome:
    kind = await kind_of(exam)
    meaning = {
        "llama.cpp": "Constraints are asked for as grammars, and prompts are counted by its own tokenizer.",
        "vllm": "Constraints are asked for as `structured_outputs`, and prompts are counted by its own tokenizer.",
        "openai": "It has no routes that limner knows beyond OpenAI's: choices are asked for as JSON schemas, and prompts "
        "are counted by an estimate that errs on the high side.",
        "plain": "limner describes schemas in the prompt and checks the answers.",
    }[await exam.model.adialect()]
    return Outcome("works", kind, meaning)


def _entries(exchange: Exchange) -> list[dict[str, Any]]:
    listed = exchange.body.get("data") if isinstance(exchange.body, dict) else None
    if not isinstance(listed, list):
        return []
    return [entry for entry in listed if isinstance(entry, dict) and isinstance(entry.get("id"), str)]


def _shown(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


async def _models(exam: Examination) -> Outcome:
    exchange = await exam.models()
    name, names = exam.model.name, [entry["id"] for entry in _entries(exchange)]
    if exchange.status in (401, 403):
        raise ModelUnavailable(
            f"{exam.model.where} refuses the key (HTTP {exchange.status}: {exchange.message}). Set LIMNER_API_KEY."
        )
    if not names:
        return Outcome(
            "unknown",
            f"HTTP {exchange.status}, and no list of models: {said(exchange.message)}",
            f"Whether it has {name!r} shows when it is asked. If nothing works: LIMNER_BASE_URL usually ends in /v1.",
        )
    if name in names:
        return Outcome("works", _shown(names), f"LIMNER_MODEL is {name}, and it is there.")
    near = get_close_matches(name, names, n=3, cutoff=0.3) or names[:3]
    return Outcome(
        "does not",
        _shown(names),
        f"LIMNER_MODEL is {name!r}, and it is not there. Did you mean {' or '.join(near)}?",
    )


async def _answers(exam: Examination) -> Outcome:
    timed = await exam.reply("Answer with one word: yes", max_tokens=24)
    text = timed.reply.text.strip()
    figures = {"first_answer_s": round(timed.seconds, 3)}
    if not text or text.startswith("<think>"):
        return Outcome(
            "does not",
            f"{said(text)} in the {timed.reply.usage.output_tokens or 24} tokens it was given",
            "It seems to think before it answers. limner asks for short answers, and the thinking would use them up: switch "
            "it off where the model is served (vLLM: --default-chat-template-kwargs '{\"enable_thinking\": false}').",
            figures,
        )
    return Outcome(
        "works",
        f"{said(text)} after {timed.seconds:.2f} s",
        "The address, the key and the model are right.",
        figures,
    )


async def _context(exam: Examination) -> Outcome:
    model, claimed = exam.model, exam.claimed_context
    if model.endpoint is None:
        return Outcome(
            "unknown", f"{model.context_length} as it was wrapped", "A model object tells no context length."
        )
    capabilities = await to_thread.run_sync(lambda: model.endpoint.capabilities if model.endpoint else None)
    reported = capabilities.context_length if capabilities else None
    figures = {"context_tokens": float(reported)} if reported else {}
    if reported is None:
        assumed = (
            f"{claimed} tokens, as LIMNER_CONTEXT_LENGTH says"
            if claimed
            else f"{model.context_length} tokens"
        )
        return Outcome(
            "unknown",
            "the server does not tell",
            f"limner takes it to be {assumed}. If it holds less, long prompts fail instead of being packed shorter; if it "
            "holds more, that goes unused. Set LIMNER_CONTEXT_LENGTH to what the model is served with.",
        )
    if claimed is not None and claimed > reported:
        meaning = (
            f"LIMNER_CONTEXT_LENGTH is {claimed}, more than the server has; limner keeps to {reported}. Set it lower, or not "
            "at all."
        )
        return Outcome("does not", f"{reported} tokens", meaning, figures)
    shorter = claimed is not None and claimed < reported
    kept = f"limner keeps to {claimed}, as LIMNER_CONTEXT_LENGTH says." if shorter else ""
    packs = "Observations, portraits and what is recalled are packed into this, with room for the answer."
    return Outcome("works", f"{reported} tokens", kept or packs, figures)


async def _adapters(exam: Examination) -> Outcome:
    if await exam.model.adialect() == "llama.cpp":
        body = (await exam.exchange("GET", "/lora-adapters")).body
        paths = (
            [str(entry.get("path")) for entry in body if isinstance(entry, dict)]
            if isinstance(body, list)
            else []
        )
        if paths:
            return Outcome(
                "works",
                _shown(paths),
                "llama.cpp applies them to every request; they have no names of their own.",
            )
        return Outcome("does not", "none", _NO_ADAPTERS)
    found = [entry for entry in _entries(await exam.models()) if entry.get("parent")]
    if not found:
        return Outcome("does not", "no model in its list has a parent", "No adapter is loaded now.")
    listed = _shown(f"{entry['id']} (on {entry['parent']})" for entry in found)
    return Outcome("works", listed, "Each is asked by its name: set LIMNER_MODEL to it.")


async def _loading(exam: Examination) -> Outcome:
    if await exam.model.adialect() == "llama.cpp":
        return Outcome("does not", "not asked: llama.cpp loads adapters when it starts", _NO_ADAPTERS)
    # Refused for what is in it by a server that has the route, so nothing is loaded.
    exchange = await exam.exchange("POST", "/v1/load_lora_adapter", {"lora_name": "", "lora_path": ""})
    answered = f"HTTP {exchange.status}: {said(exchange.message)}"
    if exchange.status in (400, 422):
        return Outcome(
            "works",
            answered,
            "The route is there, so adapters can be loaded and unloaded while it runs, provided that it was started with "
            "--enable-lora, which only loading one shows.",
        )
    if exchange.status in (404, 405):
        return Outcome(
            "does not",
            answered,
            "Adapters can only be named when the server starts. For vLLM, `limner serve --lora-updates`, or --enable-lora and "
            "VLLM_ALLOW_RUNTIME_LORA_UPDATING=1, opens this.",
        )
    return Outcome("unknown", answered, "Whether adapters can be loaded while it runs does not show.")


KIND = Probe(
    "kind",
    "Which server it is",
    "GET /props, /version and /v1/models",
    _kind,
    "limner cannot find out how to ask it.",
)
MODELS = Probe(
    "models",
    "Models",
    "GET /v1/models",
    _models,
    "Which models it has does not show.",
    needs_server=True,
)
ANSWERS = Probe(
    "answers",
    "It answers",
    "“Answer with one word: yes”",
    _answers,
    "limner cannot work with it.",
)
CONTEXT = Probe(
    "context",
    "Context length",
    "what the server tells of itself",
    _context,
    "limner takes what LIMNER_CONTEXT_LENGTH says.",
)
ADAPTERS = Probe(
    "lora",
    "LoRA adapters",
    "which are listed",
    _adapters,
    _NO_ADAPTERS,
    needs_server=True,
)
LOADING = Probe(
    "lora_loading",
    "Loading LoRA adapters while it runs",
    "to load one without a name",
    _loading,
    _NO_ADAPTERS,
    needs_server=True,
)
