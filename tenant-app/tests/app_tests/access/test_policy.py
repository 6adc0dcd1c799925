"""The policy as data: its rows are asked, its words are known, and every route names one."""

import json
from itertools import product
from typing import Any, get_args
from uuid import UUID

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from rooftree import assembly, event_schemas
from rooftree.contracts.access.policy import AUDIENCES, FIELDS, POLICY, grant, granted, holders, mask, rights
from rooftree.contracts.access.routes import Need, OpenNeed, needs, open_to_all
from rooftree.contracts.identity.api import ROLES, STAFF_ROLES
from rooftree.kernel.auth import Principal
from rooftree.kernel.ids import new_id
from rooftree.kernel.record_scope import GENERAL, Columns, Grant, Place, reaches, rows
from rooftree.modules.crm import rights as crm_rights
from rooftree.modules.crm.changes import Subject
from rooftree.modules.crm.timeline_repository import KINDS
from rooftree.modules.identity import permissions
from rooftree.modules.property import listing_edit
from rooftree.modules.property.schemas import PropertyDetail
from sqlalchemy import Uuid, column

ME, HERE = new_id(), new_id()
# Ways that one module explains.
OWN_WORDS = {
    "user": {"managed", "colleagues"},
    "delegation": {"managed"},
    "listing": {"displayed", "placed"},
    "person": {"pond", "nowhere"},
}


def operations() -> dict[str, list[Any]]:
    """What each route of the modules depends on by itself."""
    found: dict[str, list[Any]] = {}
    for module in assembly.find():
        for context in iter_route_contexts(module.router.routes):
            route = context.original_route
            assert isinstance(route, APIRoute)
            found[route.name] = [one.dependency for one in route.dependencies]
    return found


def test_every_route_names_what_it_needs() -> None:
    without = []
    for name, dependencies in operations().items():
        wanted = [one for one in dependencies if isinstance(one, Need | OpenNeed)]
        if len(wanted) != 1:
            without.append(name)
        for one in wanted:
            assert f"{one.resource}.{one.action}" in POLICY
    assert without == []
    assert len(operations()) > 70


def test_a_route_without_a_need_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    router = assembly.find()[0].router
    route = next(context.original_route for context in iter_route_contexts(router.routes))
    assert isinstance(route, APIRoute)
    monkeypatch.setattr(route, "dependencies", [])
    with pytest.raises(AssertionError):
        test_every_route_names_what_it_needs()


def test_every_row_is_asked_for() -> None:
    """By a route or by a module's rules; a row that nobody asks would promise something that nothing keeps."""
    needed = [one for found in operations().values() for one in found if isinstance(one, Need | OpenNeed)]
    asked = {f"{one.resource}.{one.action}" for one in needed}
    by_rules = {
        "listing.approve",
        "listing.assign",
        "listing.hold",
        "person.hold",
    }
    assert {name for name in POLICY if "." in name} == asked | by_rules
    assert {name for name in POLICY if ":" in name} == set(FIELDS)


def test_every_word_is_known_to_who_makes_rows_of_it() -> None:
    for name, cells in POLICY.items():
        assert set(cells) == set(AUDIENCES)
        resource = name.replace(":", ".").partition(".")[0]
        known = set(GENERAL) | OWN_WORDS.get(resource, set())
        for ways in cells.values():
            assert set(ways) <= known, name


def test_nobody_unknown_reaches_anything() -> None:
    somebody = Principal(ME, "acme-0a1b2c3d", "somebody", "web", frozenset(), office_id=HERE)
    for name in POLICY:
        resource, separator, action = name.replace(":", " : ").replace(".", " . ").split()
        asked = mask if separator == ":" else grant
        assert not asked(somebody, resource, action), name
    with pytest.raises(KeyError):
        granted("agent", "listing", "burn")
    with pytest.raises(KeyError):
        needs("listing", "burn")


def test_only_what_the_policy_opens_to_everybody_can_be_open() -> None:
    assert open_to_all("lead", "inquire")
    with pytest.raises(ValueError, match="not for everybody"):
        open_to_all("person", "read")


