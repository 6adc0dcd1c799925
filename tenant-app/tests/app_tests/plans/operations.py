"""Every list that the API has, from its own description, with a request for each filter and each order.

A list is a GET whose answer has an array of objects. A new one is asked by itself; what it needs in its path, and an
example of each new parameter, has to be said below, or the test fails.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rooftree

Query = tuple[tuple[str, str], ...]
DESCRIPTION = Path(rooftree.__file__).parents[2] / "openapi" / "openapi.json"
# Pages are followed; and which members are wanted is asked of the answer, not of the database.
_SAME_STATEMENT = ("cursor", "fields")
_IN_PATH = re.compile(r"\{(\w+)\}")
_BOX = "-93.75,41.95,-93.65,42.05"
_EVERYWHERE = "-95.0,41.0,-92.0,43.0"
# Values that hold for nearly all rows and for few of them: the planner chooses by that. But no word that nearly all
# hold: to count them each has to be read, and no index says so sooner than the table.
EXAMPLES: dict[str, tuple[str, ...]] = {
    "q": ("maple", "maple street", "c4ca4238", "am", "ada", "agent 12", "nothing like it"),
    "min_price": ("100000", "900000"),
    "max_price": ("900000", "100000"),
    "min_beds": ("2", "6"),
    "max_beds": ("5", "1"),
    "min_baths": ("2", "4"),
    "min_area": ("1000", "3500"),
    "max_area": ("3000", "650"),
    "min_year": ("1920", "2020"),
    "max_year": ("2015", "1902"),
    "type": ("Condominium",),
    "city": ("Ames",),
    "postal_code": ("50104",),
    "subdivision": ("Subdivision 7",),
    "near": ("42.0,-93.7",),
    "radius": ("500", "20000"),
    "polygon": ("-93.8,41.9;-93.6,41.9;-93.6,42.1",),
    "bbox": (_BOX, _EVERYWHERE),
    "zoom": ("4", "12"),
    "facets": ("true",),
    "mine": ("true",),
    "limit": ("20",),
    "source": ("referral",),
    "tag": ("investor",),
    "email": ("ada@client.test",),
    "phone": ("515-232-0199",),
    "kind": ("property.rebuild_search", "bench.other", "nothing.like_it"),
}
# What goes with a parameter, or with one of its values; and what an operation always asks for.
WITH: dict[str, Query] = {
    "near": (("radius", "2000"),),
    "radius": (("near", "42.0,-93.7"),),
    "sort=distance": (("near", "42.0,-93.7"), ("radius", "20000")),
    "sort=relevance": (("q", "maple"),),
}
ALWAYS: dict[str, Query] = {
    "map_properties": (("bbox", _EVERYWHERE), ("zoom", "10")),
    "suggest_properties": (("q", "ames"),),
    "list_person_duplicates": (("email", "ada@client.test"),),
}
# As people ask: several filters at once, and an order that none of them is made for.
TOGETHER: dict[str, tuple[Query, ...]] = {
    "search_properties": (
        (("min_price", "200000"), ("max_price", "450000"), ("min_beds", "3"), ("status", "Active"), ("sort", "-area")),
        (("q", "fireplace"), ("city", "Ames"), ("sort", "list_price")),
        (("bbox", _BOX), ("min_beds", "3"), ("sort", "-list_price")),
        (("mine", "true"), ("status", "Active")),
    ),
    "map_properties": ((("bbox", _BOX), ("zoom", "13"), ("status", "Active"), ("min_beds", "3")),),
    "list_people": (
        (("q", "ada"), ("sort", "name")),
        (("assigned_to", "nobody"), ("sort", "-created_at")),
        (("q", "ada"), ("assigned_to", "me"), ("tag", "investor")),
    ),
    "list_leads": ((("state", "new"), ("owner", "unassigned")), (("state", "responded"), ("owner", "mine"))),
    "list_tasks": ((("state", "done"), ("owner", "all")), (("state", "open"), ("owner", "all"))),
    "list_users": ((("q", "agent"), ("state", "active"), ("role", "agent")),),
}


@dataclass(frozen=True)
class Operation:
    """`parameters`: each with the values that it is asked with."""

    id: str
    path: str
    parameters: Mapping[str, tuple[str, ...]]

    def queries(self) -> Iterator[Query]:
        always = ALWAYS.get(self.id, ())
        yield always
        for name, values in self.parameters.items():
            for value in values:
                also = WITH.get(f"{name}={value}", WITH.get(name, ()))
                # What is asked for says more than what always is.
                yield tuple((dict(always) | dict(also) | {name: value}).items())
        yield from TOGETHER.get(self.id, ())


def operations(ids: Mapping[str, tuple[str, ...]]) -> list[Operation]:
    """`ids`: values of parameters that name a record."""
    return lists(json.loads(DESCRIPTION.read_text()), ids)


def lists(description: dict[str, Any], ids: Mapping[str, tuple[str, ...]]) -> list[Operation]:
    """Raises AssertionError for one that nothing is known to ask with."""
    found: list[Operation] = []
    for path, methods in description["paths"].items():
        if "get" in methods and path.startswith("/api/v1/") and _is_list(methods["get"], description):
            unknown = set(_IN_PATH.findall(path)) - ids.keys()
            assert not unknown, f"{path} names records, and the test knows no {', '.join(unknown)}"
            given = {
                item["name"]: _values(item, description, ids)
                for item in methods["get"].get("parameters", [])
                if item["in"] == "query" and item["name"] not in _SAME_STATEMENT
            }
            found.append(Operation(methods["get"]["operationId"], path, given))
    return found


def _is_list(operation: dict[str, Any], description: dict[str, Any]) -> bool:
    content = operation["responses"].get("200", {}).get("content", {}).get("application/json")
    if content is None:
        return False
    schema = _resolved(content["schema"], description)
    return any(_is_array_of_objects(member, description) for member in (schema, *schema.get("properties", {}).values()))


def _is_array_of_objects(schema: dict[str, Any], description: dict[str, Any]) -> bool:
    schema = _resolved(schema, description)
    if any(_is_array_of_objects(part, description) for name in ("anyOf", "allOf") for part in schema.get(name, ())):
        return True
    return schema.get("type") == "array" and _resolved(schema["items"], description).get("type") == "object"


def _values(item: dict[str, Any], description: dict[str, Any], ids: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    listed = tuple(_choices(item["schema"], description))
    # Whatever may be asked is listed, or an example stands for it.
    more = ids.get(item["name"], () if listed else EXAMPLES.get(item["name"], ()))
    assert listed or more, f"EXAMPLES has no value of the parameter {item['name']}"
    return (*listed, *more)


def _choices(schema: dict[str, Any], description: dict[str, Any]) -> Iterator[str]:
    schema = _resolved(schema, description)
    yield from schema.get("enum", ())
    for part in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())):
        yield from _choices(part, description)


def _resolved(schema: dict[str, Any], description: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema
