"""What people may order of a brokerage, for tests that make it up: legal edits, and specs that the CRD refuses."""

from copy import deepcopy
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rooftree_operator.api.brokerage import BrokerageSpec
from rooftree_operator.api.schema import structural

from .test_tenant_scenarios import FEED
from .world import brokerage

SCHEMA = structural(BrokerageSpec)
_VALIDATOR = Draft202012Validator(SCHEMA)
OTHER_FEED = {**FEED, "name": "boise", "url": "http://other.example/odata"}

# Of each field that can be changed, what it may become; None takes it away.
LEGAL: dict[str, list[Any]] = {
    "displayName": ["Acme", "Acme West", "Ümlaut & <Söhne>"],
    "owner": [{"email": "owner@acme.example"}, {"email": "new@acme.example", "name": "Nora"}],
    "plan": ["starter", "large"],
    "version": [None, "1.0.0", "1.1.0"],
    "topology": [None, "monolith", "microservices"],
    "timeZone": ["America/Chicago", "America/Denver"],
    "currency": ["USD", "CAD"],
    "backup": [None, {}, {"schedule": "0 3 * * *"}, {"schedule": "*/5 * * * *", "retention": {"count": 2}}],
    "mls": [None, [], [FEED], [FEED, OTHER_FEED]],
    "suspend": [None, {"reason": "billing"}, {"reason": "manual", "message": "Back on Monday"}],
    "autoscaling": [None, {}, {"mode": "loadTuned"}, {"mode": "hpa"}, {"mode": "fixed"}],
    "deletionPolicy": [None, "Retain", "Delete"],
    "sleep": [None, "never", "whenIdle"],
    "deletionProtection": [None, True],
    "rotation": [None, {"everyDays": 1}, {"everyDays": 365}],
    "pause": [None, None, "Changes", "Everything"],
    "managementPolicy": [None, None, "Manage", "Observe"],
}
# No null: the API server drops it, which is no refusal.
ODD: list[Any] = [
    0,
    -1,
    10**9,
    "",
    " ",
    "x" * 400,
    "two\nlines",
    "ÄÖ",
    "../..",
    "';--",
    [],
    [{}],
    {},
    {"a": 1},
    True,
]


def edits() -> st.SearchStrategy[dict[str, Any]]:
    """One or several fields at once."""
    one = st.sampled_from(sorted(LEGAL)).flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(LEGAL[name])))
    return st.lists(one, min_size=1, max_size=4).map(dict)


def edited(spec: dict[str, Any], edit: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**spec, **edit}.items() if value is not None}


def is_legal(spec: Any) -> bool:
    """By the schema that is in the CRD. Its CEL rules say nothing of what is tried here."""
    return not any(_VALIDATOR.iter_errors(spec))


@st.composite
def illegal_specs(draw: st.DrawFn) -> dict[str, Any]:
    """A spec with one value that the API server refuses."""
    spec = deepcopy({**brokerage("acme")["spec"], "mls": [FEED], "suspend": {"reason": "manual"}})
    parent, name = draw(st.sampled_from(list(_places(spec))))
    value = draw(st.one_of(st.sampled_from(ODD), st.text(max_size=80), st.integers(), st.booleans()))
    if draw(st.booleans()):
        parent[name] = value
    else:
        parent.pop(name)
    return draw(st.just(spec).filter(lambda one: not is_legal(one)))


def _places(node: Any) -> Any:
    """Every member of every object in it, as the object and the member's name."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield node, name
            yield from _places(value)
    elif isinstance(node, list):
        for value in node:
            yield from _places(value)
