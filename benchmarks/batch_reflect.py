"""How full does `limner reflect --all-users` keep a server? Ratios within one run.

    python benchmarks/batch_reflect.py --base-url http://127.0.0.1:8000/v1 --model NAME
    python benchmarks/batch_reflect.py --serve FOLDER --vllm-python /path/to/vllm/bin/python --offline

Each repeat makes new users and reflects on them one at a time and many at once, at each concurrency given. The requests of the last
concurrency are recorded as they went over the wire, and then

- fired at the same server again by a client that does nothing else, as many at once as limner had users (`fired`);
- given to vLLM all at once in its own process, without HTTP (`offline`): the ceiling.

Tokens are those of prompts and answers together, as the server counts them. No two runs share more of a prompt than all users do, so
that the prefix cache serves each alike: users are new in each, and what is fired again carries a `cache_salt` of its own.
"""

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from batch_people import people, people_of

from limner import Limner, Settings
from limner.api.everyone import EveryoneReflection
from limner.inference.connections import Connections
from limner.inference.serving import ServeOptions, VLLMServer
from limner.inference.serving.command import Command
from limner.memory import NewObservation
from limner.memory.database import Database


@dataclass
class Wire:
    """What goes over the wire, and where the seconds beside it go."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    flying: int = 0
    flown: float = 0.0
    """Calls under way, times seconds."""
    empty: float = 0.0
    """Seconds in which no call was under way."""
    changed: float = 0.0
    reading_s: float = 0.0
    writing_s: float = 0.0
    encoding_s: float = 0.0
    lags: list[float] = field(default_factory=list)
    """How much later than asked the event loop woke up, in seconds."""

    def step(self, change: int) -> None:
        """Take note that a call begins (1) or ends (-1)."""
        now = time.perf_counter()
        if self.changed:
            self.flown += self.flying * (now - self.changed)
            self.empty += (now - self.changed) * (self.flying == 0)
        self.changed, self.flying = now, self.flying + change


wire = Wire()


def watch() -> None:
    """Let every call of limner's, and its use of database and encoder, be noted in `wire`."""
    client_of = Connections.async_client

    def watched(self: Connections, **options: Any) -> httpx2.AsyncClient:
        client = client_of(self, **options)
        send = client.send

        async def noted(request: httpx2.Request, **more: Any) -> httpx2.Response:
            wire.bodies.append(json.loads(request.content))
            wire.step(+1)
            try:
                response = await send(request, **more)
                await response.aread()
                return response
            finally:
                wire.step(-1)

        client.send = noted  # type: ignore[method-assign]
        return client

    Connections.async_client = watched  # type: ignore[method-assign]
    for name in ("read", "write"):
        setattr(Database, name, _timed(getattr(Database, name), name))


def _timed(method: Any, name: str) -> Any:
    slot = "reading_s" if name == "read" else "writing_s"

    @contextlib.contextmanager
    def timed(self: Database) -> Iterator[Any]:
        start = time.perf_counter()
        try:
            with method(self) as connection:
                yield connection
        finally:
            setattr(wire, slot, getattr(wire, slot) + time.perf_counter() - start)

    return timed


@dataclass
class Run:
    """One reflection on everybody."""

    concurrency: int
    users: int
    seconds: float
    tokens: int
    calls: int
    failed: int
    flying: float
    """Calls under way on average."""
    idle: float
    """Share of the time in which none was."""
    cpu: float
    """Cores that limner itself took."""
    lag_ms: float
    """How late the event loop was, 99th percentile."""
    database: float
    """Threads that read, wrote or waited for their turn, on average."""
    encoder: float

    @property
    def rate(self) -> float:
        """Tokens per second."""
        return self.tokens / self.seconds


async def _lag() -> None:
    while True:
        start = time.perf_counter()
        await asyncio.sleep(0.02)
        wire.lags.append(time.perf_counter() - start - 0.02)


async def _reflect(limner: Limner, concurrency: int) -> EveryoneReflection:
    lag = asyncio.create_task(_lag())
    try:
        return await limner.areflect_all(concurrency=concurrency)
    finally:
        lag.cancel()


