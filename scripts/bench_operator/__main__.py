"""Measures the operator with many brokerages: `make bench-operator`, or inside a simulated stack with its variables.

Prints one JSON line for each figure: {"figure", "value", "unit", "n", "spread", "seed", "tenants"}, after one line that
says what was substituted. Every trial is a line in `.bench/operator-<time>.jsonl`; the figures are computed from those
lines. Ends with 1 when a figure misses its budget. `docs/bench-operator.md` says what each figure means.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import random
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import uvloop
from bench_trials import Lines
from rooftree_operator import names
from rooftree_operator.backends import connect as connect_backends
from rooftree_operator.registry import PostgresRegistry
from rooftree_operator.settings import Settings

from bench_operator import api as apiserver
from bench_operator import bare, figures, fleet, preparing, process, sizes

EDGE_PORT = 8443
SUBSTITUTE_PORT = 9299
# Elasticsearch takes 1,000 shards a node: more tenants than these would not all have their indices.
MOST_REAL = 200
EDITS = 100
RESTART_EDITS = 50
# Passes a second that are asked for while edits are measured: more than the operator does.
FLOOD = 200
ALWAYS = ["pods: made ready by KWOK, none runs", "edge: a small server", "migration of the template: its command, here"]


@dataclass
class Run:
    """Everything that the parts of a run share."""

    lines: Lines
    api: apiserver.Api
    operator: process.Operator
    fleet: fleet.Fleet
    names: list[str]
    pilot: str
    edge: str
    within: float

    @property
    def is_real(self) -> bool:
        """Whether all backends are real."""
        return len(self.names) <= MOST_REAL

    async def bare(self, half: str) -> None:
        """The bare client's turn: half of as many tenants as the operator makes."""
        count = max(1, len(self.names) // 2)
        self.lines.say(f"the bare client makes {count} ({half})")
        settings = self._settings()
        async with AsyncExitStack() as stack:
            backends = connect_backends(settings, stack)
            made = await bare.original(self.api, settings, self.pilot)
            registry = PostgresRegistry(backends.postgres, settings.namespace)
            client = bare.Bare(self.api, backends, registry, made, self.edge)
            slugs = [f"{self.pilot}-{half}-{number}" for number in range(count)]
            await client.create(slugs, workers=settings.workers, within=self.within, note=self.lines.note)

    def _settings(self) -> Settings:
        os.environ.update(self.operator.installation.values)
        return Settings()

    async def create(self) -> None:
        """All brokerages at once; what that costs, in time, CPU, memory, requests and bytes."""
        count, operator, note = len(self.names), self.operator, self.lines.note
        before = await sizes.measured(elasticsearch=self.is_real)
        operator.start()
        await operator.until_seen(1, within=self.within)
        self.lines.say(f"{count} brokerages are made at once")
        cpu, requests = operator.cpu(), await self.api.requests_of_service_accounts()
        await self.fleet.create(self.names, within=self.within)
        note("operator_cpu", (operator.cpu() - cpu) / count)
        note("operator_rss", operator.memory())
        note("requests", (await self.api.requests_of_service_accounts() - requests) / count)
        for (system, verb, what), value in (await operator.metrics()).writes.items():
            note("creation_writes", value / count, system=system, verb=verb, what=what)
        if self.is_real:
            await sizes.make_indices(await self._indices())
        after = await sizes.measured(elasticsearch=self.is_real)
        for system, size in after.items():
            note(f"{figures.BYTES}{system}", (size - before[system]) / count)

    async def _indices(self) -> list[str]:
        """Of all tenants, as their apps would name them."""
        settings = self._settings()
        made = await bare.original(self.api, settings, self.pilot)
        ids = [names.TenantId(self.fleet.seen.now[name]["status"]["tenantID"]) for name in self.names]
        return [f"{names.index_alias(known, index)}-1" for known in ids for index in made.tenant.release.indices]

    async def edits(self) -> None:
        """Edits while every tenant is always due, and while the operator starts and looks at all of them."""
        await self.operator.stop()
        self.lines.say(f"{EDITS} edits during a full resync")
        self.operator.start(RESYNC_SECONDS=str(max(0.2, len(self.names) / FLOOD)))
        await self.operator.until_seen(len(self.names), within=self.within, depth=len(self.names))
        await self.fleet.edit(self.names, EDITS, "edit", within=self.within)
        await self.operator.stop()
        self.lines.say(f"{RESTART_EDITS} edits from the start of the operator on")
        self.operator.start()
        await self.fleet.edit(self.names, RESTART_EDITS, "restart_edit", within=self.within)
        await self.fleet.until_ready(self.names, within=self.within)
        await self._looks()

    async def restart(self) -> None:
        """What the operator writes after a start when nothing has changed, until each tenant has had a turn besides."""
        operator, count = self.operator, len(self.names)
        await operator.stop()
        self.lines.say("a restart over unchanged brokerages")
        began = time.monotonic()
        operator.start()
        first = await self._looks()
        self.lines.note("restart_seconds", time.monotonic() - began)
        cpu, requests = operator.cpu(), await self.api.requests_of_service_accounts()
        round_seconds = self._settings().resync_seconds
        since = time.monotonic()
        await asyncio.sleep(round_seconds + 5)
        seconds = time.monotonic() - since
        self.lines.note("operator_idle_cpu", (operator.cpu() - cpu) / seconds)
        asked = await self.api.requests_of_service_accounts() - requests
        self.lines.note("idle_requests", asked / count / seconds * round_seconds)
        # Whoever has not had another turn by now, as so many take longer than a round, has it first.
        self._note_writes(await self._looks(first.passes))
        await operator.stop()

    async def _looks(self, before: float = 0.0) -> process.Metrics:
        """Waits until each brokerage was looked at after so many passes. Who waits longest is first; of more than are
        real, which take longer than a round, some are always due."""
        count = len(self.names)
        depth = 1 if self.is_real else count
        return await self.operator.until_seen(before + count, within=self.within, depth=depth)

    def _note_writes(self, found: process.Metrics) -> None:
        """Of an operator since its start; what it has to send for its Lease in any case apart."""
        for (system, verb, what), value in found.writes.items():
            self.lines.note("restart_writes", value, system=system, verb=verb, what=what)
        if not found.writes:
            self.lines.note("restart_writes", 0.0)
        self.lines.note("restart_lease", found.heartbeats)


async def measure(run: Run, folder: Path) -> None:
    """The whole run: the bare client has its turns before and after the operator's."""
    try:
        run.lines.say("the template database is made")
        await preparing.template(run.api, run.operator, folder / "template")
        run.operator.start()
        await run.api.create(fleet.manifest(run.pilot))
        await run.fleet.until_ready([run.pilot], within=run.within)
        await run.operator.stop()
        if run.is_real:
            await run.bare("a")
        await run.create()
        await run.edits()
        await run.restart()
        if run.is_real:
            await run.bare("z")
    finally:
        await run.operator.stop()


def substituted(tenants: int) -> list[str]:
    """What a run of so many tenants does not have."""
    return ALWAYS if tenants <= MOST_REAL else [*ALWAYS, "elasticsearch: answers from memory and lets everybody in"]


async def prepared(chosen: argparse.Namespace, lines: Lines, folder: Path, server: str) -> None:
    """Puts the parts together and measures."""
    node = urlsplit(server).hostname
    edge, elasticsearch = f"{node}:{EDGE_PORT}", f"{node}:{SUBSTITUTE_PORT}"
    word = base64.b32encode(time.time_ns().to_bytes(8, "big")[4:7]).decode().rstrip("=").lower()
    wanted = [f"bench-{word}-{number}" for number in range(chosen.tenants)]
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(apiserver.connect(server))
        version = await preparing.version(api)
        installed = await process.install(api, folder / "installation", server=server, edge=edge)
        kinds = {"edge": edge} | ({} if chosen.tenants <= MOST_REAL else {"elasticsearch": elasticsearch})
        for kind, address in kinds.items():
            log = folder / f"{kind}.log"
            await stack.enter_async_context(preparing.substitute(kind, server, address, version, log))
        if "elasticsearch" in kinds:
            process.write(installed.folder / "elasticsearch" / "url", f"https://{elasticsearch}".encode())
        seen = await stack.enter_async_context(fleet.followed(api))
        brokerages = fleet.Fleet(api, seen, lines.note, random.Random(chosen.seed))
        operator = process.Operator(installed, folder / "operator.log")
        within = 120.0 + 3 * chosen.tenants
        await measure(Run(lines, api, operator, brokerages, wanted, f"bench-{word}", edge, within), folder)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tenants", type=int, default=100, help="brokerages of this run, on a fresh stack")
    options.add_argument("--seed", type=int, default=20261129, help="of the order of edits")
    chosen = options.parse_args()
    began = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    folder = Path(".bench", f"operator-{began}").resolve()
    folder.mkdir(parents=True, mode=0o700)
    lines = Lines(folder.with_suffix(".jsonl"))
    print(json.dumps({"substituted": substituted(chosen.tenants), "tenants": chosen.tenants}), flush=True)
    uvloop.run(prepared(chosen, lines, folder, apiserver.address()))
    found = figures.of(lines.read(), tenants=chosen.tenants, seed=chosen.seed)
    for figure in found:
        print(json.dumps(figure), flush=True)
    return 1 if figures.missed(found) else 0


if __name__ == "__main__":
    sys.exit(main())
