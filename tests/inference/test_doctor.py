"""What is said of endpoints in good and in bad health; the bad ones are as they are met."""

import json
import math
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from limner.inference.doctor import Report, aexamine
from limner.inference.doctor.conclusions import parameters
from limner.inference.language_model import LanguageModel, language_model
from limner.settings import Settings
from limner.testing import scripted_model
from patients import Hangup, Patient, Sent, refused, served


async def examined(patient: Patient, *, delay_s: float = 0.0, **options: Any) -> Report:
    own = ("quick", "only", "budget_s", "most_calls")
    asked = {"quick": True} | {name: options.pop(name) for name in own if name in options}
    with served(patient, delay_s=delay_s):
        settings = Settings(**{"base_url": patient.url, "model": "m", "timeout_s": 10} | options)
        with language_model(settings) as model:
            return await aexamine(model, settings, **asked)


def verdicts(report: Report) -> dict[str, str]:
    return {finding.probe: finding.verdict for finding in report.findings}


class Unknown(Patient):
    """Honest, but no vLLM."""

    dialect = "openai"


async def test_vllm_in_good_health() -> None:
    patient = Patient()
    report = await examined(patient, quick=False)
    found = verdicts(report)
    # What asking several at once gains depends on what else the machine does.
    amiss = {name for name, verdict in found.items() if verdict != "works"} - {"concurrency"}
    assert amiss == {"lora", "lora_loading"}
    assert report.usable
    assert report.kind == "vLLM 0.32.0"
    assert report.finding("context").figures == {"context_tokens": 2048}
    assert report.finding("prefix_cache").figures["cached_tokens"] > 100
    assert report.finding("streaming").figures["tokens_out"] == 20
    assert report.calls == len(patient.chats) + patient.paths.count("/v1/completions")
    assert report.settings == {"LIMNER_BASE_URL": patient.url, "LIMNER_MODEL": "m"}
    assert report.summary[0] == "limner can reflect, summarise, ask and recommend with it."


async def test_a_server_of_no_known_kind_in_good_health() -> None:
    report = await examined(Unknown())
    found = verdicts(report)
    assert report.usable
    assert report.kind == "OpenAI-compatible"
    assert found["schema"] == found["choice"] == found["logprobs"] == "works"
    assert found["likelihood"] == found["opening"] == "does not"
    assert found["context"] == "unknown"
    assert "LIMNER_CONTEXT_LENGTH" in report.finding("context").meaning
    assert "LIMNER_CONTEXT_LENGTH" in report.settings
    assert "prefix_cache" not in found


async def test_what_limner_sends_is_what_is_tried() -> None:
    """The probes' requests have the fields of limner's own."""
    patient = Patient()
    await examined(patient)
    formats = [body["response_format"]["json_schema"] for body in patient.chats if "response_format" in body]
    assert len(formats) == 5
    assert all(one["strict"] for one in formats)
    assert any("oneOf" in json.dumps(one) for one in formats)
    assert any("maxLength" in json.dumps(one) for one in formats)
    assert {
        next(iter(body["structured_outputs"])) for body in patient.chats if "structured_outputs" in body
    } == {
        "choice",
        "regex",
    }


class Deaf(Patient):
    """Ignores every constraint in silence, as a server does that does not know the field."""

    def objects(self, body: dict[str, Any]) -> Sent:
        return self.said(body, self.words(body))

    def held(self, body: dict[str, Any]) -> Sent:
        return self.said(body, "banana")


class DeafAndUnknown(Deaf):
    dialect = "openai"


class JsonOnly(Patient):
    """Answers in JSON, whatever the schema."""

    def objects(self, body: dict[str, Any]) -> Sent:
        return self.said(body, '{"poem": "The sea is wide."}')


@pytest.mark.parametrize("patient", [Deaf(), DeafAndUnknown()])
async def test_constraints_that_are_ignored_in_silence_are_found_out(patient: Patient) -> None:
    report = await examined(patient)
    found = verdicts(report)
    for probe in (
        "schema",
        "schema_lists",
        "schema_union",
        "schema_one_of",
        "schema_pattern",
        "choice",
        "opening",
    ):
        assert found[probe] == "does not"
    assert "ignored" in report.finding("schema").meaning
    assert "asked for again" in report.summary[0]
    assert report.usable
    falls_back = "asks again, in words" in report.finding("choice").meaning
    assert falls_back == (patient.dialect == "openai")


async def test_json_is_not_enough() -> None:
    report = await examined(JsonOnly(), only=["schema"])
    assert verdicts(report)["schema"] == "does not"
    assert "verdict" in report.finding("schema").answered


