"""A client of RESO Web APIs: client credentials, pages by next link, patience with servers that ask for it.

It talks to the feed's own origin only (and the token address that the configuration names), follows no redirect, and
reads no answer beyond a limit. The HTTP library loads with the first request.
"""

import asyncio
import email.utils
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from opentelemetry.trace import Span
from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter, ValidationError, field_validator

from rooftree.kernel import telemetry
from rooftree.kernel.settings import SettingsError
from rooftree.modules.property.values import origin_of

if TYPE_CHECKING:
    import httpx2

PAGE_SIZE = 250
KEY_PAGE_SIZE = 1000
# Some 30 characters a key when encoded, in an address of at most 8,000; keys may be 255 long.
KEYS_PER_QUERY = 20
MAX_KEYS = 2_000_000  # some 200 bytes each while they are compared
MAX_PAGE_BYTES = 32 * 1024 * 1024  # a page of 250 has some 0.7 MB
MAX_TOKEN_BYTES = 64 * 1024
MAX_PHOTO_BYTES = 8 * 1024 * 1024
TIMEOUT = 20.0  # seconds for each of connecting, sending and receiving
ATTEMPTS = 6
BACKOFF = 0.5  # seconds before the second attempt, doubled for each further one: 15.5 s in all
MAX_WAIT = 60.0  # a server that asks for more patience is asked again by the next run
MAX_SHOWN_URL = 300
GONE = frozenset({400, 404, 410})


class FeedConfig(BaseModel):
    """One entry of the secret file `feeds.json`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    url: str
    token_url: str
    client_id: str
    client_secret: SecretStr

    @field_validator("url", "token_url")
    @classmethod
    def _http(cls, value: str) -> str:
        origin_of(value)
        return value.rstrip("/")

    @property
    def origin(self) -> str:
        return origin_of(self.url)


_CONFIGS = TypeAdapter(list[FeedConfig])


def parse_feeds(content: str) -> tuple[FeedConfig, ...]:
    """The feeds of `feeds.json`. Raises SettingsError that names the place at fault, never a value."""
    try:
        feeds = tuple(_CONFIGS.validate_json(content))
    except ValidationError as error:
        places = sorted({".".join(str(part) for part in item["loc"]) or "file" for item in error.errors()})
        raise SettingsError(f"feeds.json is wrong at: {', '.join(places)}") from None
    if any(feed.name.startswith(".") for feed in feeds):
        raise SettingsError("feeds.json has a feed whose name begins with a dot; such names are ours")
    if len({feed.name for feed in feeds}) != len(feeds):
        raise SettingsError("feeds.json has two feeds of one name")
    return feeds


class FeedError(Exception):
    """The feed did not give what was asked for; the text may be shown to a broker."""


class AskedToWait(FeedError):
    """The feed wants to be left alone for `seconds`, longer than a run waits."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the feed asks us to wait for {seconds:.0f} s")
        self.seconds = seconds


class CheckpointGone(FeedError):
    """The server no longer knows the page; the copy has to begin again."""


@dataclass(frozen=True, slots=True)
class Page:
    """`count`: how many records the whole answer has, None if the server does not say."""

    records: list[Any]
    next_link: str | None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: "httpx2.Headers"
    content: bytes


def first_page(config: FeedConfig, *, since: datetime | None) -> str:
    """Where a run begins: all records, or what changed after `since`."""
    options = {"$expand": "Media", "$count": "true"}
    if since is not None:
        options["$filter"] = f"ModificationTimestamp gt {since.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    return _property(config, options)


def count_page(config: FeedConfig) -> str:
    """The smallest answer that tells how many records there are."""
    return _property(config, {"$select": "ListingKey", "$top": "1", "$count": "true"})


def key_page(config: FeedConfig) -> str:
    """Where the list of all keys begins, with what tells whether a record changed."""
    return _property(config, {"$select": "ListingKey,ModificationTimestamp,PhotosChangeTimestamp"})


def records_page(config: FeedConfig, keys: Sequence[str]) -> str:
    """The records with these keys. `or` is in RESO's core, `in` is not."""
    either = " or ".join(f"ListingKey eq '{key.replace(chr(39), chr(39) * 2)}'" for key in keys)
    return _property(config, {"$expand": "Media", "$filter": either})


def _property(config: FeedConfig, options: dict[str, str]) -> str:
    return f"{config.url}/Property?{urlencode(options, safe='$:,', quote_via=quote)}"


def new_http() -> "httpx2.AsyncClient":
    import httpx2

    return httpx2.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False)


@asynccontextmanager
async def open_client(config: FeedConfig) -> AsyncIterator["ResoClient"]:
    async with new_http() as http:
        yield ResoClient(config, http)


