"""Who may do what: the brokerage's one policy, as data. Nothing else decides by a role.

A row is a resource and an action; its cells say for each role which records it reaches, `-` none. The ways to reach
one are in `kernel.record_scope` and, of one resource, in its module: `managed` (people of the own office below its
manager), `colleagues` (who works in the own office now, and owners), `pond` (nobody looks after them; they wait in the
own office), `nowhere` (nobody does, and they wait in no office), `displayed` and `placed` (what the internet may show,
and where it may say where that is).

Notes, like leads and tasks, are reached with their person; their rows say what is left of that.

`resource:group` is a mask: within which reach the fields of that group are shown, or may be changed (`FIELDS`).

A module asks `grant(principal, resource, action)`, and `kernel.record_scope` makes a condition of SQL or an answer for
one record of it. Who may not see a record gets 404, who may see it but not do it 403.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

from rooftree.contracts.identity.api import ROLES, Role
from rooftree.kernel.auth import Principal
from rooftree.kernel.record_scope import Grant

ANONYMOUS = "anonymous"
AUDIENCES: tuple[str, ...] = (*ROLES, ANONYMOUS)
_TABLE = """
                       broker_owner  office_manager         agent           coordinator     client     anonymous
sign_in.begin          own           own                    own             own             own        own
session.read           own           own                    own             own             own        -
session.delete         own           own                    own             own             own        -
stream.read            own           own                    own             own             own        -
job.read               company       own+office             own             own             own        -
job.cancel             company       own+office             own             own             own        -
schedule.read          company       company                -               -               -          -

user.read              company       own+office+colleagues  own+colleagues  own+colleagues  own        -
user.update            company       own+managed            own             own             own        -
user:account           company       managed                -               -               -          -
user.sign_out          company       own+managed            own             own             own        -
invitation.read        company       office                 -               -               -          -
invitation.create      company       office                 -               -               -          -
invitation.update      company       office                 -               -               -          -
invitation.delete      company       office                 -               -               -          -
office.read            company       company                company         company         -          -
office.create          company       -                      -               -               -          -
office.update          company       office                 -               -               -          -
office.delete          company       -                      -               -               -          -
team.read              company       company                company         company         -          -
team.create            company       office                 -               -               -          -
team.update            company       office                 -               -               -          -
team.delete            company       office                 -               -               -          -
delegation.read        company       own+office             own             own             -          -
delegation.create      company       own+managed            own             -               -          -
delegation.delete      company       own+managed            own             -               -          -

feed.read              company       company                -               -               -          -
feed.run               company       company                -               -               -          -
search_index.read      company       company                -               -               -          -
search_index.rebuild   company       -                      -               -               -          -

listing.read           company       company                company         company         displayed  displayed
listing:place          company       company                company         company         placed     placed
listing:private        company       company                own+team        delegated       -          -
listing.create         company       office                 own             -               -          -
listing.update         company       own+office             own+team        delegated       -          -
listing.approve        company       office                 -               -               -          -
listing.assign         company       office                 own             -               -          -
listing.hold           own           own                    own             -               -          -

person.read            company       own+office+nowhere     own+team+pond   delegated       -          -
person:work            company       own+office+nowhere     own+team        delegated       -          -
person.create          company       office                 own             -               -          -
person.update          company       own+office+nowhere     own+team        delegated       -          -
person.assign          company       own+office+nowhere     -               -               -          -
person.claim           company       own+office+nowhere     own+pond        -               -          -
person.hold            own           own                    own             -               -          -
import.read            company   own+office             own             -               -          -
import.create          company   office                 own             -               -          -
import.update          own       own                    own             -               -          -
export.read            own       own                    own             own             -          -
lead.inquire           own           own                    own             own             own        own
note.update            own           own                    own             own             -          -
note.delete            company       company                own             own             -          -
stage.read             company       company                company         company         -          -
stage.create           company       company                -               -               -          -
stage.update           company       company                -               -               -          -
stage.delete           company       -                      -               -               -          -
"""

# Which fields a mask covers, by the names that the API gives them; `work` is of entries of the timeline, by their kind,
# and of the audit, by their subject.
FIELDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "user:account": frozenset({"role", "office_id", "team_ids", "state"}),
        "listing:place": frozenset({"unparsed_address", "latitude", "longitude"}),
        "listing:private": frozenset({"private_remarks", "showing_instructions", "reason"}),
        "person:work": frozenset({"note", "task", "task_done", "activity", "stage_change"}),
    }
)

# What a role opens, for pages that show or hide what they offer.
Right = Literal[
    "users.manage",
    "offices.manage",
    "listings.create",
    "listings.edit_all",
    "feeds.manage",
    "leads.work",
    "people.create",
    "stages.manage",
    "stages.delete",
]
_RIGHTS: Mapping[Right, tuple[str, tuple[str, ...]]] = {
    "users.manage": ("user:account", ("managed", "company")),
    "offices.manage": ("office.create", ("company",)),
    "listings.create": ("listing.create", ("own", "office", "company")),
    "listings.edit_all": ("listing.update", ("company",)),
    "feeds.manage": ("feed.run", ("company",)),
    "leads.work": ("person.read", ("own", "delegated", "company")),
    "people.create": ("person.create", ("own", "office", "company")),
    "stages.manage": ("stage.update", ("company",)),
    "stages.delete": ("stage.delete", ("company",)),
}


def _read(table: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """Row by its name, then the ways by audience."""
    header, *lines = [line.split() for line in table.splitlines() if line.strip()]
    if tuple(header) != AUDIENCES:
        raise ValueError("the policy's columns are not the roles")
    return {
        name: {who: () if cell == "-" else tuple(cell.split("+")) for who, cell in zip(AUDIENCES, cells, strict=True)}
        for name, *cells in lines
    }


POLICY: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(_read(_TABLE))


def granted(role: str | None, resource: str, action: str) -> Grant:
    """What a role reaches; None: whoever did not sign in. Nothing for roles that are not known.

    Raises KeyError for a row that the policy does not have.
    """
    return Grant(resource, POLICY[f"{resource}.{action}"].get(role or ANONYMOUS, ()))


def grant(principal: Principal | None, resource: str, action: str) -> Grant:
    return granted(principal.role if principal else None, resource, action)


def masked(role: str | None, resource: str, group: str) -> Grant:
    """Of which records a role gets these `FIELDS`, or may change them."""
    return Grant(resource, POLICY[f"{resource}:{group}"].get(role or ANONYMOUS, ()))


def mask(principal: Principal | None, resource: str, group: str) -> Grant:
    return masked(principal.role if principal else None, resource, group)


def rights(role: str) -> tuple[Right, ...]:
    """What pages offer to this role."""
    names: tuple[Right, ...] = get_args(Right)
    return tuple(name for name in names if set(POLICY[_RIGHTS[name][0]].get(role, ())) & set(_RIGHTS[name][1]))


def holders(resource: str) -> frozenset[Role]:
    """Roles to whom records of this resource may belong."""
    return frozenset(role for role in ROLES if granted(role, resource, "hold"))
