"""What brokerages ask for, what they use, and what they pay."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.blocks import (
    TENANT,
    Column,
    Query,
    Row,
    bars,
    board,
    grid,
    lines,
    low_is_good,
    none_is_good,
    stat_panel,
)
from dashboards.promql import or_none


def of(rule: str) -> str:
    return f"max by (tenant) ({rule}{{{TENANT}}})"


CPU_ASKED, CPU_USED = of("tenant:cpu_asked:cores"), of("tenant:cpu_used:cores")
MEMORY_ASKED, MEMORY_USED = of("tenant:memory_asked:bytes"), of("tenant:memory_used:bytes")
FULL = f"max by (tenant) (tenant:memory_used:of_limit{{{TENANT}}})"
PRICE = f"max by (tenant, currency) (tenant:price:units{{{TENANT}}})"


def build() -> Dashboard:
    return board(
        "capacity",
        "Rooftree / Capacity and cost",
        "What the pods of brokerages ask for, what they use, and what their plans cost.",
        [
            Row("Is it well?", _well()),
            Row("Asked for and used", _used()),
            Row("By brokerage", [_table(), *_largest()]),
        ],
        since="now-6h",
    )


def _well() -> list:
    return [
        stat_panel(
            "CPU used of what is asked",
            f"sum({CPU_USED}) / clamp_min(sum({CPU_ASKED}), 1e-9)",
            "percentunit",
            "Low: nodes stand idle that are set aside. Above 100 %: pods live on what others do not use.",
            steps=low_is_good(1, 2),
        ),
        stat_panel(
            "Memory used of what is asked",
            f"sum({MEMORY_USED}) / clamp_min(sum({MEMORY_ASKED}), 1e-9)",
            "percentunit",
            "Above 100 % a node can run out of memory: raise resources.requests of the plans.",
            steps=low_is_good(0.9, 1),
        ),
        stat_panel(
            "Near their limit of memory",
            or_none(f"count({FULL} > 0.9)"),
            "short",
            "Brokerages of which a pod uses more than 90 % of the memory that it may. At 100 % it is killed.",
            steps=none_is_good(),
        ),
        stat_panel("CPU asked", or_none(f"sum({CPU_ASKED})"), "short", "Cores that the pods that run have set aside."),
        stat_panel(
            "Memory asked", or_none(f"sum({MEMORY_ASKED})"), "bytes", "Memory that the pods that run have set aside."
        ),
        stat_panel(
            "Paid a month",
            Query(f"sum by (currency) ({PRICE})", "{{currency}}"),
            "short",
            "Prices of the plans of the chosen brokerages together, for each currency, in whole units of 100 cents.",
            decimals=0,
        ),
    ]


def _used() -> list:
    return [
        lines(
            "CPU",
            [Query(or_none(f"sum({CPU_ASKED})"), "asked"), Query(or_none(f"sum({CPU_USED})"), "used")],
            "short",
            "Cores that are set aside, and those that are used.",
        ),
        lines(
            "Memory",
            [Query(or_none(f"sum({MEMORY_ASKED})"), "asked"), Query(or_none(f"sum({MEMORY_USED})"), "used")],
            "bytes",
            "Memory that is set aside, and what processes hold.",
        ),
    ]


def _table():
    return grid(
        "Brokerages",
        [
            Column("CPU used", CPU_USED, "short"),
            Column("CPU asked", CPU_ASKED, "short"),
            Column("Memory used", MEMORY_USED, "bytes"),
            Column("Memory asked", MEMORY_ASKED, "bytes"),
            Column("Of the limit", FULL, "percentunit", low_is_good(0.8, 0.9)),
            Column("Pods", of("tenant:pods:count"), "short"),
            Column("Paid a month", f"max by (tenant) ({PRICE})", "short"),
        ],
        "Pods that run now, the largest users of CPU first. Paid a month: the price of the plan, in its own currency.",
    )


def _largest() -> list:
    return [
        bars(
            "Most memory",
            Query(f"topk(10, {MEMORY_USED})", "{{tenant}}"),
            "bytes",
            "The ten brokerages that hold most memory.",
        ),
        bars(
            "Nearest to their limit of memory",
            Query(f"topk(10, {FULL})", "{{tenant}}"),
            "percentunit",
            "Of each brokerage the pod that is nearest to its limit.",
            steps=low_is_good(0.8, 0.9),
            most=1,
        ),
    ]
