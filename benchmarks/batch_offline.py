"""What vLLM does with the same requests when no server and no client is in its way; runs in vLLM's own environment.

    python batch_offline.py REQUESTS.jsonl '{"model": "/path/to/model", "max_model_len": 2048}'

Prints one JSON object. The requests are those of `benchmarks/batch_reflect.py --requests`; loading the model is not counted.
"""

import json
import sys
import time


def main() -> None:
    from vllm.sampling_params import StructuredOutputsParams

    from vllm import LLM, SamplingParams

    path, engine = sys.argv[1], json.loads(sys.argv[2])
    with open(path, encoding="utf-8") as lines:  # noqa: PTH123
        bodies = [json.loads(line)["body"] for line in lines]
    llm = LLM(**engine)
    parameters = [
        SamplingParams(
            temperature=body.get("temperature", 0.0),
            seed=body.get("seed"),
            max_tokens=body.get("max_completion_tokens") or body["max_tokens"],
            logprobs=body.get("top_logprobs"),
            stop=body.get("stop"),
            structured_outputs=(
                StructuredOutputsParams(json=body["response_format"]["json_schema"]["schema"])
                if "response_format" in body
                else StructuredOutputsParams(**body["structured_outputs"])
                if "structured_outputs" in body
                else None
            ),
        )
        for body in bodies
    ]
    llm.chat(
        [bodies[0]["messages"]], parameters[:1], use_tqdm=False
    )  # grammar and caches are warm, as on the server
    start = time.perf_counter()
    answers = llm.chat([body["messages"] for body in bodies], parameters, use_tqdm=False)
    seconds = time.perf_counter() - start
    prompt = sum(len(answer.prompt_token_ids) for answer in answers)
    output = sum(len(answer.outputs[0].token_ids) for answer in answers)
    print(json.dumps({"seconds": seconds, "prompt_tokens": prompt, "output_tokens": output}))


if __name__ == "__main__":
    main()
