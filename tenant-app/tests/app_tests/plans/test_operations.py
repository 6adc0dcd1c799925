"""What counts as a list, and that a new one cannot be forgotten."""

from typing import Any

import pytest

from .operations import Operation, lists

ITEM = {"type": "object", "properties": {"id": {"type": "string"}}}
MANY = {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}


def described(answer: dict[str, Any], path: str = "/api/v1/things", *parameters: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": answer}}
    get = {"operationId": "list_things", "parameters": parameters, "responses": {"200": {"content": content}}}
    return {"paths": {path: {"get": get}}, "components": {"schemas": {"Item": ITEM}}}


@pytest.mark.parametrize(
    ("answer", "is_list"),
    [
        ({"properties": {"items": MANY}}, True),
        ({"properties": {"items": {"anyOf": [MANY, {"type": "null"}]}}}, True),
        ({"properties": {"items": {"type": "array", "items": ITEM}}}, True),
        (MANY, True),
        (ITEM, False),
        ({"properties": {"team_ids": {"type": "array", "items": {"type": "string"}}}}, False),
    ],
)
def test_an_answer_with_records_is_a_list(answer: dict[str, Any], is_list: bool) -> None:
    assert [one.id for one in lists(described(answer), {})] == ["list_things"] * is_list


def test_a_new_list_is_asked_by_itself_and_with_each_value_of_its_parameters() -> None:
    sort = {"name": "sort", "in": "query", "schema": {"enum": ["name", "-name"]}}
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer"}}
    (found,) = lists(described(MANY, "/api/v1/things/{thing_id}/parts", sort, limit), {"thing_id": ("x",)})
    assert found == Operation(
        "list_things", "/api/v1/things/{thing_id}/parts", {"sort": ("name", "-name"), "limit": ("20",)}
    )
    assert list(found.queries()) == [(), (("sort", "name"),), (("sort", "-name"),), (("limit", "20"),)]


def test_a_parameter_that_nothing_is_known_to_ask_with_fails() -> None:
    colour = {"name": "colour", "in": "query", "schema": {"type": "string"}}
    with pytest.raises(AssertionError, match="colour"):
        lists(described(MANY, "/api/v1/things", colour), {})
    with pytest.raises(AssertionError, match="thing_id"):
        lists(described(MANY, "/api/v1/things/{thing_id}/parts"), {})
