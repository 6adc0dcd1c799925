"""The page of replays behind the dashboards: a process of the operator's package on loopback.

Operator and local stack are strangers: it is started, never imported.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rooftree_local.stack import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULE = "rooftree_operator.counterfactual"
HOST = "127.0.0.1"
PATIENCE = 30.0  # seconds for its start


@contextmanager
def running(prometheus: str, port: int) -> Iterator[str]:
    """Its URL, once it listens, in this thread's network. Raises `CommandFailed`; its own words are seen."""
    if _listens(port):
        # It would be taken for ours.
        raise CommandFailed(f"somebody else listens at port {port}, which the page of replays needs")
    told = {"HOST": HOST, "PORT": str(port), "PROMETHEUS_URL": prometheus, "LOG_LEVEL": "WARNING"}
    environment = {**os.environ, **{f"ROOFTREE_COUNTERFACTUAL_{name}": value for name, value in told.items()}}
    process = subprocess.Popen([sys.executable, "-m", MODULE], env=environment)
    try:
        _wait(process, port)
        yield f"http://{HOST}:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Until it listens."""
    until = time.monotonic() + PATIENCE
    while not _listens(port):
        if process.poll() is not None or time.monotonic() > until:
            raise CommandFailed(f"the page of replays does not start at port {port}")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as door:
        return door.connect_ex((HOST, port)) == 0
