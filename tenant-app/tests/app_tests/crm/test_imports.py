"""A file of people on its way into the brokerage, and out of it again."""

import os
import time
from codecs import BOM_UTF8
from typing import Any

import pytest
from rooftree.bulk import apply, undo
from rooftree.kernel.spreadsheets import Format
from rooftree.modules.crm import import_undo, people_bulk
from rooftree.modules.crm.import_page import ImportPage
from rooftree.modules.crm.records_repository import Records

from ..bulk.files import Bulk, bomb, bulk, counts, made, objects, open_bulk, table, written
from ..identity.conftest import problem, sign_in
from ..object_storage import unheard
from .bulk import IMPORTS, applied, checked, errors, send, settled, step, undone
from .conftest import create, done, edit, events, people, pointers, read, timeline, version

_ = (bulk, made, open_bulk)  # fixtures
pytestmark = pytest.mark.integration
# 10,000 for a release-like change.
MANY = int(os.environ.get("ROOFTREE_TEST_ROWS", "1000"))
FILE = """Name,Email,Phone,Tags
Ada Canary,ada@client.test,(515) 232-0199,buyer; investor
Bea Canary,bea@client.test,,
,,,
Cleo Canary,cleo@client.test,515 232 0150,seller
"""


async def test_a_file_is_looked_at_applied_and_undone(bulk: Bulk) -> None:
    agent = bulk.agent
    shown = await checked(agent, FILE)
    assert (shown["rows"], counts(shown), shown["encoding"]) == (3, (3, 0, 0, 0), "utf-8")
    assert [(one["name"], one["field"]) for one in shown["columns"]] == [
        ("Name", "name"),
        ("Email", "emails"),
        ("Phone", "phones"),
        ("Tags", "tags"),
    ]
    assert shown["columns"][0]["sample"] == ["Ada Canary", "Bea Canary", "Cleo Canary"]
    assert await people(agent) == []
    shown = await applied(agent, shown)
    assert counts(shown) == (3, 0, 0, 0)
    assert sorted(await people(agent)) == ["Ada Canary", "Bea Canary", "Cleo Canary"]
    assert await people(agent, q="515 232-0150") == ["Cleo Canary"]
    (ada,) = done(await agent.get("/api/v1/people", params={"q": "ada@client"}))["items"]
    assert (ada["source"], ada["tags"], ada["can_edit"]) == ("Import", ["buyer", "investor"], True)
    assert [entry["kind"] for entry in await timeline(agent, ada)] == ["assignment"]
    shown = await undone(agent, shown)
    assert shown["undo"] == {"undone": 3, "kept": 0}
    assert await people(agent) == []
    assert bulk.database.rows("SELECT count(*) FROM crm.contacts") == [(0,)]


async def test_what_is_wrong_with_a_row_is_told_and_does_not_hinder_the_others(bulk: Bulk) -> None:
    owner = bulk.owner
    await bulk.brokerage.manager()
    rows = [
        ["Name", "Email", "Phone", "Stage", "Source", "Tags", "Assigned to"],
        ["Good", "good@client.test", "515 232 0199", "hot  prospect", "Fair", "a", "ANDY@acme.test"],
        ["", "nobody@client.test", "", "", "", "", ""],
        ["Bad", "no-address", "12", "Nowhere", "=cmd", "", "who@acme.test"],
        ["Twice", "good@CLIENT.test", "", "", "", "", ""],
        ["x" * 121, "", "", "", "", "", ""],
        ["Many", "; ".join(f"m{n}@client.test" for n in range(11)), "", "", "", "", ""],
        ["Long", "", "", "", "", "t" * 61, ""],
    ]
    shown = await checked(owner, written(*rows) + "a,b,c,d,e,f,g,h\n")
    assert counts(shown) == (1, 0, 0, 7)
    told = [(one["row"], one["column"], one["field"], one["code"]) for one in await errors(owner, shown)]
    assert told == [
        (3, "Name", "name", "missing"),
        (4, "Email", "emails", "not-an-email"),
        (4, "Phone", "phones", "not-a-phone"),
        (4, "Source", "source", "not-a-label"),
        (4, "Stage", "stage", "unknown-stage"),
        (4, "Assigned to", "assigned_to", "unknown-colleague"),
        (5, "Email", "emails", "repeated"),
        (6, "Name", "name", "too-long"),
        (7, "Email", "emails", "too-many"),
        (8, "Tags", "tags", "too-long"),
        (9, None, None, "unreadable-row"),
    ]
    page = done(await owner.get(f"{IMPORTS}/{shown['id']}/errors", params={"limit": 4}))
    assert (page["total"], [one["code"] for one in page["items"]][-1]) == (11, "not-a-label")
    rest = await errors(owner, shown, cursor=page["next_cursor"])
    assert [one["row"] for one in page["items"] + rest] == [one[0] for one in told]
    shown = await applied(owner, shown)
    assert counts(shown) == (1, 0, 0, 7)
    (good,) = done(await owner.get("/api/v1/people"))["items"]
    assert (good["stage_name"], good["assigned_to"]["name"], good["source"]) == ("Hot Prospect", "Andy", "Fair")
    assert [told["reason"] for told in events(bulk.brokerage, "lead-assigned")] == ["assigned"]


