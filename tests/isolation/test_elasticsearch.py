"""Elasticsearch by raw HTTP: each tenant's user against the others' indices, by every way a name can be written.

`REFUSED` must be refused, whole or item by item; `SILENT` may answer, with nothing of others in it.
"""

from __future__ import annotations

import json
import re
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx2
import pytest

from ..e2e.conftest import required

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .cells import Matrix
    from .conftest import Family, Member

pytestmark = [pytest.mark.isolation, pytest.mark.e2e, pytest.mark.timeout(300)]

AREA = "elasticsearch"
ALL = {"match_all": {}}
LIKE = {"_index": "{V}", "_id": "1"}
EVERYBODY = {"field": {"username": "*"}}
GRANT = {"grant_type": "password", "username": "{I}.app", "password": "x" * 9}
Call = tuple[str, str, Any]  # method, path, body: JSON, or a list of lines of JSON

# V: the victim's index; P: its prefix with the dot; O: an index of one's own; I: the victim's id; A: one's own id.
REFUSED: list[Call] = [
    # reading
    ("GET", "/{V}/_search", None),
    ("POST", "/{V}/_search", {"query": ALL}),
    ("GET", "/{V}/_doc/1", None),
    ("GET", "/{V}/_source/1", None),
    ("HEAD", "/{V}/_doc/1", None),
    ("HEAD", "/{V}", None),
    ("GET", "/{V}/_count", None),
    ("GET", "/{V}/_mapping", None),
    ("GET", "/{V}/_settings", None),
    ("GET", "/{V}/_alias", None),
    ("GET", "/{V}/_stats", None),
    ("GET", "/{V}/_segments", None),
    ("GET", "/{V}/_recovery", None),
    ("GET", "/{V}", None),
    ("GET", "/{V}/_field_caps?fields=*", None),
    ("GET", "/{V}/_termvectors/1", None),
    ("GET", "/{V}/_explain/1?q=*", None),
    ("GET", "/{V}/_validate/query?q=*", None),
    ("POST", "/{V}/_terms_enum", {"field": "text", "string": "c"}),
    ("POST", "/{V}/_analyze", {"text": "x"}),
    ("POST", "/{V}/_pit?keep_alive=1m", None),
    ("POST", "/{V}/_async_search", {"query": ALL}),
    ("POST", "/{V}/_search?scroll=1m", {"query": ALL}),
    ("GET", "/_cat/indices/{V}", None),
    ("GET", "/_cat/count/{V}", None),
    ("GET", "/_cat/shards/{V}", None),
    ("GET", "/{V},{O}/_search", None),
    ("GET", "/{V}-alias/_search", None),
    ("POST", "/_msearch", [{"index": "{V}"}, {"query": ALL}]),
    ("POST", "/{O}/_msearch", [{"index": "{V}"}, {"query": ALL}]),
    ("POST", "/_mget", {"docs": [{"_index": "{V}", "_id": "1"}]}),
    ("POST", "/{O}/_mget", {"docs": [{"_index": "{V}", "_id": "1"}]}),
    ("POST", "/_mtermvectors", {"docs": [{"_index": "{V}", "_id": "1", "fields": ["text"]}]}),
    ("POST", "/{O}/_search", {"query": {"terms": {"text": {"index": "{V}", "id": "1", "path": "text"}}}}),
    ("POST", "/{O}/_search", {"query": {"geo_shape": {"g": {"indexed_shape": {"index": "{V}", "id": "1"}}}}}),
    ("POST", "/{O}/_search", {"query": {"percolate": {"field": "q", "index": "{V}", "id": "1"}}}),
    # writing
    ("PUT", "/{V}/_doc/2", {"text": "x"}),
    ("PUT", "/{V}/_create/3", {"text": "x"}),
    ("POST", "/{V}/_update/1", {"doc": {"text": "x"}}),
    ("DELETE", "/{V}/_doc/1", None),
    ("DELETE", "/{V}", None),
    ("PUT", "/{P}new", {}),
    ("PUT", "/{I}", {}),
    ("PUT", "/{A}", {}),
    ("PUT", "/{A}x.new", {}),
    ("PUT", "/{A}-west.new", {}),
    ("POST", "/{V}/_close", None),
    ("POST", "/{V}/_open", None),
    ("POST", "/{V}/_refresh", None),
    ("POST", "/{V}/_flush", None),
    ("POST", "/{V}/_forcemerge", None),
    ("POST", "/{V}/_cache/clear", None),
    ("POST", "/{V}/_rollover", None),
    ("PUT", "/{V}/_mapping", {"properties": {"x": {"type": "keyword"}}}),
    ("PUT", "/{V}/_settings", {"index": {"refresh_interval": "1s"}}),
    ("PUT", "/{V}/_block/write", None),
    ("POST", "/{V}/_clone/{A}.clone", None),
    ("POST", "/{V}/_split/{A}.split", None),
    ("POST", "/{V}/_shrink/{A}.shrink", None),
    ("POST", "/{O}/_clone/{P}clone", None),
    ("POST", "/{V}/_bulk", [{"index": {"_id": "4"}}, {"text": "x"}]),
    ("POST", "/_bulk", [{"index": {"_index": "{V}", "_id": "4"}}, {"text": "x"}]),
    ("POST", "/{O}/_bulk", [{"index": {"_index": "{V}", "_id": "4"}}, {"text": "x"}]),
    ("POST", "/_bulk", [{"delete": {"_index": "{V}", "_id": "1"}}]),
    ("POST", "/_bulk", [{"update": {"_index": "{V}", "_id": "1"}}, {"doc": {"text": "x"}}]),
    ("POST", "/_bulk", [{"create": {"_index": "{P}new", "_id": "1"}}, {"text": "x"}]),
    ("PUT", "/{V}/_alias/{A}.mine", None),
    ("PUT", "/{O}/_alias/{P}theirs", None),
    ("DELETE", "/{V}/_alias/{V}-alias", None),
    ("POST", "/_aliases", {"actions": [{"add": {"index": "{V}", "alias": "{A}.mine"}}]}),
    ("POST", "/_aliases", {"actions": [{"add": {"index": "{O}", "alias": "{P}theirs"}}]}),
    ("POST", "/_aliases", {"actions": [{"add": {"index": "{P}*", "alias": "{A}.mine"}}]}),
    ("POST", "/_aliases", {"actions": [{"remove_index": {"index": "{V}"}}]}),
    ("POST", "/_aliases", {"actions": [{"remove": {"index": "{V}", "alias": "{V}-alias"}}]}),
    ("PUT", "/_data_stream/{P}stream", None),
    # the cluster
    ("GET", "/_cluster/state", None),
    ("GET", "/_cluster/stats", None),
    ("GET", "/_cluster/health", None),
    ("GET", "/_cluster/settings", None),
    ("GET", "/_cluster/pending_tasks", None),
    ("PUT", "/_cluster/settings", {"transient": {}}),
    ("POST", "/_cluster/reroute", {}),
    ("GET", "/_cluster/allocation/explain", None),
    ("GET", "/_nodes", None),
    ("GET", "/_nodes/stats", None),
    ("GET", "/_nodes/hot_threads", None),
    ("GET", "/_tasks?detailed=true", None),
    ("POST", "/_tasks/_cancel", None),
    ("GET", "/_cat/nodes", None),
    ("GET", "/_cat/master", None),
    ("GET", "/_cat/tasks", None),
    ("GET", "/_cat/templates", None),
    ("GET", "/_cat/allocation", None),
    ("GET", "/_cat/plugins", None),
    ("GET", "/_cat/thread_pool", None),
    ("GET", "/_index_template", None),
    ("GET", "/_index_template/{I}", None),
    ("PUT", "/_index_template/{A}", {"index_patterns": ["{P}*"]}),
    ("DELETE", "/_index_template/{I}", None),
    ("GET", "/_component_template", None),
    ("PUT", "/_component_template/x", {"template": {}}),
    ("GET", "/_template", None),
    ("PUT", "/_template/x", {"index_patterns": ["*"]}),
    ("POST", "/_index_template/_simulate_index/{V}", None),
    ("GET", "/_ingest/pipeline", None),
    ("PUT", "/_ingest/pipeline/x", {"processors": []}),
    ("GET", "/_scripts/x", None),
    ("PUT", "/_scripts/x", {"script": {"lang": "mustache", "source": "{}"}}),
    ("GET", "/_snapshot", None),
    ("PUT", "/_snapshot/x", {"type": "fs", "settings": {"location": "/tmp"}}),
    ("POST", "/_reindex", {"source": {"index": "{V}"}, "dest": {"index": "{A}.copy"}}),
    ("GET", "/_dangling", None),
    # identities
    ("GET", "/_security/user", None),
    ("GET", "/_security/user/{I}.app", None),
    ("PUT", "/_security/user/{A}.more", {"password": "x" * 20, "roles": ["superuser"]}),
    ("DELETE", "/_security/user/{I}.app", None),
    ("PUT", "/_security/user/{I}.app/_password", {"password": "x" * 20}),
    ("GET", "/_security/role", None),
    ("GET", "/_security/role/{I}.app", None),
    ("PUT", "/_security/role/{A}.app", {"indices": [{"names": ["*"], "privileges": ["all"]}]}),
    ("DELETE", "/_security/role/{I}.app", None),
    ("GET", "/_security/role_mapping", None),
    ("PUT", "/_security/role_mapping/x", {"roles": ["superuser"], "enabled": True, "rules": EVERYBODY}),
    ("GET", "/_security/privilege", None),
    ("GET", "/_security/_query/user", None),
    ("GET", "/_security/service", None),
    ("GET", "/_security/settings", None),
    ("POST", "/_security/api_key/grant", {**GRANT, "api_key": {"name": "x"}}),
    ("GET", "/_security/api_key", None),
    ("POST", "/_security/oauth2/token", GRANT),
    ("POST", "/_security/realm/*/_clear_cache", None),
    ("GET", "/.security/_search", None),
    ("GET", "/.security-7/_search", None),
]  # fmt: skip

