"""What a stack's processes read before they start: certificates, kubeconfigs, configuration, the list of components."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

from rooftree_local import (
    access,
    components,
    elasticsearch,
    jdk,
    kafka,
    monitoring,
    paths,
    pki,
    postgres,
    redis,
    render,
    servers,
    services,
    stack,
    tools,
)
from rooftree_local import backends as backend_components
from rooftree_local.paths import Stack, write_private
from rooftree_local.stack import CommandFailed

if TYPE_CHECKING:
    from pathlib import Path

    from rooftree_local.components import Component
    from rooftree_local.steps import Work

KUBECONFIG_USERS = (
    "controller-manager",
    "scheduler",
    "kubelet",
    "kube-proxy",
    "coredns",
    "kube-router",
    "metrics-server",
)
UP_SECONDS = 420  # a little more than the slowest component may take
# What the processes leave behind; without them it would only mislead (old etcd state reports a stale Ready).
DISCARDED = (
    "kubectl-cache",
    "etcd",
    "kubelet",
    "containerd",
    "postgres",
    "standby",
    "kafka",
    "elasticsearch",
    "redis",
    "s3",
    "backups",
    "jaeger",
    "prometheus",
    "logs",
    "run",
    "secrets",
    "status.json",
    "process.json",
    "forward.json",
    "steps.json",
)


def discard_state(target: Stack) -> None:
    """Forgets everything but the certificates and the written configuration."""
    for name in DISCARDED:
        path = target.state / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def write_files(target: Stack, *, node: bool, backends: bool, simulated: bool = False) -> None:
    """Writes all that the components read; `simulated`: with KWOK in place of the node."""
    target.state.mkdir(parents=True, exist_ok=True)
    target.state.chmod(0o711)
    target.logs.mkdir(exist_ok=True)
    pki.ensure(target.pki)
    if node:
        _write_node(target)
    if backends:
        for backend in (postgres, kafka, elasticsearch, redis):
            backend.write_files(target)
        services.write_files(target)
    if simulated:
        write_private(target.config / "kwok.yaml", tools.kwok_stages().read_text())
    elif node and backends:
        monitoring.write_files(target)


def _write_node(target: Stack) -> None:
    for user in KUBECONFIG_USERS:
        write_private(target.config / f"{user}.kubeconfig", render.kubeconfig(target.pki, user))
    write_private(target.kubeconfig, render.kubeconfig(target.pki, "admin"))
    for name, content in {
        "audit-policy.yaml": render.audit_policy(),
        "containerd.toml": render.containerd(),
        "cni/10-pods.conflist": render.cni(),
        "kubelet.yaml": render.kubelet(target.cgroup),
        "kube-proxy.yaml": render.kube_proxy(),
        "Corefile": render.corefile(),
        "encryption.yaml": render.encryption(_encryption_key(target)),
        **{f"access/{name}": text for name, text in access.manifests((target.pki / "ca.crt").read_text()).items()},
    }.items():
        write_private(target.config / name, content)
    _write_wrapper(target, "kubectl", tools.kubectl())
    _write_wrapper(target, "helm", tools.HELM.path)
    _write_plugin(target)
    if target.name == paths.DEVELOPMENT_STACK:
        folder = paths.repository() / ".local" / "bin"
        folder.mkdir(exist_ok=True)
        for name in ("kubectl", "helm"):
            shutil.copy2(target.bin / name, folder / name)


def _encryption_key(target: Stack) -> bytes:
    """The key of the Secrets in etcd; it lives as long as they do."""
    path = target.state / "secrets" / "encryption-key"
    if not path.exists():
        write_private(path, secrets.token_bytes(32))
    return path.read_bytes()


def _write_wrapper(target: Stack, name: str, program: Path) -> None:
    target.bin.mkdir(exist_ok=True)
    wrapper = target.bin / name
    wrapper.write_text(
        f"""#!/bin/sh
# Runs {name} in the network of stack {target.name}, with kubectl's plugins on PATH.
pid=$(sed -n 's/.*"pid": \\([0-9]*\\).*/\\1/p' '{target.process_file}' 2>/dev/null)
[ -n "$pid" ] && [ -e "/proc/$pid" ] || {{ echo "stack {target.name} is not up; start it with: make up" >&2; exit 1; }}
export KUBECONFIG='{target.kubeconfig}' KUBECACHEDIR='{target.kubectl_cache}' PATH='{target.bin}':"$PATH"
exec nsenter --net="/proc/$pid/ns/net" '{program}' "$@"
"""
    )
    wrapper.chmod(0o755)


def _write_plugin(target: Stack) -> None:
    """`kubectl brokerage`, and what completes it, from this environment."""
    target.bin.mkdir(exist_ok=True)
    for name, module in (("kubectl-brokerage", "main"), ("kubectl_complete-brokerage", "completion")):
        program = target.bin / name
        call = f"import sys; from rooftree_operator.plugin.{module} import main; sys.exit(main())"
        program.write_text(f"""#!/bin/sh
