"""A request with an Idempotency-Key does what it is for once, however often it comes, and answers the same."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import structlog
from rooftree.contracts.identity.api import COORDINATOR_ROLE
from rooftree.kernel.idempotency import REPLAYED, Idempotency

from ..conftest import Browser, FakeClock, Tenant, TestDatabase, parts_of
from ..crm.conftest import ADA, VISITOR
from ..identity.conftest import Brokerage, brokerage, me, problem, token_of
from ..object_storage import Bucket, made, password, settings
from ..property.conftest import elasticsearch, feeds_file, indexed_tenant
from ..property.test_pictures import located
from .repeatable import DOCUMENT, Sent, operations, takes_key

_ = (brokerage, elasticsearch, indexed_tenant, made)  # fixtures
pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("patient")]
OPEN = "SELECT count(*) FROM crm.people"


def key() -> str:
    return str(uuid4())


def counts(database: TestDatabase) -> dict[str, int]:
    """Rows of every table but those that tell who looked."""
    quiet = ("gateway.", "requests.", "migrations.", "jobs.procrastinate_workers", "jobs.procrastinate_periodic")
    tables = [table for table in database.tables if not table.startswith(quiet)]
    query = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in tables)
    return dict(database.rows(query))


def told(answer: httpx2.Response) -> tuple[int, bytes, dict[str, str | None]]:
    names = ("etag", "location", "content-type", "cache-control")
    return answer.status_code, answer.content, {name: answer.headers.get(name) for name in names}


def create_person(browser: Browser, key: str, **values: Any) -> Awaitable[httpx2.Response]:
    return Sent("/api/v1/people", ADA).by(browser, key, **values)


async def _cases(brokerage: Brokerage) -> dict[str, Sent]:
    owner = brokerage.owner
    office = await brokerage.office("Main")
    cora = await me(await brokerage.coordinator())
    andy = await me(await brokerage.agent())
    person = (await owner.post("/api/v1/people", json=ADA)).json()["id"]
    listing = (await owner.post("/api/v1/properties", json={})).json()["id"]
    invited = (await brokerage.invite("Ivy", COORDINATOR_ROLE, "Main")).json()["id"]
    until = (parts_of(brokerage.app, "identity").runtime.clock.now() + timedelta(days=2)).isoformat()
    delegation = {"assistant_id": cora["id"], "user_id": andy["id"], "resources": ["person"], "expires_at": until}
    invitation = {"email": "new@acme.test", "name": "New", "role": COORDINATOR_ROLE, "office_id": office}
    call = {"kind": "call", "direction": "outgoing", "outcome": "Left a message"}
    checked, done = (_imported(brokerage, "crm", state) for state in ("checked", "applied"))
    checked_too, done_too = (_imported(brokerage, "property", state) for state in ("checked", "applied"))
    return {
        "import_people": Sent(
            "/api/v1/people-imports?file_name=a.csv", b"Name\nAda\n", headers={"Content-Type": "text/csv"}
        ),
        "apply_people_import": Sent(f"/api/v1/people-imports/{checked}/application", headers={"If-Match": '"1"'}),
        "undo_people_import": Sent(f"/api/v1/people-imports/{done}/undo", headers={"If-Match": '"1"'}),
        "export_people": Sent("/api/v1/people-exports?format=csv"),
        "import_properties": Sent(
            "/api/v1/property-imports?file_name=a.csv", b"City\nAmes\n", headers={"Content-Type": "text/csv"}
        ),
        "apply_property_import": Sent(
            f"/api/v1/property-imports/{checked_too}/application", headers={"If-Match": '"1"'}
        ),
        "undo_property_import": Sent(f"/api/v1/property-imports/{done_too}/undo", headers={"If-Match": '"1"'}),
        "export_properties": Sent("/api/v1/property-exports?format=csv"),
        "create_delegation": Sent("/api/v1/delegations", delegation, {"resources": ["listing"]}),
        "start_feed_run": Sent("/api/v1/feeds/sample/runs"),
        "create_inquiry": Sent("/api/v1/inquiries", VISITOR, {"message": "Another one"}),
        "create_lead": Sent("/api/v1/leads", {"type": "General Inquiry", "source": "Walk-in", "person_id": person}),
        "create_office": Sent("/api/v1/offices", {"name": "North"}, {"name": "South"}),
        "create_person": Sent("/api/v1/people", ADA | {"even_if_known": True}, {"name": "Grace"}),
        "create_activity": Sent(f"/api/v1/people/{person}/activities", call, {"outcome": "Spoke"}),
        "create_note": Sent(f"/api/v1/people/{person}/notes", {"text": "A note"}, {"text": "Another"}),
        "create_task": Sent(f"/api/v1/people/{person}/tasks", {"title": "Call back"}, {"title": "Write"}),
        "create_property": Sent("/api/v1/properties", {"city": "Ames"}, {"city": "Nevada"}),
        "upload_property_photo": Sent(f"/api/v1/properties/{listing}/photos", located()),
        "start_search_rebuild": Sent("/api/v1/search/rebuilds"),
        "create_stage": Sent("/api/v1/stages", {"name": "Warm"}, {"name": "Hot"}),
        "create_team": Sent("/api/v1/teams", {"name": "Lake", "office_id": office}, {"name": "Hill"}),
        "create_user_invitation": Sent("/api/v1/user-invitations", invitation, {"name": "Other"}),
        "resend_user_invitation": Sent(f"/api/v1/user-invitations/{invited}/resend"),
    }


def _imported(brokerage: Brokerage, module: str, state: str) -> str:
    """An import of the owner's that is at this step."""
    ((found,),) = brokerage.database.rows(
        f"INSERT INTO {module}.imports (id, file_name, format, state, job_id, row_count, columns, counts, outcome,"
        " actor_id, created_at, changed_at, applied_at, version)"
        f" SELECT uuidv7(), 'a.csv', 'csv', '{state}', uuidv7(), 0, '[]', '{{}}', '{{}}', id, now(), now(), now(), 1"
        " FROM identity.users WHERE role = 'broker_owner' RETURNING id"
    )
    return str(found)


