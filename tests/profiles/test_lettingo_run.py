import json

import pytest
from ratings import SMALL, films, wrote

from limner.errors import ConfigurationError, InputError, ModelError, ModelUnavailable, NotFound, StoreError
from limner.profiles.lettingo import explore as exploring
from limner.profiles.lettingo.configuration import GeneratorSettings, LettinGoSettings, read_settings
from limner.profiles.lettingo.explore import PROFILES, aexplore
from limner.profiles.lettingo.generators import EndpointGenerator, drafted, generator
from limner.profiles.lettingo.runs import RunFolder, WrittenProfile
from limner.profiles.lettingo.split import cases_of
from limner.settings import Settings
from limner.testing import scripted_model

TWO = LettinGoSettings(
    split=SMALL, n=2, generators=(GeneratorSettings(name="first"), GeneratorSettings(name="second", n=1))
)


@pytest.fixture
def scripts(monkeypatch):
    """What each generator answers, by name; and the models, to see what they were asked."""
    replies, models = {}, {}

    def made(wanted, settings):
        models[wanted.name] = scripted_model(replies.get(wanted.name, lambda _: "Likes horror."))
        return EndpointGenerator(models[wanted.name], wanted)

    monkeypatch.setattr(exploring, "generator", made)
    return replies, models


async def explored(run, wanted=TWO, **more):
    return await aexplore(run, wanted, Settings(), dataset=films(), **more)


async def test_a_generator_sees_the_long_term_history_and_nothing_later(scripts, tmp_path) -> None:
    run = RunFolder(tmp_path)
    done = await explored(run)
    assert (done.written, done.failed) == (15, 0)
    seen = {messages[-1].text: messages for messages in scripts[1]["first"].chat.asked}
    for case in cases_of(films(), SMALL):
        shown = [text for text in seen if case.history[0].line in text and case.history[-1].line in text]
        assert shown
        own = next(text for text in shown if text.count("\n- ") == 6)
        assert own.count(": 5") + own.count(": 1") == 6
    for messages in seen.values():
        case = next(c for c in run.cases() if c.history[0].line in messages[-1].text.split("\n")[1])
        later = [one.title for one in (*case.recent, *case.targets)]
        assert not any(title in message.text for title in later for message in messages)


async def test_what_is_written_is_not_written_again(scripts, tmp_path) -> None:
    run = RunFolder(tmp_path)
    await explored(run, parts=["train"])
    await explored(run)
    assert len(scripts[1]["first"].chat.asked) == 4  # those of the two test users
    await explored(run, TWO.model_copy(update={"n": 3}))
    assert len(scripts[1]["first"].chat.asked) == 5
    rows = run.read(PROFILES, WrittenProfile)
    assert len({row.id for row in rows}) == len(rows) == 20
    assert len({row.seed for row in rows}) == len(rows)


async def test_failures_are_rows_with_their_reasons_and_can_be_tried_again(scripts, tmp_path) -> None:
    run = RunFolder(tmp_path)
    scripts[0]["first"] = lambda _: ModelError("no such luck")
    scripts[0]["second"] = lambda _: "  "
    done = await explored(run)
    assert (done.written, done.failed) == (0, 15)
    errors = {row.generator: row.error for row in run.read(PROFILES, WrittenProfile)}
    assert "no such luck" in errors["first"]
    assert errors["second"] == "the model wrote nothing"
    scripts[0].clear()
    assert (await explored(run)).failed == 15
    assert (await explored(run, retry_failed=True)).failed == 0


async def test_an_endpoint_that_is_down_stops_only_its_own_generator(scripts, tmp_path) -> None:
    scripts[0]["first"] = lambda _: ModelUnavailable("gone")
    with pytest.raises(ModelUnavailable):
        await explored(RunFolder(tmp_path))
    assert {row.generator for row in RunFolder(tmp_path).read(PROFILES, WrittenProfile)} == {"second"}


async def test_a_folder_holds_one_run(scripts, tmp_path) -> None:
    await explored(RunFolder(tmp_path))
    other = TWO.model_copy(update={"split": SMALL.model_copy(update={"recent": 3})})
    with pytest.raises(InputError, match="another split"):
        await explored(RunFolder(tmp_path), other)
    hotter = (GeneratorSettings(name="first", temperature=0.1),)
    with pytest.raises(InputError, match=r"'first' with another temperature"):
        await explored(RunFolder(tmp_path), TWO.model_copy(update={"generators": hotter}))
    with RunFolder(tmp_path).held("explore"), pytest.raises(StoreError, match="Another process"):
        await explored(RunFolder(tmp_path))


