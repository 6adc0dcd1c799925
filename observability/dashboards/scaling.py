"""Why a brokerage has as many pods as it has."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import promql
from dashboards.blocks import TENANT, Query, Row, board, high_is_good, lines, low_is_good, none_is_good, stat_panel
from dashboards.promql import or_named, or_none, quantile, rate, total

KINDS = {"wanted": "wanted", "floor": "floor", "ceiling": "ceiling"}
ARRIVALS = f"sum by (module) (rooftree_scaling_arrivals{{{TENANT}}})"
DEMAND = f"max by (module) (rooftree_scaling_demand_seconds{{{TENANT}}})"


def replicas(kind: str) -> str:
    return f'sum by (module) (rooftree_scaling_replicas{{{TENANT}, kind="{kind}"}})'


def build() -> Dashboard:
    return board(
        "scaling",
        "Rooftree / Scaling",
        "Why a brokerage has as many pods as it has: what arrives, what a request costs, what is wanted and allowed.",
        [
            Row("Is it well?", _well()),
            Row("Why so many?", _why()),
            Row("What was decided", _decided()),
            Row("Sleep and wake, of all brokerages", _sleep()),
        ],
        tenants="one",
        since="now-30m",
    )


def _well() -> list:
    return [
        stat_panel("Wanted", or_none(f"sum({replicas('wanted')})"), "short", "Pods that the controller wants now."),
        stat_panel(
            "Running",
            or_none(f"sum({promql.PODS})"),
            "short",
            "Pods that let their metrics be read. Fewer than wanted for long: they do not start.",
        ),
        stat_panel(
            "Room to the ceiling",
            f"sum({replicas('ceiling')}) - sum({replicas('wanted')})",
            "short",
            "0: the plan allows no more pods, and answers get slower if more arrives.",
            steps=high_is_good(1e-9, 1),
        ),
        stat_panel(
            "Held",
            or_none(f"sum(rooftree_scaling_held{{{TENANT}}})"),
            "short",
            "1: the number of pods is left as it is; the reason is below.",
            steps=none_is_good("yellow"),
        ),
        stat_panel(
            "Arrivals",
            or_none(f"sum({ARRIVALS})"),
            "reqps",
            "Requests a second that the controller counts with.",
        ),
        stat_panel(
            "A decision takes",
            f"{quantile(0.99, 'rooftree_scaling_tick_seconds', '', '')} >= 0 or vector(0)",
            "s",
            "What 99 of 100 looks at all brokerages take, every two seconds.",
            steps=low_is_good(0.5, 2),
        ),
    ]


def _why() -> list:
    return [
        lines(
            "Pods",
            [
                *(Query(replicas(kind), f"{word} {{{{module}}}}") for kind, word in KINDS.items()),
                Query(or_none(f"sum({promql.PODS})"), "running"),
            ],
            "short",
            "Wanted lies between floor and ceiling of the plan. Running follows it within the time of a start.",
        ),
        lines(
            "Requests that arrive",
            [
                Query(ARRIVALS, "counted with {{module}}"),
                Query(f"sum(max by (tenant, namespace, pod) ({rate('rooftree_server_spans_total')}))", "measured"),
            ],
            "reqps",
            "What the controller counts with is more than what is measured while it rises fast.",
        ),
        lines(
            "What a request costs",
            Query(DEMAND, "{{module}}"),
            "s",
            "Seconds that a request takes while nothing waits: arrivals times this is how many are at work at once.",
        ),
        lines(
            "Requests at work at once",
            [
                Query(f"{ARRIVALS} * {DEMAND}", "arrivals x cost {{module}}"),
                Query(or_none(f"sum({promql.IN_FLIGHT})"), "in flight"),
            ],
            "short",
            "More in flight than arrivals x cost: requests wait, for a pod or for a backend.",
        ),
    ]


def _decided() -> list:
    server = total("", rate(promql.SERVER_SECONDS, f'{TENANT}, part="server"'))
    waits = total("part", rate(promql.SERVER_SECONDS, f'{TENANT}, part!="server"'))
    held = f"sum by (reason) (rooftree_scaling_held{{{TENANT}}})"
    changed = f"sum by (direction, reason) (increase(rooftree_scaling_changes_total{{{TENANT}}}[5m]))"
    return [
        lines(
            "Held, by reason",
            Query(or_named(held, reason="none"), "{{reason}}"),
            "short",
            "Why the number of pods is left as it is: no data, a slow database that more pods do not help, and so on.",
            width=8,
        ),
        lines(
            "Changes",
            Query(or_named(changed, direction="none"), "{{direction}} {{reason}}"),
            "short",
            "Changes of the number of pods within five minutes, with their reasons.",
            width=8,
        ),
        lines(
            "What requests wait for",
            Query(f"{waits} / on () group_left () clamp_min({server}, 1e-9)", "{{part}}"),
            "percentunit",
            "Shares of the time of requests. Mostly the database: more pods do not help.",
            stacked=True,
            width=8,
        ),
    ]


def _sleep() -> list:
    woken = total("result", rate("rooftree_activator_wakes_total", ""))
    asked = total("result", rate("rooftree_activator_requests_total", ""))
    return [
        lines(
            "Requests that wait for a brokerage to wake",
            Query(or_none("sum(rooftree_activator_waiting)"), "waiting"),
            "short",
            "Requests to brokerages that sleep, which are answered as soon as the app is there.",
            width=6,
        ),
        lines(
            "Wakes",
            Query(or_named(woken, result="none"), "{{result}}"),
            "ops",
            "Brokerages that are woken a second, and how it ended.",
            width=6,
        ),
        lines(
            "How long waking takes",
            Query(f"{quantile(0.95, 'rooftree_activator_wake_seconds', '', '')} >= 0 or vector(0)", "p95"),
            "s",
            "From the first request until the app answers; 0 while nobody is woken. The objective is 5 s.",
            steps=low_is_good(4, 5),
            width=6,
        ),
        lines(
            "Requests to sleeping brokerages",
            Query(or_named(asked, result="none"), "{{result}}"),
            "reqps",
            "What came of them; bots do not wake a brokerage.",
            width=6,
        ),
    ]
