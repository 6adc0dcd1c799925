"""Photos of own listings on real object storage: what goes in, what comes out, and when storage does not work."""

import asyncio
import io
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from PIL import Image
from rooftree import assembly
from rooftree.kernel import job_queue, middleware
from rooftree.modules.property import photo_service
from rooftree.modules.property.pictures import MAX_BYTES

from ..conftest import Browser, FakeClock, Tenant, TestDatabase, parts_of
from ..identity.conftest import Brokerage, me, sign_in
from ..object_storage import Bucket, Silent, made, password, settings, unheard
from .editing import HOME, code, create, edit, edited, moved, published, read
from .test_pictures import CANARIES, claiming, located, picture

_ = made  # a fixture
pytestmark = pytest.mark.integration
JPEG = {"Content-Type": "image/jpeg"}
TOLD = "SELECT data::jsonb -> 'changed' FROM events.outbox WHERE type LIKE '%listing-changed%' ORDER BY position"


@dataclass
class Desk:
    """An agent with a brokerage and a bucket."""

    agent: Browser
    brokerage: Brokerage
    bucket: Bucket
    database: TestDatabase
    clock: FakeClock

    @property
    def parts(self) -> assembly.Parts:
        return parts_of(self.agent.app, "property")

    async def run(self, name: str, **payload: Any) -> None:
        """What a job does, now."""
        (job,) = [job for job in self.parts.queue.declared() if job.name == name]
        await job.run(**payload)

    async def upload(self, listing: dict[str, Any], content: bytes | None = None, **params: Any) -> dict[str, Any]:
        answer = await upload(self.agent, listing, content or located((1200, 900)), **params)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def ready(self, listing: dict[str, Any], content: bytes | None = None, **params: Any) -> dict[str, Any]:
        """Uploaded, and its renditions made."""
        photo = await self.upload(listing, content, **params)
        await self.run("property.render_photo", photo_id=photo["id"])
        return photo

    async def photos(self, listing: dict[str, Any], browser: Browser | None = None) -> list[dict[str, Any]]:
        return (await read(browser or self.agent, listing))["photos"]

    async def days_pass(self, **time: float) -> None:
        self.clock.advance(**time)
        await sign_in(self.agent, "andy@acme.test")


async def upload(
    browser: Browser, listing: dict[str, Any], content: Any, headers: dict[str, str] = JPEG, **params: Any
) -> httpx2.Response:
    url = f"/api/v1/properties/{listing['id']}/photos"
    return await browser.post(url, content=content, headers=headers, params=params)


