"""Measures what the kernel adds to a request: `make bench-kernel`, or inside a stack's network with its variables set.

A tenant of its own with 3,000 people; an agent asks for `GET /api/v1/people?limit=20`, with spans sent to a local sink
and a log line for each request, as in production. What it is compared with runs beside it (`bench_kernel_sides`) and
gives the same JSON. Rounds are interleaved; a cost is CPU of the server's process by /proc, so that other work on the
machine shows little in ratios. Prints one JSON line for each figure: {"figure", "value", "unit", "n", "spread",
"seed"}. Every trial is a line in `.bench/kernel-<time>.jsonl`. Ends with 1 when a figure misses its budget.

    request_cost    x    CPU of a request: through gateway, session, scope and repository, to that of a bare handler
    hot_read_gain   x    requests a core-second, to those of FastAPI with SQLAlchemy's ORM and stock OpenTelemetry
    scope_cost      %    CPU that the policy's record scope adds to the list or to a listing, whichever is more
    app_start       s    process start → ready
    app_rss         MB   after the start and 1,000 requests

`make bench-kernel` then runs `bench_rpc` and `bench_events`, whose figures `grpc_p95` and `event_p99` belong to these.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import threading
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parent))
import psycopg
from bench_sink import sink_server
from bench_tenant import ScratchTenant, scratch_tenant
from rooftree.kernel.auth import Principal
from rooftree.modules.crm import summaries_repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench_server import Server

# Upper bounds, but for the gain.
BUDGETS = {"request_cost": 3.0, "hot_read_gain": 3.0, "scope_cost": 10.0, "app_start": 3.0, "app_rss": 180.0}
CLIENTS = 4
WARM_UP = 300
PEOPLE = 3000
LIST = "/api/v1/people?limit=20"
SIDES = Path(__file__).parent / "bench_kernel_sides.py"
_PEOPLE = """
    INSERT INTO crm.people (id, name, name_key, search_text, stage_id, source, tags, assigned_to, office_id, revision,
        created_at, updated_at, last_activity_at)
    SELECT gen_random_uuid(), 'Person ' || n, 'person ' || n, 'person ' || n,
        (SELECT id FROM crm.stages ORDER BY position OFFSET n %% 5 LIMIT 1),
        'Website', ARRAY['buyer', 'tag ' || n %% 7],
        CASE WHEN n %% 10 < 6 THEN %(agent)s::uuid WHEN n %% 10 < 8 THEN %(mate)s::uuid END, %(office)s, 1 + n %% 3,
        now() - n * interval '1 hour', now(), now() - n * interval '7 minutes 3.123456 s'
    FROM generate_series(1, %(people)s) n
"""
_CONTACTS = """
    INSERT INTO crm.contacts (person_id, kind, position, typed, key, e164)
    SELECT id, kind, 0, typed, typed, e164 FROM crm.people, LATERAL (VALUES
        ('email', replace(name, ' ', '.') || '@client.test', NULL), ('phone', '515 232 0100', '+15152320100')
    ) given (kind, typed, e164)
"""
_LEADS = """
    INSERT INTO crm.leads (id, person_id, lead_type, source, name, utm, consent, received_at, state)
    SELECT gen_random_uuid(), id, 'General Inquiry', 'Website', name, '{}', false, now(),
        CASE WHEN revision = 1 THEN 'responded' ELSE 'new' END FROM crm.people