async def test_no_password_reaches_the_manifest(scripts, tmp_path) -> None:
    hidden = GeneratorSettings(name="x", base_url="http://me:secret@host/v1", api_key_env="MY_KEY")
    await explored(RunFolder(tmp_path), TWO.model_copy(update={"generators": (hidden,)}))
    assert "secret" not in (tmp_path / "manifest.json").read_text()


def test_the_rest_of_a_line_is_cut_off_and_a_broken_one_is_an_error(tmp_path) -> None:
    run = RunFolder(tmp_path)
    run.append(PROFILES, [wrote("a"), wrote("b")])
    path = tmp_path / PROFILES
    path.write_bytes(path.read_bytes()[:-20])
    assert [row.user for row in run.read(PROFILES, WrittenProfile)] == ["a"]
    run.append(PROFILES, [wrote("c")])
    assert [row.user for row in run.read(PROFILES, WrittenProfile)] == ["a", "c"]
    path.write_text('{"user": 1}\n')
    with pytest.raises(StoreError, match="line 1 cannot be read"):
        run.read(PROFILES, WrittenProfile)


def test_a_folder_without_a_run_says_what_to_do(tmp_path) -> None:
    with pytest.raises(NotFound, match="limner lettingo explore"):
        RunFolder(tmp_path).cases()


@pytest.mark.parametrize(
    ("text", "truncated", "kept"),
    [
        ("One. Two.", False, "One. Two."),
        ("One. Two is cut", True, "One."),
        ("Without an end", True, "Without an end"),
        ("  \n", False, None),
    ],
)
def test_a_sentence_that_was_cut_off_goes(text, truncated, kept) -> None:
    assert drafted(text, truncated=truncated).text == kept


def test_settings_from_a_file(tmp_path, monkeypatch) -> None:
    (tmp_path / "model").mkdir()
    path = tmp_path / "lettingo.toml"
    path.write_text(
        'n = 2\n[split]\ntrain = 1\n[[generator]]\nname = "a"\nfolder = "model"\n[align]\nmodel = "model"\nrank = 4\n'
    )
    read = read_settings(path)
    assert read.generators[0].folder == tmp_path / "model"
    assert read.align.model == tmp_path / "model"
    assert (read.align.rank, read.split.train, read.n) == (4, 1, 2)
    for wrong, said in (
        ("n = 0", "n: "),
        ("nn = 1", "nn: "),
        ("[", "cannot be read"),
        ('[[generator]]\nname="a"\n[[generator]]\nname="a"', "name of its own"),
        ('[[generator]]\nname="a"\nbase_url="http://x"\nfolder="y"', "not both"),
        ('[[generator]]\nname="a"\nadapter="y"', "goes with folder"),
    ):
        path.write_text(wrong)
        with pytest.raises(ConfigurationError, match=said):
            read_settings(path)
    keyed = GeneratorSettings(name="a", base_url="http://127.0.0.1:1/v1", api_key_env="NO_SUCH_KEY")
    with pytest.raises(ConfigurationError, match="NO_SUCH_KEY is not set"):
        generator(keyed, Settings())


def test_a_report_compares_over_users(tmp_path) -> None:
    from limner.evals.lettingo.report import in_markdown, reported
    from limner.profiles.lettingo.evaluate import Score

    def score(user, view, loss, name=""):
        known = {"judge": "model", "user": user, "part": "test", "view": view}
        return Score(**known, loss=loss, auc=0.5, generator=name, profile=f"{name}/{user}/0" if name else "")

    scores = [score(f"u{n}", "recent", 0.7) for n in range(6)]
    scores += [score(f"u{n}", "profile", 0.6 + 0.01 * n, "base") for n in range(6)]
    scores += [score(f"u{n}", "profile", 0.5 + 0.01 * n, "aligned") for n in range(6)]
    report = reported(scores, pairs=[("aligned", "base")])
    found = {(one.first, one.second): one for one in report.compared}
    assert found["aligned", "base"].difference == pytest.approx(-0.1)
    assert found["aligned", "base"].high < 0
    assert found["base", "recent"].difference == pytest.approx(-0.075)
    assert "| model | aligned | base | -0.1000 |" in in_markdown(report)
    assert json.loads(report.model_dump_json())
