"""`limner chat`: a conversation over a pipe."""

import json


def chat(cli, *arguments, says):
    return cli("chat", "-u", "ada", "--no-model", *arguments, input="\n".join(says) + "\n")


def test_a_conversation_of_somebody_nothing_is_known_about(cli) -> None:
    done = chat(cli, "--no-ask", says=["a comedy", "why the first one?", "bye", "never read"])
    assert done.exit_code == 0, done.output
    assert "“comedy”" in done.stdout
    assert "its genre is comedy" in done.stdout
    assert "Until next time" in done.stdout
    assert "never read" not in json.dumps(cli("search", "-u", "ada", "never read", "--json").stdout)


def test_it_is_gone_on_with_by_name_or_as_the_last(cli) -> None:
    chat(cli, "--session", "friday", "--no-ask", says=["a comedy"])
    done = chat(cli, "--continue", "--no-ask", "--json", says=["what else?"])
    replies = json.loads(done.stdout)
    assert (replies["session"], replies["turn"]) == ("friday", 2)
    assert all("Comedy" in one["item"]["attributes"]["genre"] for one in replies["items"])
    listed = json.loads(cli("chat", "-u", "ada", "--list", "--json").stdout)
    assert [(one["session"], one["turns"]) for one in listed] == [("friday", 2)]
    assert "friday" in cli("chat", "-u", "ada", "--list").stdout


def test_off_the_record_nothing_is_stored(cli) -> None:
    done = chat(cli, "--no-record", "--no-ask", says=["a comedy"])
    assert "“comedy”" in done.stdout
    assert json.loads(cli("users", "--json").stdout) == []


def test_steps_and_questions(cli) -> None:
    done = chat(cli, "--steps", says=["hi"])
    assert "[understand: small]" in done.stderr
    assert done.stdout.startswith("Hello!")
