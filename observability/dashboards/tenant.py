"""One brokerage: is it well, and where does its time go?"""

from dashboards import promql
from dashboards.blocks import (
    REPLAY,
    TENANT,
    Board,
    Column,
    Grid,
    Lines,
    Query,
    Row,
    Stat,
    high_is_good,
    low_is_good,
    none_is_good,
)
from dashboards.promql import VISITS, or_named, or_none, or_zero, quantile, rate, total

WELL = [
    Stat(
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
    Stat(
        "Error budget left",
        f"1 - max(tenant:http_errors:ratio3d{{{TENANT}}}) / 0.001",
        "percentunit",
        "Of the errors that three days may have (one answer in a thousand). Below 0 the objective is missed.",
        steps=high_is_good(0, 0.5),
    ),
    Stat(
        "Errors",
        f"max(tenant:http_errors:ratio5m{{{TENANT}}})",
        "percentunit",
        "Share of the answers of five minutes that are errors (5xx).",
        steps=low_is_good(0.001, 0.0144),
        decimals=2,
    ),
    Stat(
        "p99",
        f"max(tenant:http_duration_seconds:p99_5m{{{TENANT}}})",
        "s",
        "What 99 of 100 answers of five minutes stayed under.",
        steps=low_is_good(0.5, 1),
    ),
    Stat(
        "Requests",
        f"max(tenant:http_requests:rate5m{{{TENANT}}})",
        "reqps",
        "Answers a second, over five minutes.",
    ),
    Stat(
        "Pods",
        or_none(f"sum({promql.PODS})"),
        "short",
        "Pods that let their metrics be read. 0: it sleeps, is suspended, or something is wrong; Rooftree / "
        "Scaling tells why it has so many.",
    ),
]

SINCE = f"max by (condition, reason, actor) (rooftree_operator_condition_since_timestamp_seconds{{{TENANT}}})"
CONDITIONS = Grid(
    "Conditions that are not met",
    [Column("For", or_named(f"(time() - {SINCE})", condition="none"), "s", low_is_good(60, 900))],
    "Which conditions of the Brokerage are not true, why, who must act, and for how long. `none`: all are met. The "
    "reasons are explained in docs/conditions.md.",
    rows="condition",
    labels={"reason": "Reason", "actor": "Who acts"},
)

BY_STATUS = total("status", rate("http_server_requests_total", VISITS))
REQUESTS = [
    Lines("Answers", Query(BY_STATUS, "{{status}}"), "reqps", "Answers a second by class of status.", stacked=True),
    Lines(
        "How long answers take",
        [
            Query(
                quantile(part, "http_server_request_duration_seconds", "", VISITS), f"p{part * 100:g}", exemplars=True
            )
            for part in (0.5, 0.95, 0.99)
        ],
        "s",
        "Half, 95 and 99 of 100 answers stayed under these. Points are single requests whose trace was kept.",
        steps=low_is_good(0.5, 1),
    ),
]

ENDED = f"clamp_min({total('', rate('rooftree_server_spans_ended_total'))}, 1e-9)"
SPENT = total("part", rate(promql.SERVER_SECONDS, f'{TENANT}, part!="server"'))
TIME = [
    Lines(
        "Seconds of a request",
        Query(f"{SPENT} / on () group_left () {ENDED}", "{{part}}"),
        "s",
        "What a request waits for, on average: database, search, cache, other modules, other hosts.",
        stacked=True,
    ),
    Lines(
        "Requests in flight",
        Query(promql.IN_FLIGHT, "{{tenant}}"),
        "short",
        "Requests that are being answered at this moment. A line that rises while answers fall: it hangs.",
    ),
]

LAG = total("consumer", f"rooftree_consumer_lag{{{TENANT}}}")
# Prometheus has a label `job` of its own, and calls the app's otherwise.
JOBS = total("exported_job", rate("rooftree_jobs_total"))
FAILED = total("exported_job", rate("rooftree_jobs_total", f'{TENANT}, result="failed"'))
BEHIND = [
    Lines(
        "Age of the outbox",
        Query(f"max(rooftree_outbox_oldest_seconds{{{TENANT}}})", "oldest event"),
        "s",
        "How long the oldest event waits to be published. Two minutes page somebody.",
        steps=low_is_good(30, 120),
        width=8,
    ),
    Lines("Consumers", Query(LAG, "{{consumer}}"), "short", "Events that each consumer has before it.", width=8),
    Lines(
        "Jobs that failed",
        Query(or_named(or_zero(FAILED, JOBS), exported_job="none"), "{{exported_job}}"),
        "ops",
        "Runs of jobs that ended with an error, a second.",
        width=8,
    ),
]

PODS = [
    Lines(
        "CPU by pod",
        Query(f"sum by (pod) ({rate('process_cpu_seconds_total')})", "{{pod}}"),
        "short",
        "Cores that each pod uses.",
        width=8,
    ),
    Lines(
        "Memory by pod",
        [
            Query(f"max by (pod) (process_resident_memory_bytes{{{TENANT}}})", "{{pod}}"),
            Query(f"max(tenant:pod_memory_limit:bytes{{{TENANT}}})", "limit of the plan"),
        ],
        "bytes",
        "What each pod holds in memory, and where it is killed for it.",
        width=8,
    ),
    Lines(
        "Starts",
        Query(f"sum(changes(process_start_time_seconds{{{TENANT}}}[15m]))", "restarts in 15 minutes"),
        "short",
        "How often a process of a pod began anew. Also without errors: it was killed, for example for its memory.",
        width=8,
    ),
]

BOARD = Board(
    "tenant",
    "Rooftree / Tenant",
    "One brokerage: whether it is well, what it is asked, and where its time goes.",
    [
        Row("Is it well?", WELL),
        Row("What does the operator say?", [CONDITIONS]),
        Row("Requests", REQUESTS),
        Row("Where the time goes", TIME),
        Row("Behind the answers", BEHIND),
        Row("Pods", PODS),
    ],
    tenants="one",
    links=[REPLAY],
)
