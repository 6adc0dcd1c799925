"""Spares in the registry of a real PostgreSQL: taken once, by whom it fits, and by nobody who comes too late."""

import asyncio
from dataclasses import replace

import pytest
from rooftree_operator.adapters.postgres import Postgres
from rooftree_operator.errors import Blocked, Unavailable
from rooftree_operator.names import TenantId
from rooftree_operator.registry import Entry, PostgresRegistry
from rooftree_operator.spares import PostgresSpares, Spare, SpareState, take
from rooftree_operator.tenant import Fit

from .test_postgres import LATER, place, postgres

__all__ = ["place", "postgres"]  # fixtures

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

FIT = Fit("starter", "1.0.0")


@pytest.fixture
async def registry(postgres: Postgres) -> PostgresRegistry:
    made = PostgresRegistry(postgres, "rooftree-system")
    await made.prepare()
    await made.prepare()
    return made


@pytest.fixture
def spares(registry: PostgresRegistry, postgres: Postgres) -> PostgresSpares:
    return PostgresSpares(postgres)


async def ready(spares: PostgresSpares, fit: Fit = FIT) -> Spare:
    spare = await spares.add(fit)
    assert await spares.move(spare, SpareState.READY, "made of this")
    return replace(spare, state=SpareState.READY, digest="made of this")


async def test_a_spare_is_found_as_it_was_left(spares: PostgresSpares) -> None:
    assert await spares.found() == []
    first, second = await ready(spares), await spares.add(Fit("large", "1.1.0"))
    assert await spares.found() == [first, second]
    assert (first.id.value[:5], first.id.slug) == ("pool-", "")
    assert await spares.move(second, SpareState.GONE)
    assert await spares.found() == [first]


async def test_a_new_brokerage_takes_the_oldest_spare_that_fits_and_is_its_owner_from_then_on(
    registry: PostgresRegistry, spares: PostgresSpares
) -> None:
    await spares.add(FIT)
    first, second = await ready(spares), await ready(spares)
    got = await registry.register("acme", "uid-1", None, FIT)
    assert (got, got.slug) == (first.id, "acme")
    assert await registry.register("acme", "uid-1", None, FIT) == got
    assert await registry.find("uid-1") == Entry(got, "live")
    assert await registry.register("birch", "uid-2", None, FIT) == second.id
    assert (await registry.register("cedar", "uid-3", None, FIT)).value.startswith("cedar-")


@pytest.mark.parametrize("fit", [Fit("large", "1.0.0"), Fit("starter", "1.1.0"), None])
async def test_a_spare_that_does_not_fit_is_not_taken(
    registry: PostgresRegistry, spares: PostgresSpares, fit: Fit | None
) -> None:
    spare = await ready(spares)
    assert (await registry.register("acme", "uid-1", None, fit)).value.startswith("acme-")
    assert await spares.found() == [spare]


async def test_brokerages_that_come_together_get_a_spare_each(
    registry: PostgresRegistry, spares: PostgresSpares
) -> None:
    there = {(await ready(spares)).id for _ in range(4)}
    comers = (registry.register(f"acme-{number}", f"uid-{number}", None, FIT) for number in range(6))
    got = await asyncio.gather(*comers)
    assert len(set(got)) == 6
    assert {one for one in got if one.value.startswith("pool-")} == there


async def test_whoever_comes_while_another_takes_a_spare_gets_the_next_one_and_need_not_wait(
    registry: PostgresRegistry, spares: PostgresSpares, postgres: Postgres
) -> None:
    first, second = await ready(spares), await ready(spares)
    async with postgres.connect() as connection, connection.transaction():
        assert await take(connection, FIT, "acme", "uid-1", "{}") == first.id
        async with asyncio.timeout(5):
            assert await registry.register("birch", "uid-2", None, FIT) == second.id
    assert await registry.find("uid-1") == Entry(first.id, "live")


async def test_a_slug_that_is_in_use_takes_no_spare(registry: PostgresRegistry, spares: PostgresSpares) -> None:
    await registry.register("acme", "uid-1", None)
    spare = await ready(spares)
    with pytest.raises(Blocked, match="belongs to another tenant"):
        await registry.register("acme", "uid-2", None, FIT)
    assert await spares.found() == [spare]


async def test_of_a_brokerage_and_the_pool_only_the_first_has_the_spare(
    registry: PostgresRegistry, spares: PostgresSpares
) -> None:
    spare = await ready(spares)
    assert await spares.move(spare, SpareState.GOING)
    assert not await spares.move(spare, SpareState.MAKING)
    assert (await registry.register("acme", "uid-1", None, FIT)).value.startswith("acme-")
    other = await ready(spares)
    assert await registry.register("birch", "uid-2", None, FIT) == other.id
    assert not await spares.move(other, SpareState.GOING)
    assert not await spares.move(other, SpareState.MAKING)


async def test_a_place_counts_as_filled_for_a_while_after_its_spare_was_taken(
    registry: PostgresRegistry, spares: PostgresSpares, postgres: Postgres
) -> None:
    spare = await ready(spares)
    await registry.register("acme", "uid-1", None, FIT)
    assert await spares.found() == [replace(spare, state=SpareState.TAKEN)]
    async with postgres.connect() as connection:
        await connection.execute("UPDATE registry.spare SET changed_at = changed_at - interval '10 seconds'")
    assert await spares.found() == []


async def test_a_tenant_from_the_pool_is_kept_claimed_and_purged_by_the_name_of_its_brokerage(
    registry: PostgresRegistry, spares: PostgresSpares
) -> None:
    spare = (await ready(spares)).id
    await registry.register("acme", "uid-1", None, FIT)
    await registry.keep(spare, LATER)
    (row,) = await registry.kept()
    assert (row.id, row.id.slug) == (spare, "acme")
    with pytest.raises(Blocked, match=f"kept tenant {spare}"):
        await registry.register("acme", "uid-2", None, FIT)
    with pytest.raises(Blocked, match="is not a kept tenant of 'birch'"):
        await registry.register("birch", "uid-2", spare, FIT)
    assert await registry.register("acme", "uid-2", spare, FIT) == spare


async def test_an_id_is_never_made_twice(registry: PostgresRegistry, postgres: Postgres) -> None:
    always = PostgresSpares(postgres, lambda _: bytes(4))
    spare = await always.add(FIT)
    assert spare.id == TenantId("pool-00000000")
    await always.move(spare, SpareState.GONE)
    with pytest.raises(Unavailable, match="pool-00000000 was made before"):
        await always.add(FIT)


async def test_a_registry_of_an_older_operator_says_that_it_is_still_being_made(
    registry: PostgresRegistry, spares: PostgresSpares, postgres: Postgres
) -> None:
    async with postgres.connect() as connection:
        await connection.execute("DROP TABLE registry.spare")
    with pytest.raises(Unavailable, match="still being made"):
        await spares.found()
    with pytest.raises(Unavailable, match="still being made"):
        await registry.register("acme", "uid-1", None, FIT)
    await registry.prepare()
    assert (await registry.register("acme", "uid-1", None, FIT)).value.startswith("acme-")
