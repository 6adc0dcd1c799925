"""A tenant's place in a real object store, and what a tenant cannot do there."""

import asyncio
import base64
import dataclasses
import os
import secrets
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from rooftree_operator import names
from rooftree_operator.adapters import s3 as s3_adapter
from rooftree_operator.adapters.kubernetes import SECRET, Kind
from rooftree_operator.adapters.s3 import PING_TIMEOUT, S3, Server, Standing
from rooftree_operator.adapters.sigv4 import Key, Request
from rooftree_operator.drift import Object
from rooftree_operator.errors import LoginRefused, Unavailable, Waiting
from rooftree_operator.generations import Logins
from rooftree_operator.names import Slot, TenantId
from rooftree_operator.provisioners import storage
from rooftree_operator.provisioners.storage import Storage, build_policy
from rooftree_operator.storage_actions import Probe, PutKey
from rooftree_operator.tenant import Tenant

from .sent import effects
from .test_plans import TENANT

pytestmark = [pytest.mark.integration, pytest.mark.enable_socket]

CANARY = b"canary of a neighbour"


def server(**changes: Any) -> Server:
    url = os.environ.get("ROOFTREE_TEST_S3_URL")
    if not url:
        pytest.fail("ROOFTREE_TEST_S3_URL is not set: run `make test-integration`")
    user, password = os.environ["ROOFTREE_TEST_S3_USER"], os.environ["ROOFTREE_TEST_S3_PASSWORD"]
    given = Server(url, "us-east-1", user, password, os.environ["ROOFTREE_CA_FILE"])
    return dataclasses.replace(given, **changes)


