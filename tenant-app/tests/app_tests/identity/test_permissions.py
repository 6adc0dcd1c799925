"""Every role, action and target: what each cell of the table says, and nothing else, is allowed."""

from typing import Any
from uuid import UUID

import pytest
from rooftree.contracts.access.policy import rights
from rooftree.contracts.identity.api import (
    AGENT_ROLE,
    CLIENT_ROLE,
    COORDINATOR_ROLE,
    MANAGER_ROLE,
    OWNER_ROLE,
    STAFF_ROLES,
)
from rooftree.kernel.ids import new_id
from rooftree.modules.identity import permissions
from rooftree.modules.identity.permissions import Person

HERE, THERE = new_id(), new_id()


def person(role: str, office_id: UUID | None, *, is_active: bool = True) -> Person:
    return Person(new_id(), role, office_id, is_active)


ACTORS = {
    "owner": person(OWNER_ROLE, None),
    "manager": person(MANAGER_ROLE, HERE),
    "agent": person(AGENT_ROLE, HERE),
    "coordinator": person(COORDINATOR_ROLE, HERE),
    "client": person(CLIENT_ROLE, None),
    "placeless": person(MANAGER_ROLE, None),
}
TARGETS = {
    "owner": person(OWNER_ROLE, HERE),
    "manager": person(MANAGER_ROLE, HERE),
    "manager'": person(MANAGER_ROLE, THERE),
    "agent": person(AGENT_ROLE, HERE),
    "agent'": person(AGENT_ROLE, THERE),
    "agent-": person(AGENT_ROLE, None),
    "coord": person(COORDINATOR_ROLE, HERE),
    "client": person(CLIENT_ROLE, HERE),
    "client-": person(CLIENT_ROLE, None),
    "gone": person(AGENT_ROLE, HERE, is_active=False),
    "gone'": person(AGENT_ROLE, THERE, is_active=False),
}
# One letter an action; `'` is of the other office, `-` of none.
CHANGES: dict[str, dict[str, Any]] = {
    "n": {"name": "N"},
    "a": {"role": AGENT_ROLE},
    "c": {"role": COORDINATOR_ROLE},
    "v": {"role": CLIENT_ROLE},
    "m": {"role": MANAGER_ROLE},
    "w": {"role": OWNER_ROLE},
    "h": {"office_id": HERE},
    "t": {"office_id": THERE},
    "0": {"office_id": None},
    "g": {"team_ids": []},
    "d": {"state": "deactivated"},
}
ALL = "s" + "".join(CHANGES) + "k"  # s: sees the person; k: ends their sessions
MINE = "snachgdk"  # what a manager does with people of the own office
TABLE = f"""
             self   owner  manager  manager'  agent   agent'  agent-  coord   client  client-  gone    gone'
owner        {ALL}  {ALL}  {ALL}    {ALL}     {ALL}   {ALL}   {ALL}   {ALL}   {ALL}   {ALL}    {ALL}   {ALL}
manager      snk    s      s        .         {MINE}  .       .       {MINE}  {MINE}  .        {MINE}  .
agent        snk    s      s        .         s       .       .       s       .       .        .       .
coordinator  snk    s      s        .         s       .       .       s       .       .        .       .
client       snk    .      .        .         .       .       .       .       .       .        .       .
placeless    snk    s      .        .         .       .       .       .       .       .        .       .
"""
COLUMNS, *LINES = [line.split() for line in TABLE.strip("\n").split("\n")]
CELLS = [(actor, target, expected) for actor, *cells in LINES for target, expected in zip(COLUMNS, cells, strict=True)]


@pytest.mark.parametrize(("actor", "target", "expected"), CELLS)
def test_people(actor: str, target: str, expected: str) -> None:
    who = ACTORS[actor]
    whom = who if target == "self" else TARGETS[target]
    allowed = {letter for letter, changes in CHANGES.items() if permissions.refusal(who, whom, changes) is None}
    allowed |= {"k"} if permissions.may_sign_out(who, whom) else set()
    if not permissions.may_see(who, whom):
        assert not allowed
    else:
        allowed |= {"s"}
    assert allowed == set(expected) - {"."}


def test_the_table_is_whole() -> None:
    assert len(CELLS) == len(ACTORS) * (len(TARGETS) + 1)
    assert set(COLUMNS) == {"self", *TARGETS}


def test_one_forbidden_member_forbids_the_change() -> None:
    assert permissions.refusal(ACTORS["agent"], ACTORS["agent"], {"name": "N", "role": OWNER_ROLE})
    assert permissions.refusal(ACTORS["manager"], TARGETS["agent"], {"name": "N", "office_id": THERE})


INVITES = """
             owner  manager  agent  coordinator  client
owner        hto    hto      hto    hto          hto
manager      .      .        h      h            .
agent        .      .        .      .            .
coordinator  .      .        .      .            .
client       .      .        .      .            .
placeless    .      .        .      .            .
"""
INVITED, *INVITE_LINES = [line.split() for line in INVITES.strip("\n").split("\n")]


@pytest.mark.parametrize("line", INVITE_LINES, ids=lambda line: line[0])
def test_invitations(line: list[str]) -> None:
    """h: into the office of managers and agents, t: into the other one, o: into none."""
    roles = {"owner": OWNER_ROLE, "manager": MANAGER_ROLE, "agent": AGENT_ROLE}
    roles |= {"coordinator": COORDINATOR_ROLE, "client": CLIENT_ROLE}
    who = ACTORS[line[0]]
    for role, expected in zip(INVITED, line[1:], strict=True):
        offices = {"h": HERE, "t": THERE, "o": None}
        allowed = {letter for letter, office in offices.items() if permissions.may_invite(who, roles[role], office)}
        assert allowed == set(expected) - {"."}, role


def test_nobody_invites_after_leaving() -> None:
    assert not permissions.may_invite(person(OWNER_ROLE, None, is_active=False), AGENT_ROLE, HERE)


@pytest.mark.parametrize(
    ("actor", "here", "there", "offices"),
    [
        ("owner", True, True, True),
        ("manager", True, False, True),
        ("agent", False, False, True),
        ("coordinator", False, False, True),
        ("client", False, False, False),
        ("placeless", False, False, True),
    ],
)
def test_teams_and_invitations_of_an_office(actor: str, here: bool, there: bool, offices: bool) -> None:
    who = ACTORS[actor]
    for rule in (permissions.may_edit_team, permissions.may_see_invitation):
        assert (rule(who, HERE), rule(who, THERE)) == (here, there)
    assert permissions.may_see_offices(who) == offices
    assert permissions.may_see_invitation(who, None) == permissions.is_owner(who)


def test_what_pages_offer_is_what_the_roles_open() -> None:
    everything = set(rights(OWNER_ROLE))
    assert {role: everything - set(rights(role)) for role in (*STAFF_ROLES, CLIENT_ROLE)} == {
        OWNER_ROLE: set(),
        MANAGER_ROLE: {"offices.manage", "listings.edit_all", "stages.delete"},
        AGENT_ROLE: everything - {"listings.create", "leads.work", "people.create"},
        COORDINATOR_ROLE: everything - {"leads.work"},
        CLIENT_ROLE: everything,
    }
