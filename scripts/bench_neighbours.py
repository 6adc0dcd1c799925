"""Measures what brokerages notice of a noisy neighbour: `make bench-neighbours`, or in a stack with its variables.

Three brokerages with the sample's listings. In two of them people work, open loop; the third pushes ten times its
quota, one dimension after the other, in windows that alternate with quiet ones. Prints two JSON lines for each
dimension; every window is a line in `.bench/neighbours-<time>.jsonl`, with the seconds of each answer and what the
loud one got through. Ends with 1 when a figure misses its budget.

    neighbour_ratio_<dimension>    1   p99 of the others' answers in loud windows over that in quiet ones
    neighbour_errors_<dimension>   1   the others' requests of loud windows that were not answered as they should be

    api             10 x its reads a second
    elasticsearch   10 x its searches a second
    redis           10 x its searches a second, as suggestions that are not in the cache yet
    kafka           10 x its bytes a second, by its own login, to its own topic
    cpu             10 x a pod's limit of CPU, as busy processes in each of its pods
    postgres        10 x its connections: so many lists of 100 drafts at a time, for which the API's limits are lifted
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bench_step
from bench_trials import Lines, figure, percentile, told

from tests.e2e import web_tenant
from tests.e2e.conftest import TOPOLOGY, Kubectl, Tenant, fresh_name, plan_manifest, until
from tests.e2e.faults.lines import Editor, Visitor
from tests.e2e.faults.load import Client, Line, Load
from tests.e2e.faults.trial import pause
from tests.e2e.test_tokens import Person

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

DIMENSIONS = ("api", "elasticsearch", "redis", "kafka", "cpu", "postgres")
RATIO, ERRORS = "neighbour_ratio_", "neighbour_errors_"
BUDGETS = {f"{RATIO}{name}": 1.2 for name in DIMENSIONS} | {f"{ERRORS}{name}": 0.0 for name in DIMENSIONS}
TIMES = 10
QUIET_BROKERAGES = 2
# Of the loud one: at most an eighth of two cores, as a pod of one core has of a node of eight, and all else as small.
# Ten times as much is then what a small machine can send and refuse at all.
API = {"reads": 120, "writes": 120, "searches": 60, "visitors": 120, "brokerage": 1200}
CONNECTIONS, BYTES, CPU = 8, 262_144, 0.25
LOUD: dict[str, Any] = {
    "replicas": {"min": 1, "max": 1},
    "resources": {"requests": {"cpu": "50m", "memory": "160Mi"}, "limits": {"cpu": f"{CPU}", "memory": "320Mi"}},
    "database": {"connections": CONNECTIONS},
    "kafka": {"producerBytesPerSecond": BYTES},
    "quota": {"pods": 6, "cpu": "6", "memory": "2Gi"},
}
SETTLE, CALM = 4.0, 3.0  # seconds before a window, and after one in which it was loud
ROLLED_SECONDS = 180
# Ends by itself; its children with it.
BURN = """
import os, sys, time
ends = time.monotonic() + float(sys.argv[1])
for _ in range(int(sys.argv[2]) - 1):
    if os.fork() == 0:
        break
while time.monotonic() < ends:
    pass
try:
    while True:
        os.wait()
except ChildProcessError:
    pass
