"""Events between modules: do they leave the outbox, and do consumers keep up?"""

from dashboards.blocks import TENANT, Board, Column, Grid, Lines, Query, Row, Stat, at_least, low_is_good, none_is_good
from dashboards.promql import or_none, rate, total

OLDEST = f"max by (tenant) (rooftree_outbox_oldest_seconds{{{TENANT}}})"
UNSENT = f"max by (tenant) (rooftree_outbox_unsent{{{TENANT}}})"
LAG = f"sum by (tenant, consumer) (rooftree_consumer_lag{{{TENANT}}})"
DEAD = f"sum by (tenant, consumer) (increase(rooftree_dead_letters_total{{{TENANT}}}[30m]))"


WELL = [
    Stat(
        "Kafka answers",
        'max(rooftree_operator_backend_up{backend="kafka"})',
        "bool_yes_no",
        "Whether it answers the operator. While it does not, events wait in the outbox and nothing is lost.",
        steps=at_least(1),
    ),
    Stat(
        "Oldest event",
        or_none(f"max({OLDEST})"),
        "s",
        "How long the oldest event of any brokerage waits to be published. Two minutes page somebody.",
        steps=low_is_good(30, 120),
    ),
    Stat(
        "Events in outboxes",
        or_none(f"sum({UNSENT})"),
        "short",
        "Events that wait to be published, of the chosen brokerages.",
        steps=low_is_good(100, 10_000),
    ),
    Stat(
        "Furthest behind",
        or_none(f"max({LAG})"),
        "short",
        "Events that the slowest consumer has before it.",
        steps=low_is_good(100, 10_000),
    ),
    Stat(
        "Dead letters",
        or_none(f"sum({DEAD})"),
        "short",
        "Events of the last 30 minutes that a consumer could not handle and put aside.",
        steps=none_is_good(),
    ),
    Stat(
        "Without a relay",
        or_none(f"count(sum by (tenant) (rooftree_relay_working{{{TENANT}}}) == 0)"),
        "short",
        "Brokerages of which no pod publishes. A takeover takes seconds.",
        steps=none_is_good(),
    ),
]

OUTBOX = [
    Lines(
        "Age of the outbox",
        Query(OLDEST, "{{tenant}}"),
        "s",
        "How long the oldest event of each brokerage waits. A line that only rises: its relay or Kafka hangs.",
        steps=low_is_good(30, 120),
        width=8,
    ),
    Lines("Events that wait", Query(UNSENT, "{{tenant}}"), "short", "Events not published yet.", width=8),
    Lines(
        "Events published",
        Query(total("tenant", rate("rooftree_events_published_total")), "{{tenant}}"),
        "ops",
        "Events a second that reach Kafka.",
        width=8,
    ),
]

CONSUMERS = [
    Lines(
        "Consumers behind",
        Query(LAG, "{{tenant}} {{consumer}}"),
        "short",
        "Events that each consumer has before it. Above 0 for ten minutes without falling: ConsumerBehind.",
    ),
    Lines(
        "Dead letters",
        Query(DEAD, "{{tenant}} {{consumer}}"),
        "short",
        "Events put aside within 30 minutes. `dead-letters list` in a pod shows them: docs/runbooks/events.md.",
        steps=none_is_good(),
    ),
    Grid(
        "All consumers",
        [
            Column("Behind", LAG, "short", low_is_good(100, 10_000)),
            Column("Dead letters", DEAD, "short", none_is_good()),
        ],
        "Each consumer of each brokerage, the furthest behind first.",
        labels={"consumer": "Consumer"},
    ),
]

BOARD = Board(
    "kafka",
    "Rooftree / Kafka",
    "Events between modules: whether they leave the outbox, and whether consumers keep up.",
    [Row("Is it well?", WELL), Row("Outbox", OUTBOX), Row("Consumers", CONSUMERS)],
)
