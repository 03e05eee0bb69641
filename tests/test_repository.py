"""House rules that a machine can check, about the repository as a whole."""

import ast
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "limner"
MODULES = sorted(SOURCE.rglob("*.py"))
PACKAGES = [m for m in MODULES if m.name == "__init__.py" and "versions" not in m.parts]
ROOMS = ("agents", "memory", "tools", "profiles", "evals")
HEAVY = {
    "torch",
    "transformers",
    "sentence_transformers",
    "chromadb",
    "sqlalchemy",
    "polars",
    "pandas",
    "langchain_core",
    "openai",
}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def public_names(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id="__all__")], value=value)
                | ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value)
            ):
                return list(ast.literal_eval(value))
    return None


@pytest.mark.parametrize("room", ROOMS)
def test_top_level_links_lead_into_the_package(room: str) -> None:
    link = ROOT / room
    assert link.is_symlink()
    assert link.resolve() == SOURCE / room
    assert not link.readlink().is_absolute(), "an absolute link breaks in every other clone"


@pytest.mark.parametrize("package", PACKAGES, ids=relative)
def test_every_package_says_what_is_public(package: Path) -> None:
    names = public_names(ast.parse(package.read_text(encoding="utf-8")))
    assert names is not None
    assert len(names) == len(set(names))


@pytest.mark.parametrize("module", [m for m in MODULES if "migrations" not in m.parts], ids=relative)
def test_every_module_says_what_is_public(module: Path) -> None:
    assert public_names(ast.parse(module.read_text(encoding="utf-8"))) is not None


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [relative(m) for m in MODULES if drawers & {m.stem, m.parent.name}] == []


def test_no_module_is_too_long() -> None:
    lengths = {relative(m): len(m.read_text(encoding="utf-8").splitlines()) for m in MODULES}
    assert {name: n for name, n in lengths.items() if n > 450} == {}


def test_no_two_test_modules_share_a_name() -> None:
    # the folders of tests are no packages, so pytest knows a module by its bare name
    names = Counter(module.name for module in (ROOT / "tests").rglob("*.py") if module.name != "conftest.py")
    assert [name for name, times in names.items() if times > 1] == []


def broad_handlers(tree: ast.Module) -> Iterator[ast.ExceptHandler]:
    """Catch-alls that do not end by raising again what they caught."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        broad = any(
            c is None or (isinstance(c, ast.Name) and c.id in {"Exception", "BaseException"}) for c in caught
        )
        last = node.body[-1]
        if broad and not (isinstance(last, ast.Raise) and last.exc is None):
            yield node


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("try: f()\nexcept: pass", 1),
        ("try: f()\nexcept Exception as e: g(e)", 1),
        ("try: f()\nexcept (ValueError, Exception): g()", 1),
        ("try: f()\nexcept BaseException:\n    g()\n    raise", 0),
        ("try: f()\nexcept ValueError: pass", 0),
    ],
)
def test_broad_handlers_are_recognised(source: str, found: int) -> None:
    assert len(list(broad_handlers(ast.parse(source)))) == found


def test_nothing_swallows_every_exception() -> None:
    found = [
        f"{relative(m)}:{h.lineno}"
        for m in MODULES
        for h in broad_handlers(ast.parse(m.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_no_unfinished_work_is_left_in_the_source() -> None:
    marks = ("TODO", "FIXME", "XXX")
    lines = (
        (m, number, line)
        for m in MODULES
        for number, line in enumerate(m.read_text(encoding="utf-8").splitlines(), 1)
    )
    assert [
        f"{relative(m)}:{number}" for m, number, line in lines if any(mark in line for mark in marks)
    ] == []


def in_fresh_interpreter(code: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "COVERAGE_"))}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
    )
    return done.stdout


@pytest.mark.parametrize("module", ["limner", "limner.apps.cli", *(f"limner.{room}" for room in ROOMS)])
def test_importing_pulls_in_nothing_heavy(module: str) -> None:
    loaded = in_fresh_interpreter(
        f"import sys, {module}; print(*{{m.partition('.')[0] for m in sys.modules}})"
    )
    assert HEAVY & set(loaded.split()) == set()


def test_importing_limner_takes_less_than_three_tenths_of_a_second() -> None:
    code = "import time; t = time.process_time(); import limner; print(time.process_time() - t)"
    assert min(float(in_fresh_interpreter(code)) for _ in range(3)) < 0.3


def test_help_is_there_within_a_second() -> None:
    def seconds() -> float:
        """Of processor time: what else the machine does at the time proves nothing."""
        before = os.times()
        in_fresh_interpreter(
            "import sys; from limner.apps.cli import main; sys.argv = ['limner', '--help']; main()"
        )
        after = os.times()
        return sum(after[2:4]) - sum(before[2:4])

    assert min(seconds() for _ in range(3)) < 1.0


def test_the_public_names_can_be_imported() -> None:
    import limner

    assert all(getattr(limner, name) is not None for name in limner.__all__)
    assert set(limner.__all__) <= set(dir(limner))
    with pytest.raises(AttributeError, match="Portraitt"):
        _ = limner.Portraitt


def test_constraints_pin_every_requirement_exactly() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins[0].startswith("torch==")
    assert all(pin.count("==") == 1 and "@" not in pin and "+" not in pin for pin in pins)
    assert not [pin for pin in pins if pin.startswith(("nvidia", "cuda", "triton"))]
