"""Measures a call between two modules' processes: `make bench-rpc`. Needs no backend.

Two processes on loopback with mutual TLS, as the app runs them (uvloop), one call after the other. Identity answers
from memory, so that the figure is what the boundary itself costs: messages, deadline, trace, TLS and gRPC on both
sides. Prints one JSON line for each figure: {"figure", "value", "unit", "n", "spread"}; the spread is that of the
rounds. Ends with 1 when a figure misses its budget. Other work on the machine spoils it.

    grpc_p95       ms   of single calls, from the caller's await to its answer
    grpc_call_cpu  ms   CPU of the calling process for one call
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tenant-app" / "tests"))
from app_tests.certificates import Authority
from rooftree.contracts.identity.api import User
from rooftree.kernel.rpc import Certificates

BUDGETS = {"grpc_p95": 1.0}
WARM_UP = 300
SOMEBODY = User(
    id=UUID("0190a0a0-0000-7000-8000-000000000001"),
    name="Olivia Owner",
    email="olivia@acme.test",
    role="agent",
    office_id=UUID("0190a0a0-0000-7000-8000-000000000002"),
)


class FromMemory:
    async def user(self, _user_id: UUID) -> User:
        return SOMEBODY


def serve(folder: Path, told: Any) -> None:
    """The process that answers; tells its port."""
    from rooftree.kernel.rpc_server import Server, Service
    from rooftree.kernel.server_spans import ServerSpans
    from rooftree.remote import identity

    port: Any = FromMemory()

    async def run() -> None:
        service = Service(identity.SERVICE, identity.Servicer(port, port))
        server = Server("127.0.0.1:0", Certificates.read(folder / "identity"), [service], ServerSpans())
        await server.start()
        told.put(server.port)
        await asyncio.Event().wait()

    uvloop.run(run())


async def rounds(folder: Path, port: int, *, calls: int, count: int) -> tuple[list[list[float]], float]:
    """Seconds of each call by round, and CPU seconds of one."""
    from rooftree.kernel.rpc_client import Peer
    from rooftree.remote import identity

    peer = Peer("identity", f"127.0.0.1:{port}", Certificates.read(folder / "gateway"), [identity.SERVICE])
    client, measured = identity.Client(peer), list[list[float]]()
    for _ in range(WARM_UP):
        await client.user(SOMEBODY.id)
    used = time.process_time()
    for _ in range(count):
        taken: list[float] = []
        for _ in range(calls):
            began = time.perf_counter()
            assert await client.user(SOMEBODY.id) == SOMEBODY
            taken.append(time.perf_counter() - began)
        measured.append(taken)
    used = time.process_time() - used
    await peer.close()
    return measured, used / (calls * count)


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure a call between two modules' processes.")
    parser.add_argument("--calls", type=int, default=2000, help="in each round")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        folder, authority, told = Path(name), Authority(), context.Queue()
        for module in ("identity", "gateway"):
            authority.write(folder / module, module)
        server = context.Process(target=serve, args=(folder, told), daemon=True)
        server.start()
        measured, cpu = uvloop.run(rounds(folder, told.get(timeout=60), calls=chosen.calls, count=chosen.rounds))
        server.kill()
        server.join()
    each = [p95(one) for one in measured]
    value = p95([call for one in measured for call in one])
    spread = [round(min(each), 3), round(max(each), 3)]
    count = chosen.calls * chosen.rounds
    found = [
        {"figure": "grpc_p95", "value": round(value, 3), "unit": "ms", "n": count, "spread": spread},
        {"figure": "grpc_call_cpu", "value": round(cpu * 1000, 3), "unit": "ms", "n": count},
    ]
    for figure in found:
        print(json.dumps(figure), flush=True)
    return 1 if any(figure["value"] > BUDGETS.get(str(figure["figure"]), float("inf")) for figure in found) else 0


if __name__ == "__main__":
    sys.exit(main())
