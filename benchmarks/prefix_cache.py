"""What vLLM's prefix cache, and the order of limner's prompts, save over a reflection on many users.

    python benchmarks/prefix_cache.py --vllm-python /path/to/vllm/bin/python --model smollm2-135m-instruct --users 50

Starts one server for each way, reflects on the same made-up users, and reads from the server's own `/metrics` how many prompt tokens it
was sent, how many it took from its cache, and how long each first token took. The ways:

- `off`: no prefix cache;
- `user first`: the cache, and prompts that begin with what differs from call to call, as many applications write them;
- `salted`: the cache, limner's order, and `LIMNER_CACHE_SALT`: no user shares a prefix with another;
- `shared`: the cache and limner's order, as `limner serve` and the settings have it.

A server's first requests are slow, and are made before anything is counted. Users, and so requests, are the same in each way as far as
the answers are: with other prompts (`user first`) a model says other things, and then asks other things too. Times are the server's own,
and with `--concurrency 1` nothing waits for anything else.
"""

import argparse
import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2
from batch_people import people
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from limner import Limner, Settings
from limner.inference import LanguageModel
from limner.inference.serving import ServeOptions, VLLMServer
from limner.memory import NewObservation

WAYS = ("off", "user first", "salted", "shared")
_LINE = re.compile(r"^(vllm:\w+)(?:\{.*\})? (\S+)$", re.MULTILINE)


class UserFirst:
    """A chat model that is asked with what differs from call to call at the beginning."""

    def __init__(self, chat: Any) -> None:
        self._chat = chat
        self.cache = None

    async def ainvoke(self, messages: Sequence[BaseMessage], **options: Any) -> AIMessage:
        """Ask with the last message's text in front of the first one's."""
        first, *others, last = messages
        front = SystemMessage(f"{last.text}\n\n{first.text}")
        return await self._chat.ainvoke([front, *others, HumanMessage("Now this one.")], **options)


@dataclass
class Result:
    """What one way took."""

    way: str
    requests: int
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    first_token_ms: float
    """Mean time from a request's arrival to its first token."""
    prefill_ms: float
    """Mean time of the computation of a prompt."""
    seconds: float
    """Of the whole reflection."""

    @property
    def computed(self) -> int:
        """Prompt tokens that were computed."""
        return self.prompt_tokens - self.cached_tokens


def metrics(server: VLLMServer) -> dict[str, float]:
    """Return the server's counters, summed over their labels."""
    found: dict[str, float] = defaultdict(float)
    headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
    text = httpx2.get(server.base_url.removesuffix("/v1") + "/metrics", headers=headers).text
    for name, value in _LINE.findall(text):
        found[name] += float(value)
    return found


def settings_of(server: VLLMServer, options: argparse.Namespace, way: str) -> Settings:
    return Settings(
        base_url=server.base_url,
        model=server.model,
        dataset=None,
        call_plan=options.plan,
        cache_salt=way == "salted",
        timeout_s=600,
    )


def run(way: str, options: argparse.Namespace) -> Result:
    """Start a server, reflect, and read what it counted."""
    serve = ServeOptions(
        model=options.model,
        python=options.vllm_python,
        port=0,
        max_model_len=options.context,
        prefix_caching=way != "off",
        extra=tuple(options.vllm_argument),
    )
    log = print if options.verbose else None
    with VLLMServer(serve, log) as server, tempfile.TemporaryDirectory() as folder:
        settings = settings_of(server, options, way)
        with Limner.open(Path(folder) / "warm", settings=settings) as limner:
            _observe(limner, options.seed + 1, 1, options.observations)
            limner.reflect_all()
        with Limner.open(Path(folder) / "store", settings=settings) as limner:
            _observe(limner, options.seed, options.users, options.observations)
            limner.encoder.encode_documents(["warm"])
            if way == "user first":
                _user_first(limner.model)
            before = metrics(server)
            done = limner.reflect_all(concurrency=options.concurrency)
            after = metrics(server)
            seconds = limner.ledger.total().seconds
    if done.failed:
        print(f"  {len(done.failed)} users failed: {next(iter(done.failed.values()))}")
    counted = {name: value - before[name] for name, value in after.items()}
    requests = int(counted["vllm:time_to_first_token_seconds_count"])
    return Result(
        way,
        requests,
        int(counted["vllm:prompt_tokens_total"]),
        int(counted["vllm:prefix_cache_hits_total"]),
        int(counted["vllm:generation_tokens_total"]),
        1000 * counted["vllm:time_to_first_token_seconds_sum"] / requests,
        1000 * counted["vllm:request_prefill_time_seconds_sum"] / requests,
        seconds,
    )


def _observe(limner: Limner, seed: int, users: int, observations: int) -> None:
    for user_id, said in people(users, seed, (observations, observations)):
        limner.user(user_id).observe_many(NewObservation(text, source="chat") for text in said)


def _user_first(model: LanguageModel) -> None:
    model.chat = UserFirst(model.chat)  # type: ignore[assignment]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vllm-python", type=Path, required=True, help="interpreter that has vLLM")
    parser.add_argument(
        "--vllm-argument", action="append", default=[], help="further argument for vLLM, as it is"
    )
    parser.add_argument(
        "--model", default="smollm2-135m-instruct", help="packaged name, folder, or name on the hub"
    )
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--observations", type=int, default=2, help="of each user")
    parser.add_argument("--concurrency", type=int, default=1)
    parser.add_argument("--plan", choices=("small", "batch"), default="small")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--verbose", action="store_true", help="print vLLM's log")
    options = parser.parse_args()
    results = []
    print(
        "| way | requests | prompt tokens | cached | computed | a request | first token, ms | prefill, ms | waited, s |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for way in options.ways:
        r = run(way, options)
        results.append(r)
        print(
            f"| {way} | {r.requests} | {r.prompt_tokens:,} | {r.cached_tokens / r.prompt_tokens:.0%} | {r.computed:,} "
            f"| {r.computed / r.requests:.0f} | {r.first_token_ms:.0f} | {r.prefill_ms:.0f} | {r.seconds:.0f} |",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps([asdict(r) | {"computed": r.computed} for r in results], indent=2))


if __name__ == "__main__":
    main()
