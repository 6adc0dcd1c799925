"""Measures how soon events have their effect: `make bench-events`, or in a stack with its variables set.

A tenant of its own with one partition, as plans give it; two relays (one stands by) and two consumers as processes.
Transactions with one event each come at random moments, 200 a second for a minute, whatever is slow; ten seconds before
are not counted. The time runs from the moment in which the publisher asks for its commit until it hears of the effect's
commit, by one clock: a trigger tells it. Prints one JSON line; every trial is a line in `.bench/events-<time>.jsonl`.
Ends with 1 when the figure misses its budget. Other work on the machine spoils it.

    event_p99   ms   commit → the effect is committed, by outbox, relay, Kafka, consumer and inbox
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
from bench_tenant import ScratchTenant, scratch_tenant
from rooftree.kernel.database import Database
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.unit_of_work import UnitOfWork

from tests.torture.sample import Stepped, make_tables
from tests.torture.workers import Workers

BUDGET_MS = 500.0
AGGREGATES = 100
WARM_UP_SECONDS = 10.0
LAST_SECONDS = 60.0
CHANNEL = "effects"
_TELL = f"""
    CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_notify('{CHANNEL}', NEW.number::text); RETURN NULL; END $$;
    CREATE TRIGGER tell AFTER INSERT ON public.effects FOR EACH ROW EXECUTE FUNCTION public.tell();
"""


class Bench:
    """Publishes and hears; all times by the loop's clock."""

    def __init__(self, unit_of_work: UnitOfWork, *, rate: float, seed: int) -> None:
        self._unit_of_work = unit_of_work
        self._rate = rate
        self._dice = random.Random(seed)
        self._aggregates = [UUID(int=self._dice.getrandbits(128), version=4) for _ in range(AGGREGATES)]
        self.committed: dict[int, float] = {}
        self.heard: dict[int, float] = {}

    async def publish_for(self, seconds: float) -> None:
        """Each event at its moment, however long earlier ones take."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        end = due + seconds
        async with asyncio.TaskGroup() as group:
            while due < end:
                await asyncio.sleep(due - loop.time())
                group.create_task(self._publish())
                due += self._dice.expovariate(self._rate)

    async def _publish(self) -> None:
        event = Stepped(counter=self._dice.choice(self._aggregates), number=self._dice.getrandbits(62))
        async with self._unit_of_work() as session:
            await Outbox().add(session, [event])
            self.committed[event.number] = asyncio.get_running_loop().time()

    async def hear(self, connection: psycopg.AsyncConnection) -> None:
        """Until it is cancelled."""
        loop = asyncio.get_running_loop()
        async for notice in connection.notifies():
            self.heard[int(notice.payload)] = loop.time()

    async def all_heard(self) -> None:
        async with asyncio.timeout(LAST_SECONDS):
            while self.committed.keys() - self.heard.keys():  # noqa: ASYNC110 - what is waited for is elsewhere
                await asyncio.sleep(0.05)

    def milliseconds(self) -> list[float]:
        return [(self.heard[number] - at) * 1000 for number, at in self.committed.items()]


async def measure(tenant: ScratchTenant, log: Path, chosen: argparse.Namespace) -> list[float]:
    make_tables(tenant)
    pool = Database(tenant.settings(), tenant.secrets())
    bench = Bench(UnitOfWork(pool.engine), rate=chosen.rate, seed=chosen.seed)
    async with await psycopg.AsyncConnection.connect(tenant.admin_dsn, autocommit=True) as connection:
        await connection.execute(_TELL.encode())
        await connection.execute(f"LISTEN {CHANNEL}".encode())
        hearing = asyncio.create_task(bench.hear(connection))
        try:
            with Workers(tenant, log):
                await bench.publish_for(WARM_UP_SECONDS)
                await bench.all_heard()
                bench.committed.clear()
                await bench.publish_for(chosen.seconds)
                await bench.all_heard()
        finally:
            hearing.cancel()
            await asyncio.wait([hearing])
            await pool.close()
    return bench.milliseconds()


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--rate", type=float, default=200.0)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=20261128)
    chosen = options.parse_args()
    folder = Path(".bench")
    folder.mkdir(exist_ok=True)
    path = folder / f"events-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl"
    with scratch_tenant() as tenant:
        values = asyncio.run(measure(tenant, path.with_suffix(".log"), chosen))
    path.write_text("".join(json.dumps({"trial": "event", "value": value}) + "\n" for value in values))
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    figure = {
        "figure": "event_p99",
        "value": round(cuts[98], 1),
        "unit": "ms",
        "n": len(values),
        "spread": [round(min(values), 1), round(max(values), 1)],
        "p50": round(cuts[49], 1),
        "rate": round(len(values) / chosen.seconds, 1),
        "seed": chosen.seed,
    }
    print(json.dumps(figure), flush=True)
    return int(figure["value"] > BUDGET_MS)


if __name__ == "__main__":
    sys.exit(main())