def reflect(settings: Settings, users: list[tuple[str, list[str]]], concurrency: int) -> Run:
    """Reflect on new users, in a new store."""
    global wire
    with tempfile.TemporaryDirectory() as folder:
        limner = Limner.open(folder, settings=settings)
        _time_encoder(limner)
        for user_id, said in users:
            limner.user(user_id).observe_many(NewObservation(text, source="chat") for text in said)
        limner.encoder.encode_documents(["warm"])
        _ = limner.model.dialect
        wire = Wire()
        start, cpu = time.perf_counter(), time.process_time()
        done = asyncio.run(_reflect(limner, concurrency))
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        total = limner.ledger.total()
        limner.close()
    lags = sorted(wire.lags) or [0.0]
    return Run(
        concurrency=concurrency,
        users=len(users),
        seconds=seconds,
        tokens=total.prompt_tokens + total.output_tokens,
        calls=total.calls,
        failed=len(done.failed),
        flying=wire.flown / seconds,
        idle=wire.empty / seconds,
        cpu=cpu / seconds,
        lag_ms=1000 * lags[int(0.99 * (len(lags) - 1))],
        database=(wire.reading_s + wire.writing_s) / seconds,
        encoder=wire.encoding_s / seconds,
    )


def _time_encoder(limner: Limner) -> None:
    for name in ("encode_documents", "encode_query"):
        encode = getattr(limner.encoder, name)

        def timed(texts: Any, encode: Any = encode) -> Any:
            start = time.perf_counter()
            try:
                return encode(texts)
            finally:
                wire.encoding_s += time.perf_counter() - start

        setattr(limner.encoder, name, timed)


async def fire(base_url: str, bodies: list[dict[str, Any]], at_once: int) -> float:
    """Send the same requests from a client that does nothing else; return tokens per second."""
    salt, gate, tokens = secrets.token_hex(8), asyncio.Semaphore(at_once), 0
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(timeout=600, limits=limits) as client:

        async def one(body: dict[str, Any]) -> None:
            nonlocal tokens
            async with gate:
                answer = await client.post(f"{base_url}/chat/completions", json={**body, "cache_salt": salt})
            tokens += answer.raise_for_status().json()["usage"]["total_tokens"]

        start = time.perf_counter()
        await asyncio.gather(*(one(body) for body in bodies))
        return tokens / (time.perf_counter() - start)


def engine_of(command: Command) -> dict[str, Any]:
    """Return the arguments of the LLM class that make of it what the server was."""
    arguments = list(command.arguments)

    def value(flag: str) -> str:
        return arguments[arguments.index(flag) + 1]

    engine: dict[str, Any] = {
        "model": value("--model"),
        "max_model_len": int(value("--max-model-len")),
        "enforce_eager": "--enforce-eager" in arguments,
        "enable_prefix_caching": "--enable-prefix-caching" in arguments,
        "structured_outputs_config": json.loads(value("--structured-outputs-config")),
    }
    return engine | ({"dtype": value("--dtype")} if "--dtype" in arguments else {})


def offline(python: Path, requests: Path, engine: dict[str, Any], environment: dict[str, str]) -> float:
    """Return the tokens per second of vLLM alone, in its own environment."""
    script = str(Path(__file__).with_name("batch_offline.py"))
    command = [str(python), script, str(requests), json.dumps(engine)]
    said = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ).stdout
    found = json.loads(next(line for line in said.splitlines() if line.startswith('{"seconds"')))
    return (found["prompt_tokens"] + found["output_tokens"]) / found["seconds"]


def record(path: Path, model: str, bodies: list[dict[str, Any]]) -> None:
    """Write requests as `vllm run-batch` takes them."""
    with path.open("w", encoding="utf-8") as file:
        for number, body in enumerate(bodies):
            request = {"custom_id": str(number), "method": "POST", "url": "/v1/chat/completions"}
            file.write(json.dumps(request | {"body": body | {"model": model}}) + "\n")