async def test_every_operation_with_a_key_answers_again_and_does_nothing_again(
    start: Callable[..., Any],
    indexed_tenant: Tenant,
    database: TestDatabase,
    made: Bucket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in settings(made.name).items():
        monkeypatch.setenv(name, value)
    files = {"s3_secret_key": password(), "feeds.json": feeds_file(sample="https://127.0.0.1:1")}
    owner: Browser = await start(indexed_tenant.but(secret_files=files))
    await owner.accept_owner()
    await owner.sign_in()
    async with AsyncExitStack() as stack:
        cases = await _cases(Brokerage(owner, database, stack))
        assert cases.keys() == {name for name, (*_, one) in operations(DOCUMENT).items() if takes_key(one)}
        for name, sent in cases.items():
            mine, before = key(), counts(database)
            first = await sent.by(owner, mine)
            assert first.is_success, (name, first.text)
            assert REPLAYED not in first.headers
            after = counts(database)
            assert after != before or name == "resend_user_invitation", name
            again = await sent.by(owner, mine)
            assert (name, told(again)) == (name, told(first))
            assert again.headers[REPLAYED] == "true"
            if sent.other:
                assert (name, *problem(await sent.by(owner, mine, **sent.other))) == (
                    name,
                    422,
                    "idempotency-key-reused",
                )
            assert (name, counts(database)) == (name, after)
        assert [name.partition("/")[0] for name in made.names()] == ["imports", "imports", "photos"]


async def test_a_key_is_its_callers_and_its_operations(brokerage: Brokerage) -> None:
    owner, andy, mine = brokerage.owner, await brokerage.agent(), key()
    first = await create_person(owner, mine)
    other = await create_person(andy, mine)
    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json()["id"] != other.json()["id"]
    assert problem(await Sent("/api/v1/stages", {"name": "Warm"}).by(owner, mine)) == (422, "idempotency-key-reused")
    assert problem(await Sent("/api/v1/people?x=1", ADA).by(owner, mine)) == (422, "idempotency-key-reused")
    quoted = await create_person(owner, f'"{mine}"')
    assert told(quoted) == told(first)


async def test_what_is_no_key_is_refused(owner: Browser) -> None:
    wrong = ("", "short", "a" * 129, f'"{"a" * 20}', "ü" * 20, "a b" * 10, '""')
    given = [[(b"Idempotency-Key", one.encode())] for one in wrong]
    for headers in (*given, [(b"Idempotency-Key", key().encode())] * 2):
        answer = await owner.post("/api/v1/people", json=ADA, headers=headers)
        assert (headers, *problem(answer)) == (headers, 400, "idempotency-key-malformed")


async def test_what_was_refused_is_not_kept(brokerage: Brokerage) -> None:
    owner, mine = brokerage.owner, key()
    assert (await create_person(owner, mine, name="")).status_code == 422
    assert (await create_person(owner, mine, stage_id=str(uuid4()))).status_code == 422
    assert brokerage.database.rows("SELECT count(*) FROM requests.answers") == [(0,)]
    assert (await create_person(owner, mine)).status_code == 201


async def test_nobody_gets_an_answer_whose_role_does_not_open_the_operation_any_more(brokerage: Brokerage) -> None:
    manager, mine = await brokerage.manager(), key()
    stage = Sent("/api/v1/stages", {"name": "Warm"})
    assert (await stage.by(manager, mine)).status_code == 201
    brokerage.database.rows("UPDATE identity.users SET role = 'agent' WHERE name = 'Mona' RETURNING 1")
    parts_of(brokerage.app, "gateway").runtime.clock.advance(seconds=2)  # type: ignore[attr-defined]
    assert (await stage.by(manager, mine)).status_code == 403


async def test_after_a_day_a_key_is_new_and_its_answer_is_dropped(brokerage: Brokerage, clock: FakeClock) -> None:
    owner, mine = brokerage.owner, key()
    first = await create_person(owner, mine, even_if_known=True)
    clock.advance(hours=23, minutes=59)
    await owner.sign_in()
    assert told(await create_person(owner, mine, even_if_known=True)) == told(first)
    clock.advance(minutes=2)
    later = await create_person(owner, mine, even_if_known=True)
    assert later.json()["id"] != first.json()["id"]
    assert told(await create_person(owner, mine, even_if_known=True)) == told(later)
    clock.advance(hours=25)
    (forget,) = [job for job in parts_of(owner.app, "crm").queue.declared() if job.name == "requests.forget"]
    await forget.run()
    assert brokerage.database.rows("SELECT count(*) FROM requests.answers") == [(0,)]


async def test_what_is_kept_cannot_be_read_in_the_database(brokerage: Brokerage) -> None:
    mine = key()
    answer = await Sent("/api/v1/user-invitations", {"email": "i@acme.test", "name": "Ivy", "role": "agent"}).by(
        brokerage.owner, mine
    )
    link = answer.json()["link"]
    ((content,),) = brokerage.database.rows("SELECT id || fingerprint || sealed FROM requests.answers")
    for secret in (link, link.rpartition("/")[2], "Ivy", mine):
        assert secret.encode() not in bytes(content)


async def test_a_twin_on_another_replica_is_told_to_wait(
    start: Callable[..., Any], stored_tenant: Tenant, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    one: Browser = await start(stored_tenant)
    await one.accept_owner()
    await one.sign_in()
    token = (await token_of(one, "olivia@acme.test"))["access_token"]
    two: Browser = await start(stored_tenant)
    reached, go_on, store = asyncio.Event(), asyncio.Event(), Idempotency.store

    async def slow(*given: Any) -> None:
        reached.set()
        await go_on.wait()
        await store(*given)

    monkeypatch.setattr(Idempotency, "store", slow)
    mine, bearer = key(), {"Authorization": f"Bearer {token}"}
    one.headers |= bearer
    two.headers |= bearer
    first = asyncio.create_task(create_person(one, mine))  # type: ignore[arg-type]
    await reached.wait()
    refused = await create_person(two, mine)
    assert problem(refused) == (409, "idempotency-key-in-use")
    assert refused.headers["retry-after"] == "1"
    assert database.rows(OPEN) == [(0,)]
    go_on.set()
    made = await first
    assert told(await create_person(two, mine)) == told(made)
    assert database.rows(OPEN) == [(1,)]


async def test_what_fails_after_the_effect_undoes_it(brokerage: Brokerage, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = key()

    async def failing(*_: Any) -> None:
        raise RuntimeError("planted")

    with monkeypatch.context() as planted, structlog.testing.capture_logs() as lines:
        planted.setattr(Idempotency, "store", failing)
        assert (await create_person(brokerage.owner, mine)).status_code == 500
    assert "unhandled_error" in {line["event"] for line in lines}
    assert brokerage.database.rows(OPEN) == [(0,)]
    assert (await create_person(brokerage.owner, mine)).status_code == 201


async def test_a_program_that_fills_in_what_nobody_sees_gets_the_same_answers(brokerage: Brokerage) -> None:
    mine = key()
    trap = Sent("/api/v1/inquiries", VISITOR | {"website": "https://spam.test"})
    first = await trap.by(await brokerage.browser(), mine)
    again = await trap.by(await brokerage.browser(), mine)
    assert (first.status_code, again.headers[REPLAYED]) == (202, "true")
    assert brokerage.database.rows("SELECT count(*) FROM crm.leads") == [(0,)]
