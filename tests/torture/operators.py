"""`python -m tests.torture.operators`: makes processes of the operator, each a fork of this one.

The operator's libraries take seconds to load, here once for all. A line of standard input is a process to make, as JSON
with `environment` and `log`; the answer is a line with its number. Whoever asks sees to it from there; when standard
input ends, all that is left is killed.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import signal
import sys
import traceback
from typing import Any

from rooftree_operator import __main__ as operator

# What the operator would load only with its first connection.
LATER = ("kubernetes.aio.client", "kubernetes.aio.config", "kubernetes.aio.dynamic", "aiohttp")


def main() -> None:
    for name in LATER:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here
    made: list[int] = []
    say(0)
    for line in sys.stdin:
        wanted = json.loads(line)
        pid = os.fork()
        if pid == 0:
            become(wanted["environment"], wanted["log"])
        made.append(pid)
        say(pid)
    for pid in made:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def say(pid: int) -> None:
    sys.stdout.write(f"{pid}\n")
    sys.stdout.flush()


def become(environment: dict[str, str], log: str) -> Any:
    """The operator, with nothing of this process but its loaded libraries; never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, stream)
    os.environ.clear()
    os.environ.update(environment)
    random.seed()  # or all of them would draw the same
    try:
        operator.main()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