"""


@dataclass(frozen=True)
class Loud:
    """The noisy one: what is needed to be it."""

    tenant: Tenant
    cookie: str
    kafka_password: str
    pods: tuple[str, ...] = ()

    def noise(self, dimension: str, seconds: float) -> dict[str, Any]:
        """What `bench_noise` is told. Rates of plans are by the minute."""
        http = {"kind": "http", "seconds": seconds, "host": self.tenant.host, "cookie": self.cookie}
        reads, searches = TIMES * API["reads"] / 60, TIMES * API["searches"] / 60
        match dimension:
            case "api":
                return {**http, "path": "/api/v1/stages", "rate": reads}
            case "postgres":
                return {**http, "path": bench_step.PATH, "at_once": TIMES * CONNECTIONS}
            case "elasticsearch":
                return {**http, "path": "/api/v1/properties?q=garage%20{n}&limit=10", "rate": searches}
            case "redis":
                return {**http, "path": "/api/v1/properties/suggestions?q=a{n}", "rate": searches}
            case "kafka":
                topic, user = f"{self.tenant.id}.events", f"{self.tenant.id}.app"
                login = {"user": user, "password": self.kafka_password}
                return {"kind": "kafka", "seconds": seconds, "topic": topic, **login, "bytes_per_second": TIMES * BYTES}
            case _:
                burning = [self._burn(pod, seconds) for pod in self.pods]
                return {"kind": "commands", "seconds": seconds, "commands": burning}

    def _burn(self, pod: str, seconds: float) -> list[str]:
        inside = ["python", "-c", BURN, f"{seconds:.0f}", f"{math.ceil(TIMES * CPU)}"]
        return ["kubectl", "exec", "-n", self.tenant.namespace, pod, "-c", "app", "--", *inside]


@dataclass
class Neighbour:
    """A brokerage in which people work, about seventeen requests a second."""

    visitor: Visitor

    @classmethod
    def of(cls, person: Person) -> Neighbour:
        visitor = Visitor(person, "", "")
        visitor.arrive()
        bearer = {"Authorization": f"Bearer {visitor.token}"}
        found = person.client.get("/api/v1/properties", params={"limit": 1}, headers=bearer)
        visitor.listing = found.raise_for_status().json()["items"][0]["id"]
        return cls(visitor)

    def load(self) -> Load:
        """With a token that is new: it lives ten minutes."""
        visitor = self.visitor
        visitor.arrive()
        lines = (
            Line(0.25, visitor.session),
            Line(0.25, visitor.show),
            Line(0.5, visitor.search),
            Line(0.5, visitor.look_around),
            Line(0.5, visitor.suggest),
            Line(0.5, visitor.page),
            Line(1.0, Editor({"Authorization": f"Bearer {visitor.token}"}).edit),
        )
        return Load(Client(visitor.person.tenant.url), lines)


@dataclass(frozen=True)
class Window:
    """From when to when, by the monotonic clock; what the loud one got through, if it was loud."""

    pair: int
    is_loud: bool
    began: float
    ended: float
    noise: dict[str, Any]


def turns(pairs: int) -> Iterator[tuple[int, bool]]:
    """Pairs of a quiet and a loud window, each the other way round than the one before."""
    for pair in range(pairs):
        for turn in (pair, pair + 1):
            yield pair, bool(turn % 2)


@dataclass
class Bench:
    """A run; `neighbours` are the others."""

    lines: Lines
    kubectl: Kubectl
    loud: Loud
    neighbours: Sequence[Neighbour]
    seconds: float
    pairs: int

    def dimension(self, name: str) -> None:
        """All windows of a dimension under one load."""
        loads = [one.load() for one in self.neighbours]
        with ExitStack() as stack:
            for load in loads:
                stack.enter_context(load)
            windows = [self._window(name, pair, is_loud=is_loud) for pair, is_loud in turns(self.pairs)]
        answers = [one for load in loads for one in load.answers]
        for window in windows:
            within = [one for one in answers if window.began <= one.began < window.ended]
            took = sorted(round(one.seconds, 4) for one in within)
            bad = [f"{one.kind} {one.status} {one.words[:100]}" for one in within if not one.is_good]
            told_more = {"pair": window.pair, "loud": window.is_loud, "noise": window.noise, "errors": bad}
            self.lines.note("window", percentile(took, 0.99), dimension=name, **told_more, seconds=took)
            noise = {key: value for key, value in window.noise.items() if key != "offered"}
            self.lines.say(f"{name}: p99 {percentile(took, 0.99) * 1000:.0f} ms, {len(bad)} errors, noise {noise}")

    def _window(self, name: str, pair: int, *, is_loud: bool) -> Window:
        noise = self._noise(self.loud.noise(name, SETTLE + self.seconds)) if is_loud else None
        pause(SETTLE)
        began = time.monotonic()
        pause(self.seconds)
        ended = time.monotonic()
        if noise is None:
            return Window(pair, is_loud, began, ended, {})
        # What is under way when the time is up is answered first.
        result, _ = noise.communicate(timeout=60)
        if noise.returncode:
            raise RuntimeError(f"the noise of {name} ended with {noise.returncode}")
        pause(CALM)
        return Window(pair, is_loud, began, ended, json.loads(result))

    def _noise(self, spec: Mapping[str, Any]) -> subprocess.Popen[str]:
        program = Path(__file__).with_name("bench_noise.py")
        command = [sys.executable, str(program)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None
        process.stdin.write(json.dumps(spec))
        process.stdin.close()
        process.stdin = None
        return process


def figures(lines: Iterable[Mapping[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Of the raw windows; spreads are those of the pairs."""
    every = [line for line in lines if line["trial"] == "window"]
    found = list[dict[str, Any]]()
    for dimension in dict.fromkeys(line["dimension"] for line in every):
        windows = [line for line in every if line["dimension"] == dimension]
        p99 = {is_loud: percentile(_seconds(windows, loud=is_loud), 0.99) for is_loud in (False, True)}
        pairs = {line["pair"]: [one for one in windows if one["pair"] == line["pair"]] for line in windows}
        ratios = [
            percentile(_seconds(pair, loud=True), 0.99) / percentile(_seconds(pair, loud=False), 0.99)
            for pair in pairs.values()
        ]
        shown = {"p99_loud": p99[True], "p99_quiet": p99[False]}
        answers = len(_seconds(windows, loud=True))
        found.append(figure(f"{RATIO}{dimension}", p99[True] / p99[False], "1", ratios, seed=seed, n=answers, **shown))
        errors = [float(len(one["errors"])) for one in windows if one["loud"]]
        found.append(figure(f"{ERRORS}{dimension}", sum(errors), "1", errors, seed=seed, n=answers))
    return found


