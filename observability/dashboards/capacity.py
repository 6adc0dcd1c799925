"""What brokerages ask for, what they use, and what they pay."""

from dashboards.blocks import TENANT, Bars, Board, Column, Grid, Lines, Query, Row, Stat, low_is_good, none_is_good
from dashboards.promql import or_none


def of(rule: str) -> str:
    return f"max by (tenant) ({rule}{{{TENANT}}})"


CPU_ASKED, CPU_USED = of("tenant:cpu_asked:cores"), of("tenant:cpu_used:cores")
MEMORY_ASKED, MEMORY_USED = of("tenant:memory_asked:bytes"), of("tenant:memory_used:bytes")
FULL = f"max by (tenant) (tenant:memory_used:of_limit{{{TENANT}}})"
PRICE = f"max by (tenant, currency) (tenant:price:units{{{TENANT}}})"


WELL = [
    Stat(
        "CPU used of what is asked",
        f"sum({CPU_USED}) / clamp_min(sum({CPU_ASKED}), 1e-9)",
        "percentunit",
        "Low: nodes stand idle that are set aside. Above 100 %: pods live on what others do not use.",
        steps=low_is_good(1, 2),
    ),
    Stat(
        "Memory used of what is asked",
        f"sum({MEMORY_USED}) / clamp_min(sum({MEMORY_ASKED}), 1e-9)",
        "percentunit",
        "Above 100 % a node can run out of memory: raise resources.requests of the plans.",
        steps=low_is_good(0.9, 1),
    ),
    Stat(
        "Near their limit of memory",
        or_none(f"count({FULL} > 0.9)"),
        "short",
        "Brokerages of which a pod uses more than 90 % of the memory that it may. At 100 % it is killed.",
        steps=none_is_good(),
    ),
    Stat("CPU asked", or_none(f"sum({CPU_ASKED})"), "short", "Cores that the pods that run have set aside."),
    Stat("Memory asked", or_none(f"sum({MEMORY_ASKED})"), "bytes", "Memory that the pods that run have set aside."),
    Stat(
        "Paid a month",
        Query(f"sum by (currency) ({PRICE})", "{{currency}}"),
        "short",
        "Prices of the plans of the chosen brokerages together, for each currency, in whole units of 100 cents.",
        decimals=0,
    ),
]

USED = [
    Lines(
        "CPU",
        [Query(or_none(f"sum({CPU_ASKED})"), "asked"), Query(or_none(f"sum({CPU_USED})"), "used")],
        "short",
        "Cores that are set aside, and those that are used.",
    ),
    Lines(
        "Memory",
        [Query(or_none(f"sum({MEMORY_ASKED})"), "asked"), Query(or_none(f"sum({MEMORY_USED})"), "used")],
        "bytes",
        "Memory that is set aside, and what processes hold.",
    ),
]

TABLE = Grid(
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

LARGEST = [
    Bars(
        "Most memory",
        Query(f"topk(10, {MEMORY_USED})", "{{tenant}}"),
        "bytes",
        "The ten brokerages that hold most memory.",
    ),
    Bars(
        "Nearest to their limit of memory",
        Query(f"topk(10, {FULL})", "{{tenant}}"),
        "percentunit",
        "Of each brokerage the pod that is nearest to its limit.",
        steps=low_is_good(0.8, 0.9),
        most=1,
    ),
]

BOARD = Board(
    "capacity",
    "Rooftree / Capacity and cost",
    "What the pods of brokerages ask for, what they use, and what their plans cost.",
    [
        Row("Is it well?", WELL),
        Row("Asked for and used", USED),
        Row("By brokerage", [TABLE, *LARGEST]),
    ],
    since="now-6h",
)
