"""What limner takes for vLLM in tests: it answers two routes, has children of its own, and fails as it is told.

`FAKE_VLLM` says how it behaves (`fails`, `hangs`, `stubborn`, `orphans`, `shares`, `brief`), `FAKE_VLLM_FOLDER` where it writes what it is and got.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

__all__ = ["main"]

_CHILD = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def main(arguments: list[str]) -> None:
    behaviour = os.environ.get("FAKE_VLLM", "")
    folder = Path(os.environ["FAKE_VLLM_FOLDER"])
    (folder / "arguments.json").write_text(json.dumps(arguments))
    (folder / "environment.json").write_text(json.dumps(dict(os.environ)))
    held: list[int] = []
    if behaviour == "shares":
        shared = SharedMemory(create=True, size=16)
        (folder / "shared").write_text(shared.name)
        # What removes it when all who may use it are gone; the children are among them, as vLLM's are.
        held = [resource_tracker.getfd()]
    # One like an engine core, in the group of the server; and one that has left the group.
    children = [
        subprocess.Popen([sys.executable, "-S", "-c", _CHILD], start_new_session=own, pass_fds=held)
        for own in (False, True)
    ]
    (folder / "pids.partial").write_text(json.dumps([os.getpid(), *(child.pid for child in children)]))
    (folder / "pids.partial").rename(folder / "pids.json")
    _say("INFO 11-25 12:00:00 [fake.py:1] Loading safetensors checkpoint shards")
    sys.stderr.write(f"the key is {os.environ.get('VLLM_API_KEY')}\n")
    if behaviour == "fails":
        for child in children:
            child.kill()
        _say("Traceback (most recent call last):")
        _say('  File "engine.py", line 1, in start')
        _say("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.")
        _say("(APIServer pid=1) RuntimeError: Engine core initialization failed.")
        sys.exit(1)
    if behaviour == "hangs":
        time.sleep(600)
    if behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: _end(() if behaviour == "orphans" else children))
    if behaviour == "brief":
        threading.Timer(0.5, _end, [children, 3]).start()
    _serve(
        arguments[arguments.index("--served-model-name") + 1], int(arguments[arguments.index("--port") + 1])
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _end(children: Iterable[subprocess.Popen[bytes]], code: int = 0) -> None:
    for child in children:
        child.kill()
        child.wait()
    os._exit(code)


def _serve(name: str, port: int) -> None:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = {"data": [{"id": name, "max_model_len": 4096}]} if self.path == "/v1/models" else {}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

    server = ThreadingHTTPServer(("127.0.0.1", port), Answers)
    _say("Application startup complete.")
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
