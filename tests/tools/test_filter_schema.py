import json

import jsonschema
import pytest
from pydantic import ValidationError

from contracts.recommender_data import catalogue
from limner.tools.catalogue import Catalogue, Item
from limner.tools.filter_schema import filter_schema

FILMS = catalogue()
SCHEMA = filter_schema(FILMS)

GOOD = [
    ([], ""),
    ([{"attribute": "genre", "op": "in", "values": ["Comedy", "Comedy"]}], "genre in {Comedy}"),
    ([{"attribute": "genre", "op": "not in", "values": ["Horror"]}], "genre not in {Horror}"),
    ([{"attribute": "year", "op": "between", "low": 1990, "high": 1980}], "year between 1980 1990"),
    ([{"attribute": "year", "op": ">=", "value": 1990}], "year >= 1990"),
    ([{"attribute": "title", "op": "contains", "text": "orbit"}], "title contains orbit"),
]
BAD = [
    [{"attribute": "genre", "op": "in", "values": ["Comdy"]}],
    [{"attribute": "genre", "op": "in", "values": []}],
    [{"attribute": "gender", "op": "in", "values": ["Comedy"]}],
    [{"attribute": "genre", "op": "between", "low": 1, "high": 2}],
    [{"attribute": "year", "op": "in", "values": ["1990"]}],
    [{"attribute": "year", "op": "between", "low": 1990}],
    [{"attribute": "year", "op": ">=", "value": "new"}],
    [{"attribute": "title", "op": "contains", "text": ""}],
    [{"attribute": "genre", "op": "in", "values": ["Comedy"], "note": "x"}],
    [{"attribute": "year", "op": ">=", "value": 1}] * 5,
]


@pytest.mark.parametrize(("conditions", "expected"), GOOD)
def test_a_draft_becomes_a_filter_of_the_catalogue(conditions, expected):
    draft = {"conditions": conditions}
    jsonschema.validate(draft, SCHEMA.model_json_schema())
    where = SCHEMA.model_validate(draft).to_filter()
    assert str(where) == expected
    assert FILMS.validated(where) == where


@pytest.mark.parametrize("conditions", BAD)
def test_the_json_schema_admits_nothing_else(conditions):
    draft = {"conditions": conditions}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(draft, SCHEMA.model_json_schema())
    with pytest.raises(ValidationError):
        SCHEMA.model_validate(draft)


def test_the_attribute_is_written_first():
    for definition in SCHEMA.model_json_schema()["$defs"].values():
        assert list(definition["properties"])[:2] == ["attribute", "op"]


def test_kinds_can_be_left_out():
    schema = filter_schema(FILMS, kinds={"categories", "number"})
    assert schema.model_validate({"conditions": GOOD[3][0]}).to_filter()
    with pytest.raises(ValidationError):
        schema.model_validate({"conditions": GOOD[5][0]})


def test_equal_catalogues_give_equal_schemas():
    assert json.dumps(filter_schema(catalogue()).model_json_schema()) == json.dumps(
        SCHEMA.model_json_schema()
    )


def test_too_many_values_are_not_listed():
    many = Catalogue(Item(id=str(n), attributes={"cast": (f"actor {n}", "extra")}) for n in range(300))
    schema = filter_schema(many)
    assert len(json.dumps(schema.model_json_schema())) < 3000
    draft = schema.model_validate({"conditions": [{"attribute": "cast", "op": "in", "values": ["ACTOR 7"]}]})
    assert many.select(draft.to_filter()) == ["7"]


def test_fractions_are_allowed_where_the_catalogue_has_them():
    wine = Catalogue([Item(id="1", attributes={"price": 9.5}), Item(id="2", attributes={"price": 20.0})])
    draft = filter_schema(wine).model_validate({
        "conditions": [{"attribute": "price", "op": "<=", "value": 12.5}]
    })
    assert wine.select(draft.to_filter()) == ["1"]


def test_a_catalogue_without_attributes_admits_the_empty_filter_only():
    schema = filter_schema(Catalogue([]))
    assert not schema.model_validate({"conditions": []}).to_filter()
    with pytest.raises(ValidationError):
        schema.model_validate({"conditions": [{"attribute": "x"}]})
