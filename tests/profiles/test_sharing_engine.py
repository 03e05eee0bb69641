"""The questions of sharing on a real engine and the real encoder: is each answer one that was asked for, with likelihoods?"""

import math

import pytest

from limner.inference.encoder import encoder
from limner.inference.language_model import language_model
from limner.inference.manifest import SMOLLM2
from limner.inference.packages import fetch
from limner.profiles.sharing import Judge
from limner.profiles.sharing.requests import read_request
from limner.settings import Settings

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

STATEMENTS = [
    "The user likes westerns.",
    "The user reads in the bath.",
    "The user takes something before each meeting.",
]


async def test_every_question_is_answered_with_likelihoods():
    fetch(SMOLLM2, Settings().cache)
    with language_model(Settings(model=SMOLLM2.name, base_url=None, context_length=2048)) as model:
        judge = Judge(model, encoder(Settings()), everything=True)
        found = await judge.signals(read_request("a cinema", "choosing a film"), STATEMENTS)
        assert {row.stage: row.calls for row in model.ledger.rows()} == {"audit": 9}
    for signals in found:
        for odds in (signals.kind, signals.private, signals.needed):
            assert odds is not None
            assert math.isfinite(odds)
    assert found[0].near < found[2].near
