"""Dashboards: what is committed is what the code makes, and a reader at night understands each panel of it.

Whether each query finds something, tests/e2e/test_dashboards.py asks of a live stack.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import promql_parser
import pytest
import yaml
from dashboards import written
from dashboards.blocks import TAG
from dashboards.targets import boards, expanded, panels, targets
from dashboards.written import BOARDS, GENERATED, IN_CHART, RULES_IN_CHART, short, texts

ROOT = Path(__file__).resolve().parents[2]
FOUND = boards(GENERATED)
ALL_TARGETS = [one for board in FOUND.values() for one in targets(board)]
ALL_PANELS = [(name, panel) for name, board in FOUND.items() for panel in panels(board)]
NAMED = [pytest.param(panel, id=f"{name} {panel['title']}") for name, panel in ALL_PANELS]
# Of everybody, or of the operator: no tenant is chosen there.
WITHOUT_TENANT = {"fleet", "operator"}
OF_TENANTS = [one for name, board in FOUND.items() if name not in WITHOUT_TENANT for one in targets(board)]
UNITS = {"short", "none", "s", "d", "bytes", "reqps", "ops", "percentunit", "bool_yes_no"}
# Four times the longest interval at which anything is collected: that of the chart's monitors.
SHORTEST_RANGE = 4 * timedelta(seconds=30)
# Prometheus' own, those of its client library for every process, and what the collector counts of spans.
GIVEN = {
    "ALERTS",
    "up",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "traces_span_metrics_duration_seconds_bucket",
}
# Labels whose values are not ours: of scraping, of a histogram, of OpenTelemetry.
FREE = {"job", "tenant", "namespace", "pod", "le", "span_kind"}
KINDS = {
    "Counter": ("_total",),
    "CounterMetricFamily": ("_total",),
    "Gauge": ("",),
    "GaugeMetricFamily": ("",),
    "Histogram": ("_bucket", "_count", "_sum"),
    "HistogramMetricFamily": ("_bucket", "_count", "_sum"),
}
REGISTERED = re.compile(rf'\b({"|".join(KINDS)})\(\s*"([a-z_:]+)"')


def rules() -> list[dict[str, Any]]:
    files = sorted((ROOT / "observability" / "rules").glob("*.yaml"))
    return [rule for path in files for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def registered() -> set[str]:
    """The series that code of ours tells, by what it registers."""
    sources = [*(ROOT / "operator" / "src").rglob("*.py"), *(ROOT / "tenant-app" / "src" / "rooftree").rglob("*.py")]
    found = [one for path in sources for one in REGISTERED.findall(path.read_text())]
    return {name.removesuffix("_total") + suffix for kind, name in found for suffix in KINDS[kind]}


@cache
def known() -> set[str]:
    return registered() | GIVEN | {rule["record"] for rule in rules() if "record" in rule}


def visited(expr: str) -> list[Any]:
    """All parts of an expression."""
    found: list[Any] = []
    promql_parser.walk(promql_parser.parse(expr), found.append)
    return found


def selectors(expr: str) -> list[Any]:
    """What an expression chooses series by."""
    ranges = [part.vector_selector for part in visited(expr) if isinstance(part, promql_parser.MatrixSelector)]
    return ranges + [part for part in visited(expr) if isinstance(part, promql_parser.VectorSelector)]


def values(expr: str) -> set[tuple[str, str]]:
    """Labels and the values that an expression knows of them, whoever they are: alternatives one by one."""
    matchers = [one for part in selectors(expr) for one in part.matchers.matchers if one.name not in FREE]
    found = {(one.name, value) for one in matchers for value in one.value.split("|")}
    return {(name, value) for name, value in found if value and not set(value) & set("*+.$")}


@cache
def words() -> set[str]:
    """What stands in quotes in code of ours, and what rules are called and say of themselves."""
    files = [path for folder in ("operator/src", "tenant-app/src/rooftree") for path in (ROOT / folder).rglob("*.py")]
    told = {rule["alert"] for rule in rules() if "alert" in rule} | {"firing", "critical", "warning"}
    told |= {f"{number}xx" for number in range(1, 6)}  # which the app makes of numbers
    return told | {word for path in files for word in re.findall(r'"([\w.\-/]+)"', path.read_text())}


def names(expr: str) -> set[str]:
    return {part.name for part in selectors(expr)}


def ready(expr: str) -> str:
    return expanded(expr, {"tenant": "acme-0a1b2c3d", "datasource": "prometheus"})


def test_what_is_committed_is_what_the_code_makes() -> None:
    committed = {path.name: path.read_text() for path in GENERATED.glob("*.json")}
    assert committed == texts(), "run `make dashboards`"


def test_the_chart_brings_the_same_dashboards() -> None:
    committed = {path.name: path.read_text() for path in IN_CHART.glob("*.json")}
    assert committed == {name: short(text) for name, text in texts().items()}, "run `make dashboards`"


def test_the_chart_brings_the_same_rules() -> None:
    committed = {path.name: path.read_text() for path in RULES_IN_CHART.iterdir()}
    assert committed == written.rules(), "run `make dashboards`"


@pytest.mark.parametrize("one", ALL_TARGETS, ids=lambda one: one.name)
def test_every_expression_is_one(one: Any) -> None:
    assert promql_parser.parse(ready(one.expr))


@pytest.mark.parametrize("one", ALL_TARGETS, ids=lambda one: one.name)
def test_every_metric_of_an_expression_is_told_by_somebody(one: Any) -> None:
    asked = names(ready(one.expr))
    assert asked or "vector(" in one.expr
    assert asked - known() == set()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_metric_of_a_rule_is_told_by_somebody(rule: dict[str, Any]) -> None:
    assert names(rule["expr"])
    assert names(rule["expr"]) - known() == set()


@pytest.mark.parametrize("expr", sorted({ready(one.expr) for one in ALL_TARGETS} | {rule["expr"] for rule in rules()}))
def test_every_value_of_a_label_is_one_that_code_of_ours_gives(expr: str) -> None:
    """Where nothing has happened yet a panel shows 0: it would go on doing so for a word that nobody ever says."""
    assert {(name, value) for name, value in values(expr) if value not in words()} == set()


@pytest.mark.parametrize("one", ALL_TARGETS, ids=lambda one: one.name)
def test_a_range_is_at_least_four_times_as_long_as_the_time_between_two_values(one: Any) -> None:
    for part in visited(ready(one.expr)):
        if isinstance(part, promql_parser.MatrixSelector):
            assert part.range >= SHORTEST_RANGE


@pytest.mark.parametrize("panel", NAMED)
def test_every_panel_says_what_it_shows_in_which_unit_and_asks_the_chosen_prometheus(panel: dict[str, Any]) -> None:
    assert len(panel["title"]) > 1
    assert len(panel["description"]) > 20
    assert panel["description"].endswith(".")
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    config = panel["fieldConfig"]
    units = [config["defaults"]["unit"]]
    units += [
        one["value"] for field in config.get("overrides", []) for one in field["properties"] if one["id"] == "unit"
    ]
    assert set(units) <= UNITS
    assert panel["targets"]


@pytest.mark.parametrize("name", FOUND)
def test_a_dashboard_has_the_variables_that_it_uses_and_uses_those_that_it_has(name: str) -> None:
    board = FOUND[name]
    has = {one["name"] for one in board["templating"]["list"]}
    assert has == ({"datasource"} if name in WITHOUT_TENANT else {"datasource", "tenant"})
    asked = " ".join(one.expr for one in targets(board))
    assert ("$tenant" in asked) is ("tenant" in has)
    for one in targets(board):
        expanded(one.expr, dict.fromkeys(has, "x"))


@pytest.mark.parametrize("one", OF_TENANTS, ids=lambda one: one.name)
def test_where_a_tenant_is_chosen_what_pods_tell_is_that_tenants(one: Any) -> None:
    """Otherwise one number of a dashboard of one brokerage would silently be that of all."""
    for part in selectors(ready(one.expr)):
        if _has_tenant(part.name):
            assert "tenant" in {matcher.name for matcher in part.matchers.matchers}, part.name


def _has_tenant(name: str) -> bool:
    of_platform = ("rooftree_operator_", "rooftree_activator_", "rooftree_scaling_tick", "ALERTS", "up")
    return name.startswith("rooftree_operator_condition") or not name.startswith(of_platform)


@pytest.mark.parametrize("name", FOUND)
def test_no_two_panels_have_one_id_or_one_place(name: str) -> None:
    every = [*FOUND[name]["panels"], *panels(FOUND[name])]
    ids = Counter(panel["id"] for panel in {id(panel): panel for panel in every}.values())
    assert max(ids.values()) == 1
    taken: Counter[tuple[int, int]] = Counter()
    for panel in FOUND[name]["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        taken.update(
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        )
    assert max(taken.values()) == 1


@pytest.mark.parametrize("name", FOUND)
def test_the_first_row_answers_whether_all_is_well(name: str) -> None:
    first, *rest = FOUND[name]["panels"]
    assert (first["type"], first["title"]) == ("row", "Is it well?")
    second = next(number for number, panel in enumerate(rest) if panel["type"] == "row")
    assert {panel["type"] for panel in rest[:second]} == {"stat"}
    assert sum(panel["gridPos"]["w"] for panel in rest[:second]) == 24


def test_each_dashboard_leads_to_the_others_and_every_link_to_one_that_there_is() -> None:
    addresses = {board["uid"] for board in FOUND.values()}
    assert addresses == {f"rooftree-{board.name}" for board in BOARDS}
    for board in FOUND.values():
        assert TAG in board["tags"]
        first, *_ = board["links"]
        assert (first["type"], first["tags"]) == ("dashboards", [TAG])
    linked = {
        urlsplit(link["url"]).path
        for _, panel in ALL_PANELS
        for field in panel["fieldConfig"].get("overrides", [])
        for one in field["properties"]
        if one["id"] == "links"
        for link in one["value"]
    }
    assert linked == {"/d/rooftree-tenant"}
    assert linked <= {f"/d/{address}" for address in addresses}


def test_where_one_tenant_is_looked_at_and_scaling_is_seen_a_link_replays_its_last_hour() -> None:
    for name, board in FOUND.items():
        own = [(link["type"], link["url"]) for link in board["links"][1:]]
        assert own == ([("link", "/replay?tenant=${tenant}")] if name in ("scaling", "tenant") else [])
        if own:
            (tenant,) = [one for one in board["templating"]["list"] if one["name"] == "tenant"]
            assert not tenant["multi"]


def test_a_place_that_a_description_names_is_there() -> None:
    named = {
        found for _, panel in ALL_PANELS for found in re.findall(r"docs/[\w/-]+\.md(?:#[\w-]+)?", panel["description"])
    }
    assert named
    for place in named:
        page, _, anchor = place.partition("#")
        headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
        assert not anchor or anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_a_dashboard_that_a_text_names_is_there() -> None:
    pages = [*(ROOT / "docs" / "runbooks").glob("*.md"), ROOT / "docs" / "dashboards.md"]
    named = {found for page in pages for found in re.findall(r"\*\*(Rooftree / [\w ]+)\*\*", page.read_text())}
    assert named
    assert named <= {board["title"] for board in FOUND.values()}


@pytest.mark.parametrize(
    "panel", [pytest.param(panel, id=panel["title"]) for _, panel in ALL_PANELS if panel["type"] == "table"]
)
def test_the_columns_of_a_table_are_called_as_grafana_calls_them(panel: dict[str, Any]) -> None:
    (renamed,) = [one["options"]["renameByName"] for one in panel["transformations"] if one["id"] == "organize"]
    refs = [one["refId"] for one in panel["targets"]]
    values = ["Value"] if len(refs) == 1 else [f"Value #{ref}" for ref in refs]
    assert [name for name in renamed if name.startswith("Value")] == values
    assert {field["matcher"]["options"] for field in panel["fieldConfig"]["overrides"]} <= set(renamed.values())
