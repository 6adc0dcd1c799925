"""Which fault makes each alert fire, and the few that none is made for, with the reason. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import chain

from . import in_backups, in_platform, in_tenants
from .in_tenants import Labels
from .world import SITE, World

MINUTE = 60.0


@dataclass(frozen=True)
class Fault:
    """`alerts`: of each the seconds that its expression takes to be true, from the cause's beginning; how long it must
    be so then, the rule says. `roles`: the brokerages that it needs.
    """

    what: str
    cause: Callable[[World], AbstractContextManager[Labels]]
    alerts: Mapping[str, float]
    roles: tuple[str, ...] = ()


IN_TENANTS = (
    Fault(
        "PostgreSQL takes no connection to a brokerage's database",
        in_tenants.database_refuses,
        {
            "AppFailing": 1 * MINUTE,
            "EventsWithoutRelay": 1 * MINUTE,
            "ErrorBudgetBurnsFast": 2 * MINUTE,
            # Judged once a minute.
            "ErrorBudgetBurns": 4 * MINUTE,
            # Its three days are made of moments that are five minutes apart.
            "ErrorBudgetLeaks": 8 * MINUTE,
        },
        ("failing",),
    ),
    Fault(
        "Four requests of a quiet brokerage fail, and its new pod crashes",
        in_tenants.few_requests_fail_and_a_pod_crashes,
        {"QuietTenantFailing": 6 * MINUTE, "AppDown": 1 * MINUTE},
        ("quiet",),
    ),
    Fault(
        "Somebody locks a table for long",
        in_tenants.table_is_locked,
        # The mean of five minutes.
        {"AppPoolExhausted": 5 * MINUTE, "AnswersSlow": 4 * MINUTE},
        ("slow",),
    ),
    Fault(
        "A pod loses the label by which Prometheus finds it",
        in_tenants.pod_is_hidden,
        {"TenantSilent": 1 * MINUTE, "ScalingHeld": 1 * MINUTE},
        ("hidden",),
    ),
    Fault(
        "More is asked than the plan's pods can answer in time",
        in_tenants.more_is_asked_than_the_plan_allows,
        {"ScalingAtCeiling": 2 * MINUTE},
        ("busy",),
    ),
    Fault(
        "The plan gives a pod hardly more memory than it uses",
        in_tenants.memory_is_tight,
        # Some rollouts, until it is near.
        {"AppMemoryNearLimit": 8 * MINUTE},
        ("full",),
    ),
)
OF_BACKUPS = (
    Fault(
        "A backup in the store is damaged, and something lies where the next ones belong",
        in_backups.backups_are_damaged,
        # The first one is written and tried before.
        {"BackupUnproven": 5 * MINUTE, "BackupFailed": 7 * MINUTE},
        ("kept",),
    ),
    Fault(
        "The operator is held back from a brokerage, and a program changes its objects without end",
        in_backups.held_back_for_long_and_changed_without_end,
        {"BackupOverdue": 2 * MINUTE, "ChildrenStorm": 7 * MINUTE},
        ("late",),
    ),
)
IN_PLATFORM = (
    Fault("A brokerage names a plan that is not there", in_platform.plan_is_unknown, {"TenantStuck": 17 * MINUTE}),
    Fault(
        "A plan wants spares of a channel without a release",
        in_platform.spares_cannot_be_made,
        {"PoolEmpty": 2 * MINUTE},
    ),
    Fault(
        "A brokerage is labelled for a shard that nobody serves",
        in_platform.shard_has_no_operator,
        {"ShardUnserved": 2 * MINUTE},
    ),
    Fault(
        "The edge shows a certificate that ends in a week",
        in_platform.edge_certificate_ends_soon,
        {"CertificateExpires": 2 * MINUTE},
    ),
    Fault("The collector hangs", in_platform.collector_hangs, {"AppTracesDropped": 3 * MINUTE}, ("kept",)),
)
# One after the other, of one brokerage: the first needs what the second takes away.
IN_TURN = (
    Fault(
        "An event is published that no consumer can read",
        in_platform.event_is_unreadable,
        {"DeadLetters": 1 * MINUTE},
        (SITE,),
    ),
    Fault(
        "Elasticsearch lets a brokerage's app in no more, a listing changes, and then the feed fails",
        in_platform.index_and_feed_are_away,
        {
            "SearchStale": 1 * MINUTE,
            "ConsumerBehind": 12 * MINUTE,
            "FeedFailing": 6 * MINUTE,
            "FeedStale": 13 * MINUTE,
        },
        (SITE,),
    ),
)
# One after the other: the second takes away who tells of the first.
OF_SLEEP = (
    Fault(
        "A brokerage that is asleep gets pods that no node takes, and somebody comes",
        in_platform.sleeper_cannot_start,
        # Each try takes half a minute.
        {"WakesLate": 4 * MINUTE},
        ("asleep",),
    ),
    Fault("The activator is scaled to nothing", in_platform.activator_is_gone, {"ActivatorDown": 1 * MINUTE}),
)
# When all else is over: without Kafka no brokerage is ready, and without the operator nothing is told of any.
LAST = (
    Fault(
        "Kafka is killed, and an event is to be published",
        in_platform.broker_is_away,
        {"EventsUnpublished": 3 * MINUTE, "BackendAway": 1 * MINUTE},
        (SITE,),
    ),
    Fault(
        "The operator is scaled to nothing",
        in_platform.operator_is_gone,
        {"OperatorDown": 1 * MINUTE, "ScalingStopped": 3 * MINUTE},
    ),
)
# Of each track one fault at a time; tracks go on side by side.
TRACKS = (*((fault,) for fault in (*IN_TENANTS, *OF_BACKUPS, *IN_PLATFORM)), IN_TURN, OF_SLEEP)

# Alerts that no fault is made for here: why. Their rules are proven by promtool, what they count by the tests named.
NOT_MADE: Mapping[str, str] = {
    "OperatorSlow": "with four workers and a look each 50 s the queue is late from some hundreds of brokerages on, for "
    "which two cores have no room; `make bench-operator` sees the figure grow with 1,000 of them. A backend that hangs "
    "does not do it, as calls to it fail at once",
    "OperatorDeaf": "a watch has to be silent while the same API server renews the operator's Lease, or the operator "
    "ends first: that takes a proxy between them which the stack does not have. `operator_tests/test_handlers.py` has "
    "a watch that nobody answers",
}


def faults() -> Iterator[Fault]:
    """All of them, in the order of the documents."""
    return chain(*TRACKS, LAST)


@dataclass(frozen=True)
class Chosen:
    """The tracks that are run, and what is run last."""

    tracks: tuple[tuple[Fault, ...], ...]
    last: tuple[Fault, ...]
    alerts: frozenset[str] = field(default_factory=frozenset)

    def roles(self) -> set[str]:
        return {role for fault in chain(*self.tracks, self.last) for role in fault.roles}


def chosen(wanted: Collection[str] = ()) -> Chosen:
    """The faults of these alerts, of all if none is named. Raises `ValueError` for one that no fault makes fire."""
    known = {alert for fault in faults() for alert in fault.alerts}
    if strangers := set(wanted) - known:
        raise ValueError(f"no fault makes {', '.join(sorted(strangers))} fire")
    alerts = frozenset(wanted) or frozenset(known)

    def some(track: tuple[Fault, ...]) -> tuple[Fault, ...]:
        return tuple(fault for fault in track if alerts & fault.alerts.keys())

    tracks = tuple(track for track in map(some, TRACKS) if track)
    found = {alert for fault in chain(*tracks, some(LAST)) for alert in fault.alerts}
    return Chosen(tracks, some(LAST), frozenset(found))