SILENT: list[Call] = [
    ("GET", "/_search?size=1000", None),
    ("GET", "/*/_search?size=1000", None),
    ("GET", "/_all/_search?size=1000", None),
    ("GET", "/*,-{A}.*/_search", None),
    ("GET", "/{P}*/_search", None),
    ("GET", "/{I}*/_search", None),
    ("GET", "/*.canary/_search", None),
    ("GET", "/{A}.*,{P}*/_search?ignore_unavailable=true&allow_no_indices=true", None),
    ("GET", "/{V}/_search?ignore_unavailable=true", None),
    ("GET", "/*?expand_wildcards=all", None),
    ("GET", "/.*/_search?expand_wildcards=all", None),
    ("GET", "/%3C{P}canary%3E/_search?ignore_unavailable=true", None),
    ("GET", "/%3C{P}canary-%7Bnow%2Fd%7D%3E/_search?ignore_unavailable=true", None),
    ("GET", "/_resolve/index/*?expand_wildcards=all", None),
    ("GET", "/_resolve/index/{P}*", None),
    ("GET", "/_resolve/index/*:*", None),
    ("GET", "/_resolve/cluster/*", None),
    ("GET", "/_alias", None),
    ("GET", "/_alias/*", None),
    ("GET", "/*/_alias/*", None),
    ("GET", "/_mapping", None),
    ("GET", "/_mapping/field/*", None),
    ("GET", "/_settings", None),
    ("GET", "/_stats", None),
    ("GET", "/_segments", None),
    ("GET", "/_recovery", None),
    ("GET", "/_field_caps?fields=*", None),
    ("GET", "/_search_shards", None),
    ("GET", "/{V}/_search_shards", None),
    ("GET", "/_count", None),
    ("GET", "/_cat/indices?expand_wildcards=all", None),
    ("GET", "/_cat/indices/{P}*", None),
    ("GET", "/_cat/aliases", None),
    ("GET", "/_cat/shards", None),
    ("GET", "/_cat/segments", None),
    ("GET", "/_cat/recovery", None),
    ("GET", "/_cat/count", None),
    ("GET", "/_cat/health", None),
    ("GET", "/_cat", None),
    ("GET", "/_data_stream/*", None),
    ("GET", "/_security/_authenticate", None),
    ("GET", "/_security/user/_privileges", None),
    ("POST", "/_security/user/_has_privileges", {"index": [{"names": ["{V}"], "privileges": ["read"]}]}),
    ("POST", "/_msearch", [{"index": "*"}, {"query": ALL}]),
    ("POST", "/_search?rest_total_hits_as_int=true", {"query": {"term": {"_index": "{V}"}}}),
    ("POST", "/{O}/_search", {"query": {"terms": {"_index": ["{V}"]}}, "indices_boost": [{"{V}": 2}]}),
    ("POST", "/_search", {"aggs": {"names": {"terms": {"field": "_index", "size": 1000}}}}),
    ("POST", "/_search/template", {"source": {"query": ALL}}),
    ("POST", "/_async_search", {"query": ALL}),
    ("POST", "/_sql?format=json", {"query": "SELECT * FROM \"{V}\""}),
    ("POST", "/_query", {"query": "FROM {V}"}),
    ("GET", "/_remote/info", None),
    # What is not found is like nothing: the same answer as without rights.
    ("POST", "/{O}/_search", {"query": {"more_like_this": {"fields": ["text"], "like": [LIKE]}}}),
    ("GET", "/_license", None),
    ("GET", "/_xpack", None),
]  # fmt: skip


