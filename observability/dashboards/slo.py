"""The objective of 99.9 % answers without an error, and of 99 % within a second: what is left, and how fast it goes."""

from dashboards.blocks import (
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
from dashboards.promql import or_none

BUDGET = 0.001
SLOW_BUDGET = 0.01
WINDOWS = ("5m", "30m", "1h", "6h", "3d")


def burnt(window: str) -> str:
    """How many times faster than allowed: 1 uses the budget up exactly when its time is over."""
    return f"max by (tenant) (tenant:http_errors:ratio{window}{{{TENANT}}}) / {BUDGET}"


def slow(window: str) -> str:
    return f"max by (tenant) (tenant:http_slow:ratio{window}{{{TENANT}}}) / {SLOW_BUDGET}"


def left(window: str = "3d") -> str:
    return f"1 - {burnt(window)}"


FAST = f"count(({burnt('1h')} > 14.4) and ({burnt('5m')} > 14.4))"
WELL = [
    Stat(
        "Least budget left",
        f"min({left()})",
        "percentunit",
        "Of the chosen brokerages the one with the least budget of errors left, of three days.",
        steps=high_is_good(0, 0.5),
    ),
    Stat(
        "Objective missed",
        or_none(f"count({left()} < 0)"),
        "short",
        "Brokerages that had more errors in three days than the objective allows.",
        steps=none_is_good(),
    ),
    Stat(
        "Burn fast",
        or_none(FAST),
        "short",
        "Brokerages that burn more than 14.4 times what is allowed, in the last hour and the last five minutes: a "
        "budget of a month is gone in two days. Pages somebody, unless they are asked very little.",
        steps=none_is_good(),
    ),
    Stat(
        "Fastest burn of an hour",
        f"max({burnt('1h')})",
        "none",
        "1 is what the objective allows, 14.4 pages somebody.",
        steps=low_is_good(1, 14.4),
    ),
    Stat(
        "Slow answers",
        f"max({slow('1h')}) * {SLOW_BUDGET}",
        "percentunit",
        "Share of the answers of an hour that took longer than a second, of the slowest brokerage.",
        steps=low_is_good(0.01, 0.144),
    ),
    Stat(
        "Alerts of the objective",
        or_none('count(ALERTS{alertstate="firing", alertname=~"ErrorBudget.*|QuietTenantFailing|AnswersSlow"})'),
        "short",
        "Alerts about the objective that fire now, of all brokerages.",
        steps=none_is_good(),
    ),
]

TABLE = Grid(
    "Budgets by brokerage",
    [
        Column("Left", left(), "percentunit", high_is_good(0, 0.5)),
        *(Column(f"Burn {window}", burnt(window), "none", low_is_good(1, 14.4)) for window in reversed(WINDOWS)),
        Column("Slow burn 1h", slow("1h"), "none", low_is_good(1, 14.4)),
        Column("Requests", f"max by (tenant) (tenant:http_requests:rate5m{{{TENANT}}})", "reqps"),
    ],
    "What is left of three days' errors, and how fast it goes over each window: 1 is what the objective allows.",
    sort="Burn 1h",
)

ERRORS = [
    Lines(
        f"Burn over {window}",
        Query(burnt(window), "{{tenant}}"),
        "none",
        words,
        steps=low_is_good(1, limit),
        width=6,
    )
    for window, limit, words in (
        ("5m", 14.4, "The short window: shows whether it still goes on."),
        ("1h", 14.4, "Above 14.4 here and over five minutes: somebody is paged."),
        ("6h", 6, "Above 6 here and over half an hour: somebody is paged."),
        ("3d", 1, "Above 1 here and over six hours: a ticket."),
    )
]

SLOW = [
    Lines(
        f"Slow burn over {window}",
        Query(slow(window), "{{tenant}}"),
        "none",
        "Answers that took longer than a second, in times of the one in a hundred that is allowed.",
        steps=low_is_good(1, 14.4),
    )
    for window in ("5m", "1h")
]

BOARD = Board(
    "slo",
    "Rooftree / SLO",
    "99.9 % of the answers are no error, 99 % come within a second. The budget is what three days may miss.",
    [
        Row("Is it well?", WELL),
        Row("Budgets", [TABLE]),
        Row("How fast the budget of errors burns", ERRORS),
        Row("How fast the budget of slow answers burns", SLOW),
    ],
    since="now-6h",
)
