"""Mistakes that operators are known for, planted into ours, and the oracles that must notice them.

An oracle is a run over fakes that ends with an AssertionError, or not at all well, when something is wrong.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from rooftree_operator import names, shards
from rooftree_operator.adapters.kubernetes import BROKERAGE, SECRET
from rooftree_operator.adapters.redis import Redis
from rooftree_operator.deletion import Deletion
from rooftree_operator.errors import Unavailable, Waiting
from rooftree_operator.names import TenantId
from rooftree_operator.provisioners.credentials import Credentials
from rooftree_operator.provisioners.database import Database
from rooftree_operator.reconcile import Outcome, Reconciler
from rooftree_operator.secret_objects import decoded
from rooftree_operator.shards import Shards
from rooftree_operator.tenant import Fit
from rooftree_operator.workqueue import Priority, WorkQueue

from .fakes.faults import Died
from .fakes.registry import FakeRegistry, Row
from .test_lost_updates import sequence
from .test_shard_moves import life
from .test_tenant_scenarios import ready_world
from .world import World, brokerage

MOST_CALLS = 250  # more than any run below makes

Oracle = Callable[[int], Awaitable[None]]


async def _struck(world: World, at: int, *, after: bool, kills: bool) -> bool:
    """Lets the operator work until the fault has struck, and then another one to the end; whether it has struck."""
    world.faults.expect(at, after=after, kills=kills)
    try:
        await world.converge("acme")
    except* Died:
        world.reconciler = world.restarted()
    has_struck = world.faults.calls >= at
    world.faults.over()
    await world.converge("acme")
    return has_struck


async def made(step: int) -> None:
    """Whatever call of its making the operator dies at, the brokerage is as if it had not."""
    expected = (await ready_world()).inventory()
    for at in range(1, MOST_CALLS, step):
        for after in (False, True):
            world = World()
            await world.release("1.0.0")
            world.kube.put(brokerage("acme"))
            has_struck = await _struck(world, at, after=after, kills=True)
            assert world.inventory() == expected, f"differs after a death {'after' if after else 'before'} call {at}"
        if not has_struck:
            return
    raise AssertionError(f"it makes more than {MOST_CALLS} calls")


async def _deleted(step: int, *, kills: bool) -> None:
    for at in range(1, MOST_CALLS, step):
        world = await ready_world()
        tenant = world.tenant("acme")
        world.delete("acme")
        has_struck = await _struck(world, at, after=False, kills=kills)
        assert world.kube.find(BROKERAGE, "acme") is None, "it is never gone"
        assert world.traces(tenant) == [], f"left after a fault at call {at}"
        if not has_struck:
            return
    raise AssertionError(f"it makes more than {MOST_CALLS} calls")


async def deleted_by_several(step: int) -> None:
    """Whatever call of its deletion the operator dies at, nothing is left."""
    await _deleted(step, kills=True)


async def deleted_with_a_failure(step: int) -> None:
    """Whatever call of its deletion fails, nothing is left."""
    await _deleted(step, kills=False)


async def retired(_: int) -> None:
    """A brokerage that is deleted and kept is not gone before nobody can log in, however long a backend is away."""
    for backend in ("postgres", "kafka", "elasticsearch", "redis", "s3"):
        world = await ready_world()
        user = names.user(world.tenant("acme"))
        world.retire("acme")
        getattr(world, backend).down = True
        await world.converge("acme")
        is_gone = world.kube.find(BROKERAGE, "acme") is None
        assert not (is_gone and _open_to(world, user)), f"gone, and {backend} still lets it in"
        getattr(world, backend).down = False
        await world.converge("acme")
        assert world.kube.find(BROKERAGE, "acme") is None, "it is never gone"
        assert _open_to(world, user) == [], f"{backend} still lets it in"


def _open_to(world: World, user: str) -> list[str]:
    """The systems that let somebody of the brokerage in."""
    roles, redis = world.postgres.known_roles, world.redis.users
    return [
        *(name for name, role in roles.items() if role.can_login and name.startswith("acme")),
        *({user} & {*world.kafka.credentials, *world.elasticsearch.users, *world.s3.accounts}),
        *(name for name, seen in redis.items() if seen.enabled and name == user),
    ]


async def overtaken(_: int) -> None:
    """Who has lost the Lease destroys nothing."""
    world = await ready_world()
    world.delete("acme")
    world.lease.lost_after = 0
    world.forget_writes()
    await world.reconciler.reconcile("acme")
    done = [write for write in world.writes() if "Brokerage/status" not in write]
    assert done == [], f"done without the Lease: {done}"


async def redis_restarts(_: int) -> None:
    """Whom Redis lets in it lets in after a restart, too, before anybody looks; and whom it refuses it refuses then."""
    world = await ready_world()
    user, password = names.user(world.tenant("acme")), decoded(world.child("acme", SECRET, "app"))["redis_password"]
    world.redis.restart()
    assert world.redis.lets_in(user, password), "a restart of Redis locks the brokerage out"
    world.retire("acme")
    await world.converge("acme")
    world.redis.restart()
    assert not world.redis.lets_in(user, password), "a restart of Redis lets a deleted brokerage in again"


async def secrets_stay(_: int) -> None:
    """The next operator keeps the passwords that it finds."""
    world = await ready_world()
    before = decoded(deepcopy(world.child("acme", SECRET, "app")))
    world.reconciler = world.restarted()
    await world.converge("acme")
    assert decoded(world.child("acme", SECRET, "app")) == before, "other passwords"


async def last_spec_wins(step: int) -> None:
    """No edit is lost, whatever becomes of its event."""
    for seed in range(0, 40, step):
        await sequence(seed)


async def moved(step: int) -> None:
    """However a brokerage is moved between two operators, no two passes over it overlap."""
    for seed in range(0, 40, step):
        _, referee = await life(seed, killed=False)
        assert referee.fouls == [], f"two at a time: {referee.fouls[0]}"


# -- the mistakes -----------------------------------------------------------------------------------------------------


def no_fence(patch: pytest.MonkeyPatch) -> None:
    """Before it destroys something nobody asks whether it still holds the Lease."""

    async def sure(self: Any) -> None: ...

    patch.setattr(Deletion, "confirm_holder", sure)


def names_by_chance(patch: pytest.MonkeyPatch) -> None:
    """A name is made up by each process, instead of derived from the tenant's id."""
    salt = [0]
    restarted = World.restarted

    def another(self: World) -> Reconciler:
        salt[0] += 1
        return restarted(self)

    patch.setattr(World, "restarted", another)
    patch.setattr(names, "bucket", lambda tenant: f"{tenant}" if salt[0] < 2 else f"{tenant}-{salt[0]}")


