"""The command line of pytest-numa in one process: its start takes seconds under emulation.

Reads a JSON list of words from each line and answers with the exit code and what was printed.
"""

import contextlib
import io
import json
import sys

from pytest_numa import cli

for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(json.loads(line))
    sys.stdout.write(json.dumps([code, out.getvalue(), err.getvalue()]) + "\n")
    sys.stdout.flush()