def test_clients_and_visitors_reach_no_more_than_what_is_shown_to_the_public() -> None:
    opened = {
        audience: {name for name, cells in POLICY.items() if cells[audience]} for audience in ("client", "anonymous")
    }
    public = {"sign_in.begin", "lead.inquire", "listing.read", "listing:place"}
    assert opened["anonymous"] == public
    own = {"session.read", "session.delete", "user.read", "user.update", "user.sign_out"}
    own |= {"stream.read", "job.read", "job.cancel"}
    assert opened["client"] == public | own
    assert all(POLICY[name]["client"] == ("own",) for name in own)


def test_whoever_may_change_a_record_may_read_it() -> None:
    """A mask within a reach that is not read would be dead, a change of what is not seen a hole."""
    wider = {"company": {"company"}, "displayed": {"company", "displayed"}}
    for name, cells in POLICY.items():
        resource, _, action = name.replace(":", ".").partition(".")
        if f"{resource}.read" not in POLICY or action in {"create", "hold"}:
            continue
        for role, ways in cells.items():
            read = set(POLICY[f"{resource}.read"][role])
            if "company" in read or resource in ("delegation",):
                continue
            known = read | ({"managed", "colleagues"} if "office" in read or resource == "user" else set())
            assert all(wider.get(way, {way}) & known for way in ways if way != "placed"), (name, role)


def test_masked_fields_are_fields_of_the_api() -> None:
    shown = set(PropertyDetail.model_fields)
    assert FIELDS["listing:place"] <= shown
    assert FIELDS["listing:private"] - {"reason"} <= shown
    assert FIELDS["listing:private"] - {"reason"} <= set(listing_edit.COLUMNS)
    assert FIELDS["person:work"] <= {*KINDS, *get_args(Subject)}


@pytest.mark.parametrize("kind", sorted(event_schemas.published()))
def test_no_event_tells_what_a_mask_hides(kind: str) -> None:
    """Consumers hear everything: events name records, and who may read one asks for it."""
    schema = json.dumps(event_schemas.schema(event_schemas.published()[kind]))
    told = set(json.loads(schema)["properties"])
    personal = {"name", "email", "phone", "emails", "phones", "message", "text", "note", "address"}
    # Events have reasons of their own: why a feed failed, why somebody was assigned.
    assert not told & (FIELDS["listing:place"] | FIELDS["listing:private"] - {"reason"} | personal)


def test_pages_offer_what_roles_reach() -> None:
    assert {role: rights(role) for role in ROLES} == {
        "broker_owner": (
            "users.manage",
            "offices.manage",
            "listings.create",
            "listings.edit_all",
            "feeds.manage",
            "leads.work",
            "people.create",
            "stages.manage",
            "stages.delete",
        ),
        "office_manager": (
            "users.manage",
            "listings.create",
            "feeds.manage",
            "leads.work",
            "people.create",
            "stages.manage",
        ),
        "agent": ("listings.create", "leads.work", "people.create"),
        "coordinator": ("leads.work",),
        "client": (),
    }
    assert holders("person") == holders("listing") == STAFF_ROLES - {"coordinator"}
    assert holders("person") == crm_rights.WORKING_ROLES
    assert not permissions.MADE_ROLES & {"broker_owner", "office_manager"}


@pytest.mark.parametrize(("way", "with_office"), list(product(GENERAL, (True, False))))
def test_nobody_in_particular_reaches_only_everything(way: str, with_office: bool) -> None:
    """Neither nobody's record nor somebody without an office or a sign-in is a match of nothing with nothing."""
    what, nowhere = Grant("person", (way,)), Place(None, None)
    placeless = Principal(ME, "acme-0a1b2c3d", "agent", "web", frozenset(), office_id=HERE if with_office else None)
    columns = Columns(column("owner", Uuid()), column("office", Uuid()))
    assert reaches(what, placeless, nowhere) is (way == "company")
    assert reaches(what, None, Place(ME, HERE)) is (way == "company")
    if way != "company":
        assert str(rows(what, None, columns)) == "false"
    if way in ("team", "delegated") or (way == "office" and not with_office):
        assert str(rows(what, placeless, columns)) == "false"


def test_a_word_that_nobody_explains_is_an_error() -> None:
    somebody = Principal(ME, "acme-0a1b2c3d", "agent", "web", frozenset())
    with pytest.raises(KeyError):
        reaches(Grant("person", ("moon",)), somebody, Place(UUID(int=1), None))
    with pytest.raises(KeyError):
        rows(Grant("person", ("moon",)), somebody, Columns(column("owner")))
