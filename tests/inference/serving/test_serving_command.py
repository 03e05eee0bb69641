"""The arguments and the environment that vLLM is started with."""

import json
import os
from pathlib import Path

import pytest

from limner.errors import InputError
from limner.inference.serving.command import Command, command_for, default_name, environment_of
from limner.inference.serving.families import PARSERS, family_of
from limner.inference.serving.interpreter import Installed
from limner.inference.serving.options import ServeOptions
from limner.inference.serving.reading import advice_for, phase_of, telling_lines
from limner.inference.serving.server import located

GPU = Installed("0.32.0", cpu=False)

# `vllm/tool_parsers/__init__.py` of vLLM 0.32.0, those that limner may name.
PARSERS_OF_VLLM_0_32 = frozenset({"apertus", "cohere_command3", "cohere_command4", "deepseek_v3", "deepseek_v31", "deepseek_v32", "deepseek_v4", "deepseek_v41", "dots", "ernie45", "functiongemma", "gemma4", "gigachat3", "glm45", "glm47", "granite", "granite-20b-fc", "granite4", "hermes", "hf", "hunyuan_a13b", "hy_v3", "hy_v4", "inkling", "internlm", "jamba", "k2_horizon", "kimi_k2", "kimi_k3", "lfm2", "ling3", "llama3_json", "llama4_json", "llama4_pythonic", "longcat", "mimo", "minicpm5", "minimax_m2", "minimax_m3", "mistral", "muse_glimmer", "olmo3", "openai", "phi4_mini_json", "plamo3", "poolside_v1", "pythonic", "qwen3_coder", "qwen3_json", "qwen3_xml", "seed_oss", "step3", "step3p5", "xlam"})  # fmt: skip


def command(installed: Installed = GPU, **options: object) -> Command:
    asked = ServeOptions(**{"model": "Qwen/Qwen2.5-7B-Instruct", **options})
    return command_for(asked, asked.model, 8000, installed)


def value(made: Command, flag: str) -> str:
    return made.arguments[made.arguments.index(flag) + 1]


def test_the_usual_command() -> None:
    made = command(python=Path("/opt/vllm/bin/python"))
    assert made.arguments[:5] == (
        "/opt/vllm/bin/python",
        "-m",
        "vllm.entrypoints.openai.api_server",
        "--model",
        "Qwen/Qwen2.5-7B-Instruct",
    )
    assert value(made, "--served-model-name") == "Qwen/Qwen2.5-7B-Instruct"
    assert value(made, "--host") == "127.0.0.1"
    assert value(made, "--port") == "8000"
    assert value(made, "--tool-call-parser") == "hermes"
    assert value(made, "--max-model-len") == "auto"
    assert json.loads(value(made, "--structured-outputs-config"))["disable_any_whitespace"] is True
    assert {"--enable-prefix-caching", "--enable-prompt-tokens-details", "--enable-auto-tool-choice"} <= set(
        made.arguments
    )
    assert not {
        "--enable-lora",
        "--enforce-eager",
        "--dtype",
        "--middleware",
        "--gpu-memory-utilization",
    } & set(made.arguments)
    assert made.environment["VLLM_NO_USAGE_STATS"] == made.environment["DO_NOT_TRACK"] == "1"
    assert not {"VLLM_API_KEY", "VLLM_ALLOW_RUNTIME_LORA_UPDATING", "VLLM_CPU_KVCACHE_SPACE"} & set(
        made.environment
    )
    assert made.api_key is None


def test_every_option_has_its_argument() -> None:
    made = command(
        served_name="mine",
        host="::1",
        max_model_len=4096,
        dtype="half",
        quantization="fp8",
        gpu_memory_share=0.8,
        tensor_parallel_size=2,
        tool_parser="mistral",
        prefix_caching=False,
        eager=True,
        extra=("--max-num-seqs", "8"),
    )
    expected = {
        "--served-model-name": "mine",
        "--host": "::1",
        "--max-model-len": "4096",
        "--dtype": "half",
        "--quantization": "fp8",
        "--gpu-memory-utilization": "0.8",
        "--tensor-parallel-size": "2",
        "--tool-call-parser": "mistral",
    }
    assert {flag: value(made, flag) for flag in expected} == expected
    assert {"--no-enable-prefix-caching", "--enforce-eager"} <= set(made.arguments)
    assert "--enable-prefix-caching" not in made.arguments
    assert made.arguments[-2:] == ("--max-num-seqs", "8")


@pytest.mark.parametrize(
    ("installed", "device", "cpu"),
    [
        (Installed("0.32.0", cpu=True), "auto", True),
        (Installed("0.32.0", cpu=True), "gpu", False),
        (GPU, "auto", False),
        (GPU, "cpu", True),
    ],
)
def test_without_a_gpu_the_model_is_set_up_for_memory(installed, device, cpu) -> None:
    made = command(installed, device=device)
    assert ("--enforce-eager" in made.arguments) is cpu
    assert ("bfloat16" in made.arguments) is cpu
    assert made.environment.get("VLLM_CPU_KVCACHE_SPACE") == ("2" if cpu else None)


