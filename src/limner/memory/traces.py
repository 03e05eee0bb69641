"""What gives an erased text away wherever it was copied to: its words, found in any bytes."""

import json
import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator

from limner.memory.lexical import tokenize

__all__ = ("Traces",)

_WORD = re.compile(r"[^\W_](?:[\w'’-]*[^\W_])?")
_PLAIN_WORD = re.compile(r"\w+")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\[nrt]")
_SENTENCE_END = re.compile(r"[.!?…。！？]\W*$")
_LONG_WORD = 12
"""Letters from which a word that nothing else has is taken for a trace by itself, like a name or a number."""
_SHORTEST = 4
"""Characters of a name below which finding it somewhere says nothing."""
_WINDOW = 6
"""Words in a row that two texts do not share by chance."""
_SPELT_OUT = 64
"""Texts and words that are looked for letter by letter; of more, only whole words are compared."""
_LONGEST = 2000
"""Characters up to which a text is looked for as a whole."""


class Traces:
    """Texts that are to be gone, and the words in them that nothing else has.

    Args:
        texts: Whole texts; six words in a row of one are a trace.
        words: Index terms that nothing which stays has; of these only names, numbers and long words are looked for by
            themselves, because a common word proves nothing.
        names: Names and keys, which count when nothing else has their words.
    """

    def __init__(self, texts: Iterable[str], words: Collection[str] = (), names: Iterable[str] = ()) -> None:
        only = frozenset(words)
        wanted: set[str] = set()
        self._words: set[str] = set()
        self._windows: set[int] = set()
        lengths: set[int] = set()
        for text in texts:
            plain = _plain(text)
            if len(plain) > 2 or _all_in(text, only):
                self._windows.update(_windows(plain))
                lengths.add(min(len(plain), _WINDOW))
                wanted.add(text.strip()[:_LONGEST])
            telling = {word for word in _telling(text) if _all_in(word, only)}
            wanted |= telling
            self._words.update(word.casefold() for word in telling)
        for name in names:
            if len(name) >= _SHORTEST and _all_in(name, only):
                wanted.add(name)
                self._windows.update(_windows(_plain(name)))
                lengths.add(min(len(_plain(name)), _WINDOW))
        self._lengths = sorted(lengths - {0})
        self._pattern = _pattern(wanted) if len(wanted) <= _SPELT_OUT else None

    def found_in(self, content: bytes) -> bool:
        """Return whether something of them stands in `content`, in any case, in UTF-8 or UTF-16, or escaped as in JSON."""
        if not self:
            return False
        if self._pattern is not None and self._pattern.search(content):
            return True
        text = content.replace(b"\0", b"").decode("utf-8", "replace")
        return self._read_in(_ESCAPE.sub(_unescaped, text))

    def found_in_text(self, text: str) -> bool:
        """Return whether something of them stands in a text."""
        return self.found_in(text.encode("utf-8", "surrogatepass"))

    def __bool__(self) -> bool:
        return bool(self._lengths or self._words)

    def _read_in(self, text: str) -> bool:
        last: deque[str] = deque(maxlen=_WINDOW)
        for match in _PLAIN_WORD.finditer(text.casefold()):
            last.append(match.group())
            if last[-1] in self._words:
                return True
            row = tuple(last)
            if any(hash(row[-length:]) in self._windows for length in self._lengths):
                return True
        return False


def _all_in(text: str, only: Collection[str]) -> bool:
    terms = tokenize(text)
    return bool(terms) and all(term in only for term in terms)


def _plain(text: str) -> list[str]:
    return _PLAIN_WORD.findall(text.casefold())


def _windows(plain: list[str]) -> Iterator[int]:
    """Yield a number for every six words in a row, or for all of a shorter text."""
    last = max(len(plain) - _WINDOW, 0)
    return (hash(tuple(plain[start : start + _WINDOW])) for start in range(last + 1))


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else " "


def _telling(text: str) -> set[str]:
    """Return the words of a text that look like a name or a number, or are long."""
    found: set[str] = set()
    begins = True
    end = 0
    for match in _WORD.finditer(text):
        word = match.group()
        begins = begins or _SENTENCE_END.search(text[end : match.start()]) is not None
        named = any(c.isupper() for c in word[1:]) or (word[0].isupper() and not begins)
        numbered = any(c.isdigit() for c in word)
        if len(word) >= _LONG_WORD or (len(word) >= _SHORTEST and (named or numbered)):
            found.add(word)
        begins, end = False, match.end()
    return found


def _pattern(wanted: Iterable[str]) -> re.Pattern[bytes] | None:
    forms: set[bytes] = set()
    for text in wanted:
        for variant in {text, text.lower(), text.upper(), text.casefold()}:
            # Bytes ignore the case of ASCII letters only, so the others are spelt out.
            forms.add(variant.encode("utf-8", "surrogatepass"))
            forms.add(json.dumps(variant)[1:-1].encode())
            forms.add(json.dumps(variant, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass"))
            forms.add(variant.encode("utf-16-le", "surrogatepass"))
            forms.add(variant.encode("utf-16-be", "surrogatepass"))
    if not forms:
        return None
    return re.compile(b"|".join(re.escape(form) for form in sorted(forms)), re.IGNORECASE)
