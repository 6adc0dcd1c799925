"""Events between modules: do they leave the outbox, and do consumers keep up?"""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.blocks import (
    TENANT,
    Column,
    Query,
    Row,
    at_least,
    board,
    grid,
    lines,
    low_is_good,
    none_is_good,
    stat_panel,
)
from dashboards.promql import or_none, rate, total

OLDEST = f"max by (tenant) (rooftree_outbox_oldest_seconds{{{TENANT}}})"
UNSENT = f"max by (tenant) (rooftree_outbox_unsent{{{TENANT}}})"
LAG = f"sum by (tenant, consumer) (rooftree_consumer_lag{{{TENANT}}})"
DEAD = f"sum by (tenant, consumer) (increase(rooftree_dead_letters_total{{{TENANT}}}[30m]))"


def build() -> Dashboard:
    return board(
        "kafka",
        "Rooftree / Kafka",
        "Events between modules: whether they leave the outbox, and whether consumers keep up.",
        [Row("Is it well?", _well()), Row("Outbox", _outbox()), Row("Consumers", _consumers())],
    )


def _well() -> list:
    return [
        stat_panel(
            "Kafka answers",
            'max(rooftree_operator_backend_up{backend="kafka"})',
            "bool_yes_no",
            "Whether it answers the operator. While it does not, events wait in the outbox and nothing is lost.",
            steps=at_least(1),
        ),
        stat_panel(
            "Oldest event",
            or_none(f"max({OLDEST})"),
            "s",
            "How long the oldest event of any brokerage waits to be published. Two minutes page somebody.",
            steps=low_is_good(30, 120),
        ),
        stat_panel(
            "Events in outboxes",
            or_none(f"sum({UNSENT})"),
            "short",
            "Events that wait to be published, of the chosen brokerages.",
            steps=low_is_good(100, 10_000),
        ),
        stat_panel(
            "Furthest behind",
            or_none(f"max({LAG})"),
            "short",
            "Events that the slowest consumer has before it.",
            steps=low_is_good(100, 10_000),
        ),
        stat_panel(
            "Dead letters",
            or_none(f"sum({DEAD})"),
            "short",
            "Events of the last 30 minutes that a consumer could not handle and put aside.",
            steps=none_is_good(),
        ),
        stat_panel(
            "Without a relay",
            or_none(f"count(sum by (tenant) (rooftree_relay_working{{{TENANT}}}) == 0)"),
            "short",
            "Brokerages of which no pod publishes. A takeover takes seconds.",
            steps=none_is_good(),
        ),
    ]


def _outbox() -> list:
    return [
        lines(
            "Age of the outbox",
            Query(OLDEST, "{{tenant}}"),
            "s",
            "How long the oldest event of each brokerage waits. A line that only rises: its relay or Kafka hangs.",
            steps=low_is_good(30, 120),
            width=8,
        ),
        lines("Events that wait", Query(UNSENT, "{{tenant}}"), "short", "Events not published yet.", width=8),
        lines(
            "Events published",
            Query(total("tenant", rate("rooftree_events_published_total")), "{{tenant}}"),
            "ops",
            "Events a second that reach Kafka.",
            width=8,
        ),
    ]


def _consumers() -> list:
    return [
        lines(
            "Consumers behind",
            Query(LAG, "{{tenant}} {{consumer}}"),
            "short",
            "Events that each consumer has before it. Above 0 for ten minutes without falling: ConsumerBehind.",
        ),
        lines(
            "Dead letters",
            Query(DEAD, "{{tenant}} {{consumer}}"),
            "short",
            "Events put aside within 30 minutes. `dead-letters list` in a pod shows them: docs/runbooks/events.md.",
            steps=none_is_good(),
        ),
        grid(
            "All consumers",
            [
                Column("Behind", LAG, "short", low_is_good(100, 10_000)),
                Column("Dead letters", DEAD, "short", none_is_good()),
            ],
            "Each consumer of each brokerage, the furthest behind first.",
            labels={"consumer": "Consumer"},
        ),
    ]
