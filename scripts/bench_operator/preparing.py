"""What a run needs before it measures: the substitutes, and the template database."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rooftree_operator.adapters.kubernetes import CONFIG, JOB
from rooftree_operator.names import LABEL_RELEASE

from bench_operator.api import until
from bench_operator.process import PLATFORM, write_volumes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bench_operator.api import Api, Object
    from bench_operator.process import Operator


async def version(api: Api) -> str:
    """The version of the tenant app that tenants get."""
    return (await api.get(CONFIG, "channels", PLATFORM))["data"]["stable"]


@asynccontextmanager
async def substitute(kind: str, server: str, address: str, version: str, log: Path) -> AsyncIterator[None]:
    """A substitute in a process of its own. Ends with an error if that process ends before."""
    command = (sys.executable, "-m", "bench_operator.substitutes", kind, server, address, version)
    host, _, port = address.rpartition(":")

    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            return False
        writer.close()
        return True

    with log.open("ab") as words:
        process = await asyncio.create_subprocess_exec(*command, stdout=words, stderr=words)

    async def watch() -> None:
        await process.wait()
        raise RuntimeError(f"the substitute for {kind} ended; its last words are in {log}")

    try:
        async with asyncio.TaskGroup() as group:
            watched = group.create_task(watch())
            await until(answers, within=30, what=f"the substitute for {kind} did not answer")
            yield
            watched.cancel()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def template(api: Api, operator: Operator, folder: Path) -> None:
    """Makes the template database as the Job's pod would, which is simulated: by its command, variables and files."""
    operator.start()

    async def job() -> list[Object]:
        return await api.list(JOB, namespace=PLATFORM, labels=LABEL_RELEASE)

    (found,) = await until(job, within=60, what="the operator made no Job for its template database")
    # Until the migrations are there it would find the database incomplete again and again.
    await operator.stop()
    pod = found["spec"]["template"]["spec"]
    await write_volumes(api, pod, folder, PLATFORM)
    (container,) = pod["containers"]
    told = {entry["name"]: entry["value"] for entry in container["env"]}
    files = {"ROOFTREE_SECRETS_DIR": str(folder / "secrets"), "ROOFTREE_CA_FILE": str(folder / "ca" / "ca.crt")}
    _, *words = container["command"]
    environment = {**os.environ, **told, **files}
    process = await asyncio.create_subprocess_exec(sys.executable, *words, env=environment, stdout=sys.stderr)
    if code := await process.wait():
        raise RuntimeError(f"{' '.join(words)} ended with {code}")
