"""The stream of changes: whoever follows hears what they may see, and after a cut all that they missed, or that they
missed something.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from rooftree.kernel import ears as kernel_ears
from rooftree.kernel import live
from rooftree.kernel.ears import Ears
from rooftree.kernel.ids import new_id
from rooftree.kernel.live import Record
from rooftree.modules.gateway import streams

from ..conftest import Browser, Tenant
from ..identity.conftest import Brokerage, change, me

pytestmark = pytest.mark.integration


class Event(NamedTuple):
    name: str
    id: str
    data: dict[str, Any]


class Follower:
    """An EventSource on the app itself: keeps what it was sent."""

    def __init__(self, browser: Browser, last_id: str | None = None) -> None:
        self.events: list[Event] = []
        self.status = 0
        self.last_id = last_id
        self._text = ""
        self._gone = asyncio.Event()
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        headers = {"host": browser.base_url.netloc.decode(), "cookie": cookies}
        headers |= {"last-event-id": last_id} if last_id else {}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "https",
            "path": "/api/v1/stream",
            "raw_path": b"/api/v1/stream",
            "root_path": "",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 443),
        }
        self.task = asyncio.ensure_future(browser.app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if not self._gone.is_set():
            await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if self._gone.is_set():
            raise OSError("the client is gone")
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        *whole, self._text = (self._text + message.get("body", b"").decode()).split("\n\n")
        for block in whole:
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            if "event" in fields:
                self.events.append(Event(fields["event"], fields["id"], json.loads(fields["data"])))
                self.last_id = fields["id"]

    async def cut(self) -> str:
        """The connection breaks; the id to go on from."""
        self._gone.set()
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await self.task
        assert self.last_id
        return self.last_id

    def heard(self, resource: str = "person") -> list[str]:
        changes = [event.data for event in self.events if event.name == "change"]
        return [one for data in changes if data["resource"] == resource for one in data["ids"]]

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - it comes from another connection
                await asyncio.sleep(0.01)

    async def begun(self) -> "Follower":
        await self.until(lambda: self.events or self.task.done())
        return self


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_ears, "_NOTICE_SECONDS", 0.1)
    monkeypatch.setattr(streams, "CHECK_SECONDS", 0.2)


async def listening(app: Any) -> Ears:
    parts = app.state.parts
    parts.bus.start(parts.runtime.background)
    ears: Ears = parts.runtime.ears
    async with asyncio.timeout(20):
        while not ears.listening:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return ears


@pytest.fixture
async def ears(brokerage: Brokerage) -> Ears:
    return await listening(brokerage.app)


async def tell(app: Any, *records: Record, resource: str = "person", data: dict[str, Any] | None = None) -> None:
    async with app.state.parts.runtime.unit_of_work() as session:
        await live.tell(session, resource, records, data=data)


async def ids(browser: Browser) -> tuple[UUID, UUID | None]:
    user = await me(browser)
    return UUID(user["id"]), UUID(user["office_id"]) if user["office_id"] else None


async def test_hears_what_changed_once_it_is_committed(brokerage: Brokerage, ears: Ears) -> None:
    person, never = new_id(), new_id()
    follower = await Follower(brokerage.owner).begun()
    unit_of_work = brokerage.app.state.parts.runtime.unit_of_work

    async def rolled_back() -> None:
        async with unit_of_work() as session:
            await live.tell(session, "person", [Record(never)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await rolled_back()
    async with unit_of_work() as session:
        await live.tell(session, "person", [Record(person), Record(person)])
        assert follower.heard() == []
    await follower.until(follower.heard)
    assert follower.heard() == [str(person)]
    await follower.cut()


async def test_only_what_one_may_see_is_heard(brokerage: Brokerage, ears: Ears) -> None:
    browsers = {
        "owner": brokerage.owner,
        "manager": await brokerage.manager(),
        "agent": await brokerage.agent(),
        "peer": await brokerage.agent(name="Pam"),
        "west": await brokerage.agent("West", name="Wes"),
    }
    agent, office = await ids(browsers["agent"])
    _, west = await ids(browsers["west"])
    followers = {name: await Follower(browser).begun() for name, browser in browsers.items()}
    own, pond, pond_west, nowhere, job, feed = (new_id() for _ in range(6))
    await tell(brokerage.app, Record(own, agent, office), Record(pond, None, office))
    await tell(brokerage.app, Record(pond_west, None, west), Record(nowhere))
    await tell(brokerage.app, Record(job, agent, office), resource="job", data={"done": 1})
    await tell(brokerage.app, Record(str(feed)), resource="feed")
    last = new_id()
    await tell(brokerage.app, Record(last), resource="listing")
    for follower in followers.values():
        await follower.until(lambda follower=follower: follower.heard("listing") == [str(last)])
    names = {str(own): "own", str(pond): "pond", str(pond_west): "pond west", str(nowhere): "nowhere"}
    people = {name: {names[one] for one in follower.heard()} for name, follower in followers.items()}
    assert people == {
        "owner": {"own", "pond", "pond west", "nowhere"},
        "manager": {"own", "pond", "nowhere"},
        "agent": {"own", "pond"},
        "peer": {"pond"},
        "west": {"pond west"},
    }
    assert {name for name, one in followers.items() if one.heard("job")} == {"owner", "manager", "agent"}
    assert {name for name, one in followers.items() if one.heard("feed")} == {"owner", "manager"}
    for follower in followers.values():
        assert str(job) in follower.heard("job") or str(job) not in str(follower.events)
        await follower.cut()


async def test_of_very_many_none_is_named(brokerage: Brokerage, ears: Ears) -> None:
    follower = await Follower(brokerage.owner).begun()
    await tell(brokerage.app, *(Record(new_id()) for _ in range(120)))
    await follower.until(lambda: len(follower.heard()) == 120)
    await tell(brokerage.app, *(Record(new_id()) for _ in range(501)))
    await follower.until(lambda: follower.events[-1].data == {"resource": "person", "ids": []})
    await follower.cut()


async def test_after_a_cut_goes_on_without_loss_also_at_another_replica(
    brokerage: Brokerage, ears: Ears, start: Callable[..., Any], stored_tenant: Tenant
) -> None:
    other: Browser = await start(stored_tenant)
    await listening(other.app)
    other.cookies = brokerage.owner.cookies
    told = [new_id() for _ in range(30)]
    heard: list[str] = []
    follower = await Follower(brokerage.owner).begun()
    for number, person in enumerate(told):
        await tell(brokerage.app, Record(person))
        if number == 0:
            # The id of `hello` is known where it was said only; from here on it is one of a notice.
            await follower.until(follower.heard)
        if number % 5 == 3:
            last = await (await follower.begun()).cut()
            heard += follower.heard()
            assert follower.events[0].name == "hello"
            follower = Follower([brokerage.owner, other][number % 2], last)
    await follower.until(lambda: len(heard) + len(follower.heard()) >= len(told))
    assert heard + follower.heard() == [str(person) for person in told]
    await follower.cut()


async def test_what_is_not_known_any_more_is_said_to_be_missing(
    brokerage: Brokerage, ears: Ears, database: Any
) -> None:
    stranger = await Follower(brokerage.owner, str(new_id())).begun()
    assert stranger.events[0].name == "reset"
    follower = await Follower(brokerage.owner).begun()
    assert follower.events[0].name == "hello"
    database.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE usename = '{database.user}' AND query LIKE 'LISTEN%'"
    )
    # Streams end with the connection; whoever comes back is told to read anew.
    await follower.until(follower.task.done)
    await follower.until(lambda: ears.listening)
    back = await Follower(brokerage.owner, follower.last_id).begun()
    assert back.events[0].name == "reset"
    for one in (stranger, back):
        await one.cut()


async def test_what_another_replica_heard_a_moment_earlier_is_waited_for() -> None:
    ears, told = Ears(), str(new_id())
    ears.begin()
    looking = asyncio.ensure_future(ears.position_after(told))
    await asyncio.sleep(0)
    ears.hear(json.dumps({"id": told, "resource": "person", "records": []}))
    assert await looking == ears.head


async def test_too_slow_a_follower_is_told_to_read_anew() -> None:
    ears = Ears()
    ears.begin()
    position = ears.head
    for _ in range(kernel_ears.KEPT + 1):
        ears.hear(json.dumps({"id": str(new_id()), "resource": "person", "records": []}))
    assert ears.after(position) is None
    assert ears.after(ears.head - 1) is not None


async def test_ends_with_the_session(brokerage: Brokerage, ears: Ears) -> None:
    agent = await brokerage.agent()
    follower = await Follower(agent).begun()
    assert (await agent.post("/auth/logout")).status_code == 204
    # The browser has dropped its cookie; what follows still has the old one.
    await follower.until(follower.task.done)
    assert follower.events[-1].name == "bye"


async def test_ends_when_rights_change_and_nothing_is_heard_by_the_old_ones(brokerage: Brokerage, ears: Ears) -> None:
    agent = await brokerage.agent()
    await brokerage.office("West")
    _, office = await ids(agent)
    follower = await Follower(agent).begun()
    user = (await brokerage.owner.get(f"/api/v1/users/{(await me(agent))['id']}")).json()
    moved = await change(brokerage.owner, user, office_id=brokerage.offices["West"])
    assert moved.status_code == 200, moved.text
    await follower.until(follower.task.done)
    assert follower.events[-1].name in ("reset", "bye")
    pond, west = new_id(), new_id()
    await tell(brokerage.app, Record(pond, None, office))
    await tell(brokerage.app, Record(west, None, UUID(brokerage.offices["West"])))
    back = Follower(agent, follower.last_id)
    await back.until(back.heard)
    assert back.heard() == [str(west)]
    await back.cut()


async def test_each_person_has_a_limited_number_of_streams(
    brokerage: Brokerage, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MOST_OF_A_USER", 2)
    two = [await Follower(brokerage.owner).begun() for _ in range(2)]
    refused = await Follower(brokerage.owner).begun()
    assert refused.status == 429
    await two[0].cut()
    third = await Follower(brokerage.owner).begun()
    assert third.status == 200
    for one in (two[1], third):
        await one.cut()


async def test_where_nobody_listens_there_is_no_stream(brokerage: Brokerage) -> None:
    answer = await brokerage.owner.get("/api/v1/stream")
    assert answer.status_code == 503


async def test_ends_after_a_while_and_when_the_process_stops(
    brokerage: Brokerage, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BEAT_SECONDS", 0.1)
    one = await Follower(brokerage.owner).begun()
    await one.until(lambda: any(event.name == "beat" for event in one.events))
    monkeypatch.setattr(streams, "LIFE_SECONDS", 0.3)
    short = await Follower(brokerage.owner).begun()
    await short.until(short.task.done)
    ears.close()
    await one.until(one.task.done)


async def test_a_stream_counts_as_answered_once_it_begins_and_as_open_until_it_ends(
    brokerage: Brokerage, ears: Ears
) -> None:
    registry = brokerage.app.state.parts.runtime.metrics.registry
    follower = await Follower(brokerage.owner).begun()
    assert registry.get_sample_value("http_server_active_requests") == 0
    assert registry.get_sample_value("rooftree_open_streams") == 1
    await follower.cut()
    assert registry.get_sample_value("rooftree_open_streams") == 0


async def test_a_contact_and_a_lead_are_heard_of_by_those_who_see_them(brokerage: Brokerage, ears: Ears) -> None:
    agent, peer = await brokerage.agent(), await brokerage.agent(name="Pam")
    followers = [await Follower(browser).begun() for browser in (agent, peer)]
    made = await agent.post("/api/v1/people", json={"name": "Cleo Client", "emails": ["cleo@client.test"]})
    assert made.status_code == 201, made.text
    await followers[0].until(followers[0].heard)
    mark = new_id()
    await tell(brokerage.app, Record(mark), resource="listing")
    await followers[1].until(lambda: followers[1].heard("listing"))
    assert followers[0].heard() == [made.json()["id"]]
    assert followers[1].heard() == []
    for follower in followers:
        await follower.cut()


async def test_jobs_are_listed_shown_and_cancelled(brokerage: Brokerage, ears: Ears) -> None:
    agent, stranger = await brokerage.agent(), await brokerage.agent("West", name="Wes")
    owner_id, office = await ids(agent)
    job = new_id()
    with_actor = f"'{job}', 'test.count', '{owner_id}', '{office}', 3, 9"
    brokerage.database.rows(
        f"INSERT INTO jobs.runs (id, kind, actor_id, office_id, done, total) VALUES ({with_actor}) RETURNING 1"
    )
    follower = await Follower(agent).begun()
    shown = (await agent.get(f"/api/v1/jobs/{job}")).json()
    assert (shown["state"], shown["progress"], shown["is_ending"]) == ("waiting", {"done": 3, "total": 9}, False)
    assert [one["id"] for one in (await agent.get("/api/v1/jobs?kind=test.count")).json()["items"]] == [str(job)]
    assert (await agent.get("/api/v1/jobs?state=running")).json() == {"items": [], "next_cursor": None}
    for method, path in (("GET", f"/api/v1/jobs/{job}"), ("POST", f"/api/v1/jobs/{job}/cancellation")):
        assert (await stranger.request(method, path)).status_code == 404
    cancelled = await agent.post(f"/api/v1/jobs/{job}/cancellation")
    assert (cancelled.status_code, cancelled.json()["state"]) == (202, "cancelled")
    again = await agent.post(f"/api/v1/jobs/{job}/cancellation")
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "job-ended")
    await follower.until(lambda: follower.heard("job"))
    assert follower.events[-1].data["data"]["state"] == "cancelled"
    await follower.cut()


async def test_the_list_of_jobs_goes_on_page_by_page(brokerage: Brokerage) -> None:
    brokerage.database.rows(
        "INSERT INTO jobs.runs (id, kind) SELECT gen_random_uuid(), 'test.count' FROM generate_series(1, 7) RETURNING 1"
    )
    found: list[str] = []
    cursor = ""
    for _ in range(3):
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await brokerage.owner.get("/api/v1/jobs", params=params)).json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 7


async def test_schedules_say_when_they_run_next(brokerage: Brokerage) -> None:
    brokerage.database.rows("INSERT INTO jobs.schedules VALUES ('test.daily', '27 4 * * *') RETURNING 1")
    (shown,) = (await brokerage.owner.get("/api/v1/schedules")).json()["items"]
    assert (shown["kind"], shown["last_due_at"]) == ("test.daily", None)
    assert shown["next_due_at"].endswith("T04:27:00Z")
    agent = await brokerage.agent()
    assert (await agent.get("/api/v1/schedules")).status_code == 403
