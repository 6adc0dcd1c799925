"""Elasticsearch by raw HTTP: each tenant's user against the others' indices, by every way a name can be written.

The calls are those of `elasticsearch_calls`.
"""

from __future__ import annotations

import json
import re
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx2
import pytest

from ..e2e.conftest import required, until
from .elasticsearch_calls import ALL, READING, REFUSED, SILENT, Call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .cells import Matrix
    from .conftest import Family, Member

pytestmark = [pytest.mark.isolation, pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]

AREA = "elasticsearch"


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

    def are_copied() -> bool:
        return all(admin.ask("GET", f"/{member.id}.properties").is_success for member in family.members)

    until("each app has its copy of the listings", are_copied, seconds=60)
    before = snapshot(admin, family)
    for attacker, victim in family.pairs():
        sweep(matrix, family, users, attacker, victim, REFUSED)
        sweep(matrix, family, users, attacker, victim, SILENT)
    assert matrix.red() == []
    assert snapshot(admin, family) == before


def test_the_same_calls_work_on_ones_own(matrix: Matrix, family: Family, users: dict[str, Search]) -> None:
    """Those that read, and an alias; else a misspelled path would count as refused."""
    missing_here = ("_terms_enum", "_pit", "_async_search", "_mtermvectors", "percolate", "geo_shape", "_explain")
    for member in family.members:
        for call in READING:
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
