"""The backends of a stack as a client meets them: who is let in, and what Elasticsearch's added parts do."""

from __future__ import annotations

import os
import secrets
import socket
from typing import TYPE_CHECKING, Any

import pytest
import redis
from elasticsearch import ApiError, AuthenticationException, Elasticsearch
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from rooftree_local.addresses import ELASTICSEARCH_PORT, KAFKA_PORT, NODE_IP, REDIS_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration

FILTERS = {
    "synonyms": {"type": "synonym_graph", "synonyms": ["apt, apartment => apartment", "st, street"]},
    "beginnings": {"type": "edge_ngram", "min_gram": 2, "max_gram": 4},
    "stems": {"type": "stemmer", "language": "light_english"},
    "parts": {"type": "word_delimiter_graph", "catenate_all": True},
    "pairs": {"type": "shingle", "output_unigrams": False},
}
ANALYZERS = {
    "words": (
        ["lowercase", "asciifolding", "stems", "synonyms"],
        "Café apt, Main Streets",
        "cafe apartment main street st",
    ),
    "beginnings": (["lowercase", "trim", "beginnings"], "Maple", "ma map mapl"),
    "parts": (["parts", "lowercase", "porter_stem"], "Wi-Fi houses", "wifi wi fi hous"),
    "pairs": (["lowercase", "pairs"], "Big Blue House", "big blue|blue house"),
}


@pytest.fixture
def search() -> Iterator[Elasticsearch]:
    login = os.environ["ROOFTREE_TEST_ELASTICSEARCH_USER"], os.environ["ROOFTREE_TEST_ELASTICSEARCH_PASSWORD"]
    url = os.environ["ROOFTREE_TEST_ELASTICSEARCH_URL"]
    with Elasticsearch(url, basic_auth=login, ca_certs=os.environ["ROOFTREE_CA_FILE"]) as client:
        yield client


@pytest.fixture
def index(search: Elasticsearch) -> Iterator[str]:
    name = f"local-{secrets.token_hex(4)}"
    analyzers = {
        key: {"type": "custom", "tokenizer": "whitespace" if key == "parts" else "standard", "filter": filters}
        for key, (filters, _, _) in ANALYZERS.items()
    }
    normalizers = {"folded": {"type": "custom", "filter": ["lowercase", "asciifolding", "trim"]}}
    settings = {"analysis": {"filter": FILTERS, "analyzer": analyzers, "normalizer": normalizers}}
    city = {"type": "keyword", "normalizer": "folded"}
    search.indices.create(index=name, settings=settings, mappings={"properties": {"city": city}})
    yield name
    search.indices.delete(index=name)


@pytest.mark.parametrize("analyzer", ANALYZERS)
def test_the_standard_parts_of_analysis_do_what_a_full_elasticsearch_does(
    search: Elasticsearch, index: str, analyzer: str
) -> None:
    _, text, wanted = ANALYZERS[analyzer]
    tokens = [one["token"] for one in search.indices.analyze(index=index, analyzer=analyzer, text=text)["tokens"]]
    assert sorted(tokens) == sorted(wanted.split("|") if analyzer == "pairs" else wanted.split())


def test_a_normalizer_may_fold_letters(search: Elasticsearch, index: str) -> None:
    search.index(index=index, document={"city": "Cañon City "}, refresh=True)
    found = search.search(index=index, query={"term": {"city": "CANON CITY"}})
    assert found["hits"]["total"]["value"] == 1


@pytest.mark.parametrize(
    ("kind", "options", "reason"),
    [
        ("stemmer", {"language": "finnish"}, "no stemmer"),
        ("edge_ngram", {"side": "back"}, "front only"),
        ("synonym_graph", {"synonyms_path": "a.txt"}, "synonyms_path"),
    ],
)
def test_what_the_added_parts_cannot_do_they_refuse(
    search: Elasticsearch, kind: str, options: dict[str, Any], reason: str
) -> None:
    settings = {"analysis": {"filter": {"f": {"type": kind, **options}}, "analyzer": {"a": {"type": "custom"}}}}
    settings["analysis"]["analyzer"]["a"] |= {"tokenizer": "standard", "filter": ["f"]}
    with pytest.raises(ApiError, match=reason):
        search.indices.create(index=f"local-{secrets.token_hex(4)}", settings=settings)


def test_an_index_is_not_made_by_writing_to_it(search: Elasticsearch) -> None:
    with pytest.raises(ApiError, match="index_not_found"):
        search.index(index=f"local-{secrets.token_hex(4)}", document={})


def test_nobody_is_let_in_without_the_right_password() -> None:
    authority = os.environ["ROOFTREE_CA_FILE"]
    url = os.environ["ROOFTREE_TEST_ELASTICSEARCH_URL"]
    stranger = Elasticsearch(url, basic_auth=("elastic", "changeme"), ca_certs=authority)
    with stranger as client, pytest.raises(AuthenticationException):
        client.cluster.health()
    tls: dict[str, Any] = {"ssl": True, "ssl_ca_certs": authority}
    with redis.Redis(host=NODE_IP, port=REDIS_PORT, **tls) as cache, pytest.raises(redis.RedisError):
        cache.ping()
    options: dict[str, Any] = {
        "bootstrap_servers": os.environ["ROOFTREE_TEST_KAFKA_BOOTSTRAP"],
        "security_protocol": "SASL_SSL",
        "ssl_cafile": authority,
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": os.environ["ROOFTREE_TEST_KAFKA_USER"],
        "sasl_plain_password": "wrong",
        "bootstrap_timeout_ms": 5000,
    }
    with pytest.raises(KafkaError):
        KafkaAdminClient(**options)


@pytest.mark.parametrize("port", [KAFKA_PORT, ELASTICSEARCH_PORT, REDIS_PORT])
def test_a_plain_connection_gets_no_word(port: int) -> None:
    with socket.create_connection((NODE_IP, port), timeout=10) as client:
        client.sendall(b"PING\r\nGET / HTTP/1.1\r\n\r\n")
        try:
            answer = client.recv(100)
        except ConnectionResetError:
            answer = b""
    # Nothing, or a TLS alert (its first byte is 21); Elasticsearch closes without a word as well.
    assert answer[:1] in {b"", b"\x15"}