def test_adapters_are_loaded_with_room_for_the_highest_rank(lora) -> None:
    first, second = lora("first", r=8), lora("with, comma=sign", r=24)
    made = command(loras={"ada": first, "eve": second})
    at = made.arguments.index("--lora-modules")
    assert [json.loads(module) for module in made.arguments[at + 1 : at + 3]] == [
        {"name": "ada", "path": str(first)},
        {"name": "eve", "path": str(second)},
    ]
    assert value(made, "--max-lora-rank") == "32"
    assert value(made, "--max-loras") == "2"
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" not in made.environment


def test_adapters_at_run_time_have_a_place(lora) -> None:
    made = command(lora_updates=True)
    assert "--enable-lora" in made.arguments
    assert "--lora-modules" not in made.arguments
    assert (value(made, "--max-lora-rank"), value(made, "--max-loras")) == ("64", "1")
    assert made.environment["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "1"
    both = command(lora_updates=True, loras={"ada": lora(r=100)}, max_loras=5)
    assert (value(both, "--max-lora-rank"), value(both, "--max-loras")) == ("128", "5")


def test_an_adapter_that_does_not_fit_is_told(lora) -> None:
    folder = lora(r=32, base_model_name_or_path="meta-llama/Llama-3.1-8B")
    assert any("trained on meta-llama/Llama-3.1-8B" in note for note in command(loras={"ada": folder}).notes)
    with pytest.raises(InputError, match="rank 32, above max_lora_rank=16"):
        command(loras={"ada": folder}, max_lora_rank=16)
    with pytest.raises(InputError, match="both the model and a LoRA adapter"):
        command(loras={"ada": folder}, served_name="ada")


def test_where_others_reach_it_a_key_is_made_and_stays_out_of_sight() -> None:
    made, other = command(host="0.0.0.0"), command(host="0.0.0.0")
    assert made.api_key is not None
    assert len(made.api_key) >= 40
    assert made.api_key != other.api_key
    assert made.environment["VLLM_API_KEY"] == made.api_key
    assert value(made, "--middleware") == "limner_guard.Guard"
    assert (Path(made.environment["PYTHONPATH"]) / "limner_guard.py").is_file()
    assert made.api_key not in " ".join(made.arguments) + repr(made)
    assert any("an API key was made" in note for note in made.notes)


def test_the_environment_is_ours_where_it_matters(monkeypatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "of another server")
    monkeypatch.setenv("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "1")
    monkeypatch.setenv("LIMNER_API_KEY", "for a service")
    monkeypatch.setenv("HF_TOKEN", "hf_1")
    monkeypatch.setenv("PYTHONPATH", "/mine")
    made = environment_of({"PYTHONPATH": "/guard"})
    assert not {"VLLM_API_KEY", "VLLM_ALLOW_RUNTIME_LORA_UPDATING", "LIMNER_API_KEY"} & set(made)
    assert made["HF_TOKEN"] == "hf_1"
    assert made["PYTHONPATH"] == f"/guard{os.pathsep}/mine"


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("0.11.2", "ignores limner's schemas"),
        ("0.33.0", "newer"),
        ("0.32.0+cpu", None),
        ("dev", None),
        (None, None),
    ],
)
def test_the_version_is_looked_at(version, told) -> None:
    caveat = Installed(version, cpu=False).caveat
    assert (told in caveat) if told else caveat is None


def test_every_parser_exists_in_vllm() -> None:
    assert PARSERS <= PARSERS_OF_VLLM_0_32


@pytest.mark.parametrize(
    ("name", "parser"),
    [
        ("Qwen/Qwen2.5-7B-Instruct-AWQ", "hermes"),
        ("qwen2.5-coder-1.5b-instruct", "hermes"),
        ("Qwen/Qwen3-8B", "hermes"),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "qwen3_xml"),
        ("smollm2-135m-instruct", "hermes"),
        ("NousResearch/Hermes-3-Llama-3.1-8B", "hermes"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama3_json"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", None),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "llama4_pythonic"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "mistral"),
        ("ibm-granite/granite-4.0-h-small", "granite4"),
        ("ibm-granite/granite-3.1-8b-instruct", "granite"),
        ("deepseek-ai/DeepSeek-V3.1", "deepseek_v31"),
        ("openai/gpt-oss-20b", "openai"),
        ("Salesforce/Llama-xLAM-2-8B-fc-r", "xlam"),
        ("google/gemma-2-9b-it", None),
    ],
)
def test_the_family_is_told_by_the_name(name, parser) -> None:
    assert family_of(name).parser == parser