exec '{sys.executable}' -c '{call}' "$@"
""")
        program.chmod(0o755)


def wanted_components(*, node: bool, backends: bool, simulated: bool = False) -> list[Component]:
    """The components of a stack, in the order of their start; `simulated`: with KWOK in place of the node."""
    wanted: list[Component] = []
    if simulated:
        wanted += components.simulated({tool.name: tool.inside for tool in (tools.KUBELITE, tools.KWOK)})
    elif node:
        built = (tools.KUBELITE, tools.COREDNS, tools.KUBE_ROUTER, tools.METRICS_SERVER)
        wanted += components.node({tool.name: tool.inside for tool in built})
    if backends:
        programs = {
            "java": str(jdk.require()),
            "python": sys.executable,
            "postgres": servers.inside(servers.postgres()),
            "kafka": servers.inside(servers.kafka()),
            "elasticsearch": servers.inside(servers.elasticsearch()),
            **{tool.name: tool.inside for tool in (tools.VERSITYGW, tools.JAEGER)},
        }
        wanted += [*backend_components.backends(programs), *services.components(programs)]
    if node and backends and not simulated:
        wanted += monitoring.components({"python": sys.executable})
    return wanted


def describe(wanted: list[Component]) -> str:
    """The list as text; two lists are the same when their texts are."""
    return json.dumps([component.as_json() for component in wanted])


def bring_up(target: Stack, wanted: list[Component], work: Work) -> None:
    """Starts the stack, or what is missing in a live one, and waits until all but the slow components are ready."""
    running = stack.find(target)
    boot = stack.status(target).get("boot") or str(uuid.uuid4())
    request = str(uuid.uuid4())
    listed = [component.as_json() for component in wanted]
    if running is not None:
        listed = merged(target, listed, work)
    target.config.mkdir(parents=True, exist_ok=True)
    write_private(target.components_file, json.dumps({"boot": boot, "request": request, "components": listed}))
    if running is None:
        stack.start(target)
    else:
        stack.reload(target)
    wait_until_ready(target, work, quick(wanted), request)


def merged(target: Stack, listed: list[dict[str, Any]], work: Work) -> list[dict[str, Any]]:
    """The live stack's running components as they were started, the others as they are wanted now."""
    try:
        present = json.loads(target.components_file.read_text())["components"]
    except FileNotFoundError:
        present = []
    status = stack.status(target)
    running = {one["name"]: one for one in present if is_complete(status, {one["name"]})}
    wanted = {one["name"]: json.loads(json.dumps(one)) for one in listed}
    changed = [name for name, one in wanted.items() if running.get(name, one) != one]
    if changed:
        work.say(f"started otherwise than now described: {', '.join(changed)}; `down` and `up` apply the change")
    names = dict.fromkeys([*(one["name"] for one in present), *wanted])
    known = {one["name"]: one for one in present}
    return [running.get(name) or wanted.get(name) or known[name] for name in names]


def quick(wanted: list[Component]) -> set[str]:
    """The names of those that are not slow; a task of something slow is slow with it."""
    slow = {name for one in wanted if one.slow for name in (one.name, *one.after)}
    return {one.name for one in wanted} - slow


def wait_until_ready(target: Stack, work: Work, names: set[str], request: str | None = None) -> None:
    """Waits until every component of that name is ready, as the supervisor tells of `request` or of its last one."""
    deadline = time.monotonic() + UP_SECONDS
    said = ""
    while time.monotonic() < deadline:
        if stack.find(target) is None:
            raise CommandFailed(f"the supervisor ended\n{stack.tail(target.logs / 'supervisor.log', 10)}")
        time.sleep(0.05)
        known = stack.status(target)
        if request and known.get("request") not in {request, ""}:
            continue  # it speaks of an earlier list still
        if known["phase"] == "failed":
            raise CommandFailed(failure(target, known))
        if known["phase"] == "up" or is_complete(known, names):
            return
        starting = [n for n, c in known.get("components", {}).items() if c["state"] == "starting" and n in names]
        if starting and starting[0] != said:
            said = starting[0]
            work.say(said)
    raise CommandFailed(f"the components were not up within {UP_SECONDS} s; see `rooftree-local status`")


def ask_again(target: Stack, work: Work, names: set[str]) -> None:
    """Waits for these components; has those started that ended, or did not come in time, if nobody is at it."""
    request = None
    if stack.status(target).get("phase") in {"failed", "up"}:
        request = str(uuid.uuid4())
        listed = json.loads(target.components_file.read_text())
        write_private(target.components_file, json.dumps({**listed, "request": request}))
        stack.reload(target)
    wait_until_ready(target, work, names, request)


def is_complete(known: dict[str, Any], names: set[str]) -> bool:
    """Whether every component of that name runs (or has done its one task)."""
    present = known.get("components", {})
    good = (
        {n for n, c in present.items() if c["state"] in {"ready", "finished"}} if isinstance(present, dict) else set()
    )
    return names <= good


def failure(target: Stack, known: dict[str, Any]) -> str:
    """What failed, with the last lines of its log."""
    message = str(known.get("message"))
    name = message.split(" ", 1)[0]
    log = target.logs / f"{name}.log"
    if not log.exists():
        log = target.logs / "supervisor.log"
    return f"{message}\nthe last lines of {os.path.relpath(log)}:\n{stack.tail(log, 10)}"
