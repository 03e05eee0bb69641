"""Pictures as files and as URLs: what kind they are, and how a model is handed one."""

import base64
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from limner.errors import InputError, ModelError

__all__ = ["MOST_BYTES", "data_url", "kind_of", "picture_url"]

MOST_BYTES = 8_000_000
"""Longest picture that is taken; vision models scale down what is larger than about a megapixel anyway."""
_SIGNS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
"""How files of each kind begin; WebP has its sign in the middle."""


def kind_of(content: bytes) -> str | None:
    """Return the MIME type of a picture by how it begins; none if it is no PNG, JPEG, GIF or WebP."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for sign, kind in _SIGNS.items() if content.startswith(sign)), None)


def data_url(content: bytes, name: str = "This") -> str:
    """Return a URL that holds a picture itself.

    Args:
        content: The file.
        name: What it is called, for the message.

    Raises:
        InputError: It is no picture of a kind that models take, or too long.
    """
    kind = kind_of(content)
    if kind is None:
        raise InputError(f"{name} is no picture: PNG, JPEG, GIF and WebP are taken.")
    if len(content) > MOST_BYTES:
        raise InputError(
            f"{name} has {len(content):,} bytes; a picture has at most {MOST_BYTES:,}. Scale it down."
        )
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def picture_url(uri: str) -> str:
    """Return the URL under which a model is shown a picture: a file is put into it, others stay as they are.

    Args:
        uri: A `file:`, `data:`, `https:` or `http:` URI. The last two are for the model's server to fetch; limner does not.

    Raises:
        ModelError: The file is gone, too long, or no picture; or the URI is of another kind.
    """
    scheme = urlsplit(uri).scheme
    if scheme in ("data", "https", "http"):
        return uri
    if scheme != "file":
        raise ModelError(f"A picture is a file, data or https URI; {uri[:80]!r} is none.")
    path = Path(url2pathname(unquote(urlsplit(uri).path)))
    try:
        return data_url(path.read_bytes(), str(path))
    except OSError as error:
        raise ModelError(f"The picture {path} cannot be read ({error.strerror}).") from error
    except InputError as error:
        raise ModelError(str(error)) from error