"""


@dataclass
class Bench:
    """A run; `trials` holds the raw measurements of each kind."""

    path: Path
    seed: int
    trials: dict[str, list[float]] = field(default_factory=dict)

    def note(self, kind: str, value: float, **more: Any) -> None:
        self.trials.setdefault(kind, []).append(value)
        with self.path.open("a") as file:
            file.write(json.dumps({"trial": kind, "value": value, "at": datetime.now(UTC).isoformat(), **more}) + "\n")

    async def rounds(self, sides: dict[str, tuple[Server, str]], *, rounds: int, n: int) -> None:
        """Milliseconds of CPU a request, for each side once a round, in another order each time."""
        dice = random.Random(self.seed)
        for server, path in sides.values():
            await server.load(path, WARM_UP, clients=CLIENTS)
        for number in range(rounds):
            for kind, (server, path) in dice.sample(sorted(sides.items()), len(sides)):
                before = server.cpu_seconds()
                await server.load(path, n, clients=CLIENTS)
                self.note(kind, (server.cpu_seconds() - before) / n * 1000, round=number)
        for kind in sides:
            sys.stderr.write(f"{kind}: {statistics.median(self.trials[kind]):.2f} ms of CPU a request\n")

    def ratios(self, above: str, below: str) -> list[float]:
        return [a / b for a, b in zip(self.trials[above], self.trials[below], strict=True)]

    def shares(self, scoped: str, unscoped: str) -> list[float]:
        return [100 * (ratio - 1) for ratio in self.ratios(scoped, unscoped)]

    def figures(self) -> Iterator[dict[str, Any]]:
        scopes = [self.shares("list", "list_unscoped"), self.shares("listing", "listing_unscoped")]
        rules: dict[str, tuple[list[float], Callable[[list[float]], float], str]] = {
            "request_cost": (self.ratios("list", "bare"), statistics.median, "x"),
            "hot_read_gain": (self.ratios("stock", "list"), statistics.median, "x"),
            "scope_cost": (max(scopes, key=statistics.median), statistics.median, "%"),
            "app_start": (self.trials["start"], max, "s"),
            "app_rss": (self.trials["rss"], max, "MB"),
        }
        for name, (values, rule, unit) in rules.items():
            spread = [round(min(values), 3), round(max(values), 3)]
            value = round(rule(values), 3)
            yield {"figure": name, "value": value, "unit": unit, "n": len(values), "spread": spread, "seed": self.seed}


@contextmanager
def sink() -> Iterator[str]:
    """Takes spans and throws them away: the address of an OTLP receiver."""
    server = sink_server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Agent:
    """Who asks, and the listing of theirs that is opened."""

    principal: Principal
    names: dict[str, str]
    listing: str

    def told(self) -> str:
        """For the other sides."""
        owners = [str(one) for one in (self.principal.user_id, *self.principal.team_mates)]
        return json.dumps({"owners": owners, "office_id": str(self.principal.office_id), "names": self.names})


async def settle(owner: Server, tenant: ScratchTenant, people: int) -> tuple[Agent, str]:
    """An office with a team of two, their people, one listing. Also returns the agent's mail address."""
    office = (await owner.post("/api/v1/offices", {"name": "Main"}))["id"]
    team = (await owner.post("/api/v1/teams", {"name": "Lake", "office_id": office}))["id"]
    for name in ("Andy", "Mate"):
        body = {"email": f"{name.lower()}@bench.test", "name": name, "role": "agent"}
        body |= {"office_id": office, "team_ids": [team]}
        await owner.accept((await owner.post("/api/v1/user-invitations", body))["link"], name)
    await owner.get("/api/v1/stages")
    found = (await owner.get("/api/v1/users", [("limit", "100")]))["items"]
    ids = {one["name"]: one["id"] for one in found}
    with psycopg.connect(tenant.admin_dsn, autocommit=True) as admin:
        admin.execute(
            _PEOPLE,
            {"agent": ids["Andy"], "mate": ids["Mate"], "office": office, "people": people},
        )
        admin.execute(_CONTACTS)
        admin.execute(_LEADS)
    home = {"unparsed_address": "1 Bench Lane", "city": "Ames", "property_type": "Residential"}
    home |= {"list_price": {"amount": 35_000_000, "currency": "USD"}, "list_agent_id": ids["Andy"]}
    listing = (await owner.post("/api/v1/properties", home))["id"]
    with psycopg.connect(tenant.admin_dsn, autocommit=True) as admin:
        admin.execute("UPDATE property.properties SET standard_status = 'Active', version = 1 WHERE id = %s", [listing])
    tenant.analyze()
    mates = frozenset({UUID(ids["Mate"])})
    principal = Principal(
        user_id=UUID(ids["Andy"]),
        tenant_id=tenant.id,
        role="agent",
        client_id="web",
        scopes=frozenset(),
        office_id=UUID(office),
        team_ids=frozenset({UUID(team)}),
        team_mates=mates,
    )
    return Agent(principal, {ids[name]: name for name in ("Andy", "Mate")}, listing), "andy@bench.test"


