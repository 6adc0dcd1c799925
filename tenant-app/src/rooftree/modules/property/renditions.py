"""Renditions of a picture, made by a process of its own (`rendition_worker`): one at a time, within a limited time.

The picture libraries never load here, and what a hostile picture may break is that process.
"""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from typing import Any, Literal

from rooftree.modules.property.pictures import MAX_PIXELS

WORKER = "rooftree.modules.property.rendition_worker"
SECONDS = 45.0  # of the clock; on a busy machine 20 s of a CPU take their time
Size = Literal["small", "medium", "large"]
SIZES: tuple[Size, ...] = ("small", "medium", "large")


class Unusable(Exception):
    """The picture cannot be made into renditions, now or ever."""


@dataclass(frozen=True, slots=True)
class Renditions:
    """JPEG files by size, and the original's size in pixels the right way up."""

    width: int
    height: int
    files: dict[Size, bytes]


class RenditionMaker:
    def __init__(self) -> None:
        # Two of them and the app would not fit into a small pod.
        self._turn = asyncio.Semaphore(1)

    async def make(self, original: bytes) -> Renditions:
        """Raises Unusable."""
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-Bs",
                "-m",
                WORKER,
                str(MAX_PIXELS),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"},
            )
            try:
                async with asyncio.timeout(SECONDS):
                    answer, _ = await process.communicate(original)
            except TimeoutError:
                raise Unusable("it took too long") from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode != 0:
            raise Unusable(f"the worker ended with {process.returncode}")
        return _parsed(answer)


def _parsed(answer: bytes) -> Renditions:
    line, _, rest = answer.partition(b"\n")
    told: dict[str, Any] = json.loads(line)
    if "fault" in told:
        raise Unusable(str(told["fault"]))
    files: dict[Size, bytes] = {}
    for name, length in told["lengths"].items():
        files[name], rest = rest[:length], rest[length:]
    if files.keys() != set(SIZES) or rest:
        raise Unusable("the worker's answer is not whole")
    return Renditions(told["width"], told["height"], files)
