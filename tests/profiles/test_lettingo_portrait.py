import pytest
from made import day

from limner.errors import MalformedOutput, ModelUnavailable
from limner.memory import Event
from limner.profiles.lettingo.portraitist import LettinGoPortraitist
from limner.testing import scripted_model


def rate(user, title, value, number, genre):
    event = Event(
        kind="rating", item_id=title, title=title, value=value, scale=(1, 5), attributes={"genre": (genre,)}
    )
    return user.observe(f"Rated {title} {value}/5", occurred_at=day(number), event=event)


async def draw(user, *replies):
    model = scripted_model(list(replies))
    return await LettinGoPortraitist(model).draw(user), model


async def test_a_sentence_cites_what_it_names_and_else_all_that_was_shown(ada) -> None:
    alien = rate(ada, "Alien (1979)", 5, 0, "Horror")
    up = rate(ada, "Up (2009)", 2, 1, "Animation")
    baby = ada.observe("We have a newborn.", occurred_at=day(2))
    said = "Loves horrors. Alien is a favourite. Cold to ANIMATION! Young parent."
    portrait, _ = await draw(ada, said)
    cited = [[span.observation_id for span in line.evidence] for line in portrait.lines]
    assert cited == [[alien.id], [alien.id], [up.id], [alien.id, up.id, baby.id]]
    assert portrait.text.replace("\n", " ") == said
    for line in portrait.lines:
        for span in line.evidence:
            assert span.quote in ("Rated Alien (1979) 5/5", "Rated Up (2009) 2/5", "We have a newborn.")


async def test_of_nobody_known_it_is_empty_and_no_model_is_asked(ada) -> None:
    portrait, model = await draw(ada)
    assert portrait.lines == ()
    assert model.chat.asked == []
    assert ada.portrait("lettingo") is None


async def test_one_observation_in_another_language_is_enough(ada) -> None:
    only = ada.observe("Ich höre am liebsten Schubert.", occurred_at=day(0))
    portrait, model = await draw(ada, "Prefers Schubert above all.")
    assert [span.observation_id for span in portrait.lines[0].evidence] == [only.id]
    assert "Schubert" in model.chat.asked[0][-1].text
    assert "Write in English" in model.chat.asked[0][0].text


async def test_what_the_assistant_said_is_not_shown(ada) -> None:
    ada.observe("I like tea.", occurred_at=day(0))
    ada.observe("You must be a pilot.", author="assistant", occurred_at=day(1))
    _, model = await draw(ada, "Likes tea.")
    assert "pilot" not in model.chat.asked[0][-1].text


async def test_it_goes_with_what_was_read_for_it_cited_or_not(ada) -> None:
    tea = ada.observe("I like tea.", occurred_at=day(0))
    rate(ada, "Alien (1979)", 5, 1, "Horror")
    portrait, _ = await draw(ada, "Loves Alien.")
    assert tea.id not in {span.observation_id for span in portrait.lines[0].evidence}
    assert ada.portrait("lettingo") == portrait
    ada.forget(tea.id)
    assert ada.portrait("lettingo") is None


async def test_it_is_drawn_anew_where_something_is_erased_meanwhile(ada) -> None:
    tea = ada.observe("I like tea.", occurred_at=day(0))
    ada.observe("I like rain.", occurred_at=day(1))
    replies = iter(["Likes tea and rain.", "Likes rain."])

    def reply(messages):
        said = next(replies)
        if "tea" in said:
            ada.forget(tea.id)
        return said

    portrait = await LettinGoPortraitist(scripted_model(reply)).draw(ada)
    assert portrait.text == "Likes rain."
    assert ada.portrait("lettingo") == portrait


async def test_a_model_that_fails_or_says_nothing_leaves_no_portrait(ada) -> None:
    ada.observe("I like tea.", occurred_at=day(0))
    with pytest.raises(MalformedOutput, match="wrote no profile"):
        await draw(ada, "  ")
    with pytest.raises(ModelUnavailable):
        await draw(ada, ModelUnavailable("gone"))


async def test_it_is_shown_the_latest_thirty(ada) -> None:
    for number in range(35):
        ada.observe(f"Day number {number} went by.", occurred_at=day(number))
    _, model = await draw(ada, "Counts days.")
    shown = model.chat.asked[0][-1].text
    assert "number 4 " not in shown
    assert shown.index("number 5 ") < shown.index("number 34 ")