@pytest.mark.parametrize(
    ("template", "kind", "parser"),
    [
        ("{% if tools %}<tool_call>\n{...}</tool_call>", "llama", "hermes"),
        ("{% if tools %}<tool_call>\n<function=", "llama", "qwen3_xml"),
        ("{{ messages }}", "qwen2", None),
        (None, "qwen2", "hermes"),
        (None, "llama", None),
    ],
)
def test_the_family_is_told_by_what_is_in_the_folder(tmp_path, template, kind, parser) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    if template is not None:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    assert family_of("mine", tmp_path).parser == parser


def test_an_unknown_family_is_told_and_served_without_tools() -> None:
    made = command(model="google/gemma-2-9b-it")
    assert "--tool-call-parser" not in made.arguments
    assert any("--tool-parser" in note for note in made.notes)
    assert command(tool_parser="none").notes == ()


def test_a_model_is_found(model, tmp_path) -> None:
    assert located(str(model), tmp_path) == (str(model), model)
    assert located("owner/name", tmp_path) == ("owner/name", None)
    assert located("smollm2-135m-instruct", tmp_path)[1] == tmp_path / "converted" / "smollm2-135m-instruct"
    assert default_name(f"{model}/") == "Qwen2.5-7B-Instruct"
    assert default_name("owner/name") == "owner/name"


@pytest.mark.parametrize("name", ["nowhere", "./nowhere", "/no/where", "file.gguf", "a/b/c"])
def test_what_is_no_model_is_refused(tmp_path, name) -> None:
    with pytest.raises(InputError):
        located(name, tmp_path)
    with pytest.raises(InputError, match=r"no config\.json"):
        located(str(tmp_path), tmp_path)


# Lines of vLLM 0.32.0, shortened at "…".
@pytest.mark.parametrize(
    ("lines", "advice"),
    [
        (["/opt/bin/python: Error while finding module specification (ModuleNotFoundError: No module named 'vllm')"], "--python"),
        (["OSError: [Errno 98] Address already in use"], "--port 0"),
        (["api_server.py: error: unrecognized arguments: --speed 3"], "does not know --speed 3"),
        (["ValueError: Free memory on device cuda:0 (3.1/79.1 GiB) on startup is less than desired GPU memory utilization (0.92…"], "--gpu-memory-share"),
        (["torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."], "a smaller or a quantised model"),
        (["ERROR … 'Available memory on node 0 (15.46/17.71 GiB) on kv cache allocation is less than requested memory for kv (4000.0 GiB)."], "--kv-cache-gb"),
        (["  Value error, User-specified max_model_len (100000) is greater than the derived max_model_len (max_position_embeddings=8192.0…"], "made for fewer tokens"),
        (["huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder…"], "HF_HUB_OFFLINE"),
        (["RuntimeError: Failed to infer device type"], "vllm-cpu"),
        (["INFO Starting", "something else"], None),
    ],
)  # fmt: skip
def test_what_to_do_about_a_failure(lines, advice) -> None:
    found = advice_for(lines)
    assert (advice in found) if advice else found is None


def test_the_cause_stands_before_what_follows_from_it() -> None:
    lines = [
        "(EngineCore pid=7) ERROR 11-25 12:56:20 [core.py:1100] Traceback (most recent call last):",
        '(EngineCore pid=7) ERROR 11-25 12:56:20 [core.py:1100]   File "/x/cpu_worker.py", line 88, in __init__',
        "(EngineCore pid=7) ERROR 11-25 12:56:20 [core.py:1100] ValueError: To serve at least one request…",
        "(APIServer pid=1) RuntimeError: Engine core initialization failed.",
        "",
    ]
    assert telling_lines(lines) == [
        "ValueError: To serve at least one request…",
        "RuntimeError: Engine core initialization failed.",
    ]
    noise = [
        "WARNING 11-25 13:15:00 [utils.py:1] Found ulimit of 20000. This can cause errors like `OSError: [Errno 24]`.",
        "    raise LocalEntryNotFoundError(",
        "                     [--log-level {CRITICAL,ERROR,WARNING,INFO}]",
    ]
    causes = [
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig",
        "  Value error, User-specified max_model_len (100000) is greater…",
        "api_server.py: error: unrecognized arguments: --speed",
    ]
    assert telling_lines(noise + causes) == [cause.strip() for cause in causes]
    assert telling_lines(["one", "two"]) == ["one", "two"]
    assert telling_lines([]) == []


@pytest.mark.parametrize(
    ("line", "phase"),
    [
        ("(APIServer pid=1) INFO [utils.py:1] vLLM API server version 0.32.0", "reading the configuration"),
        ("Loading safetensors checkpoint shards:  50% Completed", "loading the weights"),
        ("INFO:     Application startup complete.", "listening"),
        ("INFO nothing in particular", None),
    ],
)
def test_the_log_tells_how_far_it_is(line, phase) -> None:
    assert phase_of(line) == phase
