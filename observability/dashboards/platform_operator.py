"""The operator: does it keep up, what does it do, and what does it wait for?"""

from dashboards.blocks import (
    Bars,
    Board,
    Column,
    Grid,
    Lines,
    Query,
    Row,
    Stat,
    at_least,
    high_is_good,
    low_is_good,
    none_is_good,
)
from dashboards.promql import or_named, or_none, or_zero, quantile, rate, total

PASSES = total("kind", rate("rooftree_operator_passes_total", ""))
FAILED = total("kind", rate("rooftree_operator_passes_total", 'result="failed"'))
OURS = 'job=~"rooftree-operator.*"'  # of each shard


WELL = [
    Stat(
        "Pods",
        or_none(f"sum(up{{{OURS}}})"),
        "short",
        "Pods that let their metrics be read. One holds the Lease and works, another one would take over.",
        steps=at_least(1),
    ),
    Stat(
        "Oldest in the queue",
        "max(rooftree_operator_queue_oldest_seconds)",
        "s",
        "How long the longest overdue brokerage waits for a worker. Edits come first: this is what a person waits.",
        steps=low_is_good(10, 30),
    ),
    Stat(
        "Passes that fail",
        or_none(f"sum({FAILED})"),
        "ops",
        "Passes a second that end with an error and are tried again. A backend that is away fails all of them.",
        steps=low_is_good(0.01, 0.5),
    ),
    Stat(
        "Backends away",
        or_none("count(max by (backend) (rooftree_operator_backend_up) == 0)"),
        "short",
        "Backends that do not answer the operator.",
        steps=none_is_good(),
    ),
    Stat(
        "Brokerages of nobody",
        or_none("max(rooftree_operator_unattended)"),
        "short",
        "Brokerages that no operator looks after: their shard has none, or it does not run.",
        steps=none_is_good(),
    ),
    Stat(
        "Held back",
        or_none("sum(max by (level) (rooftree_operator_paused))"),
        "short",
        "Brokerages that somebody paused, or that are only observed.",
        steps=none_is_good("yellow"),
    ),
]

LOOKS = [
    Lines("Passes", Query(PASSES, "{{kind}}"), "ops", "Passes a second by what they look at.", stacked=True),
    Lines(
        "Passes that fail",
        Query(or_zero(FAILED, PASSES), "{{kind}}"),
        "ops",
        "Tried again with a growing delay. The log has `pass_failed` with the reason.",
        steps=low_is_good(0.01, 0.5),
    ),
    Lines(
        "How long a pass takes",
        Query(f"{quantile(0.99, 'rooftree_operator_pass_seconds', 'kind', '')} >= 0 or 0 * {PASSES}", "{{kind}} p99"),
        "s",
        "What 99 of 100 passes stay under; 0 while there are none.",
        steps=low_is_good(5, 10),
    ),
    Lines(
        "Queue",
        [
            Query("max(rooftree_operator_queue_depth)", "due keys"),
            Query("max(rooftree_operator_queue_oldest_seconds)", "oldest (s)"),
            Query("max(rooftree_operator_pass_running_seconds)", "longest pass (s)"),
        ],
        "short",
        "Keys that are due and wait, how long the oldest waits, and how long the longest pass has run.",
    ),
]

WAITED = quantile(0.99, "rooftree_operator_backend_wait_seconds", "backend", "")
WAITS = [
    Lines(
        "Calls that wait",
        Query("max by (backend) (rooftree_operator_backend_calls_waiting)", "{{backend}}"),
        "short",
        "Calls that wait because the system has as many of ours as it may.",
        width=8,
    ),
    Lines(
        "How long calls wait",
        Query(f"{WAITED} >= 0 or 0 * max by (backend) (rooftree_operator_backend_up)", "{{backend}} p99"),
        "s",
        "What 99 of 100 calls wait. One system above the others: raise operator.mostCalls for it, or look at it.",
        steps=low_is_good(1, 5),
        width=8,
    ),
    Lines(
        "Silence of watches",
        Query("max by (kind) (rooftree_operator_watch_silent_seconds)", "{{kind}}"),
        "s",
        "Since a watch told of anything. After 310 s the pod is restarted.",
        steps=low_is_good(120, 180),
        width=8,
    ),
]

EFFECTS = total("system", rate("rooftree_operator_effects_total", ""))
REPAIRED = "sum by (part) (increase(rooftree_operator_drift_repaired_total[15m]))"
CHANGES = [
    Lines(
        "Requests that change something",
        Query(EFFECTS, "{{system}}"),
        "ops",
        "None for brokerages that are as they declare. The Lease alone is one every four seconds.",
        stacked=True,
        width=8,
    ),
    Lines(
        "Drift set back",
        Query(or_named(REPAIRED, part="none"), "{{part}}"),
        "short",
        "Passes of 15 minutes that set back what others changed. Events `DriftRepaired` name who and what.",
        width=8,
    ),
    Lines(
        "Children that change without end",
        Query(or_none(total("", rate("rooftree_operator_storm_delays_total", ""))), "delayed looks"),
        "ops",
        "Looks that had to wait, because somebody changes what the operator sets back, again and again.",
        steps=low_is_good(0.1, 0.5),
        width=8,
    ),
]

COUNTED = "sum by (type, phase) (rooftree_operator_operation_seconds_count)"
SPARES = 'max by (plan) (rooftree_operator_spares{state="ready"})'
REST = [
    Grid(
        "Operations that ended",
        [Column("Number", or_named(COUNTED, type="none"), "short")],
        "Backups, restores, drills, clones and others since the operator's start, by how they ended.",
        rows="type",
        labels={"phase": "Phase"},
        width=8,
    ),
    Bars(
        "Spare tenants",
        Query(or_named(SPARES, plan="none"), "{{plan}}"),
        "short",
        "Tenants that are ready for new brokerages of each plan.",
        width=8,
    ),
    Bars(
        "Certificates: days left",
        Query(
            "(min by (certificate) (rooftree_operator_certificate_expiry_timestamp_seconds) - time()) / 86400",
            "{{certificate}}",
        ),
        "d",
        "Days until the certificate of the edge, and the one of modules that ends first, expire.",
        steps=high_is_good(7, 21),
        width=8,
    ),
]

PROCESS = [
    Lines(
        "CPU",
        Query(f"sum by (pod) ({rate('process_cpu_seconds_total', OURS)})", "{{pod}}"),
        "short",
        "Cores that each pod uses.",
    ),
    Lines(
        "Memory",
        Query(f"max by (pod) (process_resident_memory_bytes{{{OURS}}})", "{{pod}}"),
        "bytes",
        "What each pod holds. Its limit is operator.resources of the chart.",
    ),
]

BOARD = Board(
    "operator",
    "Rooftree / Operator",
    "Whether the operator keeps up, what it does, and what it waits for.",
    [
        Row("Is it well?", WELL),
        Row("Passes", LOOKS),
        Row("What it waits for", WAITS),
        Row("What it changes", CHANGES),
        Row("Operations, spares and certificates", REST),
        Row("Process", PROCESS),
    ],
    tenants="none",
)
