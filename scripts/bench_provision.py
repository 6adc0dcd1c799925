"""Measures how fast tenants come and go: `make bench-provision`, or inside a stack's network with its variables set.

Prints one JSON line for each figure: {"figure", "value", "unit", "n", "spread", "seed"}. Every trial is a line in
`.bench/provision-<time>.jsonl`; the figures are computed from those lines. Ends with 1 when a figure misses its budget.

    ready_p50, ready_max  s    `kubectl apply` begins → `kubectl wait --for=condition=Ready` ends, one tenant at a time
    backends_p50          s    the namespace is there, and with it the credentials → the tenant has got into the last of
                               its four backends; both by the operator's own clock (transition times of conditions)
    delete_max            s    `kubectl delete` begins → ends (the finalizer is gone, so everything is)
    idle_writes           1    mutating requests of the operator in a second pass over an unchanged tenant, most of all
    app_start             s    process start → /readyz answers 200, in the tenant's container (limit: one core), median
    app_rss               MiB  resident memory of the serving process after it became ready, most of all
    feed_import           s    first import of the sample feed, from its own start to its own end

With `--claim` (`make bench-claim`) only delete_max and these: plan `starter` has a spare, which is there at each apply.

    claim_p50, claim_p95  s    `kubectl apply` begins → `kubectl wait --for=condition=Ready` ends, on a spare tenant
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import psycopg.conninfo

BUDGETS = {
    "ready_p50": 9.0,
    "ready_max": 15.0,
    "backends_p50": 2.5,
    "delete_max": 20.0,
    "idle_writes": 0.0,
    "app_start": 3.0,
    "app_rss": 170.0,
    "feed_import": 30.0,
    "claim_p50": 4.0,
    "claim_p95": 4.0,
}
PLAN = "starter"  # of brokerages that name none
BACKENDS = ("DatabaseReady", "TopicsReady", "SearchReady", "CacheReady", "StorageReady")
PLATFORM = "rooftree-system"
TIMEOUT = "90s"
STARTS = 5
# Starts a second app beside the serving one, in its container: same image, environment, limits and database.
START_PROBE = """
import os, subprocess, sys, time, urllib.error, urllib.request
port = "18080"
began = time.monotonic()
app = subprocess.Popen([sys.executable, "-m", "rooftree.main"], env={**os.environ, "ROOFTREE_BIND_PORT": port},
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
                assert answer.status == 200
            break
        except (urllib.error.URLError, OSError):
            assert app.poll() is None, "the app ended"
            assert time.monotonic() - began < 30, "not ready within 30 s"
            time.sleep(0.01)
    print(time.monotonic() - began)
finally:
    app.terminate()
    app.wait()
"""


def kubectl(*words: str, content: str | None = None) -> str:
    """Runs kubectl; its words are shown when it fails."""
    done = subprocess.run(["kubectl", *words], input=content, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"kubectl {' '.join(words)[:120]}: {done.stderr.strip()}")
    return done.stdout


def get(*words: str) -> dict[str, Any]:
    return json.loads(kubectl("get", *words, "-o", "json"))


def manifest(name: str, **spec: Any) -> str:
    """A Brokerage that goes with all its data when it is deleted; that this is meant is said from the start."""
    general = {"displayName": name, "owner": {"email": f"owner@{name}.example"}, "deletionPolicy": "Delete"}
    metadata = {"name": name, "annotations": {"rooftree.dev/confirm-deletion": name}}
    head = {"apiVersion": "rooftree.dev/v1alpha1", "kind": "Brokerage", "metadata": metadata}
    return json.dumps({**head, "spec": {**general, **spec}})


@dataclass
class Bench:
    """A run; `trials` holds the raw measurements of each kind."""

    path: Path
    trials: dict[str, list[float]] = field(default_factory=dict)

    def note(self, kind: str, value: float, **more: Any) -> None:
        self.trials.setdefault(kind, []).append(value)
        line = {"trial": kind, "value": value, "at": datetime.now(UTC).isoformat(), **more}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        sys.stderr.write(f"{kind} {value:.3f} {more or ''}\n")

    def provision(self, name: str, kind: str = "ready", **spec: Any) -> dict[str, Any]:
        began = time.monotonic()
        kubectl("apply", "-f", "-", content=manifest(name, **spec))
        kubectl("wait", f"brokerage/{name}", "--for=condition=Ready", f"--timeout={TIMEOUT}")
        self.note(kind, time.monotonic() - began, name=name)
        status = get("brokerage", name)["status"]
        if kind == "ready":
            self.note("backends", backends_seconds(status["conditions"]), name=name)
        return status

    def claim(self, name: str) -> None:
        """A brokerage on a spare that is there."""
        status = self.provision(name, "claim")
        if not status["tenantID"].startswith("pool-"):
            raise RuntimeError(f"{name} has not taken the spare: its id is {status['tenantID']}")

    def delete(self, name: str) -> None:
        began = time.monotonic()
        kubectl("delete", f"brokerage/{name}", f"--timeout={TIMEOUT}")
        self.note("delete", time.monotonic() - began, name=name)

    def idle(self, name: str) -> None:
        """Makes the operator look again at an unchanged tenant, and counts what it sent."""
        time.sleep(1.0)  # what the first Ready set off has come back as events
        before = metrics()
        kubectl("annotate", f"brokerage/{name}", f"bench.rooftree.dev/look={time.time_ns()}", "--overwrite")
        deadline = time.monotonic() + 20
        while metrics()["passes"] == before["passes"]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the operator did not look at {name} within 20 s")
            time.sleep(0.1)
        time.sleep(0.5)
        self.note("idle_writes", metrics()["writes"] - before["writes"], name=name)

    def memory(self, name: str, namespace: str) -> None:
        status = kubectl("exec", "-n", namespace, "deployment/app", "--", "cat", "/proc/1/status")
        match = re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)
        assert match, status
        self.note("app_rss", int(match[1]) / 1024, name=name)

    def start(self, name: str, namespace: str) -> None:
        for _ in range(STARTS):
            words = ("exec", "-n", namespace, "deployment/app", "--", "python", "-c", START_PROBE)
            self.note("app_start", float(kubectl(*words).strip()), name=name)

    def imported(self, database: str) -> tuple[float, int, int]:
        """Waits for the first import to end."""
        deadline = time.monotonic() + 120
        while True:
            state, seconds, imported, rejected, error = feed_row(database)
            if state == "idle" and seconds is not None and imported:
                return seconds, imported, rejected
            if state == "failed" or time.monotonic() > deadline:
                raise RuntimeError(f"the import did not end: {state}, {imported} imported, {error}")
            time.sleep(0.5)

    def feed(self, name: str) -> None:
        """A brokerage with the sample feed; how long its first import took by its own account."""
        sample = get("brokerage", "acme")["spec"]["mls"][0]
        secret = get("secret", sample["credentialsSecretRef"]["name"], "-n", PLATFORM)
        copy = {"name": f"{name}-mls", "namespace": PLATFORM, "labels": {"rooftree.dev/brokerage": name}}
        kubectl("apply", "-f", "-", content=json.dumps({**secret, "metadata": copy}))
        try:
            status = self.provision(name, mls=[{**sample, "credentialsSecretRef": {"name": copy["name"]}}])
            seconds, imported, rejected = self.imported(status["database"])
            self.note("feed_import", seconds, name=name, imported=imported, rejected=rejected)
        finally:
            self.delete(name)
            kubectl("delete", "secret", copy["name"], "-n", PLATFORM)


def backends_seconds(conditions: list[dict[str, Any]]) -> float:
    """From the namespace to the last backend; they are made at the same time."""
    since = {entry["type"]: datetime.fromisoformat(entry["lastTransitionTime"]) for entry in conditions}
    return (max(since[name] for name in BACKENDS) - since["NamespaceReady"]).total_seconds()


def feed_row(database: str) -> tuple[Any, ...]:
    """State, seconds of the last run, listings imported and refused, last error: the feed's own row."""
    query = """SELECT state, extract(epoch FROM last_finished_at - last_started_at)::float8,
                      (SELECT count(*) FROM property.properties), (SELECT count(*) FROM property.rejections), last_error
               FROM property.feeds"""
    dsn = psycopg.conninfo.make_conninfo(os.environ["ROOFTREE_TEST_POSTGRES"], dbname=database)
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchone() or ("waiting", None, 0, 0, None)


def ready_spares() -> int:
    """By the registry, which knows at once that one was taken."""
    dsn = psycopg.conninfo.make_conninfo(os.environ["ROOFTREE_TEST_POSTGRES"], dbname="rooftree")
    query = "SELECT id FROM registry.spare WHERE plan = %s AND state = 'ready'"
    with psycopg.connect(dsn) as connection:
        return len(connection.execute(query, (PLAN,)).fetchall())


def metrics() -> dict[str, float]:
    """Passes over tenants and mutating requests so far, the Lease's heartbeat apart."""
    pods = get("pods", "-n", PLATFORM, "-l", "app.kubernetes.io/name=rooftree-operator")["items"]
    address = pods[0]["status"]["podIP"]
    with urllib.request.urlopen(f"http://{address}:8081/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    samples = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    effects = [
        (n, v) for n, v in samples if n.startswith("rooftree_operator_effects_total") and 'kind="Lease"' not in n
    ]
    passes = [(n, v) for n, v in samples if n.startswith("rooftree_operator_passes_total") and 'kind="tenant"' in n]
    return {"writes": sum(float(v) for _, v in effects), "passes": sum(float(v) for _, v in passes)}


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def figures(trials: dict[str, list[float]], seed: int) -> list[dict[str, Any]]:
    """The figures, each from its raw trials; the spread is the least and the most of them."""
    rules = {
        "ready_p50": ("ready", statistics.median, "s"),
        "ready_max": ("ready", max, "s"),
        "backends_p50": ("backends", statistics.median, "s"),
        "delete_max": ("delete", max, "s"),
        "idle_writes": ("idle_writes", max, "1"),
        "app_start": ("app_start", statistics.median, "s"),
        "app_rss": ("app_rss", max, "MiB"),
        "feed_import": ("feed_import", max, "s"),
        "claim_p50": ("claim", statistics.median, "s"),
        "claim_p95": ("claim", p95, "s"),
    }
    return [
        {
            "figure": name,
            "value": round(rule(trials[kind]), 3),
            "unit": unit,
            "n": len(trials[kind]),
            "spread": [round(min(trials[kind]), 3), round(max(trials[kind]), 3)],
            "seed": seed,
        }
        for name, (kind, rule, unit) in rules.items()
        if kind in trials
    ]


def whole_lives(bench: Bench, names: list[str]) -> None:
    for number, name in enumerate(names):
        status = bench.provision(name)
        try:
            bench.idle(name)
            bench.memory(name, status["namespace"])
            if number == 0:
                bench.start(name, status["namespace"])
        finally:
            bench.delete(name)


def claims(bench: Bench, names: list[str]) -> None:
    """The plan has one spare meanwhile, and as many as before afterwards."""
    before = get("brokerageplan", PLAN)["spec"].get("warm", 0)
    want_spares(1)
    try:
        for name in names:
            await_spare()
            try:
                bench.claim(name)
            finally:
                bench.delete(name)
    finally:
        want_spares(before)


def await_spare() -> None:
    """So that none is made while a claim is measured: the place of one that is taken is filled seconds later."""
    deadline = time.monotonic() + 60
    while ready_spares() < 1:
        if time.monotonic() > deadline:
            raise RuntimeError("no spare is ready within 60 s: see spare_unfinished in the operator's log")
        time.sleep(0.2)


def want_spares(count: int) -> None:
    kubectl("patch", f"brokerageplan/{PLAN}", "--type=merge", "-p", json.dumps({"spec": {"warm": count}}))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-n", type=int, default=20, help="tenants, one after another")
    options.add_argument("--seed", type=int, default=20261124, help="of the names")
    options.add_argument("--claim", action="store_true", help="only how soon a brokerage is ready on a spare tenant")
    options.add_argument("--no-feed", action="store_true", help="leave the import out (no sample feed is running)")
    chosen = options.parse_args()
    folder = Path(".bench")
    folder.mkdir(exist_ok=True)
    bench = Bench(folder / f"provision-{datetime.now(UTC):%Y%m%dT%H%M%S}.jsonl")
    source = random.Random(chosen.seed)
    run = base64.b32encode(time.time_ns().to_bytes(8, "big")[4:7]).decode().rstrip("=").lower()
    names = [f"bench-{run}-{source.randrange(16**4):04x}-{number}" for number in range(chosen.n)]
    if chosen.claim:
        claims(bench, names)
    else:
        whole_lives(bench, names)
        if not chosen.no_feed:
            bench.feed(f"bench-{run}-feed")
    missed = 0
    for figure in figures(bench.trials, chosen.seed):
        print(json.dumps(figure), flush=True)
        missed += figure["value"] > BUDGETS[figure["figure"]]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
