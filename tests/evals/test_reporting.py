import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.errors import InputError
from limner.evals.reporting import report, written
from limner.evals.reporting.differences import warnings_of
from limner.evals.reporting.plots import dot_plot
from limner.evals.results import Cost, Item, Result, Statement
from limner.evals.statistics import grouped, statements

VOID = {"meta", "line", "circle", "br", "link", "img", "input", "hr"}


class Tree(HTMLParser):
    """Checks that elements close in order, and gathers them."""

    def __init__(self, page):
        super().__init__()
        self.open, self.seen, self.text = [], [], []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.seen if name == tag]


def answers(n=60, share=0.6, group=lambda n: "ab"[n % 2]):
    rng = np.random.default_rng(0)
    return [
        Item(
            id=str(one),
            group=group(one),
            cluster=f"u{one // 3}",
            values={"correct": float(rng.random() < share), "error": float(rng.normal())},
        )
        for one in range(n)
    ]


def run(items=None, measures=("accuracy",), **given):
    items = answers() if items is None else items
    return Result(
        **{
            "task": "quiz",
            "limner": "0.1.0",
            "started": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
            "status": "success",
            "memory": "bm25",
            "k": 10,
            "model": "toy",
            "data": {"quiz.json": "abcdef0123456789" * 4},
            "prompts": {"evals/quiz/ask": "fedcba9876543210"},
            "parameters": {"limit": 60},
            "n": len(items),
            "statements": statements(items, measures),
            "groups": grouped(items, measures),
            "floors": {"longest option": 0.516},
            "published": {"a large model": 0.83},
            "counted": {"evidence id that does not exist": 1203},
            "cost": Cost(calls=60, input_tokens=1234567, output_tokens=99, seconds=3723.0),
            "items": items,
        }
        | given
    )


def test_the_page_tells_what_was_run_and_what_came_of_it():
    tree = Tree(report([run(), run(memory="none", k=None)]))
    text = " ".join(" ".join(tree.text).split())
    stated = run().statements[0]
    for said in (
        f"{stated.value:.3f} {stated.low:.3f}–{stated.high:.3f}",
        "quiz: 2 runs, 2026-01-02",
        "longest option",
        "0.516",
        "Theirs, not ours",
        "a large model",
        "evidence id that does not exist",
        "1 203",  # thin spaces, split above
        "1 234 567",
        "1 h 02 min",
        "abcdef012345",
        "fedcba987654",
        "seed = 0",
        "limit = 60",
        "2026-01-02 03:04",
        "accuracy by group",
    ):
        assert said in text


def test_it_needs_nothing_from_elsewhere_and_runs_nothing():
    page = report([run()])
    tree = Tree(page)
    assert {tag for tag, _ in tree.seen}.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert not re.search(r"url\(|@import|https?://", page)
    assert any("default-src 'none'" in meta.get("content", "") for meta in tree.all("meta"))
    assert all(not name.startswith("on") for _, attributes in tree.seen for name in attributes)


def test_tables_and_plots_can_be_read_aloud():
    tree = Tree(report([run(), run(task="exam")]))
    assert tree.all("html")[0]["lang"] == "en"
    assert all(cell.get("scope") in {"col", "row"} for cell in tree.all("th"))
    assert len(tree.all("caption")) == len(tree.all("table"))
    ids = [attributes["id"] for _, attributes in tree.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {svg["aria-labelledby"] for svg in tree.all("svg")} <= set(ids)
    assert {link["href"][1:] for link in tree.all("a")} <= set(ids)


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=1))
def test_whatever_others_wrote_stays_text(wild):
    hostile = f'"><script>alert(1)</script>{wild}'
    result = run(
        answers(6, group=lambda _: hostile),
        task=hostile,
        memory=hostile,
        model=hostile,
        status=hostile,
        parameters={hostile: [hostile]},
        floors={hostile: 0.5},
        published={hostile: 0.5},
        counted={hostile: 1},
        data={hostile: hostile},
        prompts={hostile: hostile},
        model_settings={hostile: hostile},
    )
    page = report([result, run(task=hostile)])
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("other", "said", "grave"),
    [
        (
            {"data": {"quiz.json": "00"}},
            "Not comparable: different data: abcdef012345 in run 1; 00 in run 2.",
            True,
        ),
        ({"seed": 7}, "different seeds: 0 in run 1; 7 in run 2.", True),
        ({"parameters": {"limit": 9}}, "different limits: 60 in run 1; 9 in run 2.", True),
        ({"items": answers(30)}, "did not answer the same questions", True),
        ({"status": "error"}, "Run 2 did not end well: error.", True),
        ({"parameters": {"limit": 60, "shots": 2}}, "Different shots: none in run 1; 2 in run 2.", False),
        ({"prompts": {}}, "Different prompts: fedcba987654 in run 1; none in run 2.", False),
        ({"limner": "0.2.0"}, "Different versions of limner", False),
        ({"model_settings": {"temperature": 1}}, "Different model settings: {} in run 1", False),
    ],
)
def test_what_forbids_or_clouds_a_comparison_is_noted(other, said, grave):
    (note,) = warnings_of([run(), run(**other)])
    assert said in note.text
    assert note.grave is grave
    assert note.text in " ".join(Tree(report([run(), run(**other)])).text)


