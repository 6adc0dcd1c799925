"""What a noisy neighbour does, in a process of its own: others wait for it only by what it takes of the system.

Reads what to do as JSON from standard input, does it for so many seconds, and prints as JSON what came of it.

    {"kind": "http", "seconds", "host", "path", "cookie", "rate"}     open loop; {n} in the path: the request's number
    {"kind": "http", "seconds", "host", "path", "cookie", "at_once"}  so many at a time, one after the other
    {"kind": "kafka", "seconds", "user", "password", "topic", "bytes_per_second"}
    {"kind": "commands", "seconds", "commands"}                       each until it ends by itself
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import time
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

import bench_edge
from bench_pacing import Pacer, constant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

MESSAGE = 16_384  # bytes
NICE = 10  # behind those whose answers are measured


async def http(told: Mapping[str, Any]) -> dict[str, Any]:
    """Requests a second that were sent, and their statuses; 0 are those without an answer."""
    statuses, began = Counter[int](), time.monotonic()
    async with bench_edge.connect() as edge:

        async def send(number: int) -> bool:
            path = told["path"].replace("{n}", str(number))
            statuses[await edge.status(told["host"], path, {"Cookie": told["cookie"]})] += 1
            return True

        if "rate" in told:
            await Pacer(send).run(constant(told["rate"], told["seconds"]))
        else:
            await _at_once(send, told["at_once"], began + told["seconds"])
    return {"pushed": statuses.total() / (time.monotonic() - began), "unit": "1/s", "statuses": statuses}


async def _at_once(send: Callable[[int], Awaitable[bool]], many: int, until: float) -> None:
    async def ask(worker: int) -> None:
        number = worker
        while time.monotonic() < until:
            await send(number)
            number += many

    await asyncio.gather(*(ask(worker) for worker in range(many)))


async def kafka(told: Mapping[str, Any]) -> dict[str, Any]:
    """Bytes a second that Kafka took, of those that were offered."""
    from aiokafka import AIOKafkaProducer
    from rooftree_operator.adapters.kafka import probe_headers

    # As what the operator sends to see whether Kafka takes it: consumers read it and pass over it.
    headers = probe_headers(uuid.uuid4())
    producer: Any = AIOKafkaProducer(
        bootstrap_servers=os.environ["ROOFTREE_TEST_KAFKA_BOOTSTRAP"],
        security_protocol="SASL_SSL",
        ssl_context=ssl.create_default_context(cafile=os.environ["ROOFTREE_CA_FILE"]),
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=told["user"],
        sasl_plain_password=told["password"],
        max_batch_size=16 * MESSAGE,
    )
    sent, value = list[Any](), os.urandom(MESSAGE)
    await producer.start()
    try:
        began = time.monotonic()
        for moment in constant(told["bytes_per_second"] / MESSAGE, told["seconds"]):
            await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
            left = began + told["seconds"] - time.monotonic()
            try:
                # Waits as long as Kafka makes it wait: whoever is over the quota is not answered at once.
                async with asyncio.timeout(max(0.0, left)):
                    sent.append(await producer.send(told["topic"], value, headers=headers))
            except TimeoutError:
                break
        taken = sum(one.done() and one.exception() is None for one in sent)
        seconds = time.monotonic() - began
    finally:
        await producer.stop()
    return {"pushed": taken * MESSAGE / seconds, "unit": "B/s", "offered": told["bytes_per_second"]}


async def commands(told: Mapping[str, Any]) -> dict[str, Any]:
    """How many there were, and what they ended with."""
    running = [
        await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.DEVNULL) for words in told["commands"]
    ]
    codes = await asyncio.gather(*(one.wait() for one in running))
    return {"pushed": len(codes), "unit": "1", "codes": codes}


KINDS = {"http": http, "kafka": kafka, "commands": commands}


def main() -> int:
    os.nice(NICE)
    told = json.load(sys.stdin)
    print(json.dumps(asyncio.run(KINDS[told["kind"]](told))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
