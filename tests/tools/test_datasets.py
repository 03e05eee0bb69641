import pytest

from limner.errors import DownloadError, InputError, NotFound
from limner.settings import Settings
from limner.tools.catalogue import Item
from limner.tools.datasets import ItemColumns, load_dataset, read_items
from limner.tools.movielens import read_ml_100k
from limner.tools.names import display_title

INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t10\t5\t100\n1\t11\t3\t50\n"


def _folder(tmp_path, items, inter=INTER):
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "films.item").write_text(items, encoding="utf-8")
    (folder / "films.inter").write_text(inter, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("Godfather, The", "The Godfather"),
        ("Fish Called Wanda, A", "A Fish Called Wanda"),
        ("American in Paris, An", "An American in Paris"),
        ("Blue Angel, The (Blaue Engel, Der)", "The Blue Angel (Der Blaue Engel)"),
        ("Star Maker, The (Uomo delle stelle, L')", "The Star Maker (L'Uomo delle stelle)"),
        ("Good, The Bad and The Ugly, The", "The Good, The Bad and The Ugly"),
        (
            "Englishman Who Went Up a Hill, But Came Down a Mountain, The",
            "The Englishman Who Went Up a Hill, But Came Down a Mountain",
        ),
        ("Cry, the Beloved Country", "Cry, the Beloved Country"),
        ("Paris, Texas", "Paris, Texas"),
        ("Corrina, Corrina", "Corrina, Corrina"),
        ("Toy Story", "Toy Story"),
        ("", ""),
    ],
)
def test_display_title(stored, shown):
    assert display_title(stored) == shown


def test_a_folder_of_recbole_files(tmp_path):
    items = (
        "item_id:token\ttitle:token_seq\tprice:float\tbrand:token\ttags:token_seq\tvector:float_seq\n"
        "10\tFirst\t9.5\tAcme\tred small\t0.1 0.2\n11\tSecond\t\tAcme\t\t0.3 0.4\n"
    )
    dataset = load_dataset(_folder(tmp_path, items))
    assert dataset.name == "films"
    assert dataset.interactions.histories() == {"1": ["11", "10"]}
    assert dataset.catalogue.get("10") == Item(
        id="10", title="First", attributes={"price": 9.5, "brand": "Acme", "tags": ("red", "small")}
    )
    assert dataset.catalogue.get("11").attributes == {"brand": "Acme"}
    kinds = {name: attribute.kind for name, attribute in dataset.catalogue.schema().items()}
    assert kinds == {"price": "number", "brand": "category", "tags": "categories", "title": "text"}


def test_broken_item_rows_are_named(tmp_path):
    path = tmp_path / "x.item"
    path.write_text("item_id:token\ttitle:token_seq\n1\tOne\n2\n\tNone\n1\tAgain\n3\tThree\n")
    catalogue, broken = read_items(path, ItemColumns())
    assert catalogue.ids == ("1", "3")
    assert {row.row for row in broken} == {3, 4, 5}


def test_a_file_without_titles_falls_back_on_ids(tmp_path):
    path = tmp_path / "x.item"
    path.write_text("item_id:token\tbrand:token\n1\tAcme\n")
    assert read_items(path)[0].get("1").title == "1"


@pytest.mark.parametrize("header", ["id:token\ttitle:token_seq\n", "item_id\ttitle\n", ""])
def test_a_wrong_item_file_is_refused(tmp_path, header):
    path = tmp_path / "x.item"
    path.write_text(header)
    with pytest.raises(InputError):
        read_items(path)


def test_an_unknown_name_offers_the_nearest(tmp_path):
    with pytest.raises(NotFound, match="did you mean ml-100k"):
        load_dataset("ml100k")
    with pytest.raises(NotFound, match="neither"):
        load_dataset(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"0 files that end in \.inter"):
        load_dataset(tmp_path)


def test_movielens_columns_become_titles_years_and_genres(tmp_path):
    items = (
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "10\tGodfather, The\t1972\tAction Crime Drama\n"
        "11\tLand Before Time III: The Time of the Great Giving (1995)\tV\tAnimation Children's\n"
        "12\tunkonwn\tunkonwn\tunknown\n"
    )
    catalogue = read_ml_100k(_folder(tmp_path, items)).catalogue
    assert catalogue.get("10").title == "The Godfather (1972)"
    assert catalogue.get("10").attributes == {"year": 1972.0, "genre": ("Action", "Crime", "Drama")}
    assert catalogue.get("11").title == "Land Before Time III: The Time of the Great Giving (1995)"
    assert catalogue.get("11").attributes == {"year": 1995.0, "genre": ("Animation", "Children's")}
    assert catalogue.get("12") == Item(id="12", title="Unknown film 12")
    assert catalogue.select("genre in {children's} and year = 1995") == ["11"]


def test_a_download_that_fails_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "no-index").as_uri())
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(DownloadError, match="recbole"):
        load_dataset("ml-100k", Settings(cache=tmp_path / "cache"))


@pytest.mark.data
def test_movielens_100k_is_whole():
    dataset = load_dataset("ml-100k", Settings())
    assert len(dataset.interactions) == 100_000
    assert len(dataset.interactions.users) == 943
    assert len(dataset.catalogue) == 1682
    assert dataset.interactions.broken == dataset.broken_items == ()
    assert set(dataset.interactions.items) == set(dataset.catalogue.ids)
    schema = dataset.catalogue.schema()
    assert len(schema["genre"].values) == 18
    assert (schema["year"].minimum, schema["year"].maximum) == (1922.0, 1998.0)
    assert dataset.catalogue.select("genre in {Sci-Fi} and genre in {Horror} and year < 1980") == [
        "183",
        "444",
        "616",
    ]
    assert [item.title for item in dataset.catalogue.find("godfather")] == ["The Godfather (1972)"]