def mean(values: list[float]) -> str:
    """Return mean and 95 % interval (Student's t) of a few repeats."""
    if len(values) < 2:
        return f"{values[0]:.2f}"
    t = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36}.get(len(values), 2.1)
    half = t * statistics.stdev(values) / len(values) ** 0.5
    return f"{statistics.mean(values):.2f} ± {half:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base-url", help="a server that runs")
    parser.add_argument("--model", default="smol", help="its model")
    parser.add_argument("--serve", help="model to start vLLM on instead: a folder, or a name")
    parser.add_argument("--vllm-python", type=Path, default=Path(sys.executable))
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--plan", default="batch", choices=("batch", "small"))
    parser.add_argument("--users", type=int, default=64, help="users of each run with many at once")
    parser.add_argument("--alone", type=int, default=6, help="users of each run with one at a time")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--observations", type=int, nargs=2, default=[2, 8], help="fewest and most of a user")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, help="MemoryBank's file, instead of made-up users")
    parser.add_argument(
        "--offline", action="store_true", help="measure vLLM alone, too, when the server has ended"
    )
    parser.add_argument(
        "--requests", type=Path, default=Path(tempfile.gettempdir()) / "limner-requests.jsonl"
    )
    parser.add_argument("--vllm-engine", help="JSON of further arguments of the LLM class, for --offline")
    parser.add_argument("--json", type=Path, help="write every figure there")
    options = parser.parse_args()
    watch()
    with _server(options) as (base_url, command):
        found = measure(options, base_url)
    if command is not None and options.offline:
        show(found)
        engine = engine_of(command) | json.loads(options.vllm_engine or "{}")
        found["offline"] = [
            offline(options.vllm_python, _requests(options, repeat), engine, dict(command.environment))
            for repeat in range(options.repeats)
        ]
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


def _requests(options: argparse.Namespace, repeat: int) -> Path:
    return Path(f"{options.requests}.{repeat}")


@contextlib.contextmanager
def _server(options: argparse.Namespace) -> Iterator[tuple[str, Command | None]]:
    if options.base_url:
        yield options.base_url, None
        return
    serve = ServeOptions(
        model=options.serve,
        served_name=options.model,
        port=0,
        max_model_len=options.context,
        python=options.vllm_python,
    )
    with VLLMServer(serve) as server:
        yield server.base_url, server.command


def measure(options: argparse.Namespace, base_url: str) -> dict[str, Any]:
    """Return the runs and the rates of the same requests fired again."""
    settings = Settings(
        base_url=base_url,
        model=options.model,
        context_length=options.context,
        call_plan=options.plan,
        dataset=None,
        timeout_s=600,
    )
    runs: list[list[Run]] = []
    fired: list[float] = []
    made = 0
    for repeat in range(options.repeats):
        row = []
        for concurrency in (1, *options.concurrency):
            count = options.alone if concurrency == 1 else options.users
            seed = options.seed + made
            made += 1
            drawn = (
                people_of(options.data, count, made * count)
                if options.data
                else people(count, seed, tuple(options.observations))
            )
            row.append(reflect(settings, list(drawn), concurrency))
            print(json.dumps(vars(row[-1]) | {"rate": row[-1].rate}), file=sys.stderr, flush=True)
        bodies = list(wire.bodies)
        record(_requests(options, repeat), options.model, bodies)
        fired.append(asyncio.run(fire(base_url, bodies, row[-1].concurrency)))
        print(f"fired again: {fired[-1]:.0f} tokens/s", file=sys.stderr, flush=True)
        runs.append(row)
    return {"runs": [[vars(run) | {"rate": run.rate} for run in row] for row in runs], "fired": fired}


def show(found: dict[str, Any]) -> None:
    """Print the table."""
    rows = list(zip(*found["runs"], strict=True))
    alone = [run["rate"] for run in rows[0]]
    print(
        "| users at once | tokens/s | times one | share of fired | share of offline | in flight | none | limner's cores | loop late, ms | database | encoder |"
    )
    print("| --- " * 11 + "|")
    for runs in rows:
        rates = [run["rate"] for run in runs]
        cells = [
            str(runs[0]["concurrency"]),
            mean(rates),
            mean([rate / one for rate, one in zip(rates, alone, strict=True)]),
            mean([rate / most for rate, most in zip(rates, found["fired"], strict=True)]),
            mean([rate / most for rate, most in zip(rates, found["offline"], strict=True)])
            if "offline" in found
            else "–",
            *(
                f"{statistics.mean(run[name] for run in runs):.2f}"
                for name in ("flying", "idle", "cpu", "lag_ms", "database", "encoder")
            ),
        ]
        print(f"| {' | '.join(cells)} |")
    print(f"fired again: {mean(found['fired'])} tokens/s")
    if "offline" in found:
        print(f"vLLM alone: {mean(found['offline'])} tokens/s")


if __name__ == "__main__":
    main()
