"""A server that takes as long as one with a GPU and none of this machine's cores: for what limner itself costs.

    python benchmarks/pretended_server.py 8131 &
    python benchmarks/batch_reflect.py --base-url http://127.0.0.1:8131/v1 --users 300 --concurrency 32 --observations 2 8

It sleeps for as long as an answer of that many tokens would take, as many side by side as come, and proposes one statement a line.
"""

import asyncio
import json
import random
import sys
from typing import Any

TOKENS_A_SECOND = 60.0
"""Of one sequence among many."""


def answer(body: dict[str, Any]) -> tuple[str, int]:
    """Return an answer and how many tokens it counts for."""
    lines = [line for line in body["messages"][-1]["content"].splitlines() if line.startswith("[")]
    schema = body.get("response_format", {}).get("json_schema", {}).get("name")
    if schema == "Relations":
        labels = [{"pair": n, "relation": "unrelated"} for n in range(1, len(lines) + 1)]
        return json.dumps({"labels": labels}), 14 * len(lines)
    if schema == "Verdicts":
        verdicts = [
            {"draft": n, "reason": "The words say so.", "supported": True} for n in range(1, len(lines) + 1)
        ]
        return json.dumps({"verdicts": verdicts}), 30 * len(lines)
    words = [
        "reads",
        "walks",
        "bakes",
        "rows",
        "sings",
        "paints",
        "writes",
        "swims",
        "climbs",
        "sews",
        "dances",
        "cooks",
        "sails",
        "knits",
    ]
    statements = [
        {
            "reasoning": "It says so.",
            "text": f"The user {random.choice(words)} and {random.choice(words)}.",
            "evidence": [n],
            "confidence": 8,
            "durability": 6,
        }
        for n in range(1, len(lines) + 1)
    ]
    return json.dumps({"statements": statements}), round(60 * len(lines) * random.uniform(0.5, 1.5))


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(
        (int(h.split(":")[1]) for h in head.lower().splitlines() if h.startswith("content-length")), 0
    )
    body = json.loads(await reader.readexactly(length)) if length else {}
    found: dict[str, Any] = {"data": []}
    status = "200 OK" if length or "/models" in head.splitlines()[0] else "404 Not Found"
    if body:
        text, tokens = answer(body)
        await asyncio.sleep(tokens / TOKENS_A_SECOND)
        prompt = sum(len(message["content"]) for message in body["messages"]) // 4
        message = {"role": "assistant", "content": text}
        found = {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens},
        }
    content = json.dumps(found).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\nconnection: close\r\n\r\n"
    writer.write(head.encode() + content)
    await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
