"""`tick_cpu`: CPU of one tick's answer and decisions for a thousand tenants, the query itself apart."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING, Any

from rooftree_operator.scaling.policy import Limits, State, decide
from rooftree_operator.scaling.signals import parse

if TYPE_CHECKING:
    from rooftree_operator.scaling.signals import Workload

TENANTS = 1000
WAITS = ("database", "search", "cache", "rpc", "other_host")
# One in so many is large; most tenants have a handful of requests a second.
LARGE = 20


def answer(chance: random.Random, tenants: int = TENANTS) -> bytes:
    """As Prometheus gives it, with all signals of each tenant."""
    result: list[dict[str, Any]] = []
    for number in range(tenants):
        rate = chance.uniform(200, 2000) if number % LARGE == 0 else chance.uniform(0.1, 60)
        values = {
            "arrivals": rate,
            "recent": rate * chance.uniform(0.7, 1.4),
            "deviation": rate**0.5 * chance.uniform(1, 3),
            "in_flight": rate * 0.02 * chance.uniform(0.5, 2),
            "age": chance.uniform(0.2, 2),
            "measured": 1 + rate // 40,
            "residence": chance.uniform(0.02, 0.03),
        }
        tenant = f"tenant-{number:04d}-{number:08x}"
        result += [_sample(value, tenant=tenant, signal=name) for name, value in values.items()]
        result += [_sample(chance.uniform(0, 0.3), tenant=tenant, signal="waits", part=part) for part in WAITS]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


def _sample(value: float, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "value": [1764470000.123, f"{value!r}"]}


def measure(ticks: int = 30, tenants: int = TENANTS, seed: int = 1) -> list[float]:
    """Milliseconds of CPU of each tick, after two that make the states."""
    chance = random.Random(seed)
    answers = [answer(chance, tenants) for _ in range(3)]
    states: dict[Workload, tuple[int, State]] = {}
    limits = Limits(objective=0.2, floor=1, ceiling=100)
    taken: list[float] = []
    for number in range(ticks + 2):
        begun = time.process_time()
        for workload, measured in parse(answers[number % len(answers)]).items():
            replicas, state = states.get(workload, (2, State()))
            made, state = decide(measured.signals(replicas, replicas), limits, state, 2.0 * number)
            states[workload] = made.replicas, state
        taken.append(1000 * (time.process_time() - begun))
    return taken[2:]


def figure(taken: list[float]) -> dict[str, Any]:
    """The slowest tick but one in twenty."""
    ordered = sorted(taken)
    value = ordered[max(0, round(0.95 * len(ordered)) - 1)]
    spread = [round(ordered[0], 2), round(ordered[-1], 2)]
    return {"figure": "tick_cpu", "value": round(value, 2), "unit": "ms", "n": len(taken), "spread": spread}
