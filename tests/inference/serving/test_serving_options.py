"""What can be asked of a server, and what is refused before anything starts."""

import json

import pytest

from limner.errors import InputError
from limner.inference.serving.adapter_folder import RANKS, AdapterFolder, allowed_rank
from limner.inference.serving.options import ServeOptions, is_loopback


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model": " "}, "no name"),
        ({"host": ""}, "0.0.0.0"),
        ({"port": 70000}, "0 to 65535"),
        ({"api_key": ""}, "printable"),
        ({"api_key": "two words"}, "printable"),
        ({"api_key": "line\nbreak"}, "printable"),
        ({"max_model_len": 100}, "at least 512"),
        ({"gpu_memory_share": 90}, "at most 1"),
        ({"gpu_memory_share": 0.0}, "above 0"),
        ({"tensor_parallel_size": 0}, "more than 0"),
        ({"kv_cache_gb": 0}, "more than 0"),
        ({"max_lora_rank": 48}, "1, 8, 16, 32, 64"),
        ({"device": "tpu"}, "auto, cpu and gpu"),
        ({"extra": ("model",)}, "begin with dashes"),
        ({"extra": ("--api-key", "sk-1")}, "LIMNER_API_KEY"),
        ({"extra": ("--api_key=sk-1",)}, "LIMNER_API_KEY"),
        ({"extra": ("--api-k", "sk-1")}, "LIMNER_API_KEY"),
        ({"extra": ("--port=1",)}, "set by limner"),
        ({"extra": ("--max_model_len", "1")}, "max_model_len"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(wrong, said) -> None:
    with pytest.raises(InputError, match=said):
        ServeOptions(**{"model": "owner/name", **wrong})


def test_other_arguments_pass() -> None:
    options = ServeOptions(model="owner/name", extra=("--max-num-seqs", "8", "--api-server-count", "2"))
    assert options.extra[0] == "--max-num-seqs"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "localhost", "::1", "[::1]"])
def test_loopback_is_known(host) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "gpu.example.org", "localhost.example.org"])
def test_what_others_reach_is_no_loopback(host) -> None:
    assert not is_loopback(host)


def test_an_adapter_is_read(lora) -> None:
    folder = lora(r=24, base_model_name_or_path="Qwen/Qwen2.5-7B-Instruct", rank_pattern={"q_proj": 40})
    (adapter,) = ServeOptions(model="owner/name", loras={"ada": str(folder)}).adapters
    assert (adapter.name, adapter.path, adapter.rank) == ("ada", folder, 40)
    assert allowed_rank(adapter) == 64


@pytest.mark.parametrize(("rank", "allowed"), [(1, 1), (2, 8), (8, 8), (9, 16), (257, 320), (512, 512)])
def test_the_rank_is_rounded_up_to_one_that_vllm_allows(lora, rank, allowed) -> None:
    assert allowed_rank(AdapterFolder.read("ada", lora(r=rank))) == allowed
    assert allowed in RANKS


def test_a_rank_above_all_is_refused(lora) -> None:
    with pytest.raises(InputError, match="rank 513; vLLM serves ranks up to 512"):
        ServeOptions(model="owner/name", loras={"ada": lora(r=513)})


def test_what_is_no_adapter_is_refused(lora, tmp_path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        AdapterFolder.read("ada", tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"no adapter_config\.json"):
        AdapterFolder.read("ada", tmp_path)
    folder = lora(r=8)
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(InputError, match="holds no weights"):
        AdapterFolder.read("ada", folder)
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "IA3"}))
    with pytest.raises(InputError, match="names no rank"):
        AdapterFolder.read("ada", folder)
    (folder / "adapter_config.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        AdapterFolder.read("ada", folder)


@pytest.mark.parametrize(
    ("trained_on", "told"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", False),
        ("/models/qwen2.5-7b-instruct/", False),
        ("Qwen/Qwen2.5-7B", False),
        ("Qwen/Qwen2.5-1.5B-Instruct", True),
        ("meta-llama/Llama-3.1-8B", True),
        (None, False),
    ],
)
def test_an_adapter_of_another_model_is_told_by_its_name(lora, trained_on, told) -> None:
    adapter = AdapterFolder.read("ada", lora(base_model_name_or_path=trained_on))
    assert (adapter.other_base("/srv/Qwen2.5-7B-Instruct", "mine") is not None) is told
