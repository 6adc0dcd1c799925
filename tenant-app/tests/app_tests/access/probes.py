"""How each operation is tried, on which records, and what its letters mean. A new operation without one is a failure.

Changes are made so that they come to nothing after the permission was found: with a version that is too old, with a
value that the use case refuses. Where that cannot be, `after` puts things back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from rooftree.kernel.ids import new_id

from . import truth
from .world import PLACES, World

STALE = {"If-Match": '"999"'}
_LIVING = {"y": "ok", "f": "403", ".": "404"}
Letters = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    params: Mapping[str, Any] | None = None
    content: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Probe:
    """`request` makes one for a column; `says`: what a letter means: `ok`, a status, a member that a 422 points at, or
    with `?` before it one of whom nothing is told: the same words for all of a caller's columns that say so.

    `ok`: statuses of whoever is let through; with 422, what it then points at. `lists`: what the answer must hold, by
    `lists.wanted`.
    """

    operation: str
    request: Callable[[World, str], Request]
    letters: Letters
    says: Mapping[str, str] = field(default_factory=lambda: _LIVING)
    ok: frozenset[int] = frozenset({200})
    after: Callable[[World], None] | None = None
    lists: str | None = None
    points: str | None = None

    def columns(self) -> list[str]:
        return sorted({column for _, column in self.letters})


def _only(letters: Letters, keep: Callable[[str], bool]) -> Letters:
    return {(caller, column): letter for (caller, column), letter in letters.items() if keep(column)}


def _roles(column: str) -> Letters:
    return {key: letter for key, letter in truth.read(truth.ROLES).items() if key[1] == column}


def _asked(role: str, columns: list[str]) -> Letters:
    """Of an operation that answers everybody of these roles, whatever it is asked about."""
    return {(caller, column): letter for (caller, _), letter in _roles(role).items() for column in columns}


def _on(kind: str, path: str, **more: Any) -> Callable[[World, str], Request]:
    """A request of one record: `{id}` of the path is its id."""
    return lambda world, column: Request(path.replace("{id}", world.ids[kind, column]), **more)


def _at(path: str, **more: Any) -> Callable[[World, str], Request]:
    return lambda _world, _column: Request(path, **more)


PEOPLE, CLAIMS, TASKS = truth.read(truth.PEOPLE), truth.read(truth.CLAIMS), truth.read(truth.TASKS)
LISTINGS, USERS, NOTES = truth.listings(), truth.read(truth.USERS), truth.read(truth.NOTES)
_READ_PERSON = {"w": "ok", "c": "ok", ".": "404"}
_CHANGE_PERSON = {"w": "ok", "c": "403", ".": "404"}
_CLAIM = {"y": "ok", "t": "409", "f": "403", ".": "404"}
_READ_LISTING = dict.fromkeys("WPrm", "ok") | {".": "404"}
_EDIT_LISTING = {"W": "ok", **dict.fromkeys("Prm", "403"), ".": "404"}
_REACHED = frozenset({412})
_CREATED = frozenset({201})
_REFUSED = frozenset({422})
_GIVEN = {"y": "ok", "f": "403", "r": "/assigned_to", "u": "?/assigned_to", ".": "404"}
_LISTED = {"y": "ok", "f": "403", "r": "/list_agent_id", "u": "?/list_agent_id"}
_OWN = _only(LISTINGS, lambda column: not column.endswith("/feed"))
_FEED = _only(LISTINGS, lambda column: column.endswith("/feed"))


def _restore_sessions(world: World) -> None:
    world.sql("INSERT INTO gateway.sessions SELECT * FROM kept.sessions ON CONFLICT DO NOTHING")
    world.sql(
        "UPDATE identity.families SET revoked_at = NULL, revoked_because = NULL WHERE user_id <> ALL(%s::uuid[])",
        [world.users["departed"], world.users["gone"]],
    )


def _restore_delegations(world: World) -> None:
    known = world.known("delegation")
    world.sql("DELETE FROM identity.delegations WHERE id <> ALL(%s::uuid[])", known)
    revoked = world.ids["delegation", "agent/idle'"]
    world.sql("UPDATE identity.delegations SET revoked_at = NULL, revoked_by = NULL WHERE id <> %s", revoked)


def _restore_invitations(world: World) -> None:
    world.sql("UPDATE identity.invitations SET revoked_at = NULL")


def _restore_jobs(world: World) -> None:
    world.sql("UPDATE jobs.runs SET state = 'waiting', cancel_requested_at = NULL, finished_at = NULL")


def _restore_photos(world: World) -> None:
    world.sql("UPDATE property.photos SET removed_at = NULL")


def _forget_stages(world: World) -> None:
    world.sql("DELETE FROM crm.stages WHERE id <> ALL(SELECT stage_id FROM crm.people) AND name LIKE 'Matrix%%'")


def _put_back(world: World) -> None:
    world.put_back()


def _future() -> str:
    return (datetime.now(UTC) + timedelta(days=3)).isoformat()


CRM = [
    Probe(operation="list_people", request=_at("/api/v1/people?limit=100"), letters=_roles("staff"), lists="person"),
    Probe(
        operation="get_people_board",
        request=_at("/api/v1/people/board?limit=50"),
        letters=_roles("staff"),
        lists="board",
    ),
    Probe(
        operation="list_person_duplicates",
        request=lambda _, column: Request(
            f"/api/v1/people/duplicates?email=canaryperson{list(PLACES).index(column)}@client.test"
        ),
        letters=_asked("staff", list(PLACES)),
        lists="duplicate",
    ),
    Probe(
        operation="create_person",
        request=_at("/api/v1/people", json={"name": "Matrix", "phones": ["none"]}),
        letters=_roles("sell"),
        ok=_REFUSED,
        points="/phones/0",
    ),
    Probe(operation="get_person", request=_on("person", "/api/v1/people/{id}"), letters=PEOPLE, says=_READ_PERSON),
    Probe(
        operation="edit_person",
        request=_on("person", "/api/v1/people/{id}", json={"name": "Matrix"}, headers=STALE),
        letters=PEOPLE,
        says=_CHANGE_PERSON,
        ok=_REACHED,
    ),
    Probe(
        operation="change_person_stage",
        request=lambda world, column: Request(
            f"/api/v1/people/{world.ids['person', column]}/stage-changes",
            json={"stage_id": world.stages[0]},
            headers=STALE,
        ),
        letters=PEOPLE,
        says=_CHANGE_PERSON,
        ok=_REACHED,
    ),
    Probe(
        operation="assign_person",
        request=_on("person", "/api/v1/people/{id}/assignments", json={"assigned_to": None}, headers=STALE),
        letters=truth.read(truth.ASSIGNMENTS),
        ok=_REACHED,
    ),
    Probe(
        operation="assign_person",
        request=lambda world, column: Request(
            f"/api/v1/people/{world.ids['person', 'agent']}/assignments",
            json={"assigned_to": world.users[column]},
            headers=STALE,
        ),
        letters=truth.read(truth.ASSIGNEES),
        says=_GIVEN,
        ok=_REACHED,
    ),
    Probe(
        operation="claim_person",
        request=_on("person", "/api/v1/people/{id}/claim"),
        letters=CLAIMS,
        says=_CLAIM,
        after=_put_back,
    ),
    Probe(
        operation="list_person_history",
        request=_on("person", "/api/v1/people/{id}/history?limit=100"),
        letters=PEOPLE,
        says=_READ_PERSON,
    ),
    Probe(
        operation="list_person_timeline",
        request=_on("person", "/api/v1/people/{id}/timeline?limit=100"),
        letters=PEOPLE,
        says=_READ_PERSON,
    ),
    Probe(
        operation="create_note",
        request=_on("person", "/api/v1/people/{id}/notes", json={"text": "Matrix"}),
        letters=PEOPLE,
        says=_CHANGE_PERSON,
        ok=_CREATED,
        after=_put_back,
    ),
    Probe(
        operation="create_activity",
        request=_on("person", "/api/v1/people/{id}/activities", json={"kind": "meeting"}),
        letters=PEOPLE,
        says=_CHANGE_PERSON,
        ok=_CREATED,
        after=_put_back,
    ),
    Probe(
        operation="create_task",
        request=_on("person", "/api/v1/people/{id}/tasks", json={"title": "Matrix"}),
        letters=PEOPLE,
        says=_CHANGE_PERSON,
        ok=_CREATED,
        after=_put_back,
    ),
    Probe(
        operation="create_task",
        request=lambda world, column: Request(
            f"/api/v1/people/{world.ids['person', 'agent']}/tasks",
            json={"title": "Matrix", "assigned_to": world.users[column]},
        ),
        letters=truth.read(truth.TASKS_FOR),
        says=_GIVEN,
        ok=_CREATED,
        after=_put_back,
    ),
    Probe(
        operation="list_tasks",
        request=_at("/api/v1/tasks?owner=all&limit=100"),
        letters=_roles("staff"),
        lists="task",
    ),
    Probe(
        operation="edit_task",
        request=_on("task", "/api/v1/tasks/{id}", json={"title": "Matrix"}, headers=STALE),
        letters=TASKS,
        ok=_REACHED,
    ),
    Probe(
        operation="edit_task",
        request=lambda world, column: Request(
            f"/api/v1/tasks/{world.ids['task', 'agent']}",
            json={"assigned_to": world.users[column]},
            headers={"If-Match": '"1"'},
        ),
        letters=truth.read(truth.TASKS_FOR),
        says=_GIVEN,
        after=_put_back,
    ),
    Probe(
        operation="edit_note",
        request=_on("note", "/api/v1/notes/{id}", json={"text": "Matrix"}, headers=STALE),
        letters=NOTES,
        says={"u": "ok", "d": "403", "f": "403", ".": "404"},
        ok=_REACHED,
    ),
    Probe(
        operation="delete_note",
        request=_on("note", "/api/v1/notes/{id}", headers=STALE),
        letters=NOTES,
        says={"u": "ok", "d": "ok", "f": "403", ".": "404"},
        ok=_REACHED,
    ),
    Probe(operation="list_leads", request=_at("/api/v1/leads?limit=100"), letters=_roles("staff"), lists="lead"),
    Probe(
        operation="create_lead",
        request=_at("/api/v1/leads", json={"name": "Matrix", "phone": "none"}),
        letters=_roles("sell"),
        ok=_REFUSED,
        points="/phone",
    ),
    Probe(
        operation="create_lead",
        request=lambda world, column: Request(
            "/api/v1/leads", json={"person_id": world.ids["person", column], "message": "Matrix"}
        ),
        letters=truth.read(truth.LEADS_OF),
        ok=_CREATED,
        after=_put_back,
    ),
    Probe(operation="get_lead", request=_on("lead", "/api/v1/leads/{id}"), letters=PEOPLE, says=_READ_PERSON),
    Probe(
        operation="claim_lead",
        request=_on("lead", "/api/v1/leads/{id}/claim"),
        letters=CLAIMS,
        says=_CLAIM,
        after=_put_back,
    ),
    Probe(operation="list_stages", request=_at("/api/v1/stages"), letters=_roles("staff"), lists="stage"),
    Probe(
        operation="create_stage",
        request=lambda _world, _column: Request("/api/v1/stages", json={"name": f"Matrix {new_id()}"}),
        letters=_roles("answer"),
        ok=_CREATED,
        after=_forget_stages,
    ),
    Probe(
        operation="order_stages",
        request=_at("/api/v1/stages/order", json={"stage_ids": []}, headers=STALE),
        letters=_roles("answer"),
        ok=_REACHED,
    ),
    Probe(
        operation="rename_stage",
        request=_on("stage", "/api/v1/stages/{id}", json={"name": "Matrix"}, headers=STALE),
        letters=truth.read(truth.STAGES),
        says={"c": "ok", "u": "ok", **_LIVING},
        ok=_REACHED,
    ),
    Probe(
        operation="delete_stage",
        request=_on("stage", "/api/v1/stages/{id}", headers=STALE),
        letters=truth.read(truth.STAGES),
        says={"c": "ok", "u": "403", **_LIVING},
        ok=_REACHED,
    ),
]

_IMPORTS = truth.read(truth.IMPORTS)
_READ_IMPORT, _CHANGE_IMPORT = {"u": "ok", "r": "ok", ".": "404"}, {"u": "ok", "r": "403", ".": "404"}


def _bulk(path: str, many: str, module: str) -> list[Probe]:
    """Imports and exports of these records; whose they are has nothing to do with what is in them."""
    files, one, imports, exports = f"/api/v1/{path}-imports", f"{path}_import", f"{module}.import", f"{module}.export"
    return [
        Probe(
            operation=f"import_{many}",
            request=_at(f"{files}?file_name=a.csv", content=b"Name", headers={"Content-Type": "text/plain"}),
            letters=_roles("sell"),
            ok=frozenset({415}),
        ),
        Probe(
            operation=f"list_{one}s",
            request=_at(f"{files}?limit=100"),
            letters=_roles("sell"),
            lists=imports,
        ),
        *(
            Probe(operation=name, request=_on(imports, f"{files}/{{id}}{end}"), letters=_IMPORTS, says=_READ_IMPORT)
            for name, end in (
                (f"get_{one}", ""),
                (f"list_{one}_errors", "/errors?limit=100"),
                (f"download_{one}_errors", "/errors.csv"),
            )
        ),
        Probe(
            operation=f"map_{one}",
            request=_on(imports, f"{files}/{{id}}", json={"mapping": {}}, headers=STALE),
            letters=_IMPORTS,
            says=_CHANGE_IMPORT,
            ok=_REACHED,
        ),
        *(
            Probe(
                operation=name,
                request=_on(imports, f"{files}/{{id}}/{step}", headers=STALE),
                letters=_IMPORTS,
                says=_CHANGE_IMPORT,
                ok=_REACHED,
            )
            for name, step in ((f"apply_{one}", "application"), (f"undo_{one}", "undo"))
        ),
        Probe(
            operation=f"export_{many}",
            request=_at(f"/api/v1/{path}-exports?format=none"),
            letters=_roles("staff"),
            ok=_REFUSED,
            points="?format",
        ),
        # Their storage is away: who is let through to it learns that.
        Probe(
            operation=f"get_{path}_export",
            request=_on(exports, f"/api/v1/{path}-exports/{{id}}"),
            letters=truth.read(truth.EXPORTS),
            ok=frozenset({503}),
        ),
    ]


BULK = [*_bulk("people", "people", "crm"), *_bulk("property", "properties", "property")]

# Money that nobody here has: refused when everything else was found good.
_PRICED = {"list_price": {"amount": 1, "currency": "XXX"}}


def _agent(world: World, column: str) -> dict[str, Any]:
    return {"list_agent_id": None if column == "nobody" else world.users[column]}


_VIEW = "/api/v1/properties/map?bbox=-180,-80,180,80&zoom=3"

PROPERTY = [
    Probe(
        operation="search_properties",
        request=_at("/api/v1/properties?limit=100&facets=true"),
        letters=_roles("signed"),
        lists="listing",
    ),
    Probe(
        operation="search_properties",
        request=_at("/api/v1/properties?mine=true&limit=100"),
        letters=_roles("signed"),
        lists="editable",
    ),
    *(
        Probe(
            operation="search_properties",
            request=_at(f"/api/v1/properties?{asked}&limit=100&facets=true"),
            letters=_roles("signed"),
            lists="placed",
        )
        for asked in ("q=lane", "bbox=-180,-80,180,80", "near=42,-93&radius=100000")
    ),
    Probe(
        operation="suggest_properties",
        request=_at("/api/v1/properties/suggestions?q=some"),
        letters=_roles("signed"),
        lists="count",
    ),
    Probe(
        operation="suggest_properties",
        request=lambda world, column: Request(f"/api/v1/properties/suggestions?q={world.words[column]}"),
        letters=_asked("signed", sorted({column for _, column in LISTINGS})),
        lists="suggestion",
    ),
    Probe(operation="map_properties", request=_at(_VIEW), letters=_roles("signed"), lists="point"),
    Probe(
        operation="create_property",
        request=lambda world, column: Request("/api/v1/properties", json=_PRICED | _agent(world, column)),
        letters=truth.read(truth.NEW_AGENTS),
        says=_LISTED,
        ok=_REFUSED,
        points="/list_price/currency",
    ),
    Probe(
        operation="get_property",
        request=_on("listing", "/api/v1/properties/{id}"),
        letters=LISTINGS,
        says=_READ_LISTING,
    ),
    Probe(
        operation="edit_property",
        request=_on("listing", "/api/v1/properties/{id}", json={"city": "Nevada"}, headers=STALE),
        letters=LISTINGS,
        says=_EDIT_LISTING,
        ok=_REACHED,
    ),
    Probe(
        operation="edit_property",
        request=lambda world, column: Request(
            f"/api/v1/properties/{world.ids['listing', 'active/agent']}", json=_agent(world, column), headers=STALE
        ),
        letters=truth.read(truth.GIVEN_AGENTS),
        says=_LISTED,
        ok=_REACHED,
    ),
    Probe(
        operation="change_property_status",
        request=_on(
            "listing", "/api/v1/properties/{id}/status-changes", json={"standard_status": "Hold"}, headers=STALE
        ),
        letters=LISTINGS,
        says=_EDIT_LISTING,
        ok=_REACHED,
    ),
    Probe(
        operation="order_property_photos",
        request=_on("listing", "/api/v1/properties/{id}/photos/order", json={"photo_ids": []}, headers=STALE),
        letters=LISTINGS,
        says=_EDIT_LISTING,
        ok=_REACHED,
    ),
    Probe(
        operation="list_property_history",
        request=_on("listing", "/api/v1/properties/{id}/history"),
        letters=LISTINGS,
        says=_READ_LISTING,
    ),
    Probe(
        operation="upload_property_photo",
        request=_on(
            "listing",
            "/api/v1/properties/{id}/photos",
            content=b"no picture at all",
            headers={"Content-Type": "image/png"},
        ),
        letters=LISTINGS,
        says=_EDIT_LISTING,
        ok=frozenset({415}),
    ),
    Probe(
        operation="get_property_photo",
        request=_on("listing", "/api/v1/properties/{id}/photos/1"),
        letters=_FEED,
        says=_READ_LISTING,
        ok=frozenset({502}),
    ),
    Probe(
        operation="get_photo",
        request=lambda world, column: Request(
            f"/api/v1/photos/{world.ids['photo', column]}",
            headers={"If-None-Match": f'"{world.ids["photo", column]}-medium"'},
        ),
        letters=_OWN,
        says=_READ_LISTING,
        ok=frozenset({304}),
    ),
    Probe(
        operation="edit_photo",
        request=_on("photo", "/api/v1/photos/{id}", json={"description": None}),
        letters=_OWN,
        says=_EDIT_LISTING,
    ),
    Probe(
        operation="delete_photo",
        request=_on("photo", "/api/v1/photos/{id}"),
        letters=_OWN,
        says=_EDIT_LISTING,
        ok=frozenset({204}),
        after=_restore_photos,
    ),
    Probe(
        operation="restore_photo",
        request=_on("photo", "/api/v1/photos/{id}/restoration"),
        letters=_OWN,
        says=_EDIT_LISTING,
    ),
    Probe(operation="list_feeds", request=_at("/api/v1/feeds"), letters=_roles("answer")),
    Probe(operation="list_feed_runs", request=_at("/api/v1/feeds/ames/runs"), letters=truth.read(truth.FEEDS)),
    Probe(
        operation="list_feed_rejections", request=_at("/api/v1/feeds/ames/rejections"), letters=truth.read(truth.FEEDS)
    ),
    Probe(
        operation="start_feed_run",
        request=_at("/api/v1/feeds/ames/runs"),
        letters=truth.read(truth.FEEDS),
        ok=frozenset({202, 409}),
    ),
    Probe(operation="get_search_status", request=_at("/api/v1/search/status"), letters=_roles("answer")),
    Probe(
        operation="start_search_rebuild",
        request=_at("/api/v1/search/rebuilds"),
        letters=_roles("own"),
        ok=frozenset({503}),
    ),
]

_SEES = {**dict.fromkeys("Aans", "ok"), ".": "404"}
_ACCOUNT = {"A": "ok", "a": "ok", "n": "403", "s": "403", ".": "404"}
_SELF = _ACCOUNT | {"n": "ok"}
_ALL = _ACCOUNT | {"a": "403"}
# What is changed, and how the managers' letter reads then, whose office is the main one or the other one.
_CHANGES: list[tuple[str, Callable[[World], Any], Mapping[str, str]]] = [
    ("role", lambda _world: "agent", _ACCOUNT),
    ("role", lambda _world: "office_manager", _ALL),
    ("role", lambda _world: "broker_owner", _ALL),
    ("office_id", lambda world: world.brokerage.offices["Main"], _ACCOUNT | {"a'": "403"}),
    ("office_id", lambda world: world.brokerage.offices["West"], _ALL | {"a'": "ok"}),
    ("office_id", lambda _world: None, _ALL),
    ("team_ids", lambda _world: [], _ACCOUNT),
    ("state", lambda _world: "active", _ACCOUNT),
]
# The other manager's letters, where it matters which office is meant.
_MANAGED = {key: "a'" if (key[0], letter) == ("boss'", "a") else letter for key, letter in USERS.items()}


def _change(member: str, value: Callable[[World], Any]) -> Callable[[World, str], Request]:
    return lambda world, column: Request(
        f"/api/v1/users/{world.ids['user', column]}", json={member: value(world)}, headers=STALE
    )


def _invitation(world: World, column: str) -> Request:
    role, office = column.split("@")
    body = {
        "email": "olivia@acme.test",
        "name": "Matrix",
        "role": {"manager": "office_manager", "owner": "broker_owner"}.get(role, role),
        "office_id": world.brokerage.offices[office.title()],
    }
    return Request("/api/v1/user-invitations", json=body)


def _delegation(world: World, column: str) -> Request:
    assistant = world.users["spare'" if column in ("west", "boss'") else "spare"]
    body = {"assistant_id": assistant, "user_id": world.users[column], "resources": ["person"]}
    return Request("/api/v1/delegations", json=body | {"expires_at": _future()})


IDENTITY = [
    Probe(operation="list_users", request=_at("/api/v1/users?limit=100"), letters=_roles("signed"), lists="user"),
    Probe(operation="get_user", request=_on("user", "/api/v1/users/{id}"), letters=USERS, says=_SEES),
    Probe(
        operation="update_user",
        request=_change("name", lambda _world: "Matrix"),
        letters=USERS,
        says=_SELF,
        ok=_REACHED,
    ),
    *(
        Probe(operation="update_user", request=_change(member, value), letters=_MANAGED, says=says, ok=_REACHED)
        for member, value, says in ((member, value, {"a'": says["a"], **says}) for member, value, says in _CHANGES)
    ),
    Probe(
        operation="list_user_sessions",
        request=_on("user", "/api/v1/users/{id}/sessions"),
        letters=USERS,
        says=_SELF,
        lists="session",
    ),
    Probe(
        operation="end_user_sessions",
        request=_on("user", "/api/v1/users/{id}/sessions"),
        letters=USERS,
        says=_SELF,
        ok=frozenset({204}),
        after=_restore_sessions,
    ),
    Probe(
        operation="list_user_invitations",
        request=_at("/api/v1/user-invitations?limit=100"),
        letters=_roles("answer"),
        lists="invitation",
    ),
    Probe(
        operation="create_user_invitation",
        request=_invitation,
        letters=truth.read(truth.INVITED),
        ok=frozenset({409}),
    ),
    Probe(
        operation="resend_user_invitation",
        request=_on("invitation", "/api/v1/user-invitations/{id}/resend"),
        letters=truth.read(truth.INVITATIONS),
    ),
    Probe(
        operation="revoke_user_invitation",
        request=_on("invitation", "/api/v1/user-invitations/{id}"),
        letters=truth.read(truth.INVITATIONS),
        ok=frozenset({204}),
        after=_restore_invitations,
    ),
    Probe(
        operation="list_delegations",
        request=_at("/api/v1/delegations?state=all&limit=100"),
        letters=_roles("staff"),
        lists="delegation",
    ),
    Probe(
        operation="create_delegation",
        request=_delegation,
        letters=truth.read(truth.DELEGATED),
        says={"y": "ok", "f": "403", "u": "?/user_id", "a": "/assistant_id"},
        ok=_CREATED,
        after=_restore_delegations,
    ),
    Probe(
        operation="revoke_delegation",
        request=_on("delegation", "/api/v1/delegations/{id}"),
        letters=truth.read(truth.DELEGATIONS),
        ok=frozenset({204}),
        after=_restore_delegations,
    ),
    Probe(operation="list_offices", request=_at("/api/v1/offices"), letters=_roles("staff"), lists="office"),
    Probe(
        operation="create_office",
        request=_at("/api/v1/offices", json={"name": "Main"}),
        letters=_roles("own"),
        ok=frozenset({409}),
    ),
    Probe(operation="list_teams", request=_at("/api/v1/teams"), letters=_roles("staff"), lists="team"),
    Probe(
        operation="create_team",
        request=lambda world, column: Request(
            "/api/v1/teams",
            json={
                "name": {"main": "Lake", "west": "Hill"}[column],
                "office_id": world.brokerage.offices[column.title()],
            },
        ),
        letters=truth.read(truth.FOUNDED),
        ok=frozenset({409}),
    ),
    *(
        Probe(
            operation=f"{operation}_{kind}",
            request=_on(kind, f"/api/v1/{kind}s/{{id}}", **more),
            letters=truth.read(table),
            says=says,
            ok=ok,
        )
        for kind, table in (("office", truth.OFFICES), ("team", truth.TEAMS))
        for operation, says, ok, more in (
            ("get", dict.fromkeys("cuyf", "ok") | {".": "404"}, frozenset({200}), {}),
            (
                "update",
                {"c": "ok", "u": "ok", **_LIVING},
                _REACHED,
                {"json": {"name": "Matrix"}, "headers": STALE},
            ),
            ("delete", {"c": "ok", "u": "403", **_LIVING}, _REACHED, {"headers": STALE}),
        )
    ),
]

GATEWAY = [
    Probe(operation="list_sessions", request=_at("/api/v1/sessions"), letters=_roles("signed"), lists="session"),
    Probe(
        operation="end_other_sessions",
        request=_at("/api/v1/sessions"),
        letters=_roles("signed"),
        ok=frozenset({204}),
        after=_restore_sessions,
    ),
    Probe(
        operation="end_session",
        request=_on("session", "/api/v1/sessions/{id}"),
        letters=truth.read(truth.OTHERS_SESSIONS),
        ok=frozenset({204}),
        after=_restore_sessions,
    ),
    Probe(operation="list_jobs", request=_at("/api/v1/jobs?limit=100"), letters=_roles("signed"), lists="job"),
    Probe(operation="get_job", request=_on("job", "/api/v1/jobs/{id}"), letters=truth.read(truth.JOBS)),
    Probe(
        operation="cancel_job",
        request=_on("job", "/api/v1/jobs/{id}/cancellation"),
        letters=truth.read(truth.JOBS),
        ok=frozenset({202}),
        after=_restore_jobs,
    ),
    Probe(operation="list_schedules", request=_at("/api/v1/schedules"), letters=_roles("answer")),
    # In these tests nobody listens, which whoever is let through is told. What reaches whom: `test_stream.py`.
    Probe(operation="follow_changes", request=_at("/api/v1/stream"), letters=_roles("signed"), ok=frozenset({503})),
]

PROBES = [*CRM, *BULK, *PROPERTY, *IDENTITY, *GATEWAY]

# What nobody signs in for: who asks makes no difference. `get_session` tells who is signed in, and 401 nobody.
OPEN: dict[str, Request] = {
    "create_inquiry": Request(
        "/api/v1/inquiries", json={"name": "Matrix", "email": "matrix@client.test", "consent": True}
    ),
    "get_invitation": Request("/api/v1/invitations/none"),
    "accept_invitation": Request("/api/v1/invitations/none/acceptance", json={"name": "Matrix", "password": "x" * 20}),
    "get_tenant": Request("/api/v1/tenant"),
    "get_version": Request("/version"),
    "authorize": Request("/oauth/authorize"),
    "submit_sign_in": Request(
        "/oauth/sign-in", json={"request": "none", "email": "matrix@client.test", "password": "none"}
    ),
    "issue_token": Request("/oauth/token"),
    "revoke_token": Request("/oauth/revoke"),
    "get_jwks": Request("/oauth/jwks"),
    "get_openid_configuration": Request("/.well-known/openid-configuration"),
    "get_authorization_server_metadata": Request("/.well-known/oauth-authorization-server"),
    "start_login": Request("/auth/login"),
    "finish_login": Request("/auth/callback"),
}
SESSION = {"get_session": "/api/v1/session", "logout": "/auth/logout"}
