"""External names: never two tenants with one name, never a name that a system cuts off."""

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rooftree_operator import names
from rooftree_operator.api.brokerage import RESERVED_SLUGS
from rooftree_operator.names import TenantId

SLUGS = st.from_regex(names._SLUG, fullmatch=True).filter(names.is_slug)
IDS = st.builds(names.mint, SLUGS, st.binary(min_size=4, max_size=4)) | st.builds(
    names.mint_spare, st.binary(min_size=4, max_size=4)
)
LOGINS = tuple(
    functools.partial(build, slot=slot) for slot in names.Slot for build in (names.user, names.migrator_role)
)
BUILDERS = (names.namespace, names.database, names.owner_role, *LOGINS)


@given(IDS)
def test_no_name_is_longer_than_postgres_and_kubernetes_take(tenant: TenantId) -> None:
    assert all(len(build(tenant)) <= 63 for build in BUILDERS)
    assert all(len(value) <= 63 for value in names.labels(tenant).values())


@given(IDS, IDS)
def test_two_tenants_share_no_name(one: TenantId, other: TenantId) -> None:
    if one != other:
        assert not {build(one) for build in BUILDERS} & {build(other) for build in BUILDERS}


@given(IDS)
def test_no_two_names_of_one_tenant_are_the_same(tenant: TenantId) -> None:
    roles = (names.owner_role, *LOGINS)
    assert len({build(tenant) for build in roles}) == len(roles)


@given(IDS, IDS)
def test_no_role_of_a_tenant_begins_like_the_roles_of_another(one: TenantId, other: TenantId) -> None:
    if one != other:
        assert not names.app_role(other).startswith(f"{one}.")


def lookalike(one: TenantId) -> TenantId:
    """A tenant whose id begins with all of the other one's, if that leaves a good slug."""
    return names.mint(f"{one}-b", bytes(4)) if names.is_slug(f"{one}-b") else TenantId("other-00000000")


@given(IDS, st.data())
def test_no_name_in_a_backend_begins_with_the_prefix_of_another_tenant(one: TenantId, data: st.DataObject) -> None:
    other = data.draw(st.one_of(IDS, st.just(lookalike(one))))
    name = "events"
    builders = (names.topic, names.group, names.index_alias, names.key)
    assert all(build(one, name).startswith(names.prefix(one)) for build in builders)
    if one != other:
        assert not any(build(one, name).startswith(names.prefix(other)) for build in builders)
        assert not any(build(other, name).startswith(names.prefix(one)) for build in builders)


@given(SLUGS, st.binary(min_size=4, max_size=4))
def test_an_id_gives_its_slug_back(slug: str, entropy: bytes) -> None:
    assert names.mint(slug, entropy).slug == slug


@given(SLUGS, st.binary(min_size=4, max_size=4))
def test_an_id_from_the_pool_gives_the_slug_that_was_said_and_none_before(slug: str, entropy: bytes) -> None:
    spare = names.mint_spare(entropy)
    assert (spare.slug, spare.of(slug).slug) == ("", slug)
    assert spare == spare.of(slug)
    assert hash(spare) == hash(spare.of(slug))
    assert names.LABEL_BROKERAGE not in names.labels(spare)
    assert names.labels(spare.of(slug))[names.LABEL_BROKERAGE] == slug


@pytest.mark.parametrize(
    "slug",
    [
        "",
        "a",
        "ab",
        "1st",
        "Acme",
        "acme-",
        "-acme",
        "ac--me",
        "acme.west",
        "xn--acme",
        "a" * 31,
        "acme\n",
        *RESERVED_SLUGS,
    ],
)
def test_a_name_that_breaks_a_rule_is_no_slug(slug: str) -> None:
    assert not names.is_slug(slug)


@pytest.mark.parametrize(
    "text", ["acme", "acme-0123456", "acme-0123456G", "ac--me-01234567", '"; DROP-01234567', "acme-01234567\n"]
)
def test_nothing_else_becomes_a_tenant_id(text: str) -> None:
    with pytest.raises(ValueError, match="not a tenant id"):
        TenantId(text)
