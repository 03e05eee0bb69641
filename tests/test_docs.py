"""The Python in README and docs is Python; a block under `<!-- run -->` runs as it stands, with fakes for the models."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes import use_fakes

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"(?P<run><!-- run -->\n)?^```python\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    code: str
    run: bool

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def compiled(self):
        # so many empty lines before it that a traceback names the line of the page
        return compile("\n" * self.line + self.code, str(self.page), "exec")


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text[: m.start("code")].count("\n"), m["code"], bool(m["run"]))
        for m in FENCE.finditer(text)
    ]


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def test_the_readme_has_blocks_that_run() -> None:
    assert any(block.run and block.page.name == "README.md" for block in BLOCKS)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_block_is_python(block: Block) -> None:
    block.compiled()


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.run], ids=str)
def test_block_runs(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_fakes(monkeypatch, tmp_path)
    exec(block.compiled(), {"__name__": "__main__"})


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_decision_is_listed() -> None:
    decisions = {page.name for page in (ROOT / "docs" / "decisions").glob("[0-9]*.md")}
    listed = set(
        re.findall(
            r"\((\d{4}-[^)]+\.md)\)", (ROOT / "docs" / "decisions" / "index.md").read_text(encoding="utf-8")
        )
    )
    in_navigation = set(
        re.findall(r"decisions/(\d{4}-\S+\.md)", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    )
    assert decisions == listed == in_navigation