Opener = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def open_desk(
    start: Any,
    stored_tenant: Tenant,
    database: TestDatabase,
    made: Bucket,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncGenerator[Opener]:
    async with AsyncExitStack() as stack:

        async def open_one(endpoint: str | None = None, *, run_jobs: bool = False) -> Desk:
            for name, value in settings(made.name, endpoint).items():
                monkeypatch.setenv(name, value)
            tenant = stored_tenant.but(secret_files={"s3_secret_key": password()})
            owner: Browser = await start(tenant, run_jobs=run_jobs)
            await owner.accept_owner()
            await owner.sign_in()
            brokerage = Brokerage(owner, database, stack)
            return Desk(await brokerage.agent(), brokerage, made, database, clock)

        yield open_one


@pytest.fixture
async def desk(open_desk: Opener) -> Desk:
    return await open_desk()


def opened(content: bytes) -> Image.Image:
    found = Image.open(io.BytesIO(content))
    found.load()
    return found


# -- the way of a photo -----------------------------------------------------------------------------------------------


async def test_a_photo_comes_out_without_the_place_where_it_was_taken(desk: Desk) -> None:
    listing = await published(desk.agent)
    original = located((2400, 1800), orientation=6)
    assert any(canary in original for canary in CANARIES)
    photo = await desk.upload(listing, original, description="The street")
    assert (photo["state"], photo["sizes"], photo["description"]) == ("processing", None, "The street")
    assert (await desk.agent.get(photo["url"])).status_code == 404
    await desk.run("property.render_photo", photo_id=photo["id"])
    (shown,) = await desk.photos(listing)
    assert (shown["id"], shown["state"], shown["width"], shown["height"]) == (photo["id"], "ready", 1800, 2400)
    assert shown["alt"] == "The street"
    for size, width in (("small", 320), ("medium", 960), ("large", 1800)):
        answer = await desk.agent.get(shown["sizes"][size])
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/jpeg"
        assert [canary for canary in CANARIES if canary in answer.content] == []
        found = opened(answer.content)
        assert (found.width, dict(found.getexif())) == (width, {})
    assert desk.bucket.read(f"photos/{photo['id']}/original") == original
    assert len(desk.bucket.names()) == 4
    for size in ("original", ""):
        assert (await desk.agent.get(f"/api/v1/photos/{photo['id']}?size={size}")).status_code == 422


async def test_the_queue_makes_renditions_by_itself(open_desk: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_queue, "POLL_SECONDS", 0.05)
    desk = await open_desk(run_jobs=True)
    assert (await desk.agent.get("/readyz")).status_code == 200
    listing = await create(desk.agent)
    photo = await desk.upload(listing)
    async with asyncio.timeout(30):
        while (await desk.photos(listing))[0]["state"] != "ready":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (await desk.agent.get(f"/api/v1/photos/{photo['id']}")).status_code == 200


async def test_a_photo_is_kept_by_its_own_reader_and_asked_for_again_by_its_tag(desk: Desk) -> None:
    listing = await published(desk.agent)
    photo = await desk.ready(listing)
    url = f"/api/v1/photos/{photo['id']}?size=small"
    first = await desk.agent.get(url)
    assert first.headers["cache-control"].startswith("private, max-age=")
    again = await desk.agent.get(url, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (await desk.agent.get(url, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_photos_do_not_disturb_whoever_edits_the_listing(desk: Desk) -> None:
    listing = await published(desk.agent)
    photo = await desk.ready(listing)
    await desk.agent.patch(f"/api/v1/photos/{photo['id']}", json={"description": "New"})
    await desk.agent.delete(f"/api/v1/photos/{photo['id']}")
    assert (await edited(desk.agent, listing, bedrooms_total=9))["version"] == listing["version"] + 1


async def test_search_shows_the_first_photo_that_is_ready(desk: Desk) -> None:
    listing = await published(desk.agent)
    await desk.upload(listing)
    second = await desk.ready(listing, description="The garden")
    for params in ({"q": "Canary"}, {"mine": "true"}):
        (item,) = (await desk.agent.get("/api/v1/properties", params=params)).json()["items"]
        assert item["photo"] == {"url": f"/api/v1/photos/{second['id']}?size=medium", "alt": "The garden"}
    assert (await read(desk.agent, listing))["photo"] == item["photo"]
    assert desk.database.rows(TOLD)[-1] == (["photos"],)


# -- order, words, deletion -------------------------------------------------------------------------------------------


async def test_photos_are_put_into_an_order(desk: Desk) -> None:
    listing = await published(desk.agent)
    ids = [(await desk.ready(listing))["id"] for _ in range(3)]
    url, headers = f"/api/v1/properties/{listing['id']}/photos/order", {"If-Match": f'"{listing["version"]}"'}
    wanted = [ids[2], ids[0], ids[1]]
    answer = await desk.agent.put(url, json={"photo_ids": wanted}, headers=headers)
    assert answer.status_code == 200, answer.text
    assert [photo["id"] for photo in answer.json()["photos"]] == wanted
    assert answer.headers["etag"] == f'"{listing["version"] + 1}"'
    assert [photo["id"] for photo in await desk.photos(listing)] == wanted
    assert desk.database.rows(TOLD)[-1] == (["photos"],)
    late = await desk.agent.put(url, json={"photo_ids": ids}, headers=headers)
    assert code(late) == (412, "version-conflict")
    assert late.json()["changed_fields"] == ["photos"]
    now = {"If-Match": answer.headers["etag"]}
    for wrong in (ids[:2], [*ids, ids[0]], [ids[0], ids[0], ids[1]], []):
        refused = await desk.agent.put(url, json={"photo_ids": wrong}, headers=now)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/photo_ids")
    same = await desk.agent.put(url, json={"photo_ids": wanted}, headers=now)
    assert same.headers["etag"] == answer.headers["etag"]


async def test_a_description_is_changed_and_taken_away(desk: Desk) -> None:
    listing = await published(desk.agent)
    photo = await desk.ready(listing)
    url = f"/api/v1/photos/{photo['id']}"
    assert (await desk.agent.patch(url, json={"description": " Garden "})).json()["alt"] == "Garden"
    cleared = (await desk.agent.patch(url, json={"description": None})).json()
    assert (cleared["description"], cleared["alt"]) == (None, f"Photo 1 of {HOME['unparsed_address']}")
    assert (await desk.agent.patch(url, json={"position": 3})).status_code == 422


async def test_a_deleted_photo_can_be_restored_for_a_day(desk: Desk) -> None:
    listing = await published(desk.agent)
    ids = [(await desk.ready(listing))["id"] for _ in range(3)]
    url = f"/api/v1/photos/{ids[1]}"
    assert (await desk.agent.delete(url)).status_code == 204
    assert [photo["id"] for photo in await desk.photos(listing)] == [ids[0], ids[2]]
    assert (await desk.agent.get(url)).status_code == 404
    assert code(await desk.agent.delete(url)) == (404, "photo-not-found")
    await desk.days_pass(hours=23)
    await desk.run("property.tidy_photos")
    restored = await desk.agent.post(f"{url}/restoration")
    assert (restored.status_code, restored.json()["id"]) == (200, ids[1])
    assert (await desk.agent.get(url)).status_code == 200
    assert [photo["id"] for photo in await desk.photos(listing)] == ids
    assert (await desk.agent.post(f"{url}/restoration")).status_code == 200


async def test_after_a_day_a_deleted_photo_is_gone_from_everywhere(desk: Desk) -> None:
    listing = await published(desk.agent)
    gone, kept = await desk.ready(listing), await desk.ready(listing)
    await desk.agent.delete(f"/api/v1/photos/{gone['id']}")
    await desk.days_pass(hours=25)
    assert code(await desk.agent.post(f"/api/v1/photos/{gone['id']}/restoration")) == (409, "photo-gone")
    await desk.run("property.tidy_photos")
    assert [name for name in desk.bucket.names() if gone["id"] in name] == []
    assert len([name for name in desk.bucket.names() if kept["id"] in name]) == 4
    assert desk.database.rows("SELECT id::text FROM property.photos") == [(kept["id"],)]
    assert code(await desk.agent.post(f"/api/v1/photos/{gone['id']}/restoration")) == (404, "photo-not-found")


async def test_photos_of_a_deleted_draft_go_with_it(desk: Desk) -> None:
    draft = await create(desk.agent)
    await desk.ready(draft)
    await moved(desk.agent, draft, "Delete")
    await desk.days_pass(hours=25)
    await desk.run("property.tidy_photos")
    assert desk.bucket.names() == []
    assert desk.database.rows("SELECT 1 FROM property.photos") == []


async def test_what_an_interrupted_upload_left_is_removed(desk: Desk) -> None:
    draft = await create(desk.agent)
    photo = await desk.upload(draft)
    desk.database.rows("UPDATE property.photos SET state = 'uploading' RETURNING 1")
    assert await desk.photos(draft) == []
    assert (await desk.agent.get(f"/api/v1/photos/{photo['id']}")).status_code == 404
    await desk.run("property.tidy_photos")
    assert len(desk.bucket.names()) == 1
    await desk.days_pass(hours=2)
    await desk.run("property.tidy_photos")
    assert desk.bucket.names() == []
    assert desk.database.rows("SELECT 1 FROM property.photos") == []


async def test_a_photo_of_whose_arrival_nobody_heard_is_removed_and_takes_no_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await create(desk.agent)
    monkeypatch.setattr(photo_service, "MAX_PHOTOS", 1)
    with monkeypatch.context() as patched:
        unheard(patched)
        assert code(await upload(desk.agent, draft, picture())) == (503, "storage-unavailable")
    assert (len(desk.bucket.names()), await desk.photos(draft)) == (1, [])
    kept = await desk.upload(draft)
    await desk.days_pass(hours=2)
    await desk.run("property.tidy_photos")
    assert desk.bucket.names() == [f"photos/{kept['id']}/original"]
    assert desk.database.rows("SELECT id::text FROM property.photos") == [(kept["id"],)]


async def test_renditions_that_were_forgotten_are_made_after_all(desk: Desk) -> None:
    draft = await create(desk.agent)
    await desk.upload(draft)
    queued = "SELECT count(*) FROM jobs.procrastinate_jobs WHERE task_name = 'property.render_photo'"
    before = desk.database.rows(queued)
    await desk.days_pass(minutes=20)
    await desk.run("property.tidy_photos")
    assert desk.database.rows(queued)[0][0] == before[0][0] + 1


# -- who may ----------------------------------------------------------------------------------------------------------


async def test_photos_follow_the_rights_of_their_listing(desk: Desk) -> None:
    colleague, draft = await desk.brokerage.agent(name="Bert"), await create(desk.agent, **HOME)
    photo = await desk.ready(draft)
    url = f"/api/v1/photos/{photo['id']}"
    for answer in (
        await colleague.get(url),
        await colleague.patch(url, json={"description": "x"}),
        await colleague.delete(url),
        await colleague.post(f"{url}/restoration"),
    ):
        assert code(answer) == (404, "photo-not-found")
    assert code(await upload(colleague, draft, picture())) == (404, "property-not-found")
    await moved(desk.agent, draft, "Active")
    assert (await colleague.get(url)).status_code == 200
    for answer in (
        await colleague.patch(url, json={"description": "x"}),
        await colleague.delete(url),
        await colleague.post(f"{url}/restoration"),
        await upload(colleague, draft, picture()),
    ):
        assert code(answer) == (403, "forbidden")
    waiting = await desk.upload(draft)
    assert [one["id"] for one in await desk.photos(draft, colleague)] == [photo["id"]]
    assert [one["id"] for one in await desk.photos(draft)] == [photo["id"], waiting["id"]]


async def test_a_photo_of_whose_right_ended_while_it_was_sent_is_not_kept(desk: Desk, clock: FakeClock) -> None:
    cora = await desk.brokerage.coordinator()
    listing = await published(desk.agent)
    until = (clock.now() + timedelta(hours=1)).isoformat()
    given = {"assistant_id": (await me(cora))["id"], "resources": ["listing"], "expires_at": until}
    made = await desk.agent.post("/api/v1/delegations", json=given)
    assert made.status_code == 201, made.text
    content = picture()

    async def slow() -> AsyncGenerator[bytes]:
        yield content[:10]
        ended = await desk.agent.delete(f"/api/v1/delegations/{made.json()['id']}")
        assert ended.status_code == 204, ended.text
        yield content[10:]

    refused = await upload(cora, listing, slow(), JPEG | {"Content-Length": str(len(content))})
    assert code(refused) == (403, "forbidden")
    assert desk.bucket.names() == []
    assert await desk.photos(listing) == []


# -- what is refused --------------------------------------------------------------------------------------------------


async def test_uploads_that_are_no_pictures_are_refused_and_leave_nothing(desk: Desk) -> None:
    draft = await create(desk.agent)
    png, svg, none = {"Content-Type": "image/png"}, {"Content-Type": "image/svg+xml"}, {"Content-Type": ""}
    for content, headers, expected in (
        (b"<svg/>", svg, (415, "unsupported-media-type")),
        (picture(), none, (415, "unsupported-media-type")),
        (b"GIF89a" + b"\0" * 100, JPEG, (415, "not-a-picture")),
        (picture("PNG"), JPEG, (415, "not-a-picture")),
        (b"", JPEG, (415, "not-a-picture")),
        (claiming(60_000, 60_000), png, (422, "picture-refused")),
        (picture()[:30], JPEG, (422, "picture-refused")),
    ):
        assert code(await upload(desk.agent, draft, content, headers)) == expected
    assert desk.bucket.names() == []
    assert desk.database.rows("SELECT 1 FROM property.photos") == []


async def test_a_photo_has_a_length_and_a_largest_one(desk: Desk) -> None:
    draft = await create(desk.agent)
    largest = picture() + b"\0" * (MAX_BYTES - len(picture()))
    assert (await upload(desk.agent, draft, largest)).status_code == 201
    assert code(await upload(desk.agent, draft, largest + b"\0")) == (413, "payload-too-large")

    async def chunks() -> AsyncGenerator[bytes]:
        yield picture()

    assert code(await upload(desk.agent, draft, chunks())) == (411, "length-required")
    # Other routes keep the limit of all.
    big = {"public_remarks": "x" * middleware.MAX_BODY}
    assert code(await desk.agent.post("/api/v1/properties", json=big)) == (413, "payload-too-large")


async def test_a_listing_has_so_many_photos_and_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_service, "MAX_PHOTOS", 2)
    draft = await create(desk.agent)
    ids = [(await desk.upload(draft))["id"] for _ in range(2)]
    assert code(await upload(desk.agent, draft, picture())) == (409, "too-many-photos")
    await desk.agent.delete(f"/api/v1/photos/{ids[0]}")
    assert (await upload(desk.agent, draft, picture())).status_code == 201


async def test_a_picture_that_cannot_be_decoded_fails_and_can_be_deleted(desk: Desk) -> None:
    listing = await published(desk.agent)
    photo = await desk.ready(listing, picture(size=(400, 300))[:400])
    (shown,) = await desk.photos(listing)
    assert (shown["state"], shown["sizes"]) == ("failed", None)
    assert (await desk.agent.delete(f"/api/v1/photos/{photo['id']}")).status_code == 204


# -- storage that does not work ---------------------------------------------------------------------------------------


async def test_without_storage_everything_but_photos_goes_on(owner: Browser) -> None:
    draft = await create(owner)
    assert code(await upload(owner, draft, picture())) == (503, "storage-unavailable")
    assert (await edit(owner, draft, city="Ames")).status_code == 200


async def test_storage_that_hangs_is_told_within_5_seconds_and_the_editor_goes_on(open_desk: Opener) -> None:
    with Silent() as endpoint:
        desk = await open_desk(endpoint)
        listing = await published(desk.agent)
        began = time.monotonic()
        uploading = asyncio.create_task(upload(desk.agent, listing, picture()))
        for number in range(5):
            listing = await edited(desk.agent, listing, bedrooms_total=number)
        assert time.monotonic() - began < 4
        answer = await uploading
        assert code(answer) == (503, "storage-unavailable")
        assert time.monotonic() - began < 5
        assert answer.headers["retry-after"]
        assert await desk.photos(listing) == []


async def test_a_photo_waits_for_storage_to_come_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = await published(desk.agent)
    photo = await desk.upload(listing)
    objects = desk.parts.runtime.objects
    with Silent() as endpoint:
        monkeypatch.setattr(objects, "_settings", objects._settings.model_copy(update={"s3_endpoint": endpoint}))
        monkeypatch.setattr(objects, "_store", None)
        with pytest.raises(Exception, match="in time"):
            await desk.run("property.render_photo", photo_id=photo["id"])
        assert (await desk.photos(listing))[0]["state"] == "processing"
    monkeypatch.undo()
    await desk.run("property.render_photo", photo_id=photo["id"])
    assert (await desk.photos(listing))[0]["state"] == "ready"
    await desk.run("property.render_photo", photo_id=photo["id"])