class Endless(Patient):
    """Has a grammar, but no bounds for strings."""

    def objects(self, body: dict[str, Any]) -> Sent:
        if "maxLength" not in json.dumps(body["response_format"]):
            return super().objects(body)
        message = {
            "role": "assistant",
            "content": '{"statements": [{"kind": "xbqdwvg", "reasoning": "' + "so " * 90,
        }
        return self.completion(body, {"message": message, "finish_reason": "length"})


async def test_a_string_without_end_is_not_taken_for_a_short_one() -> None:
    report = await examined(Endless(), only=["schema", "schema_lists", "choice"])
    assert verdicts(report)["schema"] == "works"
    assert verdicts(report)["schema_lists"] == "does not"
    assert "cut off" in report.finding("schema_lists").answered
    assert report.settings["LIMNER_CALL_PLAN"] == "small"


class Blanks(Patient):
    def objects(self, body: dict[str, Any]) -> Sent:
        message = {"role": "assistant", "content": '{"verdict":' + "\n " * 60}
        return self.completion(body, {"message": message, "finish_reason": "length"})


async def test_blanks_without_end_are_named() -> None:
    found = (await examined(Blanks(), only=["schema"])).finding("schema")
    assert found.verdict == "does not"
    assert "disable_any_whitespace" in found.meaning


class NoSchemas(Unknown):
    def objects(self, body: dict[str, Any]) -> Sent:
        return refused(400, "response_format json_schema is not supported")

    def likely(self, body: dict[str, Any]) -> Sent:
        return refused(400, "logprobs is not supported")


async def test_without_schemas_and_probabilities_limner_cannot_work() -> None:
    report = await examined(NoSchemas(), only=["schema", "logprobs"])
    assert verdicts(report)["schema"] == verdicts(report)["logprobs"] == "refused"
    assert "not supported" in report.finding("schema").answered
    assert not report.usable
    assert "cannot work" in report.summary[0]


class NoLogprobs(Patient):
    def likely(self, body: dict[str, Any]) -> Sent:
        return self.said(body, "Yes")


class FewLogprobs(Patient):
    def likely(self, body: dict[str, Any]) -> Sent:
        if body["top_logprobs"] > 5:
            return refused(400, "top_logprobs must be at most 5")
        return super().likely(body)


async def test_without_probabilities() -> None:
    report = await examined(NoLogprobs(), only=["logprobs", "choice"])
    assert verdicts(report)["logprobs"] == "does not"
    assert "fall back" in report.finding("logprobs").meaning
    assert "plain yes or no" in " ".join(report.summary)


async def test_fewer_alternatives_than_limner_asks_for() -> None:
    found = (await examined(FewLogprobs(), only=["logprobs"])).finding("logprobs")
    assert found.verdict == "refused"
    assert "20 alternatives are refused; 5 it gives" in found.answered
    assert "--max-logprobs 20" in found.meaning


class Lying(Patient):
    def __init__(self, chosen: str, top: dict[str, float]) -> None:
        super().__init__()
        self.lie = chosen, top

    def likely(self, body: dict[str, Any]) -> Sent:
        return self.with_logprobs(body, *self.lie)


@pytest.mark.parametrize(
    ("chosen", "top", "says"),
    [
        ("Yes", {"Yes": 0.9, "No": 0.8}, "more than there can be"),
        ("Yes", {"Yes": math.e}, "more than there can be"),
        ("No", {"Yes": 0.7, "No": 0.2}, "another token was chosen"),
        ("Yes", {"Yes": 0.7, "No": 0.2}, "quite another question gets the same"),
    ],
)
async def test_probabilities_that_cannot_be_true(chosen: str, top: dict[str, float], says: str) -> None:
    found = (await examined(Lying(chosen, top), only=["logprobs"])).finding("logprobs")
    assert found.verdict == "does not"
    assert says in found.answered
    assert "would believe" in found.meaning


class ChosenIsElsewhere(Patient):
    def likely(self, body: dict[str, Any]) -> Sent:
        sent = super().likely(body)
        sent.body["choices"][0]["logprobs"]["content"][0]["logprob"] = -9.0
        return sent


async def test_a_token_that_is_not_among_its_own_alternatives() -> None:
    found = (await examined(ChosenIsElsewhere(), only=["logprobs"])).finding("logprobs")
    assert found.verdict == "does not"
    assert "not among them" in found.answered


class NoTools(Patient):
    def called(self, body: dict[str, Any]) -> Sent:
        return refused(
            400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
        )


