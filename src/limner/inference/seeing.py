"""Showing a picture to a language model, and whether it can see one at all.

That a server takes a request with a picture does not mean that its model sees it: some drop what they do not know. So a model
counts as seeing when it names the colours of two pictures right, which costs two answers of a word, once.
"""

import struct
import zlib
from collections.abc import Awaitable, Callable

from anyio import to_thread
from langchain_core.messages import HumanMessage

from limner.errors import ModelError, ModelUnavailable
from limner.inference.language_model import LanguageModel
from limner.inference.pictures import data_url

__all__ = ["filled", "names_colours", "picture_message", "sees", "takes_no_pictures"]

_COLOURS = {"red": (220, 20, 20), "blue": (20, 20, 220)}
_SIDE = 64
_QUESTION = "Which colour fills this picture: red, green, blue or yellow? Answer with one word."


def picture_message(text: str, url: str) -> HumanMessage:
    """Return a message of words and a picture, as OpenAI's chat API has it."""
    return HumanMessage([{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}])


async def sees(model: LanguageModel) -> bool:
    """Whether a model sees pictures; it is found out once, and kept on the model.

    Raises:
        ModelUnavailable: Nobody answers, so that it cannot be told.
    """

    async def ask(message: HumanMessage) -> str:
        return await model.acomplete([message], stage="look", max_tokens=8)

    if model.sees is None:
        model.sees = not await takes_no_pictures(model) and await names_colours(ask)
    return model.sees


async def takes_no_pictures(model: LanguageModel) -> bool:
    """Whether the server itself says so; llama.cpp does, and answers a picture it cannot see as if it were out of order."""
    endpoint = model.endpoint
    if endpoint is None or await model.adialect() != "llama.cpp":
        return False
    properties = (await to_thread.run_sync(lambda: endpoint.exchange("GET", "/props"))).body
    return isinstance(properties, dict) and not (properties.get("modalities") or {}).get("vision")


async def names_colours(ask: Callable[[HumanMessage], Awaitable[str]]) -> bool:
    """Whether whoever is asked names the colours of two squares.

    Args:
        ask: Answers a message of words and a picture.

    Raises:
        ModelUnavailable: Nobody answers.
    """
    for name, colour in _COLOURS.items():
        try:
            answer = await ask(picture_message(_QUESTION, filled(colour)))
        except ModelUnavailable:
            raise
        except ModelError:  # no pictures, it says
            return False
        if name not in answer.lower():
            return False
    return True


def filled(colour: tuple[int, int, int]) -> str:
    """Return a square PNG of one colour, as a data URL."""
    row = b"\0" + bytes(colour) * _SIDE

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row * _SIDE))
    return data_url(png + chunk(b"IEND", b""))
