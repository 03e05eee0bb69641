"""A saved recommender: whole or not there, and refused where its files do not fit together."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from contracts.recommender_contract import CATALOGUE, HISTORY
from contracts.recommender_data import interactions
from limner.errors import InputError, NotFound
from limner.tools.catalogue import Catalogue
from limner.tools.recommenders import EASE, BaseRecommender, Popularity, load_recommender
from limner.tools.recommenders import discovery as recommenders_found


class Sum(BaseRecommender):
    """Made of two others, as a blend is."""

    name = "made_sum"

    def _fit(self, interactions, catalogue):
        models = (EASE(regularization=10.0), Popularity())
        self.models = {model.name: model.fit(interactions, catalogue) for model in models}

    def _score(self, history):
        return sum(model._score(history) for model in self.models.values()).astype(np.float32)

    def _arrays(self):
        return {}

    def _restore(self, arrays):
        pass

    def _parts(self):
        return self.models

    def _assemble(self, parts):
        self.models = dict(parts)


@pytest.fixture
def saved(tmp_path) -> Path:
    EASE(regularization=10.0).fit(interactions(), CATALOGUE).save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def blend(tmp_path) -> Path:
    Sum().fit(interactions(), CATALOGUE).save(tmp_path / "blend")
    return tmp_path / "blend"


def edit(folder: Path, **changed: object) -> None:
    described = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(described | changed))


def test_a_model_made_of_others_is_loaded_with_them(blend):
    model = Sum().fit(interactions(), CATALOGUE)
    assert {entry.name for entry in blend.iterdir()} == {
        "model.json",
        "arrays.npz",
        "catalogue.json",
        "ease",
        "popularity",
    }
    np.testing.assert_array_equal(Sum.load(blend).score(HISTORY), model.score(HISTORY))


@pytest.mark.parametrize("part", ["ease", "popularity/model.json", "ease/arrays.npz", "ease/catalogue.json"])
def test_a_part_that_is_not_there_is_named(blend, part):
    gone = blend / part
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    with pytest.raises(InputError, match=part.partition("/")[0]):
        Sum.load(blend)


def test_a_part_of_a_kind_that_is_not_installed_is_named(blend):
    edit(blend / "ease", name="eaze")
    with pytest.raises(NotFound, match="eaze"):
        Sum.load(blend)


@pytest.mark.parametrize("part", ["../model", "/etc", "", ".", "..", "a/b", "model.json", 3, None])
def test_a_part_never_leads_out_of_the_folder(blend, part):
    edit(blend, parts=[part])
    with pytest.raises(InputError, match="no name for a part"):
        Sum.load(blend)


@pytest.mark.parametrize("left", [0, 10, 200, -30])
def test_a_truncated_file_of_arrays_is_refused(saved, left):
    file = saved / "arrays.npz"
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(InputError, match=r"arrays\.npz.*[Ff]it the model again"):
        EASE.load(saved)


def test_arrays_with_one_byte_changed_are_refused(saved):
    file = saved / "arrays.npz"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"arrays\.npz"):
        EASE.load(saved)


def test_arrays_that_would_run_are_refused(saved):
    class Payload:
        def __reduce__(self):
            return os.mkdir, (str(saved / "ran"),)

    np.savez(saved / "arrays.npz", popularity=np.array([Payload()], dtype=object))
    with pytest.raises(InputError, match=r"arrays\.npz"):
        EASE.load(saved)
    assert not (saved / "ran").exists()


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"weights": np.zeros((12, 12), np.float32)},
        {"popularity": np.zeros(11, np.float32), "weights": np.zeros((12, 12), np.float32)},
        {"popularity": np.zeros(12, np.float32)},
    ],
)
def test_arrays_of_another_model_are_refused(saved, arrays):
    np.savez(saved / "arrays.npz", **arrays)
    with pytest.raises(InputError, match=r"[Ff]it the model again"):
        EASE.load(saved)


@pytest.mark.parametrize(
    "changed",
    [
        {"format": 2},
        {"format": "1"},
        {"format": None},
        {"name": 7},
        {"name": ["ease"]},
        {"settings": []},
        {"settings": {"regularization": -1.0}},
        {"settings": {"regularization": "much"}},
        {"settings": {"of_the_future": 1}},
        {"catalogue": None},
        {"catalogue": "0123456789abcdef"},
        {"parts": "ease"},
        {"parts": {"a": 1}},
    ],
)
def test_a_description_that_was_changed_is_refused(saved, changed):
    edit(saved, **changed)
    for load in (EASE.load, load_recommender):
        with pytest.raises(InputError):
            load(saved)


@pytest.mark.parametrize("text", ["", "[]", "3", "null", '"ease"', "{", "[" * 100_000, "\udcff"])
def test_what_is_no_description_is_refused(saved, text):
    (saved / "model.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match="holds no recommender"):
        load_recommender(saved)


def test_an_older_or_newer_format_says_what_to_do(saved):
    edit(saved, format=99)
    with pytest.raises(InputError, match=r"format 99.*Fit the model again"):
        load_recommender(saved)


def test_the_catalogue_of_another_model_is_refused(saved):
    CATALOGUE.without(["c4"]).save(saved / "catalogue.json")
    with pytest.raises(InputError, match="not the catalogue"):
        EASE.load(saved)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"kinds": 3, "items": []}', '{"kinds": {}, "items": [{"id": "a"}, {"id": "a"}]}'],
)
def test_what_is_no_catalogue_is_refused(saved, text):
    (saved / "catalogue.json").write_text(text)
    with pytest.raises(InputError):
        EASE.load(saved)
    (saved / "catalogue.json").unlink()
    with pytest.raises(InputError, match=r"catalogue\.json cannot be read"):
        EASE.load(saved)


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match="holds no recommender"):
        load_recommender(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no recommender"):
        load_recommender(str(tmp_path / "nowhere"))


def test_a_model_of_another_kind_offers_the_way_that_finds_it(saved):
    with pytest.raises(InputError, match="load_recommender"):
        Popularity.load(saved)


# Saving


def entries(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_a_model_is_saved_over_another_and_leaves_nothing_of_it(blend):
    EASE(regularization=7.0).fit(interactions(), CATALOGUE).save(blend)
    assert load_recommender(blend).settings["regularization"] == 7.0
    assert entries(blend) == {"model.json", "arrays.npz", "catalogue.json"}
    assert entries(blend.parent) == {"blend"}


def test_files_of_others_in_the_folder_stay(saved):
    (saved / "notes.txt").write_text("mine")
    (saved / "figures").mkdir()
    Popularity().fit(interactions(), CATALOGUE).save(saved)
    assert load_recommender(saved).name == "popularity"
    assert (saved / "notes.txt").read_text() == "mine"
    assert (saved / "figures").is_dir()


@pytest.mark.parametrize("broken", ["_arrays", "_parts", "settings"])
def test_what_fails_to_be_saved_leaves_the_old_model_whole(saved, monkeypatch, broken):
    class Broken(Popularity):
        name = "ease"
        settings = {"when": {1, 2}} if broken == "settings" else {}

    model = Broken().fit(interactions(), CATALOGUE)

    class Stuck(Popularity):
        def save(self, path):
            raise InputError("stuck")

    if broken == "_arrays":
        monkeypatch.setattr(model, "_arrays", lambda: {"x": 1 / 0})
    elif broken == "_parts":
        monkeypatch.setattr(model, "_parts", lambda: {"one": Stuck()})
    before = EASE.load(saved).score(HISTORY)
    with pytest.raises((InputError, ZeroDivisionError)):
        model.save(saved)
    np.testing.assert_array_equal(EASE.load(saved).score(HISTORY), before)
    assert entries(saved.parent) == {"model"}


def test_a_full_disk_leaves_the_old_model_whole(saved, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Catalogue, "save", full)
    with pytest.raises(InputError, match=r"No space left.*unchanged"):
        Popularity().fit(interactions(), CATALOGUE).save(saved)
    monkeypatch.undo()
    assert EASE.load(saved).name == "ease"
    assert entries(saved.parent) == {"model"}


def test_a_renaming_that_fails_puts_the_old_model_back(saved, monkeypatch):
    rename = Path.rename

    def refused(self, target):
        if Path(target) == saved and not self.name.endswith("-before"):
            raise OSError(16, "Device or resource busy")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(InputError, match="busy"):
        Popularity().fit(interactions(), CATALOGUE).save(saved)
    assert EASE.load(saved).name == "ease"
    assert entries(saved.parent) == {"model"}


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    model = Popularity().fit(interactions(), CATALOGUE)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="is a file"):
        model.save(tmp_path / "file")
    with pytest.raises(InputError, match="cannot be written"):
        model.save(tmp_path / "file" / "model")
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.fixture
def _nobody(tmp_path):
    """Give up what root may do: write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.mark.usefixtures("_nobody")
def test_a_folder_without_write_permission_is_named(tmp_path):
    closed = tmp_path if os.getuid() == 0 else tmp_path / "closed"
    if closed != tmp_path:
        closed.mkdir(mode=0o500)
    with pytest.raises(InputError, match=r"cannot be written: Permission denied.*Choose a folder"):
        Popularity().fit(interactions(), CATALOGUE).save(closed / "model")


def test_a_link_is_followed_and_stays(saved, tmp_path):
    (tmp_path / "link").symlink_to(saved)
    Popularity().fit(interactions(), CATALOGUE).save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert load_recommender(saved).name == "popularity"


def test_nothing_is_saved_before_the_fit(tmp_path):
    with pytest.raises(InputError, match="fit"):
        Sum().save(tmp_path / "model")
    assert entries(tmp_path) == set()


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    found = recommenders_found.recommender_class
    monkeypatch.setattr(
        recommenders_found, "recommender_class", lambda name: Sum if name == Sum.name else found(name)
    )
