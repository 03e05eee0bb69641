"""Real vLLM: the contract of every model server, and what vLLM alone does."""

from pathlib import Path

import httpx2
import pytest
from adapter_making import write_adapter
from langchain_core.messages import HumanMessage, SystemMessage

from contracts.model_server_contract import FRANCE, ModelServerContract, Served
from limner import Limner
from limner.errors import InputError, ModelError, ModelUnavailable, NotFound
from limner.inference.adapters import adapters, load_adapter, unload_adapter
from limner.inference.doctor import examine
from limner.inference.serving import VLLMServer
from limner.settings import Settings
from limner.testing import HashEncoder

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(400)]

LONG = SystemMessage(" ".join(f"Rule {number}: be brief about topic {number}." for number in range(60)))


class TestVLLM(ModelServerContract):
    """Everything that limner asks of a server."""


def test_it_is_known_for_what_it_is(served: Served) -> None:
    with served.opened() as model:
        assert (model.dialect, model.plan, model.context_length) == ("vllm", "batch", 2048)


@pytest.mark.parametrize(
    "path", ["/v1/models", "/metrics", "/tokenize", "/invocations", "/adapters", "/version"]
)
def test_no_route_answers_without_the_key(server: VLLMServer, path: str) -> None:
    url = server.base_url.removesuffix("/v1") + path
    assert httpx2.get(url).status_code == 401
    assert httpx2.post(url, json={}).status_code == 401


def test_the_doctor_finds_what_it_can_do(served: Served) -> None:
    with served.opened() as model:
        settings = Settings(base_url=served.base_url, api_key=served.api_key, model=served.model)
        report = examine(model, settings, quick=True, budget_s=300)
    assert report.usable, report
    for probe in (
        "schema",
        "schema_lists",
        "schema_pattern",
        "choice",
        "opening",
        "logprobs",
        "likelihood",
        "streaming",
    ):
        assert report.verdict(probe) == "works", report.finding(probe)
    assert report.verdict("lora") == "works"
    assert report.verdict("lora_loading") == "works"
    assert report.finding("context").figures["context_tokens"] == 2048


# Adapters


async def said(served: Served, model: str) -> str:
    with served.opened(model=model) as opened:
        return await opened.acomplete(FRANCE, stage="s", max_tokens=12)


async def test_an_adapter_is_loaded_used_and_unloaded_while_the_server_runs(
    served: Served, model_folder: Path, tmp_path: Path
) -> None:
    folder = write_adapter(model_folder, tmp_path / "ada", seed=1)
    with served.opened() as model:
        endpoint, plain = model.endpoint, await said(served, served.model)
        with pytest.raises(ModelUnavailable, match="LIMNER_MODEL"):
            await said(served, "ada")
        loaded = load_adapter(endpoint, "ada", folder)
        assert (loaded.name, loaded.path, loaded.base) == ("ada", str(folder), served.model)
        assert [one.name for one in adapters(endpoint)] == ["from-the-start", "ada"]
        try:
            with served.opened(model="ada") as tuned:
                assert tuned.context_length == 2048
            assert await said(served, "ada") != plain
            assert await said(served, "from-the-start") not in (plain, await said(served, "ada"))
            assert await said(served, served.model) == plain
        finally:
            unload_adapter(endpoint, "ada")
        assert [one.name for one in adapters(endpoint)] == ["from-the-start"]
        with pytest.raises(ModelUnavailable, match="LIMNER_MODEL"):
            await said(served, "ada")


def test_an_adapter_that_cannot_be_is_refused(served: Served, model_folder: Path, tmp_path: Path) -> None:
    wide = write_adapter(model_folder, tmp_path / "wide", rank=32)
    with served.opened() as model:
        endpoint = model.endpoint
        for name in (served.model, "from-the-start"):
            with pytest.raises(InputError, match="already"):
                load_adapter(endpoint, name, wide)
        with pytest.raises(InputError, match="name"):
            load_adapter(endpoint, " ", wide)
        with pytest.raises(ModelError, match=r"32 is greater .* 16"):
            load_adapter(endpoint, "wide", wide)
        with pytest.raises(ModelError, match="No adapter found"):
            load_adapter(endpoint, "wide", tmp_path / "nowhere")
        with pytest.raises(NotFound, match="from-the-start"):
            unload_adapter(endpoint, "wide")
        assert [one.name for one in adapters(endpoint)] == ["from-the-start"]


# The prefix cache


async def cached(served: Served, rule: str, users: list[str], **options: object) -> list[int]:
    prompt = [SystemMessage(f"{rule} {LONG.content}"), HumanMessage("hi")]
    found = []
    with served.opened(**options) as model:
        for user in users:
            with model.ledger.stage(user=user):
                found.append((await model.areply(prompt, stage="s", max_tokens=1)).usage.cached_tokens)
    return found


async def test_users_share_a_prefix_unless_their_prompts_are_salted(served: Served) -> None:
    users = ["ada", "ada", "bob", "bob"]
    first, *shared = await cached(served, "Be open.", users)
    assert first == 0
    assert min(shared) >= 512
    ada, ada_again, bob, bob_again = await cached(served, "Be closed.", users, cache_salt=True)
    assert (ada, bob) == (0, 0)
    assert min(ada_again, bob_again) >= 512
    # Nor does another process of the same user's find what this one has left there.
    assert await cached(served, "Be closed.", ["ada"], cache_salt=True) == [0]


# The whole way


@pytest.mark.parametrize(("plan", "users"), [("small", ["ada", "bob"]), ("batch", ["ada"])])
def test_reflection_works_everything_off(served: Served, plan: str, users: list[str], tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path,
        base_url=served.base_url,
        api_key=served.api_key,
        model=served.model,
        dataset=None,
        call_plan=plan,
    )
    with Limner.open(settings=settings, encoder=HashEncoder()) as limner:
        for user in users:
            limner.user(user).observe("I moved to Lisbon in May. My sister Clara lives in Faro.")
        done = limner.reflect_all()
        assert done.users + len(done.failed) == len(users)
        assert {row.user for row in limner.ledger.rows()} >= set(users)
        # So small a model may fail to fill a form in time; what it did not do waits, and nothing is lost.
        assert (done.observations, done.pending) == (done.users, len(done.failed))
        assert plan == "batch" or done.users == 2
