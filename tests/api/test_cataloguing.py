import json
import threading
from functools import partial

import pytest

from contracts.recommender_data import catalogue
from limner.api import world as world_module
from limner.errors import ConfigurationError, InputError, NotFound, StoreError
from limner.tools import Item

NEW = {
    "id": "n1",
    "title": "Third Orbit (1999)",
    "attributes": {"genre": ("Sci-Fi", "Horror"), "year": 1999.0},
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def limner(open_limner):
    opened = open_limner()
    ada = opened.user("ada")
    for title in ("The Long Orbit (1979)", "Second Orbit (1986)"):
        ada.observe(f"Rated {title} 5/5")
    return opened


def _recommended(limner, k=30):
    """Recommend with plain reasons, so that no model has to word them."""
    agent, ada = limner.agent, limner.user("ada")
    return limner.portal.run(partial(agent.recommend, ada.memory, "", k, worded=False)).items


def _listed(limner, k=30):
    return [found.item.id for found in _recommended(limner, k)]


def test_what_is_added_is_in_the_next_list_and_what_is_removed_is_not(limner):
    before = _listed(limner)
    assert "a3" in before
    limner.add_items([NEW, Item(id="n2", title="A Very Short Lunch")])
    limner.remove_items(["a3"])
    assert set(_listed(limner)) == (set(before) - {"a3"}) | {"n1", "n2"}
    assert "n1" in _listed(limner, 4)


def test_conditions_see_what_was_added(limner):
    limner.add_items([NEW])
    agent = limner.agent
    assert agent is not None
    base = limner.world.recommenders[0]
    assert [found.item_id for found in base.recommend(["a1"], 5, "year > 1998")] == ["n1"]


def test_a_user_may_have_had_what_is_removed(limner):
    limner.remove_items(["a1"])
    found = _recommended(limner)
    assert "a1" not in {one.item.id for one in found}
    assert found
    assert not any("Long Orbit" in str(one.reason) for one in found)
    limner.remove_items(["a2"])
    assert _listed(limner)


def test_a_user_may_have_had_what_was_added(limner):
    limner.add_items([NEW])
    limner.user("ada").observe("Rated Third Orbit (1999) 4/5")
    assert "n1" not in _listed(limner)


def test_before_anything_is_fitted(open_limner):
    limner = open_limner()
    limner.add_items([NEW])
    limner.remove_items(["b1", "b2"])
    assert {item.id for item in limner.world.catalogue} == ({*catalogue().ids} | {"n1"}) - {"b1", "b2"}
    assert limner.world.recommenders[0].catalogue is limner.world.catalogue


def test_the_changes_outlast_the_process(open_limner):
    first = open_limner()
    first.add_items([NEW])
    first.remove_items(["a3"])
    first.close()
    second = open_limner()
    assert "n1" in second.world.catalogue
    assert "a3" not in second.world.catalogue
    second.add_items([catalogue().get("a3")])
    second.remove_items(["n1"])
    second.close()
    assert {item.id for item in open_limner().world.catalogue} == {*catalogue().ids}


def test_a_removed_item_that_comes_back_is_the_one_it_was(limner):
    before = limner.world.recommenders[0].score(["a1"], ["a3"])[0]
    limner.remove_items(["a3"])
    limner.add_items([catalogue().get("a3")])
    assert limner.world.recommenders[0].score(["a1"], ["a3"])[0] == before


def test_an_item_is_described_anew(limner):
    limner.add_items([{"id": "a3", "title": "Rust", "attributes": {"genre": ("Western",)}}])
    assert limner.world.catalogue.get("a3").title == "Rust"
    assert [item.id for item in limner.world.catalogue.find("Rust")] == ["a3"]
    assert ("genre", "Western") in limner.world.baseline


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda limner: limner.add_items([{"title": "No id"}]), InputError, "Item 1"),
        (lambda limner: limner.add_items([NEW, NEW]), InputError, "twice"),
        (
            lambda limner: limner.add_items([{"id": "x", "attributes": {"year": "last"}}]),
            InputError,
            "'year' is a number",
        ),
        (lambda limner: limner.remove_items(["a1", "nowhere"]), NotFound, "nowhere"),
        (lambda limner: limner.remove_items(catalogue().ids), InputError, "left"),
    ],
)
def test_a_change_that_cannot_be_made_changes_nothing(limner, tmp_path, change, error, said):
    agent = limner.agent
    with pytest.raises(error, match=said):
        change(limner)
    assert limner.world.catalogue.version == catalogue().version
    assert limner.agent is agent
    assert not (tmp_path / "home" / "catalogue.json").exists()


def test_a_change_that_cannot_be_kept_is_not_made(limner, tmp_path):
    _ = limner.world.recommenders
    (tmp_path / "home" / "catalogue.json").mkdir()
    with pytest.raises(StoreError, match=r"catalogue\.json"):
        limner.add_items([NEW])
    (tmp_path / "home" / "catalogue.json").rmdir()
    assert "n1" not in limner.world.catalogue


@pytest.mark.parametrize("text", ["not json", "[]", '{"films": {"added": [{"no": "id"}], "removed": []}}'])
def test_a_damaged_file_of_changes_is_told(open_limner, tmp_path, text):
    limner = open_limner()
    (tmp_path / "home" / "catalogue.json").write_text(text)
    with pytest.raises(StoreError, match="delete it"):
        _ = limner.world.catalogue


def test_changes_are_kept_for_their_data_set_only(limner, tmp_path):
    file = tmp_path / "home" / "catalogue.json"
    file.write_text(json.dumps({"books": {"added": [], "removed": ["7"]}}))
    limner.add_items([NEW])
    kept = json.loads(file.read_text())
    assert kept["books"] == {"added": [], "removed": ["7"]}
    assert [item["id"] for item in kept["films"]["added"]] == ["n1"]


def test_without_a_data_set_there_is_nothing_to_change(open_limner):
    with pytest.raises(ConfigurationError, match="LIMNER_DATASET"):
        open_limner(dataset=None).add_items([NEW])


def test_many_may_change_it_at_once(limner):
    _ = limner.world.recommenders
    threads = [
        threading.Thread(target=limner.add_items, args=([{"id": f"n{n}", "title": f"Orbit {n}"}],))
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {f"n{n}" for n in range(6)} <= set(limner.world.recommenders[0].catalogue.ids)


def test_a_recommender_that_reads_does_so_with_limners_own_encoder(open_limner):
    limner = open_limner(recommenders=("text", "ease"))
    limner.add_items([NEW])
    assert limner.world.recommenders[0].name == "text"
    assert limner.world.recommenders[0].recommend(["a1", "a2"], 1)[0].item_id == "n1"
    assert len(limner.encoder.encoded) > 0


def test_what_is_counted_while_it_changes_is_not_kept(limner, monkeypatch):
    world = limner.world
    change = threading.Thread(
        target=limner.add_items, args=([{**NEW, "id": "a1", "attributes": {"genre": ("Western",)}}],)
    )
    counted = world_module.attribute_keys

    def meanwhile(attributes):
        if change.ident is None:
            change.start()
            change.join(1.0)
        return counted(attributes)

    monkeypatch.setattr(world_module, "attribute_keys", meanwhile)
    _ = world.baseline
    change.join()
    assert ("genre", "Western") in world.baseline
