"""Who may do what with own listings, and what an edit makes of their values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from rooftree.contracts.access.policy import grant
from rooftree.contracts.identity.api import User
from rooftree.kernel.auth import Delegation, Principal
from rooftree.kernel.errors import Forbidden, Unprocessable
from rooftree.modules.property import rights
from rooftree.modules.property.listing_edit import edited, empty_details, groups
from rooftree.modules.property.listing_status import CORRECTIONS
from rooftree.modules.property.rights import OWN_FEED

ME, OTHER, HERE, THERE = (UUID(int=number) for number in range(1, 5))
ROLES = ("broker_owner", "office_manager", "agent", "coordinator", "client")


def person(role: str, office: UUID | None = HERE) -> Principal:
    return Principal(ME, "acme-0a1b2c3d", role, "web", frozenset(), office_id=office)


def listing(
    *, agent: UUID | None = ME, office: UUID | None = HERE, status: str = "Active", feed: str = OWN_FEED
) -> Any:
    return SimpleNamespace(feed=feed, list_agent_id=agent, list_office_id=office, standard_status=status)


@pytest.mark.parametrize(
    ("role", "mine", "colleague", "elsewhere"),
    [
        ("broker_owner", True, True, True),
        ("office_manager", True, True, False),
        ("agent", True, False, False),
        ("coordinator", False, False, False),
        ("client", False, False, False),
        ("somebody", False, False, False),
    ],
)
def test_a_listing_is_edited_by_those_who_look_after_it(
    role: str, mine: bool, colleague: bool, elsewhere: bool
) -> None:
    who = person(role)
    assert rights.may_edit(who, listing()) is mine
    assert rights.may_edit(who, listing(agent=OTHER)) is colleague
    assert rights.may_edit(who, listing(agent=OTHER, office=THERE)) is elsewhere
    assert bool(grant(who, "listing", "create")) is (role in ("broker_owner", "office_manager", "agent"))


@pytest.mark.parametrize("role", ROLES)
def test_a_feeds_listing_is_edited_by_nobody(role: str) -> None:
    row = listing(feed="ames")
    assert not rights.may_edit(person(role), row)
    assert not rights.may_read_private(person(role), row)
    assert rights.status_moves(person(role), row) == ()


def test_without_an_office_a_manager_looks_after_the_own_listings_only() -> None:
    for office in (None, HERE):
        assert rights.may_edit(person("office_manager", None), listing(office=office))
        assert not rights.may_edit(person("office_manager", None), listing(agent=OTHER, office=office))


def test_a_closed_listing_is_corrected_by_those_who_answer_for_it() -> None:
    closed = listing(status="Closed")
    for role in ROLES:
        allowed = role in ("broker_owner", "office_manager")
        assert rights.may_edit(person(role), closed) is allowed
        assert rights.status_moves(person(role), closed) == (CORRECTIONS if allowed else ())
    assert rights.may_read_private(person("agent"), closed)


def test_private_words_are_for_editors_owners_and_managers() -> None:
    readers = {
        (role, agent, office)
        for role, agent, office in product(ROLES, (ME, OTHER), (HERE, THERE))
        if rights.may_read_private(person(role), listing(agent=agent, office=office))
    }
    everywhere = set(product(("broker_owner", "office_manager"), (ME, OTHER), (HERE, THERE)))
    assert readers == everywhere | {("agent", ME, HERE), ("agent", ME, THERE)}


def test_a_team_and_an_assistant_look_after_listings_of_others() -> None:
    """As far as closed: then those who answer for them do."""
    mate = replace(person("agent"), team_mates=frozenset({OTHER}))
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    helper, other = (
        replace(person("coordinator"), delegations=(Delegation(OTHER, frozenset({resource}), tomorrow),))
        for resource in ("listing", "person")
    )
    for who, expected in ((mate, True), (helper, True), (other, False)):
        assert rights.may_edit(who, listing(agent=OTHER)) is expected
        assert rights.may_read_private(who, listing(agent=OTHER)) is expected
        assert not rights.may_edit(who, listing(agent=OTHER, status="Closed"))
        assert not rights.may_edit(who, listing(agent=None))
        assert not rights.may_assign(who, listing(agent=OTHER))


def colleague(role: str = "agent", *, user_id: UUID = OTHER, office: UUID | None = HERE) -> User:
    return User(id=user_id, name="A", email="a@acme.test", role=role, office_id=office)


@pytest.mark.parametrize(
    ("role", "agent", "refusal"),
    [
        ("broker_owner", colleague(office=THERE), None),
        ("broker_owner", colleague("broker_owner"), None),
        ("broker_owner", colleague("coordinator"), Unprocessable),
        ("broker_owner", colleague("client"), Unprocessable),
        ("office_manager", colleague(), None),
        ("office_manager", colleague(office=THERE), Unprocessable),
        ("office_manager", colleague(office=None), Unprocessable),
        ("agent", colleague(), Forbidden),
        ("agent", colleague(user_id=ME), None),
    ],
)
def test_listings_are_given_to_those_who_list(role: str, agent: User, refusal: type[Exception] | None) -> None:
    if refusal is None:
        rights.require_agent(person(role), agent)
    else:
        with pytest.raises(refusal):
            rights.require_agent(person(role), agent)


def row(**values: Any) -> Any:
    base: dict[str, Any] = dict.fromkeys(
        ("city", "latitude", "longitude", "bedrooms_total", "private_remarks", "list_agent_id")
    )
    details = empty_details() | values.pop("details", {})
    base |= {"unparsed_address": "1 Elm St", "list_price": 100, "property_type": "Land", "internet_display": True}
    return SimpleNamespace(**(base | values), details=details)


def test_only_what_differs_is_an_edit() -> None:
    given = {"list_price": {"amount": 100, "currency": "USD"}, "city": None, "heating": [], "public_remarks": ""}
    assert edited(row(), given, currency="USD").fields == ()
    change = edited(row(), given | {"city": "Ames", "heating": ["Gas"]}, currency="USD")
    assert change.fields == ("city", "heating")
    assert change.columns == {"city": "Ames"}
    assert change.details == empty_details() | {"heating": ["Gas"]}


def test_null_takes_a_value_away() -> None:
    full = row(city="Ames", details={"heating": ["Gas"], "tax_annual_amount": 5})
    names = ("city", "heating", "tax_annual_amount", "list_price", "unparsed_address", "internet_display")
    change = edited(full, dict.fromkeys(names), currency="USD")
    assert set(change.fields) == set(names) - {"internet_display"}
    assert change.columns == {"city": None, "list_price": 0, "unparsed_address": ""}
    assert change.details == empty_details()


def test_a_roof_of_several_materials_is_read_as_it_is_shown() -> None:
    assert edited(row(), {"roof": "Shingle, Metal,"}, currency="USD").details["roof"] == ["Shingle", "Metal"]


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"list_price": {"amount": 1, "currency": "EUR"}}, "/list_price/currency"),
        ({"association_fee": {"amount": 1, "currency": "EUR"}}, "/association_fee/currency"),
        ({"latitude": 42.0}, "/longitude"),
        ({"longitude": -93.0}, "/latitude"),
    ],
)
def test_what_makes_no_sense_is_pointed_at(given: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        edited(row(), given, currency="USD")
    assert [error.pointer for error in refused.value.errors] == [pointer]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        (["list_price"], ("price",)),
        (["private_remarks", "heating"], ("details",)),
        (["photos"], ("photos",)),
        (["city", "standard_status", "bedrooms_total"], ("status", "address", "facts")),
        (["internet_display"], ("visibility",)),
    ],
)
def test_an_event_tells_groups_of_fields(fields: list[str], found: tuple[str, ...]) -> None:
    assert groups(fields) == found