def by_events_only(patch: pytest.MonkeyPatch) -> None:
    """Edge-triggered: what no event told is never looked at."""
    add = WorkQueue.add

    def deaf(self: WorkQueue, key: str, priority: Priority, *, after: float = 0.0) -> None:
        if priority is not Priority.RESYNC:
            add(self, key, priority, after=after)

    patch.setattr(WorkQueue, "add", deaf)


def drop_without_retry(patch: pytest.MonkeyPatch) -> None:
    """A DROP that failed is logged and forgotten."""
    delete = Database.delete

    async def once(self: Database, tenant: TenantId) -> None:
        try:
            await delete(self, tenant)
        except Unavailable:
            return

    patch.setattr(Database, "delete", once)


def secrets_made_anew(patch: pytest.MonkeyPatch) -> None:
    """Passwords are generated before it is looked whether there are any."""
    observe = Credentials.observe

    async def blind(self: Credentials, tenant: Any) -> Any:
        seen = await observe(self, tenant)
        seen.secrets.clear()
        seen.secrets.update({"app": None, "migrator": None})
        return seen

    patch.setattr(Credentials, "observe", blind)


def finalizer_first(patch: pytest.MonkeyPatch) -> None:
    """The finalizer goes before the data."""
    delete = Reconciler._delete

    async def hasty(self: Reconciler, brokerage: Any) -> Outcome:
        tenant = await self._known_id(brokerage)
        if tenant is not None and brokerage["metadata"].get("finalizers"):
            # The logins, so that it is quiet; what is left can be done when it is gone.
            await self.deletion.revoke(tenant)
            await self._release(brokerage["metadata"])
            for part in self.deletion.steps(brokerage):
                with suppress(Waiting):
                    await self.deletion.graph.by_name[part].delete(tenant)
            await self.registry.bury(tenant)
            return Outcome()
        return await delete(self, brokerage)

    patch.setattr(Reconciler, "_delete", hasty)


