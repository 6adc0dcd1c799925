"""PostgreSQL as the brokerages see it: connections, time, and who answers lists."""

from dashboards.blocks import TENANT, Board, Column, Grid, Lines, Query, Row, Stat, at_least, low_is_good
from dashboards.promql import SERVER_SECONDS, or_named, or_none, quantile, rate, total

PART = f'{TENANT}, part="database"'
SPENT = total("tenant", rate(SERVER_SECONDS, PART))
SERVED = total("tenant", rate(SERVER_SECONDS, f'{TENANT}, part="server"'))
ENDED = total("tenant", rate("rooftree_server_spans_ended_total"))
USED = f"max by (tenant, pod) (db_client_connection_count{{{TENANT}}})"
MOST = f"max by (tenant, pod) (db_client_connection_max{{{TENANT}}})"
CALLS = 'backend="postgres"'


WELL = [
    Stat(
        "PostgreSQL answers",
        'max(rooftree_operator_backend_up{backend="postgres"})',
        "bool_yes_no",
        "Whether it answers the operator. While it does not, brokerages answer 503, and search goes on.",
        steps=at_least(1),
    ),
    Stat(
        "Fullest pool",
        f"max({USED} / {MOST})",
        "percentunit",
        "Share of its connections that the busiest pod uses. At 100 % requests wait for 2 s and then get 503.",
        steps=low_is_good(0.7, 0.9),
    ),
    Stat(
        "Time of a request in it",
        f"sum({SPENT}) / clamp_min(sum({ENDED}), 1e-9)",
        "s",
        "Seconds of an average request that are spent in the database.",
        steps=low_is_good(0.1, 0.5),
    ),
    Stat(
        "Share of the time of requests",
        f"sum({SPENT}) / clamp_min(sum({SERVED}), 1e-9)",
        "percentunit",
        "Above about 70 % more pods do not help: the database is what is slow.",
        steps=low_is_good(0.5, 0.7),
    ),
    Stat(
        "Connections in use",
        or_none(f"sum({USED})"),
        "short",
        "Of all pods of the chosen brokerages.",
    ),
    Stat(
        "The operator waits",
        f"{quantile(0.99, 'rooftree_operator_backend_wait_seconds', '', CALLS)} >= 0 or vector(0)",
        "s",
        "What 99 of 100 of the operator's calls wait before they may begin.",
        steps=low_is_good(1, 5),
    ),
]

CONNECTIONS = [
    Lines(
        "Connections in use",
        Query(f"sum by (tenant) ({USED})", "{{tenant}}"),
        "short",
        "Connections of each brokerage that are in use. One relay and one listener a pod are not counted.",
    ),
    Lines(
        "Fullest pool",
        Query(f"max by (tenant) ({USED} / {MOST})", "{{tenant}}"),
        "percentunit",
        "Share of its connections that the busiest pod of each brokerage uses.",
        steps=low_is_good(0.7, 0.9),
        most=1,
    ),
]

TIME = [
    Lines(
        "Seconds of a request in the database",
        Query(f"{SPENT} / ({ENDED} > 0) or 0 * {ENDED}", "{{tenant}}"),
        "s",
        "Of an average request of each brokerage.",
    ),
    Grid(
        "Who spends most",
        [
            Column("Database seconds a second", SPENT, "short"),
            Column(
                "Share of the time",
                f"{SPENT} / ({SERVED} > 0) or 0 * {SERVED}",
                "percentunit",
                low_is_good(0.5, 0.7),
            ),
            Column("Requests", ENDED, "reqps"),
        ],
        "Database seconds a second: so many statements run at once, on average.",
        width=12,
    ),
]

ASKED = or_named(total("answer", rate("rooftree_list_reads_total")), answer="standby")
BEHIND = rate("rooftree_list_reads_total", f'{TENANT}, answer=~"behind|cancelled|busy|away"')
STANDBY = [
    Lines(
        "Who answers lists",
        Query(ASKED, "{{answer}}"),
        "ops",
        "standby: the copy; the others say why the primary answered. All 0 where there is no standby.",
        stacked=True,
    ),
    Lines(
        "Lists that the standby could not answer",
        Query(or_none(total("", BEHIND)), "not answered"),
        "ops",
        "It was behind, cancelled the query, was busy or away. Nobody notices, but the primary does their work.",
    ),
]

OPERATOR = [
    Lines(
        "Calls of the operator",
        [
            Query(f"max(rooftree_operator_backend_calls_in_flight{{{CALLS}}})", "under way"),
            Query(f"max(rooftree_operator_backend_calls_waiting{{{CALLS}}})", "waiting"),
        ],
        "short",
        "Waiting for long: raise operator.mostCalls.postgres, if PostgreSQL has connections to spare.",
    ),
    Lines(
        "How long they wait",
        Query(f"{quantile(0.99, 'rooftree_operator_backend_wait_seconds', '', CALLS)} >= 0 or vector(0)", "p99"),
        "s",
        "What 99 of 100 calls wait before they may begin; 0 while there are none.",
        steps=low_is_good(1, 5),
    ),
]

BOARD = Board(
    "database",
    "Rooftree / Database",
    "PostgreSQL as the brokerages see it.",
    [
        Row("Is it well?", WELL),
        Row("Connections", CONNECTIONS),
        Row("Time", TIME),
        Row("Lists from the standby", STANDBY),
        Row("The operator's own calls", OPERATOR),
    ],
)
