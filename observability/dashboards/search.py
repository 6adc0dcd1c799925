"""Search: does the index answer, and is it up to date?"""

from dashboards.blocks import TENANT, Board, Lines, Query, Row, Stat, at_least, low_is_good, none_is_good
from dashboards.promql import SERVER_SECONDS, or_named, or_none, rate, total

ALL = or_none(total("", rate("rooftree_searches_total")))
SEARCHES = total("source", rate("rooftree_searches_total"))
BY_DATABASE = rate("rooftree_searches_total", f'{TENANT}, source="database"')
INDEX = f'{TENANT}, consumer="property.search"'


WELL = [
    Stat(
        "Elasticsearch answers",
        'max(rooftree_operator_backend_up{backend="elasticsearch"})',
        "bool_yes_no",
        "Whether it answers the operator. While it does not, databases answer searches: slower, exact words only.",
        steps=at_least(1),
    ),
    Stat(
        "Brokerages without index",
        or_none(f"count(max by (tenant) (rooftree_search_available{{{TENANT}}}) == 0)"),
        "short",
        "Brokerages that could not reach their index at the last look.",
        steps=none_is_good(),
    ),
    Stat(
        "Searches",
        ALL,
        "reqps",
        "Searches a second of the chosen brokerages.",
    ),
    Stat(
        "Answered by the database",
        f"({or_none(total('', BY_DATABASE))}) / clamp_min({ALL}, 1e-9)",
        "percentunit",
        "Share of the searches that the index did not answer.",
        steps=low_is_good(0.01, 0.1),
    ),
    Stat(
        "Changes before the index",
        or_none(f"max(sum by (tenant) (rooftree_consumer_lag{{{INDEX}}}))"),
        "short",
        "Changes of listings that are not in the index yet, of the brokerage that is furthest behind.",
        steps=low_is_good(100, 10_000),
    ),
    Stat(
        "Listings repaired",
        or_none(f"sum(increase(rooftree_search_repaired_total{{{TENANT}}}[1h]))"),
        "short",
        "Listings that a comparison within the last hour found to differ between index and database.",
        steps=none_is_good("yellow"),
    ),
]

ANSWERS = [
    Lines(
        "Searches by who answers",
        Query(or_named(SEARCHES, source="search"), "{{source}}"),
        "reqps",
        "search: the index. A rising share of the database: the index is away for somebody.",
        stacked=True,
    ),
    Lines(
        "Time in the index",
        Query(total("tenant", rate(SERVER_SECONDS, f'{TENANT}, part="search"')), "{{tenant}}"),
        "short",
        "Seconds a second that requests wait for Elasticsearch: so many wait at once, on average.",
    ),
]

FRESH = [
    Lines(
        "Changes before the index",
        Query(f"sum by (tenant) (rooftree_consumer_lag{{{INDEX}}})", "{{tenant}}"),
        "short",
        "Changes of listings that are not in the index yet.",
        steps=low_is_good(100, 10_000),
        width=8,
    ),
    Lines(
        "Index reachable",
        Query(f"max by (tenant) (rooftree_search_available{{{TENANT}}})", "{{tenant}}"),
        "bool_yes_no",
        "1: the index could be reached at the last look. docs/runbooks/search.md tells what to do.",
        width=8,
        most=1,
    ),
    Lines(
        "Listings repaired",
        Query(f"sum by (tenant) (increase(rooftree_search_repaired_total{{{TENANT}}}[1h]))", "{{tenant}}"),
        "short",
        "Listings that a comparison found to differ. Again and again: changes get lost on their way.",
        width=8,
    ),
]

BOARD = Board(
    "search",
    "Rooftree / Search",
    "Whether the search index answers, and whether it is up to date.",
    [Row("Is it well?", WELL), Row("Who answers", ANSWERS), Row("How fresh it is", FRESH)],
)