def test_alike_runs_need_no_note():
    assert warnings_of([run(), run(memory="none", k=None, model="other")]) == []


def test_figures_that_differ_name_their_runs():
    page = report([
        run(floors={"longest": 0.25}),
        run(floors={"longest": 0.75}),
        run(floors={"longest": 0.25}),
    ])
    assert re.search(r"longest</th><td class=\"n\">0.250</td><td>1, 3</td>", page)
    assert re.search(r"longest</th><td class=\"n\">0.750</td><td>2</td>", page)


@pytest.mark.parametrize(
    "result",
    [
        run([]),
        run([], ()),
        run(answers(1)),
        run(answers(40), ("rmse", "mae")),
        run(floors={}, published={}, counted={}, groups={}, data={}, prompts={}, model="none"),
    ],
)
def test_runs_that_state_little_have_a_page_too(result):
    Tree(report([result]))
    Tree(report([result, run()]))


def test_lower_is_better_is_said():
    assert "lower is better" in report([run(measures=("rmse",))])
    assert "lower is better" not in report([run()])


def test_nothing_to_report_is_an_error():
    with pytest.raises(InputError, match="no run"):
        report([])


def test_a_file_is_whole_or_not_there(tmp_path):
    path = written([run()], tmp_path / "new" / "report.html")
    assert path.read_text("utf-8") == report([run()])
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]
    with pytest.raises(InputError):
        written([], path)
    assert path.read_text("utf-8") == report([run()])
    with pytest.raises(InputError, match="cannot be written"):
        written([run()], path / "inside" / "a-file.html")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        written([run()], tmp_path / "folder")
    assert list(tmp_path.glob(".*.part")) == []


def stated(value, low=None, high=None):
    return Statement(measure="accuracy", value=value, low=low, high=high, n=9)


def test_where_things_lie_in_a_plot():
    plot = dot_plot(
        "accuracy",
        {"one": [(1, stated(0.5, 0.4, 0.6))], "two": [(2, stated(None))]},
        {"floor": 0.2, "high": 0.8},
    )
    assert [tick.text for tick in plot.ticks] == ["0.2", "0.4", "0.6", "0.8"]
    (mark,) = plot.rows[0].marks
    assert (mark.x, mark.low, mark.high) == pytest.approx((50, 33.33, 66.67))
    assert plot.rows[1].marks == ()
    assert [(line.x, line.anchor) for line in plot.lines] == [(0, "start"), (100, "end")]
    assert dot_plot("accuracy", {"one": [(1, stated(None))]}) is None


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5), st.lists(st.floats(-1e9, 1e9), max_size=3))
def test_everything_lies_within_the_plot(values, floors):
    plot = dot_plot(
        "m", {"run": [(n, stated(v, v, v)) for n, v in enumerate(values)]}, {str(f): f for f in floors}
    )
    places = [mark.x for row in plot.rows for mark in row.marks] + [line.x for line in plot.lines]
    assert all(-0.01 <= place <= 100.01 for place in places)
    assert 2 <= len(plot.ticks) <= 8
    assert plot.ticks[0].x == 0
    assert plot.ticks[-1].x == 100
