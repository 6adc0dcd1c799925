"""Heavy work, such as pictures, parsing and documents, in a process of its own with limits of time and memory.

What it breaks is that process: its end in any way but with 0 is `WorkerFailed`, and so a failed attempt of the job that
began it. It inherits nothing that would be of use to whoever takes it over; of ours it is told where its code is, and
for which tenant, for whom and in which trace it works.
"""

import asyncio
import os
import sys
from dataclasses import dataclass

from opentelemetry.trace import Span

from rooftree.kernel.auth import acting
from rooftree.kernel.errors import Unprocessable
from rooftree.kernel.telemetry import current_traceparent, span

_LAUNCHER = "rooftree.kernel.confine"


class WorkerFailed(Unprocessable):
    code, title = "worker-failed", "It needs more time or memory than there is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`data_bytes`: what it may hold beside its code. `seconds`: of the clock; a busy machine takes its time."""

    data_bytes: int
    cpu_seconds: int
    seconds: float


class Workers:
    """Begins one at a time: two of them and the app would not fit into a small pod."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)

    async def run(self, module: str, *arguments: str, content: bytes, limits: Limits) -> bytes:
        """Standard output of `python -m module`, which gets `content` as standard input. Raises WorkerFailed."""
        async with self._turn:
            with span(f"worker {module.rpartition('.')[2]}") as current:
                return await _run(module, arguments, content, limits, current)


async def _run(module: str, arguments: tuple[str, ...], content: bytes, limits: Limits, current: Span) -> bytes:
    bounds = (str(limits.data_bytes), str(limits.cpu_seconds))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-Bs", "-m", _LAUNCHER, *bounds, module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment(),
    )
    try:
        async with asyncio.timeout(limits.seconds):
            answer, _ = await process.communicate(content)
    except TimeoutError:
        raise WorkerFailed("It took too long.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if current.is_recording():
        current.set_attribute("process.exit.code", process.returncode or 0)
    if process.returncode != 0:
        raise WorkerFailed(f"The worker ended with {process.returncode}.")
    return answer


def environment() -> dict[str, str]:
    """All that a worker is given of ours."""
    given = {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONSAFEPATH": "1",
        "ROOFTREE_TENANT_ID": os.environ.get("ROOFTREE_TENANT_ID", ""),
        "ROOFTREE_ACTOR": acting.get(),
        "TRACEPARENT": current_traceparent() or "",
    }
    return {name: value for name, value in given.items() if value}
