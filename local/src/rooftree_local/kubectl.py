"""kubectl, ctr and helm against a stack."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from rooftree_local import stack, tools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rooftree_local.paths import Stack
    from rooftree_local.steps import Work

SIMULATED_NODES = 4  # the edge's pods hold a port of their node each


def argv(target: Stack, *words: str) -> list[str]:
    """The command line of kubectl in the stack's network."""
    command = [str(tools.kubectl()), f"--kubeconfig={target.kubeconfig}", f"--cache-dir={target.kubectl_cache}", *words]
    return stack.enter_network(stack.require(target), command)


def run(target: Stack, *words: str, content: str | None = None) -> str:
    """Runs kubectl, quietly; gives back its output."""
    return stack.run(argv(target, *words), content=content)


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether this pod, as the apiserver tells it, answers and is to stay."""
    conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def apply(target: Stack, work: Work, *words: str, content: str | None = None) -> None:
    """Server-side apply of files (`-f …`) or of `content`, which is not logged."""
    source = words or ("-f", "-")
    work.command(argv(target, "apply", "--server-side", "--force-conflicts", *source), content=content)


def helm(target: Stack, *words: str) -> list[str]:
    """The command line of helm in the stack's network."""
    command = [str(tools.HELM.path), f"--kubeconfig={target.kubeconfig}", *words]
    cache = f"KUBECACHEDIR={target.kubectl_cache}"  # helm has no flag for it
    return stack.enter_network(stack.require(target), ["env", cache, *command])


def ctr(target: Stack, *words: str) -> list[str]:
    """The command line of containerd's client in the stack."""
    command = ["ctr", "--address=/run/containerd/containerd.sock", "--namespace=k8s.io", *words]
    return stack.enter(stack.require(target), command)


def wait_for_node(target: Stack, work: Work) -> None:
    """Waits until pods can be started."""
    work.command(argv(target, "wait", "--for=create", "node/local", "--timeout=60s"))
    work.command(argv(target, "wait", "--for=condition=Ready", "node/local", "--timeout=60s"))
    work.command(argv(target, "wait", "--for=create", "serviceaccount/default", "--timeout=60s"))


def simulate_nodes(target: Stack, work: Work) -> None:
    """Makes the nodes that KWOK plays, each with room for as many pods as anybody wants, and waits for them."""
    names = [f"simulated-{number}" for number in range(SIMULATED_NODES)]
    items = [{"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}} for name in names]
    apply(target, work, content=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    work.command(argv(target, "wait", "--for=condition=Ready", *(f"node/{name}" for name in names), "--timeout=60s"))
    work.command(argv(target, "wait", "--for=create", "serviceaccount/default", "--timeout=60s"))


@contextmanager
def explained(target: Stack, work: Work, namespace: str, *objects: str) -> Iterator[None]:
    """When what is inside fails, the log also gets what the cluster says of the objects and the namespace's pods."""
    try:
        yield
    except stack.CommandFailed:
        here = f"--namespace={namespace}"
        questions = [
            [
                "get",
                "events",
                here,
                "--sort-by=.lastTimestamp",
                "--output=custom-columns=:.involvedObject.name,:.message",
            ],
            ["get", "pods", here, "--output=wide"],
            *(["describe", name] for name in objects),
            ["logs", here, "--selector=app.kubernetes.io/managed-by", "--all-containers", "--tail=10"],
        ]
        for question in questions:
            # A question that fails too must not hide the failure that it is about.
            with suppress(stack.CommandFailed):
                work.command(argv(target, *question), seconds=20)
        raise
