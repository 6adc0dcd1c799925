"""PostgreSQL as the brokerages see it: connections, time, and who answers lists."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.blocks import TENANT, Column, Query, Row, at_least, board, grid, lines, low_is_good, stat_panel
from dashboards.promql import SERVER_SECONDS, or_named, or_none, quantile, rate, total

PART = f'{TENANT}, part="database"'
SPENT = total("tenant", rate(SERVER_SECONDS, PART))
SERVED = total("tenant", rate(SERVER_SECONDS, f'{TENANT}, part="server"'))
ENDED = total("tenant", rate("rooftree_server_spans_ended_total"))
USED = f"max by (tenant, pod) (db_client_connection_count{{{TENANT}}})"
MOST = f"max by (tenant, pod) (db_client_connection_max{{{TENANT}}})"
CALLS = 'backend="postgres"'


def build() -> Dashboard:
    return board(
        "database",
        "Rooftree / Database",
        "PostgreSQL as the brokerages see it.",
        [
            Row("Is it well?", _well()),
            Row("Connections", _connections()),
            Row("Time", _time()),
            Row("Lists from the standby", _standby()),
            Row("The operator's own calls", _operator()),
        ],
    )


def _well() -> list:
    return [
        stat_panel(
            "PostgreSQL answers",
            'max(rooftree_operator_backend_up{backend="postgres"})',
            "bool_yes_no",
            "Whether it answers the operator. While it does not, brokerages answer 503, and search goes on.",
            steps=at_least(1),
        ),
        stat_panel(
            "Fullest pool",
            f"max({USED} / {MOST})",
            "percentunit",
            "Share of its connections that the busiest pod uses. At 100 % requests wait for 2 s and then get 503.",
            steps=low_is_good(0.7, 0.9),
        ),
        stat_panel(
            "Time of a request in it",
            f"sum({SPENT}) / clamp_min(sum({ENDED}), 1e-9)",
            "s",
            "Seconds of an average request that are spent in the database.",
            steps=low_is_good(0.1, 0.5),
        ),
        stat_panel(
            "Share of the time of requests",
            f"sum({SPENT}) / clamp_min(sum({SERVED}), 1e-9)",
            "percentunit",
            "Above about 70 % more pods do not help: the database is what is slow.",
            steps=low_is_good(0.5, 0.7),
        ),
        stat_panel(
            "Connections in use",
            or_none(f"sum({USED})"),
            "short",
            "Of all pods of the chosen brokerages.",
        ),
        stat_panel(
            "The operator waits",
            f"{quantile(0.99, 'rooftree_operator_backend_wait_seconds', '', CALLS)} >= 0 or vector(0)",
            "s",
            "What 99 of 100 of the operator's calls wait before they may begin.",
            steps=low_is_good(1, 5),
        ),
    ]


def _connections() -> list:
    return [
        lines(
            "Connections in use",
            Query(f"sum by (tenant) ({USED})", "{{tenant}}"),
            "short",
            "Connections of each brokerage that are in use. One relay and one listener a pod are not counted.",
        ),
        lines(
            "Fullest pool",
            Query(f"max by (tenant) ({USED} / {MOST})", "{{tenant}}"),
            "percentunit",
            "Share of its connections that the busiest pod of each brokerage uses.",
            steps=low_is_good(0.7, 0.9),
            most=1,
        ),
    ]


def _time() -> list:
    return [
        lines(
            "Seconds of a request in the database",
            Query(f"{SPENT} / ({ENDED} > 0) or 0 * {ENDED}", "{{tenant}}"),
            "s",
            "Of an average request of each brokerage.",
        ),
        grid(
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


def _standby() -> list:
    asked = or_named(total("answer", rate("rooftree_list_reads_total")), answer="standby")
    behind = rate("rooftree_list_reads_total", f'{TENANT}, answer=~"behind|cancelled|busy|away"')
    return [
        lines(
            "Who answers lists",
            Query(asked, "{{answer}}"),
            "ops",
            "standby: the copy; the others say why the primary answered. All 0 where there is no standby.",
            stacked=True,
        ),
        lines(
            "Lists that the standby could not answer",
            Query(or_none(total("", behind)), "not answered"),
            "ops",
            "It was behind, cancelled the query, was busy or away. Nobody notices, but the primary does their work.",
        ),
    ]


def _operator() -> list:
    return [
        lines(
            "Calls of the operator",
            [
                Query(f"max(rooftree_operator_backend_calls_in_flight{{{CALLS}}})", "under way"),
                Query(f"max(rooftree_operator_backend_calls_waiting{{{CALLS}}})", "waiting"),
            ],
            "short",
            "Waiting for long: raise operator.mostCalls.postgres, if PostgreSQL has connections to spare.",
        ),
        lines(
            "How long they wait",
            Query(f"{quantile(0.99, 'rooftree_operator_backend_wait_seconds', '', CALLS)} >= 0 or vector(0)", "p99"),
            "s",
            "What 99 of 100 calls wait before they may begin; 0 while there are none.",
            steps=low_is_good(1, 5),
        ),
    ]