def sql(tenant: ScratchTenant, agent: Agent) -> str:
    """The statement that the app sends for the list, with its values."""
    prepared, values = summaries_repository.first_page(agent.principal, limit=21)
    with psycopg.connect(tenant.admin_dsn) as admin:
        return psycopg.ClientCursor(admin).mogrify(prepared.sql.encode(), {**prepared.fixed, **values})


async def compare(bench: Bench, tenant: ScratchTenant, endpoint: str, chosen: argparse.Namespace) -> None:
    """Costs of the list and of a listing, on all sides."""
    more = {"ROOFTREE_OTLP_ENDPOINT": endpoint, "ROOFTREE_LOG_LEVEL": "INFO"}
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(tenant.process(more))
        await app.sign_in(os.environ | tenant.environment)
        agent, email = await settle(app, tenant, chosen.people)
        await app.enter(email)
        told = more | {"BENCH_SQL": sql(tenant, agent), "BENCH_CALLER": agent.told()}
        # The first process has the relay and so more to do beside requests: what is measured is a second one.
        programs = {side: (str(SIDES), side) for side in ("bare", "stock", "unscoped")} | {
            "app": ("-m", "rooftree.main")
        }
        others = {
            side: await stack.enter_async_context(tenant.process(told, program)) for side, program in programs.items()
        }
        for side in ("app", "unscoped"):
            others[side].enter_as(app)
        await app.warm(LIST)
        expected = await app.get(LIST)
        assert len(expected["items"]) == 20
        for side, server in others.items():
            await server.warm(LIST)
            if (answer := await server.get(LIST)) != expected:
                raise RuntimeError(f"{side} answers something else: {json.dumps(answer)[:2000]}")
        listing = f"/api/v1/properties/{agent.listing}"
        sides = {"list": (others["app"], LIST), "list_unscoped": (others["unscoped"], LIST)}
        sides |= {"bare": (others["bare"], LIST), "stock": (others["stock"], LIST)}
        sides |= {"listing": (others["app"], listing), "listing_unscoped": (others["unscoped"], listing)}
        await bench.rounds(sides, rounds=chosen.rounds, n=chosen.n)


async def start(bench: Bench, tenant: ScratchTenant, chosen: argparse.Namespace) -> None:
    """How soon it is ready, and how large it is then and after requests."""
    for _ in range(chosen.starts):
        async with tenant.process() as server:
            bench.note("start", server.ready_after)
            await server.enter("andy@bench.test")
            await server.load(LIST, 1000, clients=CLIENTS)
            bench.note("rss", server.memory_mb())


async def measure(bench: Bench, tenant: ScratchTenant, chosen: argparse.Namespace) -> None:
    with sink() as endpoint:
        await compare(bench, tenant, endpoint, chosen)
    await start(bench, tenant, chosen)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-n", type=int, default=1000, help="requests of each side in a round")
    options.add_argument("--rounds", type=int, default=11)
    options.add_argument("--starts", type=int, default=5)
    options.add_argument("--people", type=int, default=PEOPLE)
    options.add_argument("--seed", type=int, default=20261128)
    chosen = options.parse_args()
    folder = Path(".bench")
    folder.mkdir(exist_ok=True)
    bench = Bench(folder / f"kernel-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl", chosen.seed)
    with scratch_tenant() as tenant:
        asyncio.run(measure(bench, tenant, chosen))
    missed = 0
    for figure in bench.figures():
        print(json.dumps(figure), flush=True)
        value, budget = figure["value"], BUDGETS[figure["figure"]]
        missed += value < budget if figure["figure"] == "hot_read_gain" else value > budget
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
