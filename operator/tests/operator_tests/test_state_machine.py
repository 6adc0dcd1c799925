"""Any sequence of orders, outages and crashes ends where its last order says, as if there had been no other one.

A machine that hypothesis drives edits one brokerage, deletes it and has it back, takes backends away and kills the
operator at any call. Whenever it lets everything come to rest, the brokerage is compared with one of a world in which
nothing else ever happened. `make full` makes at least 500 changes, other ones each time.
"""

import asyncio
import json
import os
import re
from collections.abc import Coroutine, Iterator
from copy import deepcopy
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from rooftree_operator.adapters.kubernetes import BROKERAGE
from rooftree_operator.names import TenantId

from .fakes.faults import Died
from .orders import LEGAL, SCHEMA, edited, edits, illegal_specs, is_legal
from .test_every_field import ROOMY
from .world import NAMESPACE, World, brokerage, plan

T = TypeVar("T")
THOROUGH = bool(os.environ.get("THOROUGH"))
EXAMPLES, STEPS = (60, 30) if THOROUGH else (6, 25)
LEAST_CHANGES = 500 if THOROUGH else 60
MOST_CALLS = 120
BACKENDS = ("postgres", "kafka", "elasticsearch", "redis", "s3")
FIRST = brokerage("acme")["spec"]
# While somebody holds it back, what is there may be of an older order.
HOLDING = ("pause", "managementPolicy")