class Search:
    """One user."""

    def __init__(self, user: str, password: str) -> None:
        self.user = user
        self._client = httpx2.Client(
            base_url=required("ROOFTREE_TEST_ELASTICSEARCH_URL"),
            auth=(user, password),
            verify=ssl.create_default_context(cafile=required("ROOFTREE_CA_FILE")),
            timeout=20,
            trust_env=False,
        )

    def ask(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        headers = {"Content-Type": "application/json"}
        if isinstance(body, list):
            headers = {"Content-Type": "application/x-ndjson"}
            body = "".join(f"{line}\n" if isinstance(line, str) else f"{json.dumps(line)}\n" for line in body)
        elif body is not None and not isinstance(body, str):
            body = json.dumps(body)
        return self._client.request(method, path, content=body, headers=headers if body else {})

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="module")
def admin() -> Iterator[Search]:
    user, password = (required(f"ROOFTREE_TEST_ELASTICSEARCH_{name}") for name in ("USER", "PASSWORD"))
    search = Search(user, password)
    yield search
    search.close()


@pytest.fixture(scope="module")
def users(family: Family) -> Iterator[dict[str, Search]]:
    """By id of the tenant, each with an index that has the canary and an alias."""
    found = {member.id: Search(member.user, member.passwords["elasticsearch"]) for member in family.members}
    for member in family.members:
        plant(found[member.id], member)
    yield found
    for member in family.members:
        found[member.id].ask("DELETE", f"/{member.id}.canary")
        found[member.id].close()


