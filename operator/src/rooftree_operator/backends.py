"""The systems that tenants live in, as an installation's settings name them."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

from .adapters import elasticsearch, kafka, postgres_sessions, redis, s3
from .adapters.elasticsearch import Elasticsearch
from .adapters.kafka import Kafka
from .adapters.postgres import Postgres
from .adapters.redis import Redis
from .adapters.s3 import S3
from .adapters.volume import Volume
from .gate import Backend
from .settings import Settings


@dataclass(frozen=True)
class Backends:
    """The systems that tenants live in, and the volume of their backups."""

    postgres: Postgres
    kafka: Kafka
    elasticsearch: Elasticsearch
    redis: Redis
    s3: S3 | None  # None: this installation has no object storage
    volume: Volume | None = None  # None: it has no volume for backups

    def __iter__(self) -> Iterator[Backend]:
        yield from (self.postgres, self.kafka, self.elasticsearch, self.redis)
        if self.s3 is not None:
            yield self.s3
        if self.volume is not None:
            yield self.volume


def connect(settings: Settings, stack: AsyncExitStack) -> Backends:
    """The systems of this installation; `stack` closes them."""
    storage = _s3(settings) if settings.has_backend("s3") else None
    source = settings.backups_volume.source()
    volume = Volume(settings.backups_dir, source, settings.most_calls.volume) if source else None
    others = _postgres(settings), _kafka(settings), _elasticsearch(settings), _redis(settings)
    backends = Backends(*others, storage, volume)
    stack.push_async_callback(backends.postgres.close)
    stack.callback(backends.kafka.close)
    stack.push_async_callback(backends.elasticsearch.close)
    stack.push_async_callback(backends.redis.close)
    if storage is not None:
        stack.push_async_callback(storage.close)
    if volume is not None:
        stack.callback(volume.close)
    return backends


def _postgres(settings: Settings) -> Postgres:
    server = postgres_sessions.Server(
        host=settings.backend("postgres", "host"),
        port=int(settings.backend("postgres", "port")),
        user=settings.backend("postgres", "user"),
        password=settings.backend("postgres", "password"),
        database=settings.backend("postgres", "database"),
        ca_file=str(settings.backend_file("postgres", "ca.crt")),
    )
    return Postgres(server, settings.most_calls.postgres)


def _kafka(settings: Settings) -> Kafka:
    server = kafka.Server(
        bootstrap=settings.backend("kafka", "bootstrap"),
        user=settings.backend("kafka", "user"),
        password=settings.backend("kafka", "password"),
        ca_file=str(settings.backend_file("kafka", "ca.crt")),
    )
    return Kafka(server, settings.most_calls.kafka)


def _elasticsearch(settings: Settings) -> Elasticsearch:
    server = elasticsearch.Server(
        url=settings.backend("elasticsearch", "url"),
        user=settings.backend("elasticsearch", "user"),
        password=settings.backend("elasticsearch", "password"),
        ca_file=str(settings.backend_file("elasticsearch", "ca.crt")),
    )
    return Elasticsearch(server, settings.most_calls.elasticsearch)


def _redis(settings: Settings) -> Redis:
    server = redis.Server(
        host=settings.backend("redis", "host"),
        port=int(settings.backend("redis", "port")),
        user=settings.backend("redis", "user"),
        password=settings.backend("redis", "password"),
        ca_file=str(settings.backend_file("redis", "ca.crt")),
    )
    return Redis(server, settings.most_calls.redis)


def _s3(settings: Settings) -> S3:
    server = s3.Server(
        url=settings.backend("s3", "url"),
        region=settings.backend("s3", "region"),
        user=settings.backend("s3", "user"),
        password=settings.backend("s3", "password"),
        ca_file=str(settings.backend_file("s3", "ca.crt")),
    )
    return S3(server, settings.most_calls.s3)
