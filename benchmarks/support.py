"""How often does the support check judge hand-made statements rightly? Runs on the model that the settings name.

    python benchmarks/support.py [--half report]

The pairs of `support_pairs.jsonl` are a quote and a statement each, which the quote supports or not: denials turned round, wishes and ifs taken for
facts, the lives of others, general remarks, "always" for "once". Prompt and threshold were settled on the half `develop`.
"""

import argparse
import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

from limner.evals.statistics import wilson
from limner.inference.language_model import language_model
from limner.memory import Evidence
from limner.profiles.propositions.drafts import Draft
from limner.profiles.propositions.support import supported
from limner.settings import Settings

PAIRS = Path(__file__).with_name("support_pairs.jsonl")
AT_ONCE = 8


def draft(quote: str, statement: str) -> Draft:
    """Return a statement as a draft that rests on one quote."""
    evidence = Evidence(observation_id="o", start=0, end=len(quote), quote=quote)
    return Draft(statement, (evidence,), datetime.now(UTC))


async def measure(half: str) -> None:
    """Print how many of the pairs of one half are judged rightly."""
    pairs = [pair for pair in map(json.loads, PAIRS.read_text().splitlines()) if pair["half"] == half]
    with language_model(Settings()) as model:
        room = asyncio.Semaphore(AT_ONCE)

        async def keeps(pair: dict[str, str]) -> bool:
            async with room:
                kept, _ = await supported([draft(pair["quote"], pair["statement"])], model)
                return bool(kept)

        kept = await asyncio.gather(*map(keeps, pairs))
        for right, what in ((False, "unsupported ones refused"), (True, "supported ones kept")):
            judged = [k == right for k, pair in zip(kept, pairs, strict=True) if pair["supported"] == right]
            low, high = wilson(sum(judged), len(judged))
            print(f"{what}: {sum(judged)} of {len(judged)} (95 % interval {low:.2f}–{high:.2f})")
        for k, pair in zip(kept, pairs, strict=True):
            if k != pair["supported"]:
                print("kept" if k else "refused", "|", pair["quote"], "|", pair["statement"])
        total = model.ledger.total()
        print(f"{total.calls} calls, {total.prompt_tokens - total.cached_tokens} prompt tokens computed")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--half", choices=("develop", "report"), default="report")
    asyncio.run(measure(parser.parse_args().half))