def plant(user: Search, member: Member) -> None:
    index = f"/{member.id}.canary"
    fields = {"text": {"type": "keyword"}, "g": {"type": "geo_point"}}
    aliases = {f"{member.id}.canary-alias": {}}
    for method, path, body in (
        ("PUT", index, {"mappings": {"properties": fields}, "aliases": aliases}),
        ("PUT", f"{index}/_doc/1?refresh=true", {"text": member.canary}),
        ("PUT", f"{index}/_doc/9?refresh=true", {"text": member.canary}),
    ):
        answer = user.ask(method, path, body)
        assert answer.is_success, answer.text


def aimed(call: Call, attacker: Member, victim: Member) -> Call:
    """The call with the names of both in it."""
    names = {
        "V": f"{victim.id}.canary",
        "P": f"{victim.id}.",
        "O": f"{attacker.id}.canary",
        "I": victim.id,
        "A": attacker.id,
    }

    def filled(text: str) -> str:
        for letter, name in names.items():
            text = text.replace(f"{{{letter}}}", name)
        return text

    method, path, body = call
    if isinstance(body, list):
        return method, filled(path), [filled(json.dumps(line)) for line in body]
    return method, filled(path), None if body is None else filled(json.dumps(body))


def accepted(answer: httpx2.Response) -> bool:
    """Whether the whole, or any item of it, was done."""
    if not answer.is_success:
        return False
    try:
        body = answer.json()
    except ValueError:
        return True
    items = body.get("items") or body.get("responses") or body.get("docs") if isinstance(body, dict) else None
    if not items:
        return True
    return any(_done(item) for item in items)


def _done(item: dict[str, Any]) -> bool:
    inner = next(iter(item.values())) if len(item) == 1 and isinstance(next(iter(item.values())), dict) else item
    return "error" not in inner


