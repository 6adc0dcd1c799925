"""The RESO client against a server that misbehaves in all the ways that feeds do."""

import json
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from rooftree.kernel.settings import SettingsError
from rooftree.modules.property.reso import (
    MAX_PAGE_BYTES,
    AskedToWait,
    CheckpointGone,
    FeedConfig,
    FeedError,
    ResoClient,
    first_page,
    key_page,
    parse_feeds,
    records_page,
    retry_after,
)

ORIGIN = "http://mls.test:8080"
CONFIG = parse_feeds(
    json.dumps(
        [
            {
                "name": "a",
                "url": f"{ORIGIN}/odata/",
                "token_url": "http://login.test/token",
                "client_id": "id",
                "client_secret": "canary-secret",
            }
        ]
    )
)[0]
Answer = httpx2.Response | Exception


class FakeFeed:
    """Gives tokens T1, T2 … and, for pages, the queued answers; remembers what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.tokens = 0
        self.waits: list[float] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if request.url.host == "login.test":
            self.tokens += 1
            return httpx2.Response(200, json={"access_token": f"T{self.tokens}", "expires_in": 3600})
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)

    @property
    def authorizations(self) -> list[str]:
        return [r.headers["authorization"] for r in self.requests if r.url.host == "mls.test"]


Connect = Callable[[FakeFeed], ResoClient]


@pytest.fixture
async def connect() -> AsyncGenerator[Connect]:
    opened: list[httpx2.AsyncClient] = []

    def make(feed: FakeFeed) -> ResoClient:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(feed), follow_redirects=False)
        opened.append(http)
        return ResoClient(CONFIG, http, feed.wait)

    yield make
    for http in opened:
        await http.aclose()


def page(*records: Any, link: Any = None, **headers: str) -> httpx2.Response:
    body: dict[str, Any] = {"value": list(records)} | ({"@odata.nextLink": link} if link else {})
    return httpx2.Response(200, json=body, headers=headers)


URL = first_page(CONFIG, since=None)


async def test_reads_a_page_with_a_token_of_the_token_endpoint(connect: Connect) -> None:
    feed = FakeFeed(page({"ListingKey": "a"}, link=f"{ORIGIN}/odata/Property?$skiptoken=1"))
    found = await connect(feed).page(URL)
    assert (found.records, found.next_link) == ([{"ListingKey": "a"}], f"{ORIGIN}/odata/Property?$skiptoken=1")
    token, asked = feed.requests
    assert token.content == b"grant_type=client_credentials&client_id=id&client_secret=canary-secret"
    assert str(asked.url) == f"{ORIGIN}/odata/Property?$expand=Media&$count=true"
    assert asked.headers["prefer"] == "odata.maxpagesize=250"


def test_a_run_for_changes_filters_by_time_in_utc() -> None:
    since = datetime.fromisoformat("2026-05-31T12:00:00-05:00")
    assert first_page(CONFIG, since=since).endswith("&$filter=ModificationTimestamp%20gt%202026-05-31T17:00:00.000000Z")


async def test_a_page_says_how_many_records_there_are_if_the_server_does(connect: Connect) -> None:
    counts = [5, None, "5", -1, 10**12]
    feed = FakeFeed(*(httpx2.Response(200, json={"value": [], "@odata.count": count}) for count in counts))
    client = connect(feed)
    assert [(await client.page(URL)).count for _ in counts] == [5, None, None, None, None]


async def test_pages_follow_each_other_in_the_size_that_is_asked_for(connect: Connect) -> None:
    second = f"{ORIGIN}/odata/Property?$skiptoken=1"
    feed = FakeFeed(page({"ListingKey": "a"}, link=second), page({"ListingKey": "b"}))
    found = [(at, page.records) async for at, page in connect(feed).pages(key_page(CONFIG), size=1000)]
    assert found == [(key_page(CONFIG), [{"ListingKey": "a"}]), (second, [{"ListingKey": "b"}])]
    assert {request.headers["prefer"] for request in feed.requests[1:]} == {"odata.maxpagesize=1000"}


def test_records_are_asked_for_by_keys_that_are_no_odata() -> None:
    url = records_page(CONFIG, ["a", "o'b & c"])
    assert parse_qs(urlsplit(url).query)["$filter"] == ["ListingKey eq 'a' or ListingKey eq 'o''b & c'"]


async def test_an_error_does_not_repeat_a_query_of_many_keys(connect: Connect) -> None:
    url = records_page(CONFIG, [f"KEY-{number:020}" for number in range(20)])
    with pytest.raises(FeedError, match=r"^the feed answered 403 to http://mls\.test:8080/odata/Property$"):
        await connect(FakeFeed(httpx2.Response(403))).page(url)


async def test_keeps_its_token_and_gets_a_new_one_when_it_has_expired(connect: Connect) -> None:
    feed = FakeFeed(page(), page(), httpx2.Response(401), page())
    client = connect(feed)
    for _ in range(3):
        await client.page(URL)
    assert feed.authorizations == ["Bearer T1", "Bearer T1", "Bearer T1", "Bearer T2"]


async def test_gives_up_when_new_tokens_are_refused_too(connect: Connect) -> None:
    feed = FakeFeed(httpx2.Response(401), httpx2.Response(401))
    with pytest.raises(FeedError, match="refuses its own access token"):
        await connect(feed).page(URL)


async def test_waits_as_long_as_the_server_asks(connect: Connect) -> None:
    feed = FakeFeed(httpx2.Response(429, headers={"Retry-After": "7"}), httpx2.Response(429), page({"a": 1}))
    assert (await connect(feed).page(URL)).records == [{"a": 1}]
    assert feed.waits == [7, 1]


async def test_does_not_wait_for_minutes(connect: Connect) -> None:
    feed = FakeFeed(httpx2.Response(429, headers={"Retry-After": "3600"}))
    with pytest.raises(AskedToWait, match="wait for 3600 s") as asked:
        await connect(feed).page(URL)
    assert (asked.value.seconds, feed.waits) == (3600, [])


async def test_tries_again_when_there_is_no_connection_or_a_server_error(connect: Connect) -> None:
    feed = FakeFeed(httpx2.ConnectError("refused"), httpx2.ReadTimeout("slow"), httpx2.Response(503), page({"a": 1}))
    assert (await connect(feed).page(URL)).records == [{"a": 1}]
    assert feed.waits == [0.5, 1, 2]


@pytest.mark.parametrize("answer", [httpx2.ConnectError("refused"), httpx2.Response(500)])
async def test_gives_up_after_six_attempts(connect: Connect, answer: Answer) -> None:
    feed = FakeFeed(*[answer] * 6)
    with pytest.raises(FeedError):
        await connect(feed).page(URL)
    assert feed.answers == []
    assert sum(feed.waits) == 15.5


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_says_when_the_server_forgot_the_page(connect: Connect, status: int) -> None:
    with pytest.raises(CheckpointGone):
        await connect(FakeFeed(httpx2.Response(status))).page(URL)


@pytest.mark.parametrize(
    "link",
    [
        "http://evil.test/odata/Property",
        "https://mls.test:8080/odata/Property",
        "http://mls.test/odata/Property",
        "http://mls.test:8080@evil.test/",
        "//evil.test/",
        "file:///etc/passwd",
        "Property?$skiptoken=1",
        17,
        ["x"],
    ],
)
async def test_follows_no_link_to_another_server(connect: Connect, link: Any) -> None:
    with pytest.raises(FeedError, match="another server"):
        await connect(FakeFeed(page(link=link))).page(URL)


async def test_follows_no_redirect(connect: Connect) -> None:
    feed = FakeFeed(httpx2.Response(302, headers={"Location": "http://169.254.169.254/"}))
    with pytest.raises(FeedError, match="302"):
        await connect(feed).page(URL)
    assert {request.url.host for request in feed.requests} == {"login.test", "mls.test"}


@pytest.mark.parametrize(
    "content", [b"", b"not json", b"[]", b"null", b'{"value": 1}', b'{"other": []}', b"[" * 100_000, b"\xff\xfe"]
)
async def test_an_answer_that_is_no_page_is_an_error_not_a_crash(connect: Connect, content: bytes) -> None:
    with pytest.raises(FeedError, match="answer"):
        await connect(FakeFeed(httpx2.Response(200, content=content))).page(URL)


async def test_stops_reading_an_endless_answer(connect: Connect) -> None:
    sent = 0

    async def endless() -> AsyncGenerator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 1024 * 1024

    with pytest.raises(FeedError, match="larger than"):
        await connect(FakeFeed(httpx2.Response(200, content=endless()))).page(URL)
    assert sent <= MAX_PAGE_BYTES // (1024 * 1024) + 2


async def test_a_refused_secret_is_told_without_the_secret(connect: Connect) -> None:
    class Refusing(FakeFeed):
        def __call__(self, request: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(401, json={"error": "invalid_client"})

    with pytest.raises(FeedError) as refusal:
        await connect(Refusing()).page(URL)
    assert str(refusal.value) == "the feed refuses our client id and secret"
    assert "canary" not in repr(CONFIG)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5", 5),
        (" 0 ", 0),
        ("Sun, 31 May 2026 12:01:00 GMT", 60),
        ("Sun, 31 May 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, datetime(2026, 5, 31, 12, tzinfo=UTC)) == seconds


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "file"),
        ("{}", "file"),
        ('[{"name": "a", "client_secret": "canary"}]', "0.client_id, 0.token_url, 0.url"),
        (json.dumps([CONFIG.model_dump(mode="json") | {"url": "ftp://canary"}]), "0.url"),
        (json.dumps([CONFIG.model_dump(mode="json")] * 2), "two feeds of one name"),
    ],
)
def test_a_wrong_configuration_is_told_by_place_without_values(content: str, words: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        parse_feeds(content)
    assert words in str(refusal.value)
    assert "canary" not in str(refusal.value)


def test_no_feeds_is_a_configuration() -> None:
    assert parse_feeds("[]") == ()
    assert isinstance(CONFIG, FeedConfig)
