"""One brokerage: is it well, and where does its time go?"""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import promql
from dashboards.blocks import (
    TENANT,
    Column,
    Query,
    Row,
    board,
    grid,
    high_is_good,
    lines,
    low_is_good,
    none_is_good,
    stat_panel,
)
from dashboards.promql import or_named, or_none, or_zero, quantile, rate, total


def build() -> Dashboard:
    return board(
        "tenant",
        "Rooftree / Tenant",
        "One brokerage: whether it is well, what it is asked, and where its time goes.",
        [
            Row("Is it well?", _well()),
            Row("What does the operator say?", [_conditions()]),
            Row("Requests", _requests()),
            Row("Where the time goes", _time()),
            Row("Behind the answers", _behind()),
            Row("Pods", _pods()),
        ],
        tenants="one",
    )


def _well() -> list:
    return [
        stat_panel(
            "Conditions not met",
            or_none(
                "count(max by (condition) (rooftree_operator_condition_since_timestamp_seconds"
                f'{{{TENANT}, reason!~"Suspended|ChangesHeld"}}))'
            ),
            "short",
            "Conditions of the Brokerage that are not true. Below each has its reason; `kubectl brokerage why NAME` "
            "says what to do.",
            steps=none_is_good(),
        ),
        stat_panel(
            "Error budget left",
            f"1 - max(tenant:http_errors:ratio3d{{{TENANT}}}) / 0.001",
            "percentunit",
            "Of the errors that three days may have (one answer in a thousand). Below 0 the objective is missed.",
            steps=high_is_good(0, 0.5),
        ),
        stat_panel(
            "Errors",
            f"max(tenant:http_errors:ratio5m{{{TENANT}}})",
            "percentunit",
            "Share of the answers of five minutes that are errors (5xx).",
            steps=low_is_good(0.001, 0.0144),
            decimals=2,
        ),
        stat_panel(
            "p99",
            f"max(tenant:http_duration_seconds:p99_5m{{{TENANT}}})",
            "s",
            "What 99 of 100 answers of five minutes stayed under.",
            steps=low_is_good(0.5, 1),
        ),
        stat_panel(
            "Requests",
            f"max(tenant:http_requests:rate5m{{{TENANT}}})",
            "reqps",
            "Answers a second, over five minutes.",
        ),
        stat_panel(
            "Pods",
            or_none(f"sum({promql.PODS})"),
            "short",
            "Pods that let their metrics be read. 0: it sleeps, is suspended, or something is wrong; Rooftree / "
            "Scaling tells why it has so many.",
        ),
    ]


def _conditions():
    since = f"max by (condition, reason, actor) (rooftree_operator_condition_since_timestamp_seconds{{{TENANT}}})"
    return grid(
        "Conditions that are not met",
        [Column("For", or_named(f"(time() - {since})", condition="none"), "s", low_is_good(60, 900))],
        "Which conditions of the Brokerage are not true, why, who must act, and for how long. `none`: all are met. The "
        "reasons are explained in docs/conditions.md.",
        rows="condition",
        labels={"reason": "Reason", "actor": "Who acts"},
    )


def _requests() -> list:
    by_status = total("status", rate("http_server_requests_total"))
    return [
        lines("Answers", Query(by_status, "{{status}}"), "reqps", "Answers a second by class of status.", stacked=True),
        lines(
            "How long answers take",
            [
                Query(quantile(part, "http_server_request_duration_seconds", ""), f"p{part * 100:g}", exemplars=True)
                for part in (0.5, 0.95, 0.99)
            ],
            "s",
            "Half, 95 and 99 of 100 answers stayed under these. Points are single requests whose trace was kept.",
            steps=low_is_good(0.5, 1),
        ),
    ]


def _time() -> list:
    ended = f"clamp_min({total('', rate('rooftree_server_spans_ended_total'))}, 1e-9)"
    spent = total("part", rate(promql.SERVER_SECONDS, f'{TENANT}, part!="server"'))
    return [
        lines(
            "Seconds of a request",
            Query(f"{spent} / on () group_left () {ended}", "{{part}}"),
            "s",
            "What a request waits for, on average: database, search, cache, other modules, other hosts.",
            stacked=True,
        ),
        lines(
            "Requests in flight",
            Query(promql.IN_FLIGHT, "{{tenant}}"),
            "short",
            "Requests that are being answered at this moment. A line that rises while answers fall: it hangs.",
        ),
    ]


def _behind() -> list:
    lag = total("consumer", f"rooftree_consumer_lag{{{TENANT}}}")
    # Prometheus has a label `job` of its own, and calls the app's otherwise.
    jobs = total("exported_job", rate("rooftree_jobs_total"))
    failed = total("exported_job", rate("rooftree_jobs_total", f'{TENANT}, result="failed"'))
    return [
        lines(
            "Age of the outbox",
            Query(f"max(rooftree_outbox_oldest_seconds{{{TENANT}}})", "oldest event"),
            "s",
            "How long the oldest event waits to be published. Two minutes page somebody.",
            steps=low_is_good(30, 120),
            width=8,
        ),
        lines("Consumers", Query(lag, "{{consumer}}"), "short", "Events that each consumer has before it.", width=8),
        lines(
            "Jobs that failed",
            Query(or_named(or_zero(failed, jobs), exported_job="none"), "{{exported_job}}"),
            "ops",
            "Runs of jobs that ended with an error, a second.",
            width=8,
        ),
    ]


def _pods() -> list:
    return [
        lines(
            "CPU by pod",
            Query(f"sum by (pod) ({rate('process_cpu_seconds_total')})", "{{pod}}"),
            "short",
            "Cores that each pod uses.",
            width=8,
        ),
        lines(
            "Memory by pod",
            [
                Query(f"max by (pod) (process_resident_memory_bytes{{{TENANT}}})", "{{pod}}"),
                Query(f"max(tenant:pod_memory_limit:bytes{{{TENANT}}})", "limit of the plan"),
            ],
            "bytes",
            "What each pod holds in memory, and where it is killed for it.",
            width=8,
        ),
        lines(
            "Starts",
            Query(f"sum(changes(process_start_time_seconds{{{TENANT}}}[15m]))", "restarts in 15 minutes"),
            "short",
            "How often a process of a pod began anew. Also without errors: it was killed, for example for its memory.",
            width=8,
        ),
    ]
