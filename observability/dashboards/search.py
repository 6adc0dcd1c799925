"""Search: does the index answer, and is it up to date?"""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.blocks import TENANT, Query, Row, at_least, board, lines, low_is_good, none_is_good, stat_panel
from dashboards.promql import SERVER_SECONDS, or_named, or_none, rate, total

ALL = or_none(total("", rate("rooftree_searches_total")))
SEARCHES = total("source", rate("rooftree_searches_total"))
BY_DATABASE = rate("rooftree_searches_total", f'{TENANT}, source="database"')
INDEX = f'{TENANT}, consumer="property.search"'


def build() -> Dashboard:
    return board(
        "search",
        "Rooftree / Search",
        "Whether the search index answers, and whether it is up to date.",
        [Row("Is it well?", _well()), Row("Who answers", _answers()), Row("How fresh it is", _fresh())],
    )


def _well() -> list:
    return [
        stat_panel(
            "Elasticsearch answers",
            'max(rooftree_operator_backend_up{backend="elasticsearch"})',
            "bool_yes_no",
            "Whether it answers the operator. While it does not, databases answer searches: slower, exact words only.",
            steps=at_least(1),
        ),
        stat_panel(
            "Brokerages without index",
            or_none(f"count(max by (tenant) (rooftree_search_available{{{TENANT}}}) == 0)"),
            "short",
            "Brokerages that could not reach their index at the last look.",
            steps=none_is_good(),
        ),
        stat_panel(
            "Searches",
            ALL,
            "reqps",
            "Searches a second of the chosen brokerages.",
        ),
        stat_panel(
            "Answered by the database",
            f"({or_none(total('', BY_DATABASE))}) / clamp_min({ALL}, 1e-9)",
            "percentunit",
            "Share of the searches that the index did not answer.",
            steps=low_is_good(0.01, 0.1),
        ),
        stat_panel(
            "Changes before the index",
            or_none(f"max(sum by (tenant) (rooftree_consumer_lag{{{INDEX}}}))"),
            "short",
            "Changes of listings that are not in the index yet, of the brokerage that is furthest behind.",
            steps=low_is_good(100, 10_000),
        ),
        stat_panel(
            "Listings repaired",
            or_none(f"sum(increase(rooftree_search_repaired_total{{{TENANT}}}[1h]))"),
            "short",
            "Listings that a comparison within the last hour found to differ between index and database.",
            steps=none_is_good("yellow"),
        ),
    ]


def _answers() -> list:
    return [
        lines(
            "Searches by who answers",
            Query(or_named(SEARCHES, source="search"), "{{source}}"),
            "reqps",
            "search: the index. A rising share of the database: the index is away for somebody.",
            stacked=True,
        ),
        lines(
            "Time in the index",
            Query(total("tenant", rate(SERVER_SECONDS, f'{TENANT}, part="search"')), "{{tenant}}"),
            "short",
            "Seconds a second that requests wait for Elasticsearch: so many wait at once, on average.",
        ),
    ]


def _fresh() -> list:
    return [
        lines(
            "Changes before the index",
            Query(f"sum by (tenant) (rooftree_consumer_lag{{{INDEX}}})", "{{tenant}}"),
            "short",
            "Changes of listings that are not in the index yet.",
            steps=low_is_good(100, 10_000),
            width=8,
        ),
        lines(
            "Index reachable",
            Query(f"max by (tenant) (rooftree_search_available{{{TENANT}}})", "{{tenant}}"),
            "bool_yes_no",
            "1: the index could be reached at the last look. docs/runbooks/search.md tells what to do.",
            width=8,
            most=1,
        ),
        lines(
            "Listings repaired",
            Query(f"sum by (tenant) (increase(rooftree_search_repaired_total{{{TENANT}}}[1h]))", "{{tenant}}"),
            "short",
            "Listings that a comparison found to differ. Again and again: changes get lost on their way.",
            width=8,
        ),
    ]
