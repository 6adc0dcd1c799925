"""Why a brokerage has as many pods as it has."""

from dashboards import promql
from dashboards.blocks import REPLAY, TENANT, Board, Lines, Query, Row, Stat, high_is_good, low_is_good, none_is_good
from dashboards.promql import or_named, or_none, quantile, rate, total

KINDS = {"wanted": "wanted", "floor": "floor", "ceiling": "ceiling"}
ARRIVALS = f"sum by (module) (rooftree_scaling_arrivals{{{TENANT}}})"
DEMAND = f"max by (module) (rooftree_scaling_demand_seconds{{{TENANT}}})"


def replicas(kind: str) -> str:
    return f'sum by (module) (rooftree_scaling_replicas{{{TENANT}, kind="{kind}"}})'


WELL = [
    Stat("Wanted", or_none(f"sum({replicas('wanted')})"), "short", "Pods that the controller wants now."),
    Stat(
        "Running",
        or_none(f"sum({promql.PODS})"),
        "short",
        "Pods that let their metrics be read. Fewer than wanted for long: they do not start.",
    ),
    Stat(
        "Room to the ceiling",
        f"sum({replicas('ceiling')}) - sum({replicas('wanted')})",
        "short",
        "0: the plan allows no more pods, and answers get slower if more arrives.",
        steps=high_is_good(1e-9, 1),
    ),
    Stat(
        "Held",
        or_none(f"sum(rooftree_scaling_held{{{TENANT}}})"),
        "short",
        "1: something else than the load decides the number of pods; the reason is below.",
        steps=none_is_good("yellow"),
    ),
    Stat(
        "Arrivals",
        or_none(f"sum({ARRIVALS})"),
        "reqps",
        "Requests a second that the controller counts with.",
    ),
    Stat(
        "A decision takes",
        f"{quantile(0.99, 'rooftree_scaling_tick_seconds', '', '')} >= 0 or vector(0)",
        "s",
        "What 99 of 100 looks at all brokerages take, every two seconds.",
        steps=low_is_good(0.5, 2),
    ),
]

WHY = [
    Lines(
        "Pods",
        [
            *(Query(replicas(kind), f"{word} {{{{module}}}}") for kind, word in KINDS.items()),
            Query(or_none(f"sum({promql.PODS})"), "running"),
        ],
        "short",
        "Wanted lies between floor and ceiling of the plan. Running follows it within the time of a start.",
    ),
    Lines(
        "Requests that arrive",
        [
            Query(ARRIVALS, "counted with {{module}}"),
            Query(f"sum(max by (tenant, namespace, pod) ({rate('rooftree_server_spans_total')}))", "measured"),
        ],
        "reqps",
        "What the controller counts with is more than what is measured while it rises fast.",
    ),
    Lines(
        "What a request costs",
        Query(DEMAND, "{{module}}"),
        "s",
        "Seconds that a request takes while nothing waits: arrivals times this is how many are at work at once.",
    ),
    Lines(
        "Requests at work at once",
        [
            Query(f"{ARRIVALS} * {DEMAND}", "arrivals x cost {{module}}"),
            Query(or_none(f"sum({promql.IN_FLIGHT})"), "in flight"),
        ],
        "short",
        "More in flight than arrivals x cost: requests wait, for a pod or for a backend.",
    ),
]

SERVER = total("", rate(promql.SERVER_SECONDS, f'{TENANT}, part="server"'))
WAITS = total("part", rate(promql.SERVER_SECONDS, f'{TENANT}, part!="server"'))
HELD = f"sum by (reason) (rooftree_scaling_held{{{TENANT}}})"
CHANGED = f"sum by (direction, reason) (increase(rooftree_scaling_changes_total{{{TENANT}}}[5m]))"
DECIDED = [
    Lines(
        "Held, by reason",
        Query(or_named(HELD, reason="none"), "{{reason}}"),
        "short",
        "What decides instead of the load: missing data, a bottleneck that more pods do not help, the ceiling, sleep.",
        width=8,
    ),
    Lines(
        "Changes",
        Query(or_named(CHANGED, direction="none"), "{{direction}} {{reason}}"),
        "short",
        "Changes of the number of pods within five minutes, with their reasons.",
        width=8,
    ),
    Lines(
        "What requests wait for",
        Query(f"{WAITS} / on () group_left () clamp_min({SERVER}, 1e-9)", "{{part}}"),
        "percentunit",
        "Shares of the time of requests. Mostly the database: more pods do not help.",
        stacked=True,
        width=8,
    ),
]

WOKEN = total("result", rate("rooftree_activator_wakes_total", ""))
ASKED = total("result", rate("rooftree_activator_requests_total", ""))
SLEEP = [
    Lines(
        "Requests that wait for a brokerage to wake",
        Query(or_none("sum(rooftree_activator_waiting)"), "waiting"),
        "short",
        "Requests to brokerages that sleep, which are answered as soon as the app is there.",
        width=6,
    ),
    Lines(
        "Wakes",
        Query(or_named(WOKEN, result="none"), "{{result}}"),
        "ops",
        "Brokerages that are woken a second, and how it ended.",
        width=6,
    ),
    Lines(
        "How long waking takes",
        Query(f"{quantile(0.95, 'rooftree_activator_wake_seconds', '', '')} >= 0 or vector(0)", "p95"),
        "s",
        "From the first request until the app answers; 0 while nobody is woken. The objective is 5 s.",
        steps=low_is_good(4, 5),
        width=6,
    ),
    Lines(
        "Requests to sleeping brokerages",
        Query(or_named(ASKED, result="none"), "{{result}}"),
        "reqps",
        "What came of them; bots do not wake a brokerage.",
        width=6,
    ),
]

BOARD = Board(
    "scaling",
    "Rooftree / Scaling",
    "Why a brokerage has as many pods as it has: what arrives, what a request costs, what is wanted and allowed.",
    [
        Row("Is it well?", WELL),
        Row("Why so many?", WHY),
        Row("What was decided", DECIDED),
        Row("Sleep and wake, of all brokerages", SLEEP),
    ],
    tenants="one",
    links=[REPLAY],
    since="now-30m",
)
