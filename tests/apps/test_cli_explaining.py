"""`limner reflect --explain`: every batch, in words and as JSON."""

from fakes import NEWBORN, SENTENCE
from limner.apps.cli.explaining import print_consolidated, print_explanation
from limner.memory import Evidence, Proposition, Standing, new_id
from limner.profiles.propositions import Reflection
from limner.profiles.propositions.drafts import Refusal
from limner.profiles.propositions.explanation import Change, Explanation, Proposed, Related, StageCost


def held(text: str) -> Proposition:
    id = new_id()
    evidence = (Evidence(observation_id="o1", start=0, end=4, quote="said"),)
    return Proposition(
        id=id,
        user_id="ada",
        text=text,
        confidence=6.0,
        durability=5,
        standing=Standing.STATED,
        evidence=evidence,
        group=id,
    )


def test_a_reflection_explains_itself(cli, ada: str) -> None:
    done = cli("reflect", "-u", "ada", "--explain")
    assert done.exit_code == 0
    first, *lines = [line.strip() for line in done.stdout.splitlines()]
    assert first.startswith("Batch 1: 1 in words, ")
    assert lines[:3] == ["proposed", SENTENCE, f"“{NEWBORN}”  {ada}"]
    assert any(line.startswith("added ") and line.endswith(SENTENCE) for line in lines)
    assert {"propose", "support"} <= {line.split()[0] for line in lines if line}
    assert "1 observations in 1 batches" in done.stdout


def test_as_json_it_holds_the_same(reading, ada: str) -> None:
    (explanation,) = reading("reflect", "-u", "ada", "--explain")["explanations"]
    assert explanation["observations"] == [ada]
    assert explanation["proposed"][0]["evidence"][0]["quote"] == NEWBORN
    assert {cost["stage"] for cost in explanation["costs"]} == {"propose", "support"}


def test_without_the_option_nothing_is_explained(cli, reading, ada: str) -> None:
    assert reading("reflect", "-u", "ada")["explanations"] == []


def test_it_is_for_one_user(cli, ada: str) -> None:
    done = cli("reflect", "--all-users", "--explain")
    assert done.exit_code == 2
    assert "--user" in done.stderr


def test_what_was_consolidated_is_printed_with_its_reason(capsys) -> None:
    rows = held("The user rows.")
    print_consolidated(
        Reflection(revised=[rows, held("The user bakes.")], consolidated={rows.id: "both say the same"})
    )
    printed = capsys.readouterr().out
    assert "The user rows.\n      why: both say the same" in printed
    assert "bakes" not in printed
    print_consolidated(Reflection())
    assert capsys.readouterr().out == ""


def test_relations_refusals_and_failures_are_printed(capsys) -> None:
    porto = Related("The user lives in Porto.", "p1", 0.61, "updates", True, "they moved")
    earlier = Related("The user rows.", None, 0.2, "unrelated", False)
    print_explanation(
        Explanation(
            batch=2,
            observations=("o1", "o2"),
            structured=1,
            proposed=(Proposed("The user moved.", (), "", 5, None, None, (porto, earlier), ()),),
            findings=3,
            changes=(
                Change(
                    "revised", "The user lives in Lisbon.", "p2", (porto.text,), "", 7.5, 1, 2, None, False
                ),
                Change("added", "Loves comedies.", "p3", (), "mean 4.5 of 5", 8.0, 6, 0, None, True),
            ),
            refused=(Refusal("", "only the first 400 sentences were read", ("o1",)),),
            failed="the endpoint is down",
            costs=(StageCost("support", 3, 900, 90, 3, 1.25),),
            seconds=2.04,
        )
    )
    printed = capsys.readouterr().out
    for words in (
        "Batch 2: 1 in words, 1 structured, 2.0 s",
        "nothing of it was stored: the endpoint is down",
        "0.61 updates (asked: they moved)  The user lives in Porto.  [p1]",
        "0.20 unrelated (not asked)  The user rows.  [this batch]",
        "3 findings looked at, 1 changed",
        "was: The user lives in Porto.",
        "1 observation for it, 2 against",
        "why: mean 4.5 of 5",
        "(no statement)",
        "why: only the first 400 sentences were read  o1",
    ):
        assert words in printed
    assert [line.split() for line in printed.splitlines() if line.lstrip().startswith("support")] == [
        ["support", "3", "900", "90", "3", "1.2"]
    ]
