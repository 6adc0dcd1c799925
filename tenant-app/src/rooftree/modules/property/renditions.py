"""Renditions of a picture, made by a process of its own (`rendition_worker`): one at a time, within a limited time.

The picture libraries never load here, and what a hostile picture may break is that process.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

from rooftree.kernel.workers import Limits, WorkerFailed, Workers
from rooftree.modules.property.pictures import MAX_PIXELS

WORKER = "rooftree.modules.property.rendition_worker"
# A pod of the smallest plan has 320 MiB, the app takes up to 170 of them.
LIMITS = Limits(data_bytes=140 * 1024 * 1024, cpu_seconds=20, seconds=45.0)
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
    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    async def make(self, original: bytes) -> Renditions:
        """Raises Unusable."""
        try:
            return _parsed(await self._workers.run(WORKER, str(MAX_PIXELS), content=original, limits=LIMITS))
        except WorkerFailed as error:
            raise Unusable(str(error)) from error


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
