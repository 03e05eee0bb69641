"""`limner doctor`: what it prints, and how it ends."""

import json
import socket

import pytest
from typer.testing import CliRunner

from limner.apps.cli import app
from patients import Patient, Sent, refused, served


def doctor(*arguments: str):
    return CliRunner().invoke(app, ["doctor", "--quick", *arguments])


class Guarded(Patient):
    def get(self, path: str) -> Sent:
        return refused(401, "Unauthorized")


class Failing(Patient):
    def get(self, path: str) -> Sent:
        return super().get(path) if path == "/v1/models" else refused(404, "Not Found")

    def post(self, path: str, body: dict) -> Sent:
        return Sent("<html>502 Bad Gateway</html>", status=502, kind="text/html")


def test_each_finding_is_printed_with_what_it_means_and_the_verdict_comes_last() -> None:
    with served(Patient()) as patient:
        done = doctor("--base-url", patient.url, "--model", "m")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == f"{patient.url}, vLLM 0.32.0, model m"
    at = lines.index("works     A JSON schema constrains")
    assert lines[at + 1].strip().startswith("asked: a poem")
    assert lines[at + 2].strip().startswith('came back: “{"verdict": "qzvbxwk"}”')
    assert "first try" in lines[at + 3]
    verdict = lines.index("limner can reflect, summarise, ask and recommend with it.")
    assert verdict < lines.index("  LIMNER_MODEL=m")


def test_json_holds_the_whole_report() -> None:
    with served(Patient()) as patient:
        done = doctor("--base-url", patient.url, "--model", "m", "--json")
    report = json.loads(done.stdout)
    assert report["usable"] is True
    found = {finding["probe"]: finding for finding in report["findings"]}
    assert found["context"]["figures"] == {"context_tokens": 2048}
    assert all(finding["asked"] and finding["answered"] and finding["meaning"] for finding in found.values())


def test_the_only_model_of_an_endpoint_needs_no_name() -> None:
    with served(Patient()) as patient:
        done = doctor("--base-url", patient.url)
    assert done.exit_code == 0, done.output
    assert "  LIMNER_MODEL=m" in done.stdout


def test_the_settings_name_the_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(Patient()) as patient:
        monkeypatch.setenv("LIMNER_BASE_URL", patient.url)
        monkeypatch.setenv("LIMNER_MODEL", "other")
        done = doctor("--model", "m")
    assert done.exit_code == 0, done.output


def test_a_wrong_key_ends_with_6_and_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMNER_API_KEY", "hidden-word")
    with served(Guarded()) as patient:
        done = doctor("--base-url", patient.url)
    assert done.exit_code == 6
    assert "LIMNER_API_KEY" in done.stdout
    assert "hidden-word" not in done.output


def test_nobody_there_ends_with_6() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    done = doctor("--base-url", url)
    assert done.exit_code == 6
    assert done.stdout.count("Nothing answers") == 2  # the finding and the verdict


def test_a_server_that_fails_ends_with_6() -> None:
    with served(Failing()) as patient:
        done = doctor("--base-url", patient.url, "--model", "m")
    assert done.exit_code == 6
    assert "502" in done.stdout


@pytest.mark.parametrize("url", ["localhost:8000/v1", "ftp://localhost/v1", "http://", "http://[half/v1", ""])
def test_what_is_no_url_is_the_callers_to_mend(url: str) -> None:
    done = doctor("--base-url", url)
    assert done.exit_code == 2
    assert "http://localhost:8000/v1" in done.output
