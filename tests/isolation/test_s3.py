"""S3: each tenant's access key against the others' buckets and objects, and the server's administration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from ..e2e.conftest import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .cells import Matrix
    from .conftest import Family, Member

pytestmark = [pytest.mark.isolation, pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]

AREA = "s3"
OBJECT = "isolation/canary"
# V: the victim's bucket; O: one's own. Method, path, body, headers that are signed with it.
CALLS: list[tuple[str, str, str]] = [
    ("GET", "/{V}/isolation/canary", ""),
    ("HEAD", "/{V}/isolation/canary", ""),
    ("GET", "/{V}/isolation/canary?acl=", ""),
    ("GET", "/{V}/isolation/canary?attributes=", ""),
    ("GET", "/{V}/isolation/canary?tagging=", ""),
    ("GET", "/{V}/isolation/canary?retention=", ""),
    ("GET", "/{V}", ""),
    ("GET", "/{V}?list-type=2", ""),
    ("GET", "/{V}?versions=", ""),
    ("GET", "/{V}?uploads=", ""),
    ("GET", "/{V}?acl=", ""),
    ("GET", "/{V}?policy=", ""),
    ("GET", "/{V}?tagging=", ""),
    ("GET", "/{V}?versioning=", ""),
    ("GET", "/{V}?location=", ""),
    ("GET", "/{V}?cors=", ""),
    ("HEAD", "/{V}", ""),
    ("PUT", "/{V}/isolation/new", "x"),
    ("PUT", "/{V}/isolation/canary", "x"),
    ("PUT", "/{V}/isolation/canary?acl=", ""),
    ("PUT", "/{V}/isolation/canary?tagging=", "<Tagging><TagSet/></Tagging>"),
    ("POST", "/{V}/isolation/new?uploads=", ""),
    ("POST", "/{V}?delete=", "<Delete><Object><Key>isolation/canary</Key></Object></Delete>"),
    ("DELETE", "/{V}/isolation/canary", ""),
    ("DELETE", "/{V}", ""),
    ("DELETE", "/{V}?policy=", ""),
    ("DELETE", "/{V}?tagging=", ""),
    ("PUT", "/{V}", ""),
    ("PUT", "/{V}?policy=", "{}"),
    ("PUT", "/{V}?acl=", ""),
    ("PUT", "/{V}?versioning=", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
    # One's own bucket is not one's own to change, nor is another to make.
    ("DELETE", "/{O}", ""),
    ("PUT", "/{O}?policy=", "{}"),
    ("GET", "/{O}?policy=", ""),
    ("PUT", "/{O}?acl=", ""),
    ("PUT", "/{O}-more", ""),
    ("PUT", "/{O}x", ""),
    ("GET", "/{O}/../{V}/isolation/canary", ""),
    ("GET", "/{O}/..%2F{V}%2Fisolation%2Fcanary", ""),
    ("GET", "/{O}%2F..%2F{V}/isolation/canary", ""),
    ("GET", "/{V}%2Fisolation%2Fcanary", ""),
    # The server's administration.
    ("PATCH", "/list-users", ""),
    ("PATCH", "/list-buckets", ""),
    ("PATCH", "/create-user", "<Account><Access>x</Access><Secret>x</Secret><Role>admin</Role></Account>"),
    ("PATCH", "/update-user?access={V}.app", "<MutableProps><Secret>x</Secret></MutableProps>"),
    ("PATCH", "/delete-user?access={V}.app", ""),
    ("PATCH", "/change-bucket-owner?bucket={V}&owner={O}.app", ""),
]  # fmt: skip


@pytest.fixture(scope="module")
def stores(family: Family) -> Iterator[dict[str, ObjectStore]]:
    """By id of the tenant, each with an object that is the canary."""
    found = {member.id: store(member) for member in family.members}
    for member in family.members:
        answer = found[member.id].ask("PUT", f"/{member.id}/{OBJECT}", member.canary.encode())
        assert answer.is_success, answer.text
    yield found
    for member in family.members:
        found[member.id].ask("DELETE", f"/{member.id}/{OBJECT}")


def store(member: Member) -> ObjectStore:
    return ObjectStore(member.user, member.passwords["s3"])


def attempt(
    matrix: Matrix, user: ObjectStore, what: str, call: tuple[str, str, str], marks: list[str], *, refused: Any = None
) -> httpx2.Response:
    method, path, content = call
    answer = user.ask(method, path, content.encode())
    seen = f"{answer.status_code} {dict(answer.headers)} {answer.text}"
    accepted = not (refused or (lambda it: it.status_code >= 400))(answer)
    matrix.tried(
        AREA, f"{what}: {method} {path}", accepted=accepted, answer=seen, sent=f"{path} {content}", marks=marks
    )
    return answer


def sweep(matrix: Matrix, family: Family, user: ObjectStore, attacker: Member, victim: Member) -> None:
    for method, path, content in CALLS:
        aimed = path.replace("{V}", victim.id).replace("{O}", attacker.id)
        attempt(matrix, user, attacker.id, (method, aimed, content), family.marks(attacker))


def test_no_call_reaches_anothers_bucket(matrix: Matrix, family: Family, stores: dict[str, ObjectStore]) -> None:
    for attacker, victim in family.pairs():
        sweep(matrix, family, stores[attacker.id], attacker, victim)
    assert matrix.red() == []
    for member in family.members:
        assert stores[member.id].ask("GET", f"/{member.id}/{OBJECT}").text == member.canary


def test_objects_are_ones_own_to_keep_and_the_list_of_buckets_names_no_other(
    matrix: Matrix, family: Family, stores: dict[str, ObjectStore]
) -> None:
    for member in family.members:
        user = stores[member.id]
        for method, path in (("GET", f"/{member.id}/{OBJECT}"), ("GET", f"/{member.id}?list-type=2")):
            answer = user.ask(method, path)
            matrix.control(AREA, f"{method} {path}", answer.is_success, answer.text)
        marks = family.marks(member)
        attempt(matrix, user, member.id, ("GET", "/", ""), marks, refused=lambda answer: True)
    assert matrix.red() == []


def test_a_key_with_anothers_name_or_without_a_signature_opens_nothing(
    matrix: Matrix, family: Family, stores: dict[str, ObjectStore]
) -> None:
    for attacker, victim in family.pairs():
        path = f"/{victim.id}/{OBJECT}"
        forged = ObjectStore(victim.user, attacker.passwords["s3"])
        attempt(matrix, forged, f"{attacker.id} as {victim.user}", ("GET", path, ""), family.marks(attacker))
    assert matrix.red() == []
