"""What is compared: traces, starts and scales, and the policies with their settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from rooftree_operator.scaling.policy import Settings
from rooftree_operator.scaling.replay import policies
from rooftree_operator.scaling.replay.hpa import UP, HpaSettings, down
from rooftree_operator.scaling.replay.keda import KedaSettings
from rooftree_operator.scaling.replay.kpa import KpaSettings
from rooftree_operator.scaling.replay.world import Service

from bench_scaling.ablation import VARIANTS, Varied

if TYPE_CHECKING:
    from rooftree_operator.scaling.replay.policies import Make

TRACES = Path("../shared/data/traces")
STARTS = (2, 8, 30)
SCALES = (0.3, 1.0, 3.0)
SEEDS = 10
# One request takes 20 ms of a replica, and 99 of 100 shall take no longer than 200 ms.
SERVICE = Service(demand=0.02, objective=0.2)
BUDGET = 0.01

OURS, BOUND = "ours", "bound"
DEFAULTS = ("hpa 50", "hpa 70", "hpa 80", "keda", "kpa")


@dataclass(frozen=True)
class Candidate:
    """A policy with one setting of it; `family` is what a best in hindsight is looked for among."""

    name: str
    family: str
    make: Make
    contention: float = 0.0


def read_trace(path: Path) -> list[float]:
    """Requests a second, one number a line."""
    return [float(line) for line in path.read_text().split()]


def initial(rates: list[float]) -> int:
    """The replicas that each policy begins with: seven tenths busy."""
    return max(1, ceil(rates[0] * SERVICE.demand / 0.7))


def _varied(name: str) -> Make:
    return lambda service, load: Varied(service, VARIANTS[name], load, phase=load.seed % 2)


def defaults() -> list[Candidate]:
    """Each policy as it comes."""
    return [
        Candidate(OURS, OURS, policies.ours(Settings())),
        *(Candidate(f"hpa {target}", "hpa", policies.hpa(HpaSettings(target))) for target in (50, 70, 80)),
        Candidate("keda", "keda", policies.keda(KedaSettings())),
        Candidate("kpa", "kpa", policies.kpa(KpaSettings())),
    ]


def windowed(settings: HpaSettings, window: int) -> HpaSettings:
    """With this stabilisation of scaling down; 300 s is what it has without `behavior`."""
    return settings if window == 300 else replace(settings, behavior=(UP, down(window)))


def grids() -> list[Candidate]:
    """All settings among which the best in hindsight is looked for."""
    found = [
        Candidate(f"hpa {target}/{window}s", "hpa", policies.hpa(windowed(HpaSettings(target), window)))
        for target, window in product((70, 75, 80, 85, 90), (0, 60, 120, 300))
    ]
    found += [
        Candidate(f"keda {threshold}/{rate}s/{window}s", "keda", policies.keda(_keda_with(threshold, rate, window)))
        for threshold, rate, window in product((0.6, 0.7, 0.8, 0.9), (30, 60), (60, 300))
    ]
    found += [
        Candidate(
            f"kpa {target}/{window}s/{threshold}",
            "kpa",
            policies.kpa(KpaSettings(1.0, target, window, panic_threshold=threshold)),
        )
        for target, window, threshold in product((0.6, 0.7, 0.8, 0.9), (6, 20, 60), (2.0,))
    ]
    found += [
        Candidate(f"ours {budget}/{window}s", OURS, policies.ours(Settings(budget=budget, window=window)))
        for budget, window in product((0.003, 0.01, 0.03), (30.0, 60.0, 120.0))
    ]
    return found


def _keda_with(threshold: float, rate: int, window: int) -> KedaSettings:
    return KedaSettings(threshold, rate, hpa=windowed(HpaSettings(), window))


def ablations() -> list[Candidate]:
    """Ours with one part of it taken off or put on."""
    return [
        Candidate(f"variant {name}", "variant", _varied(name), variant.contention) for name, variant in VARIANTS.items()
    ]