def status_first(patch: pytest.MonkeyPatch) -> None:
    """The status says that the spec was carried out before it is, and then the spec is not looked at again."""
    look = Reconciler._look

    async def told(self: Reconciler, brokerage: Any, tenant: Any, *others: Any) -> Outcome:
        metadata, status = brokerage["metadata"], brokerage.get("status", {})
        if status.get("observedGeneration") == metadata["generation"] and status.get("phase") == "Ready":
            return Outcome()
        done = {"observedGeneration": metadata["generation"], "phase": "Ready", "tenantID": tenant.id.value}
        item = {"apiVersion": BROKERAGE.api_version, "kind": BROKERAGE.kind, "status": {**status, **done}}
        await self.kube.apply(
            {**item, "metadata": {"name": metadata["name"], "uid": metadata["uid"]}}, subresource="status"
        )
        return await look(self, brokerage, tenant, *others)

    patch.setattr(Reconciler, "_look", told)


def id_of_a_process(patch: pytest.MonkeyPatch) -> None:
    """The id is minted without asking the registry whether this Brokerage has one."""

    async def register(
        self: FakeRegistry, slug: str, uid: str, claim: TenantId | None, fit: Fit | None = None
    ) -> TenantId:
        self._postgres._write_call(f"register {slug}")
        tenant = names.mint(slug, random.randbytes(4)) if self.rows else names.mint(slug, b"\0\0\0\1")
        self.rows[tenant] = Row(tenant, uid)
        self._postgres.faults.done()
        return tenant

    patch.setattr(FakeRegistry, "register", register)


def logins_left_open(patch: pytest.MonkeyPatch) -> None:
    """A backend that did not close its login is not asked again."""

    async def careless(self: Deletion, tenant: TenantId) -> None:
        closing = (part.revoke(tenant) for part in self.graph.by_name.values())
        await asyncio.gather(*closing, return_exceptions=True)

    patch.setattr(Deletion, "revoke", careless)


def acl_not_saved(patch: pytest.MonkeyPatch) -> None:
    """Users of Redis are changed in its memory only."""
    patch.setattr(Redis, "_change", Redis._transaction)


def taken_by_the_label(patch: pytest.MonkeyPatch) -> None:
    """An operator acts on what its label selects, whoever is still at work on it."""

    async def enter(self: Shards, brokerage: Any) -> Any:
        if shards.wanted(brokerage) != self.own:
            raise shards.Elsewhere(None)
        return brokerage

    patch.setattr(Shards, "enter", enter)


BUGS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], Oracle, str]] = {
    "no fence": (no_fence, overtaken, "done without the Lease"),
    "names by chance": (names_by_chance, made, "differs after a death"),
    "by events only": (by_events_only, last_spec_wins, "the last spec was lost"),
    "drop without retry": (drop_without_retry, deleted_with_a_failure, "left after a fault"),
    "secrets made anew": (secrets_made_anew, secrets_stay, "other passwords"),
    "finalizer before the data": (finalizer_first, deleted_by_several, "left after a fault"),
    "status before the effect": (status_first, made, "differs after a death"),
    "id of a process": (id_of_a_process, made, "differs after a death"),
    "ACL SAVE missing": (acl_not_saved, redis_restarts, "a restart of Redis locks the brokerage out"),
    "taken by the label": (taken_by_the_label, moved, "two at a time"),
    "logins left open": (logins_left_open, retired, "still lets it in"),
}
"""What is planted, the oracle that it has to fail, and what that one says."""
ORACLES: dict[str, Oracle] = {
    "made": made,
    "deleted by several": deleted_by_several,
    "deleted with a failure": deleted_with_a_failure,
    "retired": retired,
    "overtaken": overtaken,
    "redis restarts": redis_restarts,
    "secrets stay": secrets_stay,
    "last spec wins": last_spec_wins,
    "moved": moved,
}
