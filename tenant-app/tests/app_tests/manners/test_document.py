"""What every operation of the API has by its kind, read from its description; an exception has a name and a reason."""

import copy
from typing import Any

from rooftree.kernel import idempotency, sparse

from .repeatable import DOCUMENT, WITHOUT_KEY, operations, takes_key, unguarded

OPERATIONS = operations(DOCUMENT)
API = "/api/v1/"
# What reads no record, or nothing of which a part would do.
WHOLE_ONLY = {
    "get_invitation": "what its link shows, before there is an account",
    "get_people_board": "columns of several lists; its items are those of list_people",
    "get_search_status": "a few numbers",
    "get_session": "who is signed in, read once",
    "get_tenant": "a name and a zone",
    "map_properties": "points and clusters, made for a picture",
    "suggest_properties": "words",
}
# Changes of what has no version, and why the last one may count.
WITHOUT_VERSION = {
    "delete_photo": "can be undone for a day",
    "edit_photo": "one description; the last one counts",
    "end_other_sessions": "ends what may be over already",
    "end_session": "ends what may be over already",
    "end_user_sessions": "ends what may be over already",
    "revoke_delegation": "ends what may be over already",
    "revoke_user_invitation": "ends what may be over already",
}


def parameters(described: dict[str, Any]) -> set[str]:
    return {one["name"] for one in described.get("parameters", ())}


def answer(described: dict[str, Any], document: dict[str, Any] = DOCUMENT) -> dict[str, Any]:
    """The schema of what is answered; empty for what is no JSON object."""
    content = described["responses"].get("200", {}).get("content", {})
    name = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"].get(name, {})


def reads(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Operations that answer records of the API."""
    return {
        name: described
        for name, (method, path, described) in operations(document).items()
        if method == "get" and path.startswith(API) and answer(described, document)
    }


def endless(document: dict[str, Any]) -> set[str]:
    """Lists that neither come in pages nor say how long they can be."""
    lists = {name: one for name, one in reads(document).items() if "items" in answer(one, document)["properties"]}
    return {
        name
        for name, described in lists.items()
        if "maxItems" not in answer(described, document)["properties"]["items"]
        and not (
            {"limit", "cursor"} <= parameters(described) and "next_cursor" in answer(described, document)["properties"]
        )
    }


def whole_only(document: dict[str, Any]) -> set[str]:
    return {name for name, one in reads(document).items() if sparse.PARAMETER not in parameters(one)}


def unversioned(document: dict[str, Any]) -> set[str]:
    """Changes that somebody could make of what they have not seen."""
    return {
        name
        for name, (method, path, described) in operations(document).items()
        if method in {"patch", "put", "delete"} and path.startswith(API) and "If-Match" not in parameters(described)
    }


def test_what_makes_something_can_be_sent_again() -> None:
    assert unguarded(DOCUMENT) == set()


def test_a_new_operation_that_makes_something_is_found() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["paths"]["/api/v1/things"] = {"post": {"operationId": "create_thing", "responses": {}}}
    assert unguarded(document) == {"create_thing"}


def test_only_operations_that_need_none_are_excused_from_keys() -> None:
    excused = {name: OPERATIONS[name] for name in WITHOUT_KEY}
    assert {method for method, _, _ in excused.values()} == {"post"}
    assert not any(takes_key(described) for _, _, described in excused.values())


def test_what_takes_a_key_says_how_it_answers() -> None:
    for name, (_, _, described) in OPERATIONS.items():
        if takes_key(described):
            answers = described["responses"]
            assert answers.keys() >= {"400", "409", "422"}, name
            made = [answer for status, answer in answers.items() if status.startswith("2")]
            assert [list(answer["headers"]) for answer in made] == [[idempotency.REPLAYED]], name


def test_every_list_comes_in_pages_or_says_how_long_it_can_be() -> None:
    assert endless(DOCUMENT) == set()


def test_cursors_are_opaque_and_limits_have_a_bound() -> None:
    for name, described in reads(DOCUMENT).items():
        for one in described.get("parameters", ()):
            if one["name"] == "limit":
                assert (one["schema"]["minimum"], one["schema"]["maximum"] <= 100) == (1, True), name
            if one["name"] == "cursor":
                assert {"type": "string", "maxLength": 1024} in one["schema"]["anyOf"], name


def test_every_record_and_list_is_had_in_part() -> None:
    assert whole_only(DOCUMENT) == WHOLE_ONLY.keys()


def test_every_change_of_what_has_a_version_says_which_it_saw() -> None:
    assert unversioned(DOCUMENT) == WITHOUT_VERSION.keys()
    for name, (_, _, described) in OPERATIONS.items():
        if "If-Match" in parameters(described):
            assert described["responses"].keys() >= {"400", "412", "428"}, name


def test_new_operations_without_manners_are_found() -> None:
    document = copy.deepcopy(DOCUMENT)
    page = {"properties": {"items": {"type": "array"}}}
    document["components"]["schemas"]["Things"] = page
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Things"}}}
    answers = {"200": {"content": content}}
    document["paths"]["/api/v1/things"] = {
        "get": {"operationId": "list_things", "responses": answers},
        "delete": {"operationId": "delete_things", "responses": {}},
    }
    assert endless(document) == {"list_things"}
    assert whole_only(document) - WHOLE_ONLY.keys() == {"list_things"}
    assert unversioned(document) - WITHOUT_VERSION.keys() == {"delete_things"}