def sweep(
    matrix: Matrix, family: Family, users: dict[str, Search], attacker: Member, victim: Member, calls: list[Call]
) -> None:
    """All of `calls`; those of `SILENT` may be answered."""
    for call in calls:
        method, path, body = aimed(call, attacker, victim)
        answer = users[attacker.id].ask(method, path, body)
        matrix.tried(
            AREA,
            f"{attacker.id}: {method} {path} {body or ''}",
            accepted=call not in SILENT and accepted(answer),
            answer=f"{answer.status_code} {dict(answer.headers)} {answer.text}",
            sent=f"{path} {body}",
            marks=family.marks(attacker),
        )


def snapshot(admin: Search, family: Family) -> list[Any]:
    """All that there is of the family, as the administrator sees it."""
    seen = []
    for member in family.members:
        index = admin.ask("GET", f"/{member.id}.*?expand_wildcards=all").json()
        found = admin.ask("GET", f"/{member.id}.canary/_search").json()["hits"]["hits"]
        # The app makes its copy anew now and then, under the next number.
        names = sorted({re.sub(r"-\d+$", "-N", name) for name in index})
        seen += [names, index[f"{member.id}.canary"], found]
    return seen


def test_no_call_reaches_anothers_indices(
    matrix: Matrix, family: Family, users: dict[str, Search], admin: Search
) -> None:
    before = snapshot(admin, family)
    for attacker, victim in family.pairs():
        sweep(matrix, family, users, attacker, victim, REFUSED)
        sweep(matrix, family, users, attacker, victim, SILENT)
    assert matrix.red() == []
    assert snapshot(admin, family) == before


def test_the_same_calls_work_on_ones_own(matrix: Matrix, family: Family, users: dict[str, Search]) -> None:
    """Those that read, and an alias; else a misspelled path would count as refused."""
    start = REFUSED.index(("PUT", "/{V}/_doc/2", {"text": "x"}))
    missing_here = ("_terms_enum", "_pit", "_async_search", "_mtermvectors", "percolate", "geo_shape", "_explain")
    for member in family.members:
        for call in REFUSED[:start]:
            method, path, body = aimed(call, member, member)
            if not path.startswith("/_cat") and not any(word in f"{path} {body}" for word in missing_here):
                answer = users[member.id].ask(method, path, body)
                matrix.control(AREA, f"{method} {path}", answer.status_code < 400, answer.text)
        text = users[member.id].ask("GET", "/_search").text
        matrix.control(AREA, "search", member.canary in text, text)


def handles(user: Search, member: Member) -> dict[str, str]:
    """Ids of searches that `member` has under way."""
    index = f"/{member.id}.canary"
    scroll = user.ask("POST", f"{index}/_search?scroll=2m&size=1", {"query": ALL}).json()["_scroll_id"]
    pit = user.ask("POST", f"{index}/_pit?keep_alive=2m").json().get("id", "")
    kept = {"keep_on_completion": "true", "wait_for_completion_timeout": "2s", "keep_alive": "2m"}
    query = "&".join(f"{name}={value}" for name, value in kept.items())
    later = user.ask("POST", f"{index}/_async_search?{query}", {"query": ALL})
    return {"scroll": scroll, "pit": pit, "async": later.json().get("id", "") if later.is_success else ""}


def test_searches_under_way_are_continued_by_nobody_else(
    matrix: Matrix, family: Family, users: dict[str, Search]
) -> None:
    for attacker, victim in family.pairs():
        ids = handles(users[victim.id], victim)
        own = handles(users[victim.id], victim)["scroll"]
        still = users[victim.id].ask("POST", "/_search/scroll", {"scroll_id": own})
        matrix.control(AREA, "scroll", still.is_success and ids["pit"], still.text)
        calls: list[Call] = [
            ("POST", "/_search/scroll", {"scroll_id": ids["scroll"]}),
            ("POST", "/_search", {"pit": {"id": ids["pit"]}, "query": ALL}),
        ]
        if ids["async"]:
            calls += [("GET", f"/_async_search/{quote(ids['async'])}", None)]
            calls += [("DELETE", f"/_async_search/{quote(ids['async'])}", None)]
        sweep(matrix, family, users, attacker, victim, calls)
        users[victim.id].ask("DELETE", "/_search/scroll", {"scroll_id": ids["scroll"]})
        users[victim.id].ask("DELETE", "/_pit", {"id": ids["pit"]})
    assert matrix.red() == []
