import pytest

from limner.tools import Item
from limner.tools.lines import described

WINE = {"colour": "red", "grapes": ("Merlot", "Malbec"), "price": 12.5, "year": 1990.0}


@pytest.mark.parametrize(
    ("attributes", "numbers", "line"),
    [
        (WINE, False, "Clos, red, Merlot, Malbec"),
        (WINE, True, "Clos, red, Merlot, Malbec, price 12.5, year 1990"),
        ({}, True, "Clos"),
    ],
)
def test_an_item_is_one_line_without_its_id(attributes, numbers, line):
    assert described(Item(id="w1", title="Clos", attributes=attributes), numbers=numbers) == line
