"""What the adapters send when a login is only to work, as after a restart: nothing that changes anything."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from kafka import errors as kafka_errors
from redis import exceptions as redis_errors
from rooftree_operator.adapters import elasticsearch, kafka, redis, s3
from rooftree_operator.adapters.elasticsearch import Elasticsearch
from rooftree_operator.adapters.kafka import Kafka
from rooftree_operator.adapters.redis import PROBE_VALUE, Redis
from rooftree_operator.adapters.s3 import S3
from rooftree_operator.adapters.sigv4 import Key
from rooftree_operator.errors import LoginRefused, Unavailable

from .fakes.kafka_cluster import Cluster
from .sent import effects

READ, WRITE, DESCRIBE = 3, 4, 8
TOPIC, USER, KEY = "acme-1.events", "acme-1.app", "acme-1.probe"


@dataclass
class Web:
    """A server of HTTP that answers by `answer`; `sent` lists what came, by method and path."""

    answer: Callable[[httpx2.Request], httpx2.Response]
    sent: list[str] = field(default_factory=list[str])

    def client(self, url: str) -> httpx2.AsyncClient:
        def take(request: httpx2.Request) -> httpx2.Response:
            self.sent.append(f"{request.method} {request.url.path}")
            return self.answer(request)

        return httpx2.AsyncClient(base_url=url, transport=httpx2.MockTransport(take))


@pytest.fixture(autouse=True)
def no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl.create_default_context", lambda **_: False)


def searching(web: Web) -> Elasticsearch:
    made = Elasticsearch(elasticsearch.Server("http://es:1", "u", "p", "ca"))
    made._client = web.client("http://es:1")
    return made


ROLE = {"cluster": [], "indices": [{"names": ["acme-1.*"], "privileges": ["all"]}]}


def privileged(*, all_requested: bool) -> Callable[[httpx2.Request], httpx2.Response]:
    return lambda _: httpx2.Response(200, json={"has_all_requested": all_requested})


async def test_elasticsearch_is_asked_as_the_tenant_and_not_written_to() -> None:
    web, before = Web(privileged(all_requested=True)), effects()
    await searching(web).probe(elasticsearch.Login(USER, "secret"), ROLE)
    assert web.sent == ["POST /_security/user/_has_privileges"]
    assert effects() == before


async def test_a_tenant_that_may_not_do_what_its_role_grants_is_told_of() -> None:
    with pytest.raises(Unavailable, match="what its role grants"):
        await searching(Web(privileged(all_requested=False))).probe(elasticsearch.Login(USER, "secret"), ROLE)


async def test_a_login_that_elasticsearch_refuses_is_told_from_a_right_that_is_missing() -> None:
    for status, problem in ((401, LoginRefused), (403, Unavailable)):
        web = Web(lambda _, status=status: httpx2.Response(status, json={"error": {"reason": "no"}}))
        with pytest.raises(problem):
            await searching(web).probe(elasticsearch.Login(USER, "secret"), ROLE)


def storing(web: Web) -> S3:
    made = S3(s3.Server("http://s3:1", "r", "u", "p", "ca"))
    made._client = web.client("http://s3:1")
    return made


def bucket(*names: str) -> Callable[[httpx2.Request], httpx2.Response]:
    listed = "".join(f"<Contents><Key>{name}</Key></Contents>" for name in names)
    return lambda _: httpx2.Response(200, text=f"<ListBucketResult>{listed}</ListBucketResult>")


@pytest.mark.parametrize(
    ("there", "sent"),
    [
        ([], ["GET /acme-1"]),
        (["rooftree/probe-notes"], ["GET /acme-1"]),
        (["rooftree/probe"], ["GET /acme-1", "DELETE /acme-1/rooftree/probe"]),
    ],
)
async def test_an_object_store_is_only_listed_unless_a_probe_left_its_object(there: list[str], sent: list[str]) -> None:
    web, before = Web(bucket(*there)), effects()
    await storing(web).log_in(Key(USER, "secret"), bucket="acme-1", name="rooftree/probe")
    assert web.sent == sent
    assert effects() - before == len(sent) - 1


@pytest.mark.parametrize(("code", "problem"), [("SignatureDoesNotMatch", LoginRefused), ("AccessDenied", Unavailable)])
async def test_a_key_that_the_object_store_does_not_know_is_told_from_one_that_may_not(
    code: str, problem: type[Exception]
) -> None:
    web = Web(lambda _: httpx2.Response(403, text=f"<Error><Code>{code}</Code></Error>"))
    with pytest.raises(problem):
        await storing(web).log_in(Key(USER, "secret"), bucket="acme-1", name="rooftree/probe")
    assert web.sent == ["GET /acme-1"]


@dataclass
class Cache:
    """What Redis' client has of one login."""

    lets_in: bool = True
    sent: list[str] = field(default_factory=list[str])

    async def get(self, key: str) -> str:
        return self._take(f"get {key}")

    async def set(self, key: str, value: str, **_: Any) -> str:
        return self._take(f"set {key} {value}")

    async def delete(self, key: str) -> str:
        return self._take(f"delete {key}")

    def _take(self, words: str) -> str:
        if not self.lets_in:
            raise redis_errors.AuthenticationError("WRONGPASS")
        self.sent.append(words)
        return PROBE_VALUE

    async def aclose(self) -> None:
        self.sent.append("closed")