class Secrets:
    """Of Kubernetes, what the provisioner needs: one Secret a tenant."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def get(self, kind: Kind, name: str, namespace: str) -> Object:
        assert (kind, name) == (SECRET, "app")
        value = self.values.setdefault(namespace, secrets.token_urlsafe(32))
        return {"data": {"s3_secret_key": base64.b64encode(value.encode()).decode()}}


class Place:
    """An object store and a provisioner on it."""

    def __init__(self) -> None:
        self.s3, self.kube = S3(server()), Secrets()
        self.made: list[TenantId] = []
        kube: Any = self.kube
        self.storage = Storage(kube, self.s3)

    def tenant(self, slug: str = "") -> Tenant:
        made = names.mint(slug or f"r{secrets.token_hex(3)}", secrets.token_bytes(4))
        self.made.append(made)
        return dataclasses.replace(TENANT, id=made)

    async def provision(self, tenant: Tenant) -> list[Any]:
        """One pass; returns what it did."""
        plan = self.storage.plan(tenant, await self.storage.observe(tenant))
        await self.storage.apply(tenant, plan)
        return list(plan.actions)

    def key(self, tenant: Tenant) -> Key:
        return Key(names.user(tenant.id), self.kube.values[tenant.namespace])

    async def ask(self, tenant: Tenant, request: Request) -> httpx2.Response:
        """As the tenant."""
        return await self.s3._send(request, self.key(tenant))

    async def put(self, tenant: Tenant, name: str, content: bytes = b"x") -> None:
        answer = await self.ask(tenant, Request("PUT", f"/{tenant.id}/{name}", content=content))
        assert answer.is_success, answer.text

    async def set_role(self, tenant: Tenant, role: str) -> None:
        body = f"<MutableProps><Role>{role}</Role></MutableProps>".encode()
        answer = await self.s3._send(Request("PATCH", "/update-user", {"access": names.user(tenant.id)}, body))
        assert answer.is_success

    async def delete(self, tenant: TenantId) -> list[str]:
        """All of a deletion; returns what it said in between."""
        said: list[str] = []
        await self.storage.revoke(tenant)
        while True:
            try:
                await self.storage.delete(tenant)
            except Waiting as wait:
                said.append(wait.message)
            else:
                return said


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    made = Place()
    yield made
    for tenant in made.made:
        await made.delete(tenant)
    await made.s3.close()


@pytest.fixture
async def neighbours(place: Place) -> tuple[Tenant, Tenant]:
    """A tenant, and one whose id begins like its own and who has an object."""
    own = place.tenant()
    other = place.tenant(f"{own.id}-b"[:30].rstrip("-"))
    for tenant in (own, other):
        await place.provision(tenant)
    await place.put(other, "photos/1", CANARY)
    return own, other


async def test_a_tenant_is_made_proven_and_then_left_alone(place: Place) -> None:
    tenant = place.tenant()
    done = await place.provision(tenant)
    assert [type(action).__name__ for action in done] == ["PutKey", "CreateBucket", "SetPolicy", "Probe"]
    assert await place.provision(tenant) == []
    seen = await place.s3.bucket(names.bucket(tenant.id))
    assert seen is not None
    assert (seen.tags, seen.policy) == (names.marks(tenant.id), build_policy(tenant.id, [names.user(tenant.id)]))
    assert await place.s3.objects(names.bucket(tenant.id)) == [], "the probe leaves nothing"


async def test_every_effect_may_be_repeated(place: Place) -> None:
    tenant = place.tenant()
    await place.provision(tenant)
    plan = place.storage.plan(
        tenant, storage.Seen(Logins({Slot.A: place.key(tenant).secret}), {Slot.A: Standing.NONE}, None, False)
    )
    await place.storage.apply(tenant, plan)
    assert await place.provision(tenant) == []
    assert await place.delete(tenant.id) == []
    assert await place.delete(tenant.id) == []
    assert await place.s3.bucket(names.bucket(tenant.id)) is None
    assert await place.s3.standing(place.key(tenant)) is Standing.NONE


@pytest.mark.parametrize("drift", ["key", "secret", "administrator", "bucket", "mark", "policy", "public"])
async def test_drift_of_each_kind_is_seen_and_repaired(place: Place, drift: str) -> None:
    tenant = place.tenant()
    await place.provision(tenant)
    bucket, key = names.bucket(tenant.id), place.key(tenant)
    if drift == "key":
        await place.s3.delete_key(key.access)
    elif drift == "secret":
        await place.s3.put_key(Key(key.access, "another"))
    elif drift == "administrator":
        await place.set_role(tenant, "admin")
    elif drift == "bucket":
        await place.s3.delete_bucket(bucket)
    elif drift == "mark":
        await place.s3.set_tags(bucket, {"by": "hand"})
    elif drift == "policy":
        assert (await place.s3._send(Request("DELETE", f"/{bucket}", {"policy": ""}))).is_success
    else:
        policy = build_policy(tenant.id, [names.user(tenant.id)])
        policy["Statement"][0]["Principal"] = "*"
        await place.s3.set_policy(bucket, policy)
    done = await place.provision(tenant)
    assert isinstance(done[-1], Probe)
    assert await place.provision(tenant) == []
    assert await place.s3.standing(key) is Standing.TENANT


async def test_a_key_that_may_make_buckets_is_found_when_it_is_probed_and_leaves_none(place: Place) -> None:
    tenant = place.tenant()
    await place.provision(tenant)
    await place.set_role(tenant, "userplus")
    place.storage._proofs.drop(tenant.id)
    await place.provision(tenant)
    assert await place.s3.bucket(names.foreign_bucket(tenant.id)) is None
    refused = await place.ask(tenant, Request("PUT", f"/{names.foreign_bucket(tenant.id)}"))
    assert refused.status_code == 403


# What a key of one tenant tries on the bucket of another, `{other}`, with its own one as `{own}`.
FOREIGN = [
    Request("GET", "/{other}", {"list-type": "2"}),
    Request("GET", "/{other}"),
    Request("HEAD", "/{other}"),
    Request("GET", "/{other}/photos/1"),
    Request("HEAD", "/{other}/photos/1"),
    Request("GET", "/{other}/photos/1", {"attributes": ""}),
    Request("GET", "/{other}/photos/1", {"tagging": ""}),
    Request("GET", "/{other}/photos/1", {"acl": ""}),
    Request("PUT", "/{other}/photos/1", content=b"overwritten"),
    Request("PUT", "/{other}/photos/new", content=b"planted"),
    Request("DELETE", "/{other}/photos/1"),
    Request("POST", "/{other}/photos/1", {"uploads": ""}),
    Request("GET", "/{other}", {"uploads": ""}),
    Request("GET", "/{other}", {"versions": ""}),
    Request("GET", "/{other}", {"policy": ""}),
    Request("GET", "/{other}", {"tagging": ""}),
    Request("GET", "/{other}", {"location": ""}),
    Request("PUT", "/{other}", {"policy": ""}, content=b'{"Version": "2012-10-17", "Statement": []}'),
    Request("DELETE", "/{other}", {"policy": ""}),
    Request("PUT", "/{other}"),
    Request("DELETE", "/{other}"),
    Request("PUT", "/{own}/stolen", headers={"x-amz-copy-source": "/{other}/photos/1"}),
    Request("PUT", "/{own}/stolen", headers={"x-amz-copy-source": "{own}/../{other}/photos/1"}),
    Request("GET", "/{own}/../{other}/photos/1"),
    # Its own bucket, too, is not its own to give away.
    Request("PUT", "/{own}", {"policy": ""}, content=b'{"Version": "2012-10-17", "Statement": []}'),
    Request("DELETE", "/{own}", {"policy": ""}),
    Request("PUT", "/{own}", {"acl": ""}, headers={"x-amz-acl": "public-read"}),
    Request("PUT", "/{own}", {"tagging": ""}, content=b"<Tagging><TagSet></TagSet></Tagging>"),
    Request("DELETE", "/{own}"),
    # The administration.
    Request("PATCH", "/list-users"),
    Request("PATCH", "/list-buckets"),
    Request("PATCH", "/create-user", content=b"<Account><Access>a</Access><Role>admin</Role></Account>"),
    Request(
        "PATCH", "/update-user", {"access": "{own}.app"}, content=b"<MutableProps><Role>admin</Role></MutableProps>"
    ),
    Request("PATCH", "/delete-user", {"access": "{other}.app"}),
    Request("PATCH", "/change-bucket-owner", {"bucket": "{other}", "owner": "{own}.app"}),
    Request("PATCH", "/{own}-more/create", headers={"x-vgw-owner": "{own}.app"}),
]


def filled(request: Request, own: Tenant, other: Tenant) -> Request:
    def fill(text: str) -> str:
        return text.replace("{own}", own.id.value).replace("{other}", other.id.value)

    query = {name: fill(value) for name, value in request.query.items()}
    headers = {name: fill(value) for name, value in request.headers.items()}
    return dataclasses.replace(request, path=fill(request.path), query=query, headers=headers)


async def test_a_tenant_is_refused_everything_of_another_and_what_is_the_operators(
    place: Place, neighbours: tuple[Tenant, Tenant]
) -> None:
    own, other = neighbours
    let_in: list[str] = []
    for request in FOREIGN:
        answer = await place.ask(own, filled(request, own, other))
        assert CANARY not in answer.content
        if answer.status_code not in (400, 403, 404):
            let_in.append(f"{request.method} {request.path} {dict(request.query)}: {answer.status_code}")
    assert let_in == []
    assert (await place.ask(other, Request("GET", f"/{other.id}/photos/1"))).content == CANARY
    assert await place.s3.objects(names.bucket(other.id)) == ["photos/1"]
    assert await place.s3.objects(names.bucket(own.id)) == []
    assert await place.provision(own) == await place.provision(other) == []


async def test_a_list_of_all_buckets_shows_a_tenant_nobody_elses(
    place: Place, neighbours: tuple[Tenant, Tenant]
) -> None:
    own, other = neighbours
    listed = await place.ask(own, Request("GET", "/"))
    assert listed.is_success
    assert "<Name>" not in listed.text
    assert other.id.value not in listed.text


async def test_nobody_gets_in_without_a_key(place: Place, neighbours: tuple[Tenant, Tenant]) -> None:
    own, _ = neighbours
    for path in ("/", f"/{own.id}", f"/{own.id}/photos/1"):
        assert (await place.s3._client.get(path)).status_code in (403, 404)
        assert (await place.s3._client.put(path, content=b"x")).status_code in (403, 404, 405)


async def test_an_app_has_what_it_needs(place: Place) -> None:
    tenant = place.tenant()
    await place.provision(tenant)
    await place.put(tenant, "photos/a b/ü&<1>.jpg")
    listed = await place.ask(tenant, Request("GET", f"/{tenant.id}", {"list-type": "2", "prefix": "photos/a b/"}))
    assert "ü&amp;&lt;1&gt;.jpg" in listed.text
    copied = Request(
        "PUT", f"/{tenant.id}/copy", headers={"x-amz-copy-source": f"/{tenant.id}/photos/a%20b/%C3%BC%26%3C1%3E.jpg"}
    )
    assert (await place.ask(tenant, copied)).is_success
    started = await place.ask(tenant, Request("POST", f"/{tenant.id}/large", {"uploads": ""}))
    upload = started.text.partition("<UploadId>")[2].partition("<")[0]
    part = Request("PUT", f"/{tenant.id}/large", {"partNumber": "1", "uploadId": upload}, b"part")
    assert (await place.ask(tenant, part)).is_success
    assert (await place.ask(tenant, Request("DELETE", f"/{tenant.id}/large", {"uploadId": upload}))).is_success


async def test_a_closed_login_is_out_at_once_and_its_objects_stay_so_far(
    place: Place, neighbours: tuple[Tenant, Tenant]
) -> None:
    own, other = neighbours
    await place.put(own, "photos/1")
    await place.storage.revoke(own.id)
    assert (await place.ask(own, Request("GET", f"/{own.id}/photos/1"))).status_code == 403
    with pytest.raises(LoginRefused):
        await place.s3.probe(place.key(own), bucket=own.id.value, name="x", foreign=names.foreign_bucket(own.id))
    assert await place.s3.objects(names.bucket(own.id)) == ["photos/1"]
    assert (await place.ask(other, Request("GET", f"/{other.id}/photos/1"))).is_success


async def test_deleting_takes_every_object_in_steps_and_nothing_of_a_look_alike(
    place: Place, neighbours: tuple[Tenant, Tenant], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = neighbours
    odd = ["a b", "ü&<1>", "folder/in/folder", ".hidden", "%41", "plus+", "'quoted\""]
    for name in odd:
        await place.put(own, name)
    for number in range(5):
        await place.put(own, f"photos/{number}")
    assert (await place.ask(own, Request("POST", f"/{own.id}/large", {"uploads": ""}))).is_success
    monkeypatch.setattr(s3_adapter, "PAGE", 3)
    monkeypatch.setattr(storage, "STEP", 2)
    said = await place.delete(own.id)
    assert said == [f"{deleted} objects of its bucket are deleted so far" for deleted in (6, 12)]
    assert await place.s3.bucket(names.bucket(own.id)) is None
    assert await place.s3.objects(names.bucket(other.id)) == ["photos/1"]
    assert await place.provision(other) == []


async def test_an_object_whose_name_no_listing_can_tell_is_said_and_holds_the_deletion(place: Place) -> None:
    tenant = place.tenant()
    await place.provision(tenant)
    await place.put(tenant, "odd\x01")
    with pytest.raises(Unavailable, match="a platform admin must delete them"):
        await place.delete(tenant.id)
    assert (await place.s3._send(Request("DELETE", f"/{tenant.id}/odd\x01"))).is_success


async def test_a_wrong_secret_is_refused_and_told_without_it(place: Place) -> None:
    tenant = place.tenant()
    await place.provision(tenant)
    wrong = Key(names.user(tenant.id), "wrong-secret")
    assert await place.s3.standing(wrong) is Standing.NONE
    with pytest.raises(LoginRefused) as refused:
        await place.s3.probe(wrong, bucket=tenant.id.value, name="x", foreign=names.foreign_bucket(tenant.id))
    assert "wrong-secret" not in str(refused.value)
    with pytest.raises(LoginRefused) as refused:
        await place.s3.log_in(wrong, bucket=tenant.id.value, name="x")
    assert "wrong-secret" not in str(refused.value)


async def test_a_login_that_is_only_tried_changes_nothing_but_what_a_probe_left(
    place: Place, neighbours: tuple[Tenant, Tenant]
) -> None:
    own, other = neighbours
    await place.put(own, "rooftree/probe-notes")
    before = effects("s3")
    await place.s3.log_in(place.key(own), bucket=own.id.value, name=storage.PROBE)
    assert effects("s3") == before
    await place.put(own, storage.PROBE)
    await place.s3.log_in(place.key(own), bucket=own.id.value, name=storage.PROBE)
    assert await place.s3.objects(own.id.value) == ["rooftree/probe-notes"]
    with pytest.raises(Unavailable, match="AccessDenied"):
        await place.s3.log_in(place.key(own), bucket=other.id.value, name=storage.PROBE)


async def test_the_operator_can_tell_a_server_that_refuses_from_one_that_is_away() -> None:
    for changes, reason in (({"password": "wrong"}, "Refused"), ({"url": "https://127.0.0.1:9"}, "Unreachable")):
        s3 = S3(server(**changes))
        with pytest.raises(Unavailable) as raised:
            await s3.ping()
        await s3.close()
        assert raised.value.reason == f"S3{reason}"
        assert "wrong" not in raised.value.message


async def test_a_server_that_hangs_is_told_within_the_deadline() -> None:
    taken: list[asyncio.StreamWriter] = []
    listener = await asyncio.start_server(lambda _, writer: taken.append(writer), "127.0.0.1", 0)
    hanging = S3(server(url=f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"))
    async with asyncio.timeout(PING_TIMEOUT + 1.0):
        with pytest.raises(Unavailable) as caught:
            await hanging.ping()
    assert caught.value.reason == "S3Unreachable"
    await hanging.close()
    listener.close()
    for writer in taken:
        writer.close()


def test_no_action_shows_a_secret() -> None:
    assert "hidden" not in repr((Probe("a", "hidden"), PutKey("a", "hidden"), Key("a", "hidden")))