async def populated() -> World:
    """A world in which everything that an order may name is there."""
    world = World()
    await world.release("1.1.0", "r1")
    await world.release("1.0.0", "r1")
    world.kube.put(plan("starter", **ROOMY))
    world.kube.put(plan("large", **{**ROOMY, "quota": {**ROOMY["quota"], "pods": 30}}))
    metadata = {"name": "feed", "namespace": NAMESPACE, "labels": {"rooftree.dev/brokerage": "acme"}}
    data = {"client_id": "aWQ=", "client_secret": "c2VjcmV0"}
    world.kube.put({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    return world


def seen(world: World) -> list[str]:
    """All that there is of the brokerage, and what it tells, with the same word for its id in any world."""
    tenant, status = world.tenant("acme"), world.status("acme")
    told = [f"told {name}: {status.get(name)}" for name in ("phase", "url", "version", "plan", "message", "database")]
    conditions = [f"{one['type']}={one['status']} {one['reason']}: {one['message']}" for one in status["conditions"]]
    lines = [*world.traces(tenant), *conditions, *told]
    lines.append(f"registry {world.registry.state(tenant)}")
    declared = world.kube.objects[BROKERAGE.kind, None, "acme"]["spec"]
    left = re.compile("|".join(_passing(declared)))
    return sorted(_ordered(line.replace(tenant.value, "<id>")) for line in lines if not left.search(line))


def _passing(spec: dict[str, Any]) -> Iterator[str]:
    """What is no part of the comparison."""
    # Pods and what lists them are made by the cluster, and the fake one leaves them as they first were.
    yield "'(Brokerage|Pod|EndpointSlice)'"
    yield "status used"
    if spec.get("suspend"):
        # Of one that has served it is known which version that was, and its Deployments are there, without pods.
        yield "'Deployment'|^VersionApplied=|^told version"


def _ordered(line: str) -> str:
    """Sets show their members in any order."""
    return re.sub(r"frozenset\(\{(.*?)\}\)", lambda found: str(sorted(found[1].split(", "))), line)


def different(these: list[str], those: list[str]) -> list[str]:
    """Only the lines that the others do not have: whole worlds are too long to read."""
    return sorted(set(these) - set(those))


class Brokerages(RuleBasedStateMachine):
    """One brokerage, `acme`, and whatever happens to it."""

    changes: ClassVar[int] = 0
    _afresh: ClassVar[dict[str, list[str]]] = {}

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self.world = self.run(populated())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    @property
    def item(self) -> dict[str, Any] | None:
        return self.world.kube.find(BROKERAGE, "acme")

    @property
    def is_declared(self) -> bool:
        return self.item is not None and "deletionTimestamp" not in self.item["metadata"]

    def kept(self) -> TenantId | None:
        return next((row.id for row in self.world.registry.rows.values() if row.state == "kept"), None)

    def changed(self) -> None:
        type(self).changes += 1

    @precondition(lambda self: self.item is None)
    @rule(edit=edits())
    def create(self, edit: dict[str, Any]) -> None:
        """A new one, or the one that is kept."""
        claim = self.kept()
        spec = edited(FIRST, edit) | ({"tenantID": str(claim)} if claim else {})
        self.world.kube.put(brokerage("acme", **spec))
        self.changed()

    @precondition(lambda self: self.is_declared)
    @rule(edit=edits())
    def edit(self, edit: dict[str, Any]) -> None:
        assert self.item is not None
        self.world.kube.put({**self.item, "spec": edited(self.item["spec"], edit)})
        self.changed()

    @precondition(lambda self: self.is_declared)
    @rule(policy=st.sampled_from(["Retain", "Delete"]))
    def delete(self, policy: str) -> None:
        assert self.item is not None
        spec = edited(self.item["spec"], {"deletionPolicy": policy, "pause": None, "managementPolicy": None})
        self.world.kube.put({**self.item, "spec": spec})
        if self.item["metadata"].get("finalizers"):
            self.world.retire("acme")
        else:  # nobody has looked at it yet, so the API server keeps it for nobody
            del self.world.kube.objects[BROKERAGE.kind, None, "acme"]
        self.changed()

    @precondition(lambda self: self.item is None and self.kept() is not None)
    @rule()
    def purge(self) -> None:
        tenant = self.kept()
        assert tenant is not None
        secret = deepcopy(self.world.kept(tenant))
        assert secret is not None
        secret["metadata"]["annotations"]["rooftree.dev/purge"] = str(tenant)
        self.world.kube.put(secret)
        self.changed()

    @rule(backend=st.sampled_from(BACKENDS), down=st.booleans())
    def outage(self, backend: str, down: bool) -> None:
        getattr(self.world, backend).down = down
        self.changed()

    @rule(at=st.integers(1, MOST_CALLS), after=st.booleans(), kills=st.booleans())
    def fault(self, at: int, after: bool, kills: bool) -> None:
        """At one call the operator dies, or has no answer."""
        self.world.faults.expect(at, after=after, kills=kills)
        self.run(self._work())
        self.changed()

    @rule()
    def work(self) -> None:
        """One pass, with what is away."""
        self.run(self._pass())

    async def _work(self) -> None:
        """Passes until the fault has struck and its traces are there, and no further."""
        try:
            for _ in range(3):
                await self._pass()
        except* Died:
            self.world.reconciler = self.world.restarted()
        self.world.faults.over()

    async def _pass(self) -> None:
        try:
            await self.world.reconciler.reconcile("acme")
            for tenant in await self.world.purge.pending():
                await self.world.purge.reconcile(tenant.value)
        except Exception as error:
            if not hasattr(error, "reason"):  # what an outage raises beside a pass has one
                raise
        self.world.settle()

    @rule()
    def rest(self) -> None:
        """All backends are there, and the operator has its time: what is declared is what is there."""
        self.settled()
        if not self.is_declared:
            assert self.item is None, "a deleted brokerage is gone"
            kept = {str(row.id) for row in self.world.registry.rows.values() if row.state == "kept"}
            gone = [str(row.id) for row in self.world.registry.rows.values() if str(row.id) not in kept]
            assert [line for line in gone if self.world.traces(TenantId(line))] == []
            return
        assert self.item is not None
        self.world.forget_writes()
        self.run(self.world.converge("acme"))
        assert self.world.writes() == [], f"at rest, and it writes, in {self.world.status('acme')}"
        if not any(self.item["spec"].get(name) not in (None, "Manage") for name in HOLDING):
            found, expected = seen(self.world), self.afresh(self.item["spec"])
            more, less = different(found, expected), different(expected, found)
            assert (more, less) == ([], []), f"too much: {more}, missing: {less}"

    def settled(self) -> None:
        for backend in BACKENDS:
            getattr(self.world, backend).down = False
        self.run(self.world.converge("acme"))
        self.run(self.world.purges())

    def afresh(self, spec: dict[str, Any]) -> list[str]:
        """What there is of a brokerage that never was anything else."""
        spec = {name: value for name, value in spec.items() if name != "tenantID"}
        key = json.dumps(spec, sort_keys=True)
        if key not in self._afresh:
            world = self.run(populated())
            world.kube.put(brokerage("acme", **spec))
            self.run(world.converge("acme"))
            self._afresh[key] = seen(world)
        return self._afresh[key]

    def teardown(self) -> None:
        if self.is_declared:
            self.edit(dict.fromkeys((*HOLDING, "suspend")))
        self.rest()
        self._runner.close()


SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
MANNERS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    suppress_health_check=SLOW,
    # A sequence is short enough to be read as it is, and to shorten it takes minutes.
    phases=(Phase.explicit, Phase.generate),
)


@pytest.mark.timeout(900)
def test_a_brokerage_ends_where_its_last_order_says_whatever_came_before() -> None:
    run_state_machine_as_test(Brokerages, settings=MANNERS)
    assert Brokerages.changes >= LEAST_CHANGES, f"only {Brokerages.changes} changes"


def test_every_field_that_can_be_changed_is_ordered() -> None:
    assert LEGAL.keys() == SCHEMA["properties"].keys() - {"tenantID", "source"}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in LEGAL for value in LEGAL[name]])
def test_what_is_ordered_is_legal(name: str, value: Any) -> None:
    assert is_legal(edited(FIRST, {name: value}))


@given(spec=illegal_specs())
@settings(max_examples=300 if THOROUGH else 60, suppress_health_check=SLOW)
def test_a_spec_that_the_api_server_would_refuse_reaches_no_backend(spec: dict[str, Any]) -> None:
    """Not even when it is stored all the same, as by an older definition."""
    asyncio.run(_nothing_is_made_of(spec))


async def _nothing_is_made_of(spec: dict[str, Any]) -> None:
    world = await populated()
    world.forget_writes()
    world.kube.put({**brokerage("acme"), "spec": spec})
    for _ in range(2):
        try:
            await world.reconciler.reconcile("acme")
        except Exception as error:
            assert type(error).__name__ in {"ValidationError", "KeyError"}  # noqa: PT017 -- the key backs off
        world.settle()
    told = ("patch Brokerage acme", "apply Brokerage/status acme", "create Event")
    assert [write for write in world.writes() if not write.startswith(told)] == []
