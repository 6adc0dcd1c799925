"""The sample moves when it is told to, and its feed shows that like a real one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rooftree_mls_feed.app import build_app
from rooftree_mls_feed.control import _parser, build_control
from rooftree_mls_feed.settings import Settings
from rooftree_mls_feed.store import Mls
from starlette.testclient import TestClient

KEY = "AMES-00001"
CLIENT = ("an id", "a secret")


@pytest.fixture
def mls() -> Mls:
    return Mls(now=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


@pytest.fixture
def control(mls: Mls) -> TestClient:
    return TestClient(build_control(mls))


@pytest.fixture
def feed(mls: Mls) -> TestClient:
    client = TestClient(build_app(Settings(*CLIENT), mls))
    form = {"grant_type": "client_credentials", "client_id": CLIENT[0], "client_secret": CLIENT[1]}
    client.headers["Authorization"] = f"Bearer {client.post('/oauth/token', data=form).json()['access_token']}"
    return client


def found(feed: TestClient, **options: str) -> list[dict[str, Any]]:
    answer = feed.get("/odata/Property", params={f"${name}": value for name, value in options.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()["value"]


def test_a_change_is_what_was_modified_since_and_nothing_else_is(control: TestClient, feed: TestClient) -> None:
    assert control.patch(f"/records/{KEY}", json={"ListPrice": 5}).status_code == 200
    (record,) = found(feed, filter="ModificationTimestamp gt 2026-01-02T03:04:00Z")
    assert (record["ListingKey"], record["ListPrice"]) == (KEY, 5)
    assert record["PhotosChangeTimestamp"] < "2011"


def test_a_new_number_of_photos_changes_the_photos(control: TestClient, feed: TestClient) -> None:
    control.patch(f"/records/{KEY}", json={"PhotosCount": 7})
    (record,) = found(feed, filter=f"ListingKey eq '{KEY}'", expand="Media")
    assert len(record["Media"]) == 7
    assert record["PhotosChangeTimestamp"] == record["ModificationTimestamp"] == "2026-01-02T03:04:05.000000Z"


def test_a_deleted_record_disappears_and_comes_back_modified(control: TestClient, feed: TestClient) -> None:
    before = feed.get("/odata/Property", params={"$count": "true"}).json()["@odata.count"]
    assert control.delete(f"/records/{KEY}").status_code == 204
    assert feed.get(f"/odata/Property('{KEY}')").status_code == 404
    assert feed.get("/odata/Property", params={"$count": "true"}).json()["@odata.count"] == before - 1
    assert control.delete(f"/records/{KEY}").status_code == 404
    assert control.post(f"/records/{KEY}/restoration").status_code == 200
    (record,) = found(feed, filter="ModificationTimestamp gt 2026-01-02T03:04:00Z")
    assert record["ListingKey"] == KEY
    assert control.post(f"/records/{KEY}/restoration").status_code == 404


def test_a_new_record_is_added_once(control: TestClient, feed: TestClient) -> None:
    new = {"ListingKey": "NEW-1", "StandardStatus": "Active", "ListPrice": 1}
    assert control.post("/records", json=new).status_code == 201
    assert control.post("/records", json=new).status_code == 422
    assert [record["ListPrice"] for record in found(feed, filter="ListingKey eq 'NEW-1'")] == [1]


@pytest.mark.parametrize("fields", [{"ListingKey": "other"}, {"NoSuchField": 1}, [], "x"])
def test_a_change_that_makes_no_sense_is_refused(control: TestClient, fields: Any) -> None:
    assert control.patch(f"/records/{KEY}", json=fields).status_code == 422


def test_the_market_moves_homes_for_sale_in_turn(mls: Mls) -> None:
    before = {record.get("ListingKey"): record for record in mls.records}
    first, second = mls.advance(2), mls.advance(2)
    assert not set(first) & set(second)
    changed = [key for key, record in before.items() if key and mls.get(key) is not record]
    assert set(changed) == {*first, *second}
    assert all(before[key]["StandardStatus"] != "Closed" for key in changed)


def test_trouble_reaches_the_data_and_ends_when_told(control: TestClient, feed: TestClient) -> None:
    for trouble, status, header in (
        ({"kind": "error", "status": 503}, 503, None),
        ({"kind": "throttle", "seconds": 90}, 429, "90"),
    ):
        assert control.put("/trouble", json=trouble).status_code == 204
        answer = feed.get("/odata/Property")
        assert (answer.status_code, answer.headers.get("Retry-After")) == (status, header)
    control.put("/trouble", json={"kind": "empty"})
    assert found(feed) == []
    assert control.delete("/trouble").status_code == 204
    assert len(found(feed)) == 200
    assert control.put("/trouble", json={"kind": "explode"}).status_code == 422


def test_the_feed_itself_has_no_control(feed: TestClient) -> None:
    for method, path in (("PATCH", f"/records/{KEY}"), ("PUT", "/trouble"), ("POST", "/records"), ("GET", "/state")):
        assert feed.request(method, path, json={}).status_code == 404


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("change K ListPrice=5 City=Ames", ("PATCH", "/records/K", {"ListPrice": 5, "City": "Ames"})),
        ("add K ListPrice=5", ("POST", "/records", {"ListingKey": "K", "ListPrice": 5})),
        ("delete K", ("DELETE", "/records/K", None)),
        ("trouble throttle --seconds 7", ("PUT", "/trouble", {"kind": "throttle", "status": 500, "seconds": 7})),
        ("well", ("DELETE", "/trouble", None)),
    ],
)
def test_the_command_says_it_over_http(words: str, call: tuple[Any, ...]) -> None:
    given = _parser().parse_args(words.split())
    assert given.call(given) == call


def test_modification_times_follow_the_clock() -> None:
    times = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in range(2)]
    clock = iter(times)
    mls = Mls(now=lambda: next(clock))
    stamps = [mls.change(KEY, {"ListPrice": price})["ModificationTimestamp"] for price in (1, 2)]
    assert stamps == ["2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:01.000000Z"]
