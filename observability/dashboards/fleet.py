"""All brokerages at a glance: is the platform well, and if not, whose brokerage is it?"""

from dashboards import promql
from dashboards.blocks import Bars, Board, Column, Grid, Lines, Query, Row, Stat, at_least, low_is_good, none_is_good

UNREADY = (
    '(time() - max by (brokerage) (rooftree_operator_condition_since_timestamp_seconds{condition="Ready", '
    'reason!~"Suspended|ChangesHeld"})) > 900'
)
ANSWER = "max by (backend) (rooftree_operator_backend_up)"
PHASES = "count by (phase) (max by (brokerage, phase) (rooftree_operator_brokerage_info))"


RATIO = f"({promql.EVERYBODYS_ERRORS}) / clamp_min(({promql.EVERYBODYS_REQUESTS}), 1e-9)"
WELL = [
    Stat(
        "Not ready for 15 minutes",
        promql.or_none(f"count({UNREADY})"),
        "short",
        "Brokerages that are not Ready for longer than 15 minutes; suspended and paused ones are left out. The "
        "table below names them; `kubectl brokerage why NAME` says what to do.",
        steps=none_is_good(),
    ),
    Stat(
        "Critical alerts",
        promql.or_none('count(ALERTS{alertstate="firing", severity="critical"})'),
        "short",
        "Critical alerts that fire now. Each has a place in a runbook.",
        steps=none_is_good(),
    ),
    Stat(
        "Errors",
        RATIO,
        "percentunit",
        "Share of all answers of all brokerages that are errors (5xx). 0.1 % is what the objective allows.",
        steps=low_is_good(0.001, 0.01),
        decimals=2,
    ),
    Stat(
        "Backends that answer",
        f"sum({ANSWER}) / count({ANSWER})",
        "percentunit",
        "Of PostgreSQL, Kafka, Elasticsearch, Redis and the store of files, as the operator asks them. Less than "
        "100 %: Rooftree / Operator tells which one is away.",
        steps=at_least(1),
    ),
    Stat(
        "Operator",
        promql.or_none('sum(up{job="rooftree-operator"})'),
        "short",
        "Pods of the operator that let their metrics be read. 0: brokerages run on, but nothing of them is made, "
        "changed or repaired.",
        steps=at_least(1),
    ),
    Stat(
        "Requests",
        promql.EVERYBODYS_REQUESTS,
        "reqps",
        "Answers a second of all brokerages together.",
    ),
]

WORST = Grid(
    "Brokerages",
    [
        Column("Budget burnt", "max by (tenant) (tenant:http_errors:ratio1h) / 0.001", "none", low_is_good(1, 14.4)),
        Column("Errors", "max by (tenant) (tenant:http_errors:ratio5m)", "percentunit", low_is_good(0.001, 0.0144)),
        Column("Requests", "max by (tenant) (tenant:http_requests:rate5m)", "reqps"),
        Column("p99", "max by (tenant) (tenant:http_duration_seconds:p99_5m)", "s", low_is_good(0.5, 1)),
        Column("Pods", "max by (tenant) (tenant:pods:count)", "short"),
        Column("CPU used", "max by (tenant) (tenant:cpu_used:cores)", "short"),
        Column("Memory used", "max by (tenant) (tenant:memory_used:bytes)", "bytes"),
    ],
    "Every brokerage with pods, the one that burns its error budget fastest first: 1 is what the objective allows, "
    "14.4 pages somebody. A click on a tenant opens its own dashboard.",
)

LOAD = [
    Lines(
        "Requests by brokerage",
        Query("topk(10, tenant:http_requests:rate5m)", "{{tenant}}"),
        "reqps",
        "The ten brokerages that are asked most, over five minutes.",
    ),
    Lines(
        "Slowest brokerages",
        Query("topk(10, tenant:http_duration_seconds:p99_5m)", "{{tenant}}"),
        "s",
        "What 99 of 100 answers stayed under, over five minutes: the ten slowest.",
        steps=low_is_good(0.5, 1),
    ),
]

WHO = [
    Bars(
        "Brokerages by phase",
        Query(PHASES, "{{phase}}"),
        "short",
        "As `kubectl get bkr` shows them. Degraded ones were ready before.",
    ),
    Lines(
        "Brokerages over time",
        Query(PHASES, "{{phase}}"),
        "short",
        "How many are in each phase. Many that leave Ready at once share a cause: look at the backends.",
        stacked=True,
    ),
    Bars(
        "Brokerages by plan",
        Query("count by (plan) (max by (brokerage, plan) (rooftree_operator_brokerage_info))", "{{plan}}"),
        "short",
        "How many brokerages each plan has.",
    ),
    Lines(
        "Brokerages with pods",
        [
            Query(promql.or_none("count(tenant:pods:count)"), "with pods"),
            Query(promql.or_none("count(max by (brokerage) (rooftree_operator_brokerage_info))"), "all"),
        ],
        "short",
        "The difference sleeps, is suspended, or is being made.",
    ),
]

BOARD = Board(
    "fleet",
    "Rooftree / Fleet",
    "Whether all brokerages are well, and which one is not.",
    [
        Row("Is it well?", WELL),
        Row("Which brokerage?", [WORST]),
        Row("Load", LOAD),
        Row("Who is here", WHO),
    ],
    tenants="none",
)