async def test_redis_is_only_read_from_unless_the_look_is_thorough(monkeypatch: pytest.MonkeyPatch) -> None:
    used, tenant, before = Redis(redis.Server("redis", 1, "u", "p", None)), Cache(), effects()
    monkeypatch.setattr(redis, "_connected", lambda *_: tenant)
    await used.log_in(USER, "secret", KEY)
    assert (tenant.sent, effects()) == ([f"get {KEY}", "closed"], before)
    tenant.sent.clear()
    await used.probe(USER, "secret", KEY)
    assert tenant.sent == [f"set {KEY} {PROBE_VALUE}", f"get {KEY}", f"delete {KEY}", "closed"]
    assert effects() == before + 1
    tenant.lets_in = False
    tries: tuple[Callable[..., Awaitable[None]], ...] = (used.log_in, used.probe)
    for try_ in tries:
        with pytest.raises(LoginRefused):
            await try_(USER, "secret", KEY)


@dataclass
class Broker:
    """A Kafka whose clients are the library's own, and who logged in to it."""

    cluster: Cluster = field(default_factory=Cluster)
    lets_in: bool = True
    options: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def connected(self, options: dict[str, Any]) -> Any:
        self.options.append(options)
        if options["sasl_plain_username"] == USER and not self.lets_in:
            raise kafka_errors.KafkaTimeoutError
        return self.cluster.admin()


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    made = Broker()
    made.cluster.topics[TOPIC] = {}
    made.cluster.operations = {READ, WRITE, DESCRIBE}
    monkeypatch.setattr(kafka, "_connected", made.connected)
    return made


@pytest.fixture
def used() -> Kafka:
    return Kafka(kafka.Server("kafka:1", "u", "p", None))


async def test_kafka_is_asked_as_the_tenant_what_it_may_do_and_nothing_is_sent_to_its_topic(
    broker: Broker, used: Kafka
) -> None:
    before = effects()
    await used.log_in(USER, "secret", TOPIC)
    (options,) = broker.options
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == (USER, "secret")
    assert broker.cluster.requests == ["Metadata"]
    assert effects() == before


@pytest.mark.parametrize("lacking", [READ, WRITE])
async def test_a_right_that_kafka_does_not_grant_is_named(broker: Broker, used: Kafka, lacking: int) -> None:
    broker.cluster.operations.discard(lacking)
    with pytest.raises(Unavailable, match=f"TopicAuthorizationFailed.*no {'READ' if lacking == READ else 'WRITE'}"):
        await used.log_in(USER, "secret", TOPIC)


async def test_a_topic_that_kafka_does_not_show_the_tenant_is_no_proof(broker: Broker, used: Kafka) -> None:
    with pytest.raises(Unavailable, match="UnknownTopicOrPartition"):
        await used.log_in(USER, "secret", "acme-1.other")


async def test_whoever_does_not_get_in_is_refused_if_kafka_answers_everybody_else(broker: Broker, used: Kafka) -> None:
    broker.lets_in = False
    with pytest.raises(LoginRefused):
        await used.log_in(USER, "secret", TOPIC)
    broker.cluster.silent = True
    with pytest.raises(Unavailable, match="does not answer"):
        await used.log_in(USER, "secret", TOPIC)