class ResoClient:
    """One run's connection to one feed. `wait` is asyncio.sleep; tests put a recorder there."""

    def __init__(
        self, config: FeedConfig, http: "httpx2.AsyncClient", wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._config = config
        self._http = http
        self._wait = wait
        self._token: str | None = None

    async def page(self, url: str, *, size: int = PAGE_SIZE) -> Page:
        """One page of Property. Raises FeedError."""
        self._require_own(url)
        answer = await self._authorized(url, size)
        if answer.status in GONE:
            raise CheckpointGone(f"the feed answered {answer.status} to {_place(url)}")
        body = _json(_expect_ok(answer, url))
        records = body.get("value")
        if not isinstance(records, list):
            raise FeedError("the feed's answer holds no list of records")
        link = body.get("@odata.nextLink")
        if link is not None:
            self._require_own(link)
        count = body.get("@odata.count")
        return Page(records, link, count if isinstance(count, int) and 0 <= count <= MAX_KEYS else None)

    async def pages(self, url: str, *, size: int = PAGE_SIZE) -> AsyncIterator[tuple[str, Page]]:
        """A page and all that follow, each with its address."""
        at: str | None = url
        while at is not None:
            page = await self.page(at, size=size)
            yield at, page
            at = page.next_link

    async def photo(self, url: str) -> bytes:
        """A photo, as its address gives it without credentials. Raises FeedError.

        A server may close a connection that was kept just when it is used again: then once more (RFC 9112, 9.3.1).
        """
        self._require_own(url)
        try:
            answer = await self._once("GET", url, limit=MAX_PHOTO_BYTES)
        except _Unreachable:
            answer = await self._once("GET", url, limit=MAX_PHOTO_BYTES)
        return _expect_ok(answer, url).content

    def _require_own(self, url: object) -> None:
        try:
            own = isinstance(url, str) and origin_of(url) == self._config.origin
        except ValueError:
            own = False
        if not own:
            raise FeedError("the feed points to another server than its own")

    async def _authorized(self, url: str, size: int) -> Answer:
        for _ in range(2):
            token = self._token or await self._new_token()
            headers = {"Authorization": f"Bearer {token}", "Prefer": f"odata.maxpagesize={size}"}
            answer = await self._patiently("GET", url, limit=MAX_PAGE_BYTES, headers=headers)
            if answer.status != 401:
                return answer
            self._token = None  # expired in the middle of a run
        raise FeedError("the feed refuses its own access token")

    async def _new_token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._config.client_id,
            "client_secret": self._config.client_secret.get_secret_value(),
        }
        answer = await self._patiently("POST", self._config.token_url, limit=MAX_TOKEN_BYTES, data=form)
        if answer.status in {400, 401, 403}:
            raise FeedError("the feed refuses our client id and secret")
        token = _json(_expect_ok(answer, self._config.token_url)).get("access_token")
        if not isinstance(token, str) or not token:
            raise FeedError("the feed's token endpoint gave no access token")
        self._token = token
        return token

    async def _patiently(self, method: str, url: str, *, limit: int, **request: Any) -> Answer:
        """Repeats what may go well later: no connection, 429, 5xx. The last answer or error counts."""
        for attempt in range(1, ATTEMPTS):
            pause = BACKOFF * 2 ** (attempt - 1)
            try:
                answer = await self._once(method, url, limit=limit, **request)
            except _Unreachable:
                await self._wait(pause)
                continue
            if answer.status != 429 and answer.status < 500:
                return answer
            asked = retry_after(answer.headers.get("retry-after"), datetime.now(UTC))
            if asked is not None and asked > MAX_WAIT:
                raise AskedToWait(asked)
            await self._wait(pause if asked is None else asked)
        return await self._once(method, url, limit=limit, **request)

    async def _once(self, method: str, url: str, *, limit: int, **request: Any) -> Answer:
        import httpx2

        try:
            with telemetry.client_request(method, url) as span:
                return await self._exchange(span, method, url, limit=limit, **request)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _Unreachable(f"the feed cannot be reached: {type(error).__name__}") from error

    async def _exchange(self, span: Span, method: str, url: str, *, limit: int, **request: Any) -> Answer:
        content = bytearray()
        async with self._http.stream(method, url, **request) as response:
            span.set_attribute("http.response.status_code", response.status_code)
            async for part in response.aiter_bytes():
                content += part
                if len(content) > limit:
                    raise FeedError(f"the feed's answer is larger than {limit // 1024:,} KiB")
            return Answer(response.status_code, response.headers, bytes(content))


class _Unreachable(FeedError):
    """No answer at all."""


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for; it is a number or a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment - now).total_seconds()) if moment.tzinfo else None


def _expect_ok(answer: Answer, url: str) -> Answer:
    if answer.status != 200:
        raise FeedError(f"the feed answered {answer.status} to {_place(url)}")
    return answer


def _place(url: str) -> str:
    """An address as a message shows it: a query of many keys tells nobody anything."""
    return url if len(url) <= MAX_SHOWN_URL else url.partition("?")[0]


def _json(answer: Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise FeedError("the feed's answer is not JSON") from error
    if not isinstance(body, dict):
        raise FeedError("the feed's answer is not a JSON object")
    return body