async def test_faulty_rows_come_back_as_they_were_to_be_corrected_and_sent_again(bulk: Bulk) -> None:
    rows = [["Name", "Phone", "Note"], ["Ada", "12", "=1+1"], ["Bea", "515 232 0199", ""], ["", "+1 515 232 0150", "x"]]
    shown = await checked(bulk.agent, written(*rows))
    answer = await bulk.agent.get(f"{IMPORTS}/{shown['id']}/errors.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="import-errors.csv"'
    assert answer.content.startswith(BOM_UTF8)
    told = table(answer.content)
    assert told == [
        ["Name", "Phone", "Note", "error"],
        ["Ada", "12", "'=1+1", "This is not a phone number."],
        ["", "'+1 515 232 0150", "x", "A new contact needs a name."],
    ]
    told[1][1], told[2][0] = "515 232 0170", "Cleo"
    lines = objects({"name": "Bea"}) + "no object\n"
    more = await checked(bulk.agent, lines, "jsonl")
    assert table((await bulk.agent.get(f"{IMPORTS}/{more['id']}/errors.csv")).content) == [
        ["name", "error"],
        ["", "This line is not a JSON object.", "no object"],
    ]
    again = await checked(bulk.agent, written(*told))
    assert counts(again) == (2, 0, 0, 0)
    await applied(bulk.agent, again)
    assert await people(bulk.agent, q="+15152320150") == ["Cleo"]


async def test_somebody_known_is_completed_and_never_overwritten(bulk: Bulk) -> None:
    agent = bulk.agent
    ada = await create(agent, tags=["buyer"], source="Referral")
    row = ["Ada Other", "ADA@client.test; ada@work.test", "515.232.0199", "Buyer, vip", "Import", "Closed"]
    shown = await checked(agent, written(["Name", "Email", "Phone", "Tags", "Source", "Stage"], row))
    assert counts(shown) == (0, 1, 0, 0)
    shown = await applied(agent, shown)
    after = await read(agent, ada)
    assert (after["name"], after["source"], after["stage_name"]) == (ada["name"], "Referral", "Lead")
    assert after["emails"] == ["ada@client.test", "ada@work.test"]
    assert after["tags"] == ["buyer", "vip"]
    assert [phone["value"] for phone in after["phones"]] == ["(515) 232-0199"]
    assert after["version"] == ada["version"] + 1
    assert await people(agent, q="ada@work") == [ada["name"]]
    again = await checked(agent, written(["Name", "Email"], ["Ada", "ada@work.test"]))
    assert counts(again) == (0, 0, 1, 0)
    await undone(agent, shown)
    before = await read(agent, ada)
    same = ("name", "emails", "phones", "tags", "source", "stage_name")
    assert {name: before[name] for name in same} == {name: ada[name] for name in same}
    assert await people(agent, q="ada@work") == []


async def test_whom_nobody_looks_after_a_file_of_owners_gives_to_a_colleague_and_takes_back(bulk: Bulk) -> None:
    owner = bulk.owner
    ada = await create(owner)
    task = await owner.post(f"/api/v1/people/{ada['id']}/tasks", json={"title": "Call"})
    shown = await checked(owner, written(["Email", "Assigned to"], ["ada@client.test", "andy@acme.test"]))
    shown = await applied(owner, shown)
    assert (await read(bulk.agent, ada))["assigned_to"]["name"] == "Andy"
    await undone(owner, shown)
    after = await read(owner, ada)
    assert (after["assigned_to"], after["office_id"]) == (None, ada["office_id"])
    assert done(await owner.get("/api/v1/tasks", params={"owner": "all"}))["items"][0]["id"] == task.json()["id"]
    reasons = [told["reason"] for told in events(bulk.brokerage, "lead-assigned")]
    assert reasons == ["assigned", "returned"]


async def touched_since(bulk: Bulk) -> dict[str, Any]:
    """An import that is undone after colleagues have worked with what it made; `kim`, `lou`, `mia` were known."""
    agent, former = bulk.agent, ("kim", "lou", "mia")
    known = [await create(agent, name=name, emails=[f"{name}@client.test"], phones=[]) for name in former]
    done(await agent.post(f"/api/v1/people/{known[2]['id']}/notes", json={"text": "Before"}), 201)
    bulk.clock.advance(seconds=1)
    names = ["ada", "bea", "cleo", "dee", "eve"]
    rows = [[name.title(), f"{name}@client.test", "new"] for name in (*names, *former)]
    shown = await applied(agent, await checked(agent, written(["Name", "Email", "Tags"], *rows)))
    bulk.clock.advance(seconds=1)
    found = {one["name"]: one for one in done(await agent.get("/api/v1/people"))["items"]}
    done(await edit(agent, found["Ada"], name="Ada King"))
    done(await agent.post(f"/api/v1/people/{found['Bea']['id']}/notes", json={"text": "Spoke"}), 201)
    done(await agent.post("/api/v1/leads", json={"person_id": found["Cleo"]["id"], "message": "Hello"}), 201)
    done(await edit(agent, found["kim"], tags=["new", "mine"]))
    done(await agent.post(f"/api/v1/people/{known[1]['id']}/notes", json={"text": "Stays"}), 201)
    shown = await undone(agent, shown)
    after = {name: await read(agent, person) for name, person in zip(former, known, strict=True)}
    notes = [one["text"] for one in await timeline(agent, known[1], "note")]
    return {
        "undo": shown["undo"],
        "names": sorted(await people(agent)),
        "tags": {name: person["tags"] for name, person in after.items()},
        "notes": notes,
    }


STAYS = {
    "undo": {"undone": 3, "kept": 5},
    "names": ["Ada King", "Bea", "Cleo", "kim", "lou", "mia"],
    "tags": {"kim": ["new", "mine"], "lou": ["new"], "mia": []},
    "notes": ["Stays"],
}


async def test_who_was_touched_since_stays(bulk: Bulk) -> None:
    assert await touched_since(bulk) == STAYS
    lines = "SELECT count(*) FROM crm.history WHERE action = 'deleted' AND subject = 'person'"
    assert bulk.database.rows(lines) == [(2,)]


async def test_planted_undo_that_looks_at_no_version_is_noticed(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_undo, "_is_as_made", lambda *_: True)
    assert await touched_since(bulk) != STAYS


async def test_planted_undo_that_looks_at_no_work_is_noticed(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def all_of_them(_: Records, person_ids: set[Any]) -> set[Any]:
        return person_ids

    monkeypatch.setattr(Records, "let_be", all_of_them)
    assert await touched_since(bulk) != STAYS


async def test_columns_mean_what_one_says(bulk: Bulk) -> None:
    agent = bulk.agent
    rows = [
        ["First name", "Last name", "Mobile", "Where from", "E-mail 1"],
        ["Ada", "King", "515 232 0199", "Fair", "a@b.test"],
    ]
    shown = await checked(agent, written(*rows))
    assert [one["field"] for one in shown["columns"]] == ["name", "name", "phones", None, "emails"]
    assert [one["name"] for one in shown["fields"]] == ["name", "emails", "phones", "source", "tags", "stage"]
    path, old = f"{IMPORTS}/{shown['id']}", version(shown)
    wrong = {"mapping": {"Where from": "source", "Mobile": "source", "Nothing": "name", "E-mail 1": "assigned_to"}}
    assert pointers(await agent.patch(path, json=wrong, headers=old)) == [
        "/mapping/Nothing",
        "/mapping/Where from",
        "/mapping/E-mail 1",
    ]
    mapping = {"Where from": "source", "E-mail 1": None}
    shown = await settled(agent, await agent.patch(path, json={"mapping": mapping}, headers=old))
    assert [one["field"] for one in shown["columns"]] == ["name", "name", "phones", "source", None]
    assert problem(await agent.patch(path, json={"mapping": mapping}, headers=old)) == (412, "version-conflict")
    await applied(agent, shown)
    (ada,) = done(await agent.get("/api/v1/people"))["items"]
    assert (ada["name"], ada["source"], ada["emails"]) == ("Ada King", "Fair", [])


async def test_a_step_comes_after_the_one_before(bulk: Bulk) -> None:
    agent = bulk.agent
    shown = await checked(agent, FILE)
    assert problem(await step(agent, shown, "undo")) == (409, "import-not-ready")
    shown = await applied(agent, shown)
    assert problem(await step(agent, shown, "application")) == (409, "import-not-ready")
    patch = {"json": {"mapping": {}}, "headers": version(shown)}
    assert problem(await agent.patch(f"{IMPORTS}/{shown['id']}", **patch)) == (409, "import-not-ready")
    assert problem(await step(agent, shown | {"version": 1}, "undo")) == (412, "version-conflict")
    bulk.clock.advance(days=7)
    await sign_in(agent, "andy@acme.test")
    assert problem(await step(agent, shown, "undo")) == (409, "import-not-ready")


async def test_files_are_forgotten_a_week_after_their_last_step(bulk: Bulk) -> None:
    shown = await checked(bulk.agent, FILE)
    assert bulk.bucket.names() == [f"imports/{shown['id']}/file"]
    bulk.clock.advance(days=6, hours=23)
    await bulk.job("crm.forget_files")
    assert len(bulk.bucket.names()) == 1
    bulk.clock.advance(hours=2)
    await bulk.job("crm.forget_files")
    assert bulk.bucket.names() == []
    assert bulk.database.rows("SELECT count(*) FROM crm.import_lines") == [(0,)]
    await sign_in(bulk.agent, "andy@acme.test")
    assert problem(await bulk.agent.get(f"{IMPORTS}/{shown['id']}")) == (404, "import-not-found")


async def test_imports_are_seen_by_whose_they_are_and_who_leads(bulk: Bulk) -> None:
    mona, other = await bulk.brokerage.manager(), await bulk.brokerage.agent("West", "Wanda")
    first, second = await checked(bulk.agent, FILE), await checked(bulk.agent, FILE)
    for browser, seen in ((bulk.agent, 2), (bulk.owner, 2), (mona, 2), (other, 0)):
        page = done(await browser.get(IMPORTS))
        assert [one["id"] for one in page["items"]] == [second["id"], first["id"]][:seen]
    page = done(await mona.get(IMPORTS, params={"limit": 1}))
    assert page["items"][0]["created_by"]["name"] == "Andy"
    assert done(await mona.get(IMPORTS, params={"cursor": page["next_cursor"]}))["items"][0]["id"] == first["id"]
    assert problem(await step(mona, first, "application")) == (403, "forbidden")
    assert problem(await step(other, first, "application")) == (404, "import-not-found")


async def test_a_file_that_is_no_table_is_refused_in_words(bulk: Bulk) -> None:
    files: tuple[tuple[bytes, Format, str], ...] = (
        (b"", "csv", "file-unreadable"),
        (b"Name\n", "csv", "file-unreadable"),
        (b"\x00\x81\x8d\x8f", "csv", "file-unreadable"),
        (b"PK\x03\x04 no workbook", "xlsx", "file-unreadable"),
        (b"[1]\n2\n", "jsonl", "file-unreadable"),
        (",".join(f"c{n}" for n in range(101)).encode() + b"\n1\n", "csv", "table-too-large"),
        (b"Name\n" + b"x\n" * 20_001, "csv", "table-too-large"),
        (bomb(), "xlsx", "table-too-large"),
    )
    shown: dict[str, Any] = {}
    for content, kind, code in files:
        shown = await settled(bulk.agent, await send(bulk.agent, content, kind))
        assert (content[:20], shown["state"], shown["error"]["code"]) == (content[:20], "failed", code)
        assert shown["error"]["detail"]
    assert problem(await step(bulk.agent, shown, "application")) == (409, "import-not-ready")


async def test_what_is_sent_wrongly_is_refused_at_once(bulk: Bulk) -> None:
    agent = bulk.agent
    for content, headers, refused in (
        (b"x", {"Content-Type": "application/pdf"}, (415, "unsupported-media-type")),
        (b"x" * (10 * 1024**2 + 1), {}, (413, "payload-too-large")),
    ):
        assert problem(await send(agent, content, headers=headers)) == refused
    headers = {"Content-Type": "text/csv"}
    assert pointers(await agent.post(IMPORTS, content=b"x", headers=headers)) == ["?file_name"]
    assert problem(await send(await bulk.brokerage.coordinator(), FILE)) == (403, "forbidden")
    assert done(await agent.get(IMPORTS))["items"] == []


async def test_while_storage_is_away_files_are_refused_and_everything_else_works(open_bulk: Any) -> None:
    bulk = await open_bulk("http://127.0.0.1:1")
    assert problem(await send(bulk.agent, FILE)) == (503, "storage-unavailable")
    assert done(await bulk.agent.get(IMPORTS))["items"] == []
    assert bulk.database.rows("SELECT state FROM crm.imports") == [("receiving",)]
    await create(bulk.agent)


async def test_a_file_of_whose_arrival_nobody_heard_is_forgotten_after_an_hour(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        unheard(patched)
        assert problem(await send(bulk.agent, FILE)) == (503, "storage-unavailable")
    assert done(await bulk.agent.get(IMPORTS))["items"] == []
    for minutes, left in ((59, 1), (2, 0)):
        bulk.clock.advance(minutes=minutes)
        await bulk.job("crm.forget_files")
        assert len(bulk.bucket.names()) == left
        assert bulk.database.rows("SELECT count(*) FROM crm.imports") == [(left,)]


async def test_an_application_that_is_ended_keeps_what_it_has_done(
    open_bulk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply, "PAGE", 2)
    bulk = await open_bulk()
    agent = bulk.agent
    shown = await checked(agent, written(["Name"], *([f"P{n}"] for n in range(6))))
    page = ImportPage.take

    async def until_ended(self: ImportPage, rows: Any) -> Any:
        if rows[0].number > 2:
            wanted = "UPDATE jobs.runs SET cancel_requested_at = now() WHERE kind = 'crm.apply_import' RETURNING 1"
            assert bulk.database.rows(wanted) == [(1,)]
        return await page(self, rows)

    monkeypatch.setattr(ImportPage, "take", until_ended)
    shown = await settled(agent, await step(agent, shown, "application"))
    assert (shown["state"], shown["rows"], counts(shown)) == ("applied", 6, (2, 0, 0, 0))
    assert shown["error"] == {"step": "applying", "code": "conflict", "detail": "It was ended by hand."}
    assert sorted(await people(agent)) == ["P0", "P1"]
    shown = await undone(agent, shown)
    assert (shown["error"], shown["undo"]) == (None, {"undone": 2, "kept": 0})
    assert await people(agent) == []


async def test_an_undo_that_is_ended_says_how_far_it_came_and_goes_on(
    open_bulk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo, "PAGE", 2)
    bulk = await open_bulk()
    agent = bulk.agent
    shown = await applied(agent, await checked(agent, written(["Name"], *([f"P{n}"] for n in range(6)))))
    take_back = people_bulk.taken_back

    async def until_ended(*given: Any) -> Any:
        if given[3][0].number > 2:
            wanted = "UPDATE jobs.runs SET cancel_requested_at = now() WHERE kind = 'crm.undo_import' RETURNING 1"
            assert bulk.database.rows(wanted) == [(1,)]
        return await take_back(*given)

    with monkeypatch.context() as patched:
        patched.setattr(people_bulk, "taken_back", until_ended)
        shown = await settled(agent, await step(agent, shown, "undo"))
    assert (shown["state"], shown["undo"], shown["error"]["step"]) == ("applied", {"undone": 2, "kept": 0}, "undoing")
    assert len(await people(agent)) == 4
    shown = await undone(agent, shown)
    assert (shown["undo"], shown["error"]) == ({"undone": 6, "kept": 0}, None)


async def test_a_page_of_its_own_transaction_is_done_once_whoever_brings_the_same_at_once(bulk: Bulk) -> None:
    """Two files with the same people, at the same time: each person is made once."""
    rows = written(["Name", "Email"], *([f"P{n}", f"p{n}@client.test"] for n in range(40)))
    first, second = await checked(bulk.agent, rows), await checked(bulk.agent, rows)
    begun = [await step(bulk.agent, one, "application") for one in (first, second)]
    ended = [await settled(bulk.agent, one) for one in begun]
    assert [counts(one)[3] for one in ended] == [0, 0]
    assert sum(counts(one)[0] for one in ended) == 40
    assert bulk.database.rows("SELECT count(*), count(DISTINCT name) FROM crm.people") == [(40, 40)]


async def test_what_others_changed_after_the_dry_run_is_asked_anew(bulk: Bulk) -> None:
    owner = bulk.owner
    stage = done(await owner.post("/api/v1/stages", json={"name": "Soon gone"}), 201)
    rows = [["Name", "Email", "Stage"], ["Ada", "ada@client.test", "Soon gone"], ["Bea", "bea@client.test", ""]]
    shown = await checked(owner, written(*rows))
    bea = await create(owner, name="Bea", emails=["bea@client.test"], phones=[])
    await owner.delete(f"/api/v1/stages/{stage['id']}", headers=version(stage))
    shown = await applied(owner, shown)
    assert counts(shown) == (0, 0, 1, 1)
    assert [one["code"] for one in await errors(owner, shown)] == ["unknown-stage"]
    assert (await read(owner, bea))["version"] == bea["version"]


async def test_who_is_not_in_scope_is_no_reason_and_is_not_told(bulk: Bulk) -> None:
    other = await bulk.brokerage.agent("West", "Wanda")
    await create(other)
    shown = await checked(bulk.agent, written(["Name", "Email"], ["Ada", "ada@client.test"]))
    assert counts(shown) == (1, 0, 0, 0)
    mona = await bulk.brokerage.manager()
    waiting = await create(mona, name="Pond", emails=["pond@client.test"], phones=[])
    shown = await checked(bulk.agent, written(["Name", "Email"], ["Pond", "pond@client.test"]))
    assert counts(shown) == (0, 0, 0, 1)
    (told,) = await errors(bulk.agent, shown)
    assert (told["code"], told["field"]) == ("not-yours", "emails")
    assert (await read(mona, waiting))["version"] == 1


async def test_who_has_left_applies_nothing(bulk: Bulk) -> None:
    shown = await checked(bulk.agent, FILE)
    bulk.database.rows("UPDATE identity.users SET role = 'coordinator' WHERE name = 'Andy' RETURNING 1")
    bulk.clock.advance(seconds=2)
    assert (await step(bulk.agent, shown, "application")).status_code in (403, 404)
    assert bulk.database.rows("SELECT count(*) FROM crm.people") == [(0,)]


async def test_ten_thousand_people_are_in_within_a_minute(bulk: Bulk) -> None:
    rows = [[f"Person {n}", f"p{n}@client.test", f"515 23{n % 10} {n:04}", "bulk"] for n in range(MANY)]
    shown = await checked(bulk.agent, written(["Name", "Email", "Phone", "Tags"], *rows))
    began = time.monotonic()
    shown = await applied(bulk.agent, shown)
    assert time.monotonic() - began < 60 * max(MANY, 5_000) / 10_000
    assert (counts(shown), len(bulk.database.rows("SELECT 1 FROM crm.people"))) == ((MANY, 0, 0, 0), MANY)