def _seconds(windows: Iterable[Mapping[str, Any]], *, loud: bool) -> list[float]:
    return [one for line in windows if line["loud"] is loud for one in line["seconds"]]


def lift(kubectl: Kubectl, plan: str, tenant: Tenant) -> None:
    """The loud one may ask the API for as much as it likes; returns when its pods know."""
    no_limits = {"spec": {"api": dict.fromkeys(API, 0)}}
    kubectl.run("patch", "brokerageplan", plan, "--type=merge", "-p", json.dumps(no_limits))

    def limit() -> str:
        template = kubectl.get("deployment", "app", "-n", tenant.namespace)["spec"]["template"]
        values = {one["name"]: one.get("value", "") for one in template["spec"]["containers"][0]["env"]}
        return values["ROOFTREE_RATE_READS"]

    until("the plan's limits in its Deployment", limit, seconds=60, enough=lambda value: value == "0")
    rolled = ("rollout", "status", "deployment/app", "-n", tenant.namespace, f"--timeout={ROLLED_SECONDS}s")
    subprocess.run(["kubectl", *rolled], check=True, stdout=subprocess.DEVNULL)


def running(kubectl: Kubectl, tenant: Tenant) -> tuple[str, ...]:
    pods = kubectl.items("pods", "-n", tenant.namespace, "-l", "app.kubernetes.io/name=app")
    return tuple(pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"])


def measure(lines: Lines, stack: ExitStack, kubectl: Kubectl, plans: Mapping[str, str], chosen: Any) -> None:
    made = [stack.enter_context(web_tenant.opened(kubectl, plan=plans["loud"]))]
    made += [stack.enter_context(web_tenant.opened(kubectl, plan=plans["quiet"])) for _ in range(QUIET_BROKERAGES)]
    loud, *others = (Tenant.of(kubectl.get("brokerage", one.name)) for one in made)
    lines.say(f"{loud.name} is loud, {' and '.join(one.name for one in others)} are its neighbours")
    links = {one.name: one.owner_link for one in made}
    neighbours = [Neighbour.of(Person(one, links[one.name])) for one in others]
    cookie = bench_step.signed_in(loud, links[loud.name])
    noisy = Loud(loud, cookie, kubectl.secret(loud.namespace, "app", "kafka_password"))
    for name in sorted(chosen.dimensions, key=DIMENSIONS.index):
        if name == "postgres":
            lift(kubectl, plans["loud"], loud)
        there = Loud(noisy.tenant, noisy.cookie, noisy.kafka_password, running(kubectl, loud))
        Bench(lines, kubectl, there, neighbours, chosen.seconds, chosen.pairs).dimension(name)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--dimensions", nargs="+", default=DIMENSIONS, choices=DIMENSIONS)
    options.add_argument("--seconds", type=float, default=30.0, help="of a window")
    options.add_argument("--pairs", type=int, default=3, help="of a quiet and a loud window, for each dimension")
    options.add_argument("--seed", type=int, default=1, help="only noted: nothing is left to chance")
    chosen = options.parse_args()
    if TOPOLOGY != "monolith":
        options.error("the noisy brokerage is one with all modules in its pods")
    lines, kubectl = Lines.of("neighbours"), Kubectl()
    plans = {"loud": fresh_name("loud"), "quiet": fresh_name("quiet")}
    try:
        kubectl.apply(plan_manifest(plans["loud"], **LOUD, api=API), plan_manifest(plans["quiet"]))
        with ExitStack() as stack:
            measure(lines, stack, kubectl, plans, chosen)
    finally:
        kubectl.run("delete", "brokerageplan", *plans.values(), "--ignore-not-found")
    return told(figures(lines.read(), chosen.seed), BUDGETS)


if __name__ == "__main__":
    sys.exit(main())