class WrongParser(Patient):
    def called(self, body: dict[str, Any]) -> Sent:
        return self.said(
            body, '<tool_call>{"name": "temperature", "arguments": {"city": "Oslo"}}</tool_call>'
        )


async def test_tools_that_are_refused_are_no_harm() -> None:
    report = await examined(NoTools(), only=["tools", "tools_forced"])
    assert verdicts(report)["tools"] == verdicts(report)["tools_forced"] == "refused"
    assert "--tool-call-parser" in report.finding("tools").answered
    assert report.usable


async def test_a_call_that_nobody_reads() -> None:
    report = await examined(WrongParser(), only=["tools"])
    assert verdicts(report)["tools"] == "does not"
    assert "not the one of this model" in report.finding("tools").meaning


class OddCalls(Patient):
    """Gives a call's arguments as something that is no object, as vLLM 0.32 does under the parser `hermes`."""

    def called(self, body: dict[str, Any]) -> Sent:
        sent = super().called(body)
        sent.body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] = '"celsius"'
        return sent


async def test_a_call_that_cannot_be_read() -> None:
    report = await examined(OddCalls(), only=["tools", "tools_forced"])
    assert report.verdict("tools") == report.verdict("tools_forced") == "does not"
    assert "cannot read" in report.finding("tools").answered
    assert report.usable


class Guarded(Patient):
    def get(self, path: str) -> Sent:
        return refused(401, "Unauthorized: wrong-key")

    def post(self, path: str, body: dict[str, Any]) -> Sent:
        return refused(401, "Unauthorized: wrong-key")


async def test_a_wrong_key_is_said_and_not_shown() -> None:
    report = await examined(Guarded(), api_key="wrong-key")
    assert not report.usable
    assert "LIMNER_API_KEY" in report.summary[0]
    assert "wrong-key" not in str(report)
    assert [finding.probe for finding in report.findings][-1] == "gone"


async def test_a_password_in_the_url_is_not_shown() -> None:
    with served(Patient()) as patient:
        url = patient.url.replace("http://", "http://ada:hidden-word@")
        settings = Settings(base_url=url, model="m")
        with language_model(settings) as model:
            report = await aexamine(model, settings, only=["context"])
    assert report.usable
    assert "hidden-word" not in str(report)
    assert report.where == patient.url
    assert "***" in report.settings["LIMNER_BASE_URL"]


class OtherModels(Patient):
    def models(self) -> list[dict[str, Any]]:
        lora = {"id": "taste", "parent": "mistral-7b", "root": "/adapters/taste"}
        return [{"id": "mistral-7b", "max_model_len": 4096}, lora]

    def chat(self, body: dict[str, Any]) -> Sent:
        if body["model"] == "mistral-7b":
            return super().chat(body)
        return refused(404, f"The model `{body['model']}` does not exist.")

    def post(self, path: str, body: dict[str, Any]) -> Sent:
        if path == "/v1/load_lora_adapter":
            assert body == {"lora_name": "", "lora_path": ""}
            return refused(400, "Both 'lora_name' and 'lora_path' must be provided.")
        return super().post(path, body)


async def test_a_wrong_name_gets_the_nearest() -> None:
    report = await examined(OtherModels(), model="mistral-8b")
    assert not report.usable
    assert report.verdict("models") == "does not"
    assert "Did you mean mistral-7b" in report.finding("models").meaning
    assert "LIMNER_MODEL" in report.summary[0]
    assert "schema" not in verdicts(report)


async def test_adapters_are_listed_and_the_way_to_load_more_is_found() -> None:
    report = await examined(OtherModels(), model="mistral-7b", only=["lora", "lora_loading"])
    assert report.finding("lora").answered == "taste (on mistral-7b)"
    assert report.verdict("lora_loading") == "works"


async def test_a_context_that_is_claimed_too_long() -> None:
    report = await examined(Patient(), context_length=32768, only=["context"])
    assert report.verdict("context") == "does not"
    assert "keeps to 2048" in report.finding("context").meaning
    assert report.settings["LIMNER_CONTEXT_LENGTH"] == "2048"


class Garbage(Patient):
    def get(self, path: str) -> Sent:
        return Sent("<html>welcome</html>", kind="text/html")

    def post(self, path: str, body: dict[str, Any]) -> Sent:
        return Sent("<html>welcome</html>", kind="text/html")


class OddJson(Patient):
    """JSON, but not what it should be."""

    def get(self, path: str) -> Sent:
        return Sent({"data": "none", "version": 3})

    def post(self, path: str, body: dict[str, Any]) -> Sent:
        return Sent({"choices": [{"message": "hello"}], "usage": "much"})


