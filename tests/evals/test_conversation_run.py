"""Whole runs of the benchmark of conversations: the real limner and the real rule-driven seeker on thirty made films."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from limner.apps.cli import app
from limner.errors import InputError
from limner.evals.conversation.registry import SYSTEMS, chosen_systems
from limner.evals.conversation.reporting import reported
from limner.inference import LanguageModel
from limner.settings import Settings
from limner.testing import HashEncoder

GENRES = ("Horror", "Comedy", "Drama", "Sci-Fi", "Western")
NAMES = ("Tin", "Roof", "Salt", "Meridian", "Lantern", "Harbour", "Orchard", "Copper", "Winter", "Gravel")


@pytest.fixture
def films(tmp_path, monkeypatch):
    """A folder of RecBole files: thirty films, twenty-four people who took eight each."""
    folder = tmp_path / "films"
    folder.mkdir()
    rng = np.random.default_rng(0)
    items = ["item_id:token\tmovie_title:token_seq\tyear:float\tgenre:token_seq"]
    for number in range(30):
        title = f"{NAMES[number % 10]} {NAMES[(number * 3 + number // 10 + 1) % 10]}"
        genres = " ".join(rng.choice(GENRES, 2, replace=False))
        items.append(f"f{number}\t{title} {number}\t{1960 + number * 2}\t{genres}")
    rows = ["user_id:token\titem_id:token\trating:float\ttimestamp:float"]
    for user in range(24):
        taken = rng.choice(30, 8, replace=False)
        rows += [f"u{user}\tf{item}\t{rng.integers(1, 6)}\t{place}" for place, item in enumerate(taken)]
    (folder / "films.item").write_text("\n".join(items) + "\n")
    (folder / "films.inter").write_text("\n".join(rows) + "\n")
    monkeypatch.setattr("limner.evals.conversation.talking.encoder_of", lambda settings: HashEncoder())
    # A run is kept by what the code was; here it may be edited while the tests run.
    monkeypatch.setattr("limner.evals.conversation.reporting.code_hash", lambda packages: "code")
    monkeypatch.setenv("LIMNER_RECOMMENDERS", '["markov_knn", "ease"]')

    def started(*arguments, **options):
        raise AssertionError("a language model was started")

    monkeypatch.setattr("limner.evals.engine.language_model", started)
    monkeypatch.setattr("limner.api.limner.language_model", started)
    return folder


async def have(folder, tmp_path, *, systems=("popularity", "bm25", "base", "limner"), n=5, **more):
    return await reported(
        str(folder),
        systems=chosen_systems(systems),
        half="dev",
        conversations=n,
        show=3,
        folder=tmp_path / "run",
        settings=Settings(),
        **{"seed": 0, **more},
    )


async def test_nothing_goes_wrong_and_a_second_run_says_nothing_new(films, tmp_path):
    done = await have(films, tmp_path)
    figures = {one.system: one for one in done.report.systems}
    assert list(figures) == ["popularity", "bm25", "base", "limner"]
    for one in figures.values():
        assert (one.conversations + one.void, one.failures) == (5, 0)
        assert (one.repeated, one.known, one.outside, one.calls) == (0, 0, 0, 0)
        assert one.success["1"][-1].value <= 1
    assert figures["limner"].success["1"][-1].value > 0
    assert all(one.questions == 0 for name, one in figures.items() if name != "limner")
    read = [e for one in done.kept.played.values() if one.system == "limner" for e in one.exchanges]
    assert any(e.understood for e in read)

    lines = next((tmp_path / "run").glob("*/conversations.jsonl"))
    before = lines.read_bytes()
    again = await have(films, tmp_path)
    assert lines.read_bytes() == before
    assert again.report == done.report
    assert (await have(films, tmp_path, ask=False)).report == done.report


async def test_the_same_seed_gives_the_same_conversations(films, tmp_path):
    first = await have(films, tmp_path / "a", systems=["limner"], n=2)
    second = await have(films, tmp_path / "b", systems=["limner"], n=2)

    def told(run):
        return [
            [(e.said, e.reply, e.shown) for e in run.kept.played[case.id, "limner"].exchanges]
            for case in run.cases.cases
        ]

    assert told(first) == told(second)
    other = await have(films, tmp_path / "c", systems=["limner"], n=2, seed=1)
    assert told(other) != told(first)


async def test_who_never_asks_never_asks(films, tmp_path):
    names = ("limner-no-questions", "limner-random-questions")
    done = await have(films, tmp_path, systems=names, n=2)
    silent, asking = done.report.systems
    assert (silent.questions, silent.failures, asking.failures) == (0, 0, 0)


async def test_what_does_not_exist_is_refused(films, tmp_path):
    with pytest.raises(InputError, match=r"no system 'gpt'.*popularity, bm25, base"):
        chosen_systems(["gpt"])
    assert chosen_systems(None) == [name for name in SYSTEMS if name != "limner-model"]
    for wrong in ({"half": "test"}, {"seeker": "parrot"}):
        with pytest.raises(InputError):
            await reported(
                str(films),
                **{
                    "systems": ["base"],
                    "half": "dev",
                    "conversations": 1,
                    "seed": 0,
                    "folder": tmp_path,
                    "settings": Settings(),
                    **wrong,
                },
            )


def test_the_command_prints_tables_transcripts_and_json(films, tmp_path):
    arguments = ["eval", "conversation", "--data", str(films), "--half", "dev", "-n", "1", "--show", "3"]
    arguments += ["--folder", str(tmp_path / "kept"), "--systems", "base,limner"]
    done = CliRunner().invoke(app, [*arguments, "--show-transcripts", "1", "--strict"])
    assert done.exit_code == 0, done.output
    assert "1 conversations of the half dev" in done.stdout
    assert done.stdout.count("looks for:") == 2
    stated = CliRunner().invoke(app, [*arguments, "--no-ask", "--json"])
    assert [one["system"] for one in json.loads(stated.stdout)["systems"]] == ["base", "limner"]
    nothing = CliRunner().invoke(app, [*arguments, "--no-ask", "--seed", "7"])
    assert (nothing.exit_code, "Nothing is kept yet." in nothing.stdout) == (0, True)


def test_a_model_seeker_talks_too(films, tmp_path):
    """Its words come from a script here: the plain sentences that replace them keep the conversation going."""
    import anyio
    from langchain_core.language_models.fake_chat_models import FakeListChatModel

    model = LanguageModel.wrap(FakeListChatModel(responses=["."]), name="scripted", plan="small")

    async def talk():
        return await have(films, tmp_path, systems=["base"], n=2, seeker="model", model=model)

    (one,) = anyio.run(talk).report.systems
    assert (one.conversations + one.void, one.failures) == (2, 0)


@pytest.mark.data
@pytest.mark.timeout(900)
async def test_a_hundred_conversations_on_movielens_without_an_exception(tmp_path, monkeypatch):
    monkeypatch.setattr("limner.evals.conversation.talking.encoder_of", lambda settings: HashEncoder())
    done = await have("ml-100k", tmp_path, systems=["base", "limner"], n=100)
    base, limner = done.report.systems
    for one in (base, limner):
        assert (one.conversations + one.void, one.failures) == (100, 0)
        assert (one.repeated, one.known, one.outside) == (0, 0, 0)
    # Who is told something finds more than who is not.
    (contrast,) = limner.contrasts
    assert contrast.success.low > 0
