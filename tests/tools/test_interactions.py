from datetime import UTC, datetime

import polars as pl
import pytest

from limner.errors import InputError
from limner.tools.interactions import Columns, Interactions

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"


def _recbole(tmp_path, body, header=HEADER):
    path = tmp_path / "x.inter"
    path.write_bytes((header + body).encode("utf-8", "surrogateescape"))
    return path


def _rows(interactions):
    return list(
        zip(
            interactions.user.tolist(),
            interactions.item.tolist(),
            interactions.value.tolist(),
            interactions.time.tolist(),
            strict=True,
        )
    )


def test_recbole(tmp_path):
    read = Interactions.from_recbole(_recbole(tmp_path, "u\ti\t4\t20\nv\tj\t2.5\t10\n"))
    assert _rows(read) == [("u", "i", 4.0, 20.0), ("v", "j", 2.5, 10.0)]
    assert read.rows == (2, 3)
    assert read.users == ("u", "v")
    assert read.items == ("i", "j")
    assert read.broken == ()


def test_csv_with_other_names_dates_and_quotes(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(
        'who,what,stars,when\nu,"a, b",5,2020-01-02T03:04:05\nv,c,4,2020-01-02T03:04:05+01:00\nv,d,3,12.5\n'
    )
    columns = Columns(user="who", item="what", value="stars", time="when")
    read = Interactions.from_csv(path, columns)
    moment = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
    assert _rows(read) == [("u", "a, b", 5.0, moment), ("v", "c", 4.0, moment - 3600), ("v", "d", 3.0, 12.5)]


def test_parquet_and_frames(tmp_path):
    frame = pl.DataFrame({
        "user_id": [1, 2],
        "item_id": ["a", "b"],
        "rating": [1.0, None],
        "timestamp": [datetime(1970, 1, 2, tzinfo=UTC)] * 2,
    })
    frame.write_parquet(tmp_path / "x.parquet")
    read = Interactions.from_parquet(tmp_path / "x.parquet")
    assert _rows(read) == [("1", "a", 1.0, 86400.0)]
    assert [(row.row, row.reason) for row in read.broken] == [
        (2, "the value is missing or not a finite number")
    ]
    with pytest.raises(InputError, match="Parquet"):
        Interactions.from_parquet(_recbole(tmp_path, ""))
    with pytest.raises(InputError, match="Parquet"):
        Interactions.from_parquet(tmp_path / "nowhere.parquet")


def test_implicit_feedback_without_times(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("user_id,item_id\nu,b\nu,a\n")
    read = Interactions.from_csv(path, Columns(value=None, time=None))
    assert read.value.tolist() == [1.0, 1.0]
    assert read.histories() == {"u": ["b", "a"]}


@pytest.mark.parametrize("missing", ["user_id", "item_id", "rating", "timestamp"])
def test_a_missing_column_is_named(tmp_path, missing):
    names = [name for name in ("user_id", "item_id", "rating", "timestamp") if name != missing]
    (tmp_path / "x.csv").write_text(",".join(names) + "\n" + ",".join("1" * len(names)) + "\n")
    frame = pl.DataFrame({name: ["1"] for name in names})
    path = _recbole(tmp_path, "1\t1\t1\n", "\t".join(f"{name}:token" for name in names) + "\n")
    for read in (
        lambda: Interactions.from_csv(tmp_path / "x.csv"),
        lambda: Interactions.from_frame(frame),
        lambda: Interactions.from_recbole(path),
    ):
        with pytest.raises(InputError, match=f"'{missing}' is missing"):
            read()


BROKEN = [
    ("u\ti\t4\n", "3 fields"),
    ("u\ti\t4\t20\tmore\n", "5 fields"),
    ("u\ti\tfour\t20\n", "value"),
    ("u\ti\tnan\t20\n", "value"),
    ("u\ti\tinf\t20\n", "value"),
    ("u\ti\t\t20\n", "value"),
    ("u\ti\t4\tyesterday\n", "time"),
    ("u\ti\t4\tnan\n", "time"),
    ("\ti\t4\t20\n", "user"),
    ("u\t \t4\t20\n", "item"),
    ("u\t\udcff\udcfe\t4\t20\n", "UTF-8"),
]


@pytest.mark.parametrize(("row", "reason"), BROKEN)
def test_a_broken_row_is_named_and_the_rest_is_kept(tmp_path, row, reason):
    path = _recbole(tmp_path, "u\ta\t4\t1\n" + row + "\nu\tb\t5\t2\n")
    read = Interactions.from_recbole(path)
    assert read.histories() == {"u": ["a", "b"]}
    assert [broken.row for broken in read.broken] == [3]
    assert reason in read.broken[0].reason
    assert read.rows == (2, 5)
    with pytest.raises(InputError, match="row 3"):
        Interactions.from_recbole(path, strict=True)


def test_broken_rows_come_in_the_order_of_the_file(tmp_path):
    read = Interactions.from_recbole(_recbole(tmp_path, "".join(row for row, _ in BROKEN)))
    assert [broken.row for broken in read.broken] == list(range(2, 2 + len(BROKEN)))
    assert len(read) == 0


@pytest.mark.parametrize(("content", "said"), [("", "empty"), ("user_id\titem_id\n", "no type")])
def test_a_file_without_a_header_is_refused(tmp_path, content, said):
    with pytest.raises(InputError, match=said):
        Interactions.from_recbole(_recbole(tmp_path, "", content))


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        Interactions.from_recbole(tmp_path / "nowhere.inter")
    with pytest.raises(InputError, match="cannot be read"):
        Interactions.from_csv(tmp_path)


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path):
    path = _recbole(tmp_path, "u\ti\t4\t20\r\n", "\ufeff" + HEADER.replace("\n", "\r\n"))
    assert Interactions.from_recbole(path).histories() == {"u": ["i"]}


def test_a_user_is_read_in_time_order_with_ties_in_file_order():
    rows = [
        ("u", "late", 1.0, 9.0),
        ("v", "x", 1.0, 1.0),
        ("u", "tie-b", 1.0, 5.0),
        ("u", "tie-a", 1.0, 5.0),
        ("u", "first", 1.0, 1.0),
    ]
    read = Interactions.from_rows(rows)
    assert read.by_user("u").frame["item"].to_list() == ["first", "tie-b", "tie-a", "late"]
    assert read.histories() == {"u": ["first", "tie-b", "tie-a", "late"], "v": ["x"]}
    assert len(read.by_user("stranger")) == 0
    assert read.by_user("u").last(2).frame["item"].to_list() == ["tie-a", "late"]
    assert len(read.by_user("u").last(0)) == 0


def test_rows_are_taken_out_by_number():
    rows = [("u", "a", 1.0, 1.0), ("u", "b", 1.0, 2.0), ("u", "a", 1.0, 3.0)]
    read = Interactions.from_rows(rows)
    assert len(read) == 3
    rest = read.without(read.by_user("u").last(1).rows)
    assert rest.histories() == {"u": ["a", "b"]}
    assert read.without([99]).histories() == read.histories()
    assert read.only_items(["a"]).histories() == {"u": ["a", "a"]}


def test_rows_given_in_python_must_be_whole():
    with pytest.raises(InputError, match="row 2"):
        Interactions.from_rows([("u", "a", 1.0, 1.0), ("u", "b", float("nan"), 1.0)])