class NothingAtAll(Patient):
    def post(self, path: str, body: dict[str, Any]) -> Sent:
        return Sent([])


@pytest.mark.parametrize("patient", [Garbage(), OddJson(), NothingAtAll()])
async def test_garbage_is_a_finding(patient: Patient) -> None:
    report = await examined(patient)
    assert not report.usable
    assert report.summary[0].startswith("limner cannot work with it")


class Failing(Patient):
    def chat(self, body: dict[str, Any]) -> Sent:
        return refused(500, "CUDA out of memory")


async def test_a_server_that_fails_is_said_once() -> None:
    report = await examined(Failing())
    assert not report.usable
    assert [finding.probe for finding in report.findings] == ["kind", "models", "gone"]
    assert "out of memory" in report.summary[0]


class Mortal(Patient):
    def post(self, path: str, body: dict[str, Any]) -> Sent:
        if len(self.chats) >= 3:
            raise Hangup
        return super().post(path, body)


async def test_a_server_that_dies_in_the_middle_is_said_once() -> None:
    report = await examined(Mortal())
    assert not report.usable
    assert [finding.probe for finding in report.findings].count("gone") == 1
    assert report.findings[-1].probe == "gone"
    assert report.verdict("schema") == "works"
    assert report.verdict("streaming") == "unknown"


class OneThingKillsIt(Patient):
    """Fails on tools, and answers everything else."""

    def called(self, body: dict[str, Any]) -> Sent:
        return refused(500, "no parser")


async def test_a_failure_on_one_thing_does_not_end_the_examination() -> None:
    report = await examined(OneThingKillsIt(), only=["tools", "repeating"])
    assert report.verdict("tools") == "does not"
    assert report.verdict("repeating") == "works"
    assert report.usable


class GarbledStream(Patient):
    def streamed(self, body: dict[str, Any]) -> Sent:
        return self.stream([*self.pieces()[:3], "{not json", "[DONE]"])


class CutStream(Patient):
    def streamed(self, body: dict[str, Any]) -> Sent:
        return self.stream(self.pieces()[:5])


class EmptyStream(Patient):
    def streamed(self, body: dict[str, Any]) -> Sent:
        return self.stream([self.pieces()[-1], "[DONE]"])


@pytest.mark.parametrize("patient", [GarbledStream(), CutStream(), EmptyStream()])
async def test_a_stream_that_does_not_end_as_it_should(patient: Patient) -> None:
    report = await examined(patient, only=["streaming"])
    assert report.verdict("streaming") == "does not"
    assert report.usable


class Moody(Patient):
    def words(self, body: dict[str, Any]) -> str:
        return "yes" if len(self.chats) == 1 else f"answer {len(self.chats)}"


async def test_answers_that_differ() -> None:
    assert (await examined(Moody(), only=["repeating"])).verdict("repeating") == "does not"


class Thinking(Patient):
    def words(self, body: dict[str, Any]) -> str:
        return "<think>The user wants me to"


async def test_a_model_that_thinks_first_is_not_taken_for_one_that_answers() -> None:
    report = await examined(Thinking(), only=[])
    assert not report.usable
    assert "enable_thinking" in report.finding("answers").meaning


async def test_a_slow_server_is_not_kept_for_longer_than_the_budget() -> None:
    report = await examined(Patient(), delay_s=0.1, budget_s=1.2)
    assert report.seconds < 3
    assert report.verdict("answers") == "works"
    assert report.verdict("repeating") == "unknown"
    assert "used up" in report.finding("repeating").answered


async def test_no_more_calls_are_made_than_allowed() -> None:
    patient = Patient()
    report = await examined(patient, most_calls=4)
    assert len(patient.chats) == report.calls == 4


async def test_a_wrapped_model_is_examined_as_far_as_it_can_be() -> None:
    model: LanguageModel = scripted_model(lambda messages: AIMessage("yes"))
    report = await aexamine(model, quick=True)
    assert report.usable
    assert report.verdict("answers") == "works"
    assert report.verdict("schema") == report.verdict("lora") == "unknown"


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", 7),
        ("qwen2.5-coder-1.5b-instruct", 1.5),
        ("smollm2-135m-instruct", 0.135),
        ("meta-llama/Llama-3.3-70B", 70),
        ("gpt-4o", None),
        ("m", None),
    ],
)
def test_sizes_by_name(name: str, billions: float | None) -> None:
    assert parameters(name) == billions
