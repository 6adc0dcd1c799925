"""One brokerage with a record in every place, and somebody of every kind signed in.

Whatever only some may read holds a word of its own (a canary), so that a leak shows wherever it comes out.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from rooftree.contracts.identity.api import AGENT_ROLE, CLIENT_ROLE, COORDINATOR_ROLE, MANAGER_ROLE, OWNER_ROLE
from rooftree.kernel.ids import new_id

from ..conftest import Browser
from ..identity.conftest import Brokerage, change, me
from . import truth

PLACES: dict[str, tuple[str | None, str | None]] = {
    "agent": ("agent", "Main"),
    "mate": ("mate", "Main"),
    "office": ("office", "Main"),
    "manager": ("manager", "Main"),
    "west": ("west", "West"),
    "pond": (None, "Main"),
    "pond'": (None, "West"),
    "nowhere": (None, None),
    "nomad": ("nomad", None),
    # Waited until a moment ago.
    "raced": ("office", "Main"),
}
# Listings' agents and offices are those of people, and these.
HOMES: dict[str, tuple[str | None, str | None]] = PLACES | {"none": (None, "Main"), "feed": (None, None)}
# Who is in the second stage; everybody else is in the first one.
FURTHER = ("mate", "west", "nowhere")


@dataclass
class World:
    """`ids` by the truth's table and column. `hidden`: by caller, words that must not reach them.

    `users` holds nobody's id, too: `unknown`. `words`: of each listing, a word of its address.
    """

    brokerage: Brokerage
    connection: psycopg.Connection
    callers: dict[str, Browser] = field(default_factory=dict[str, Browser])
    users: dict[str, str] = field(default_factory=dict[str, str])
    ids: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    hidden: dict[str, set[str]] = field(default_factory=lambda: {caller: set() for caller in truth.CALLERS})
    words: dict[str, str] = field(default_factory=dict[str, str])
    stages: list[str] = field(default_factory=list[str])
    history: list[UUID] = field(default_factory=list[UUID])
    """Of what happened before anybody asks."""

    def sql(self, statement: str, *values: Any) -> None:
        self.connection.execute(statement.encode(), values or None)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode(), values or None).fetchall()

    def known(self, kind: str) -> list[str]:
        """Ids of all records of this kind that the world began with."""
        return [record for (one, _), record in self.ids.items() if one == kind]

    def put_back(self) -> None:
        """Everybody of the crm to where they belong, as if nobody had claimed them, and without what was added."""
        with self.connection.transaction():
            for kind, table in (("note", "notes"), ("task", "tasks"), ("lead", "leads")):
                self.sql(f"DELETE FROM crm.{table} WHERE id <> ALL(%s::uuid[])", self.known(kind))
            self.sql("DELETE FROM crm.activities")
            if self.history:
                self.sql("DELETE FROM crm.history WHERE id <> ALL(%s)", self.history)
            self.sql("UPDATE crm.tasks SET assigned_to = %s, revision = 1", self.users["owner"])
            for name, (owner, office) in PLACES.items():
                self.sql(
                    "UPDATE crm.people SET assigned_to = %s, office_id = %s WHERE id = %s",
                    self.users[owner] if owner else None,
                    self.brokerage.offices[office] if office else None,
                    self.ids["person", name],
                )

    def only_for(self, word: str, is_shown: Callable[[str], bool]) -> str:
        """`word`, which reaches those callers alone."""
        for caller in truth.CALLERS:
            if caller in truth.UNKNOWN or not is_shown(caller):
                self.hidden[caller].add(word)
        return word


async def build(brokerage: Brokerage) -> World:
    connection = brokerage.stack.enter_context(psycopg.connect(brokerage.database.admin_dsn, autocommit=True))
    connection.execute("SET synchronous_commit = off")
    world = World(brokerage, connection)
    await _staff(world)
    await _delegations(world)
    await _invitations(world)
    await _people(world)
    await _listings(world)
    _jobs(world)
    _files(world)
    departed = world.callers["departed"]
    world.history = [line for (line,) in world.rows("SELECT id FROM crm.history")]
    gone = await change(brokerage.owner, await _account(world, departed), state="deactivated")
    assert gone.status_code == 200, gone.text
    return world


async def _account(world: World, browser: Browser) -> dict[str, Any]:
    user = await me(browser)
    return (await world.brokerage.owner.get(f"/api/v1/users/{user['id']}")).json()


async def _staff(world: World) -> None:
    brokerage = world.brokerage
    lake, hill = await brokerage.team("Lake", "Main"), await brokerage.team("Hill", "West")
    world.ids |= {("team", "lake"): lake, ("team", "hill"): hill}
    world.ids |= {("office", "main"): brokerage.offices["Main"], ("office", "west"): brokerage.offices["West"]}
    joining: dict[str, tuple[str, str | None, dict[str, Any]]] = {
        "placed": (OWNER_ROLE, "Main", {}),
        "manager": (MANAGER_ROLE, "Main", {}),
        "peer": (MANAGER_ROLE, "Main", {}),
        "nomad": (AGENT_ROLE, None, {}),
        "agent": (AGENT_ROLE, "Main", {"team_ids": [lake]}),
        "mate": (AGENT_ROLE, "Main", {"team_ids": [lake]}),
        "office": (AGENT_ROLE, "Main", {}),
        "west": (AGENT_ROLE, "West", {"team_ids": [hill]}),
        "boss'": (MANAGER_ROLE, "West", {}),
        "client": (CLIENT_ROLE, "Main", {}),
        "gone": (AGENT_ROLE, "Main", {}),
        "departed": (AGENT_ROLE, "Main", {"team_ids": [lake]}),
        **{name: (COORDINATOR_ROLE, "Main", {}) for name in ("helper", "half", "idle", "aide", "spare")},
        "teamed": (COORDINATOR_ROLE, "Main", {"team_ids": [lake]}),
        "spare'": (COORDINATOR_ROLE, "West", {}),
    }
    browsers = {"owner": brokerage.owner}
    for name, (role, office, more) in joining.items():
        browsers[name] = await brokerage.join(name.replace("'", "-").title(), role, office, **more)
    for name, browser in browsers.items():
        world.users[name] = (await me(browser))["id"]
        if name in truth.CALLERS:
            world.callers[name] = browser
    world.callers["anonymous"] = await brokerage.browser()
    gone = await change(brokerage.owner, await me(browsers["gone"]), state="deactivated")
    assert gone.status_code == 200, gone.text
    for name, user in world.users.items():
        world.ids["user", name] = user
    world.users["unknown"] = str(new_id())
    # Invitations of whoever is here say no more than that.
    world.sql("DELETE FROM identity.invitations WHERE accepted_at IS NOT NULL")
    for name in ("agent", "office"):
        world.ids["session", name] = (await browsers[name].get("/api/v1/sessions")).json()["items"][0]["id"]


async def _delegations(world: World) -> None:
    later = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    owner = world.callers["owner"]

    async def delegate(assistant: str, whose: str, *resources: str) -> str:
        body = {"assistant_id": world.users[assistant], "user_id": world.users[whose], "resources": resources}
        answer = await owner.post("/api/v1/delegations", json=body | {"expires_at": later})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    for column in sorted({column for _, column in truth.read(truth.DELEGATIONS)}):
        whose, assistant = column.split("/")
        resources = ("person",) if assistant in ("half", "spare", "spare'") else ("listing", "person")
        made = await delegate("idle" if assistant == "idle'" else assistant, whose, *resources)
        world.ids["delegation", column] = made
        if assistant == "idle":
            expired = "UPDATE identity.delegations SET expires_at = now() - interval '1 minute',"
            world.sql(f"{expired} created_at = now() - interval '1 hour' WHERE id = %s", made)
        elif assistant == "idle'":
            assert (await owner.delete(f"/api/v1/delegations/{made}")).status_code == 204


def _jobs(world: World) -> None:
    for name, office in (("agent", "Main"), ("office", "Main"), ("west", "West"), ("none", None)):
        world.ids["job", name] = str(new_id())
        world.sql(
            "INSERT INTO jobs.runs (id, kind, actor_id, office_id) VALUES (%s, 'test.count', %s, %s)",
            world.ids["job", name],
            world.users.get(name),
            world.brokerage.offices[office] if office else None,
        )


def _files(world: World) -> None:
    for module in ("crm", "property"):
        _files_of(world, module)


def _files_of(world: World, module: str) -> None:
    """Imports that are looked at, with a faulty row each, and exports whose files are made."""
    letters = truth.read(truth.IMPORTS)
    for number, (name, office) in enumerate((("agent", "Main"), ("office", "Main"), ("west", "West"))):
        word = world.only_for(f"canary{module}row{number}", lambda caller, name=name: letters[caller, name] != ".")
        made = world.ids[f"{module}.import", name] = str(new_id())
        world.sql(
            f"INSERT INTO {module}.imports (id, file_name, format, encoding, state, job_id, row_count, columns, counts,"
            " outcome, actor_id, office_id, created_at, changed_at, version)"
            " VALUES (%s, %s, 'csv', 'utf-8', 'checked', %s, 1, %s, '{\"faulty\": 1}', '{}', %s, %s, now(), now(), 1)",
            made,
            word,
            str(new_id()),
            json.dumps([{"name": word, "sample": [word], "field": "emails"}]),
            world.users[name],
            world.brokerage.offices[office],
        )
        error = {"column": word, "field": "emails", "value": word, "code": "not-an-email", "message": "No."}
        world.sql(
            f"INSERT INTO {module}.import_lines (import_id, number, cells, verdict, errors)"
            " VALUES (%s, 2, %s, 'faulty', %s)",
            made,
            json.dumps([word]),
            json.dumps([error]),
        )
    for name in ("agent", "office", "helper"):
        made = world.ids[f"{module}.export", name] = str(new_id())
        world.sql(
            f"INSERT INTO {module}.exports (id, actor_id, format, wanted, created_at, stored_at)"
            " VALUES (%s, %s, 'csv', '{}', now(), now())",
            made,
            world.users[name],
        )


async def _invitations(world: World) -> None:
    for name, role, office in (
        ("main", AGENT_ROLE, "Main"),
        ("main-manager", MANAGER_ROLE, "Main"),
        ("west", AGENT_ROLE, "West"),
    ):
        answer = await world.brokerage.invite(f"invited-{name}", role, office)
        assert answer.status_code == 201, answer.text
        world.ids["invitation", name] = answer.json()["id"]


async def _people(world: World) -> None:
    owner, letters, tasks = world.callers["owner"], truth.read(truth.PEOPLE), truth.read(truth.TASKS)
    world.stages = [stage["id"] for stage in (await owner.get("/api/v1/stages")).json()["items"]]
    world.ids["stage", "lead"] = world.stages[0]
    for number, name in enumerate(PLACES):
        word = f"canaryperson{number}"

        def sees(caller: str, name: str = name) -> bool:
            return letters[caller, name] != "."

        def works(caller: str, name: str = name) -> bool:
            return tasks[caller, name] == "y"

        world.only_for(word, sees)
        body = {"name": word, "emails": [f"{word}@client.test"], "phones": [f"515 232 01{number:02}"]}
        made = await owner.post("/api/v1/people", json=body)
        assert made.status_code == 201, made.text
        person = world.ids["person", name] = made.json()["id"]
        lead = await owner.post("/api/v1/leads", json={"person_id": person, "message": f"{word} asks"})
        assert lead.status_code == 201, lead.text
        world.ids["lead", name] = lead.json()["id"]
        world.only_for(f"canarynote{number}", works)
        note = await owner.post(f"/api/v1/people/{person}/notes", json={"text": f"canarynote{number}"})
        world.ids["note", f"{name}/owner"] = note.json()["id"]
        world.only_for(f"canarytask{number}", works)
        task = await owner.post(f"/api/v1/people/{person}/tasks", json={"title": f"canarytask{number}"})
        world.ids["task", name] = task.json()["id"]
        world.sql("UPDATE crm.people SET stage_id = %s WHERE id = %s", world.stages[name in FURTHER], person)
    await _race(world)
    world.put_back()
    for name, author in (("agent", "agent"), ("agent", "helper"), ("mate", "agent")):
        path = f"/api/v1/people/{world.ids['person', name]}/notes"
        note = await world.callers[author].post(path, json={"text": "A word."})
        assert note.status_code == 201, note.text
        world.ids["note", f"{name}/{author}"] = note.json()["id"]


async def _race(world: World) -> None:
    path, owner = f"/api/v1/people/{world.ids['person', 'raced']}", world.callers["owner"]
    headers = {"If-Match": (await owner.get(path)).headers["etag"]}
    body = {"assigned_to": world.users["office"]}
    given = await owner.post(f"{path}/assignments", json=body, headers=headers)
    assert given.status_code == 200, given.text


async def _listings(world: World) -> None:
    letters = truth.listings()
    columns = {column for _, column in letters}
    for number, column in enumerate(sorted(columns)):
        state, place = column.split("/")
        await _listing(world, letters, column, state, place, number)


async def _listing(
    world: World, letters: dict[tuple[str, str], str], column: str, state: str, place: str, number: int
) -> None:
    def letter(caller: str) -> str:
        return letters[caller, column]

    # No two are spelled so alike that search would take one for the other.
    code = "".join(digit * 3 for digit in f"{number:02}")
    word = world.only_for(f"canaryhome{code}", lambda caller: letter(caller) not in ".m")
    world.words[column] = word
    private = world.only_for(f"canaryprivate{number}", lambda caller: letter(caller) in "WP")
    reason = world.only_for(f"canaryreason{number}", lambda caller: letter(caller) in "WP")
    values = {
        "unparsed_address": f"{number} {word} Lane",
        "city": "Ames",
        "postal_code": "50010",
        "subdivision_name": "Somerset",
        "property_type": "Residential",
        "property_sub_type": "Condominium",
        "bedrooms_total": 3,
        "list_price": {"amount": 35_000_000 + number, "currency": "USD"},
        "list_agent_id": world.users["agent"],
        "latitude": 42.0 + number / 100,
        "longitude": -93.0,
        "private_remarks": private,
        "showing_instructions": private,
        "internet_display": state != "quiet",
        "internet_address_display": state != "unplaced",
    }
    made = await world.callers["owner"].post("/api/v1/properties", json=values)
    assert made.status_code == 201, made.text
    listing = world.ids["listing", column] = made.json()["id"]
    owner, office = HOMES[place]
    world.sql(
        "UPDATE property.properties SET standard_status = %s, list_agent_id = %s, list_office_id = %s, feed = %s,"
        " version = 1 WHERE id = %s",
        {"draft": "Incomplete", "closed": "Closed"}.get(state, "Active"),
        world.users[owner] if owner else None,
        world.brokerage.offices[office] if office else None,
        "ames" if place == "feed" else ".own",
        listing,
    )
    world.sql(
        "INSERT INTO property.history (id, property_id, at, change_type, field, to_value, reason)"
        " VALUES (%s, %s, now(), 'Active', 'standard_status', 'Active', %s)",
        new_id(),
        listing,
        reason,
    )
    _photo(world, column, listing, is_own=place != "feed")


def _photo(world: World, column: str, listing: str, *, is_own: bool) -> None:
    if is_own:
        photo: UUID = new_id()
        world.ids["photo", column] = str(photo)
        world.sql(
            "INSERT INTO property.photos (id, property_id, position, description, state, created_at)"
            " VALUES (%s, %s, 1, NULL, 'ready', now())",
            photo,
            listing,
        )
    else:
        world.sql(
            "INSERT INTO property.media (property_id, number, url) VALUES (%s, 1, %s)", listing, "http://x.test/1"
        )
