"""Ports of loopback for processes that are started with the number of theirs."""

import itertools
import os
import socket
from contextlib import suppress

# Below those that the kernel gives away by itself (from 32768), and apart for each worker of the tests: nobody else
# comes to one between its choice and its use.
FIRST, EACH = 20_000, 2_000
_numbers = itertools.count()


def free_port() -> int:
    """One that nobody listens at, and that was not given before."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for number in itertools.islice(_numbers, EACH):
        port = FIRST + EACH * worker + number % EACH
        with socket.socket() as free, suppress(OSError):
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")
