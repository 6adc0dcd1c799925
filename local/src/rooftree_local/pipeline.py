"""The steps of `rooftree-local up`, in order."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from rooftree_local import hashing, kubectl, node, packages, paths, pause_image, postgres, stack, tools
from rooftree_local.steps import Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooftree_local.paths import Stack
    from rooftree_local.steps import Work


class Only(StrEnum):
    """A part of the stack that can be started alone."""

    BACKENDS = "backends"
    NODE = "node"


def steps(target: Stack, only: Only | None = None) -> list[Step]:
    """Everything that leads to the wanted stack."""
    with_node, with_backends = only is not Only.BACKENDS, only is not Only.NODE
    wanted_packages = (packages.NODE if with_node else {}) | (packages.BACKENDS if with_backends else {})
    chain = [
        Step(
            "packages",
            lambda work: packages.install(wanted_packages, work),
            is_there=lambda: not packages.absent(wanted_packages),
        )
    ]
    if with_node:
        chain += [_built(tool) for tool in (tools.KUBELITE, tools.COREDNS)]
        chain.append(_cached("pause image", pause_image.make, lambda: str(pause_image.archive())))
    if with_backends:
        chain.append(_cached("postgres program", tools.fetch_postgres, lambda: str(tools.postgres())))
    chain.append(_components(target, with_node=with_node, with_backends=with_backends))
    if with_backends:
        chain.append(_live(target, "postgres roles", lambda work: postgres.prepare(target, work)))
    if with_node:
        chain.append(_imported(target, "pause image import", lambda: str(pause_image.archive())))
        chain.append(_live(target, "node", lambda work: kubectl.wait_for_node(target, work)))
    return chain


def _cached(name: str, make: Callable[[Work], None], path: Callable[[], str]) -> Step:
    """A step whose result is a file or folder in the cache, named by all that it depends on."""
    return Step(name, make, is_there=lambda: paths.exists(path()))


def _built(tool: tools.GoTool) -> Step:
    return _cached(tool.name, tool.build, lambda: str(tool.path))


def _live(target: Stack, name: str, run: Callable[[Work], None], key: Callable[[], str] = str) -> Step:
    """A step whose result is in the live stack and lost with it."""
    return Step(name, run, lambda: hashing.of_text(boot(target), key()))


def _imported(target: Stack, name: str, archive: Callable[[], str]) -> Step:
    """A step that gives an image to the node."""

    def run(work: Work) -> None:
        path = archive()
        with open(path, "rb"):  # the stack sees the same file; this only gives the better error
            work.command(kubectl.ctr(target, "images", "import", path))

    return _live(target, name, run, archive)


def boot(target: Stack) -> str:
    """Which life of the stack this is."""
    return str(stack.status(target).get("boot", ""))


def _components(target: Stack, *, with_node: bool, with_backends: bool) -> Step:
    wanted = node.wanted_components(node=with_node, backends=with_backends)

    def run(work: Work) -> None:
        node.write_files(target, node=with_node, backends=with_backends)
        node.bring_up(target, wanted, work)

    def is_there() -> bool:
        names = {component.name for component in wanted}
        return stack.find(target) is not None and node.is_complete(stack.status(target), names)

    return Step(
        "components",
        run,
        lambda: hashing.of_text(node.describe(wanted)),
        is_there,
        advice="look at the log above; `rooftree-local doctor` checks the machine, `rooftree-local down` starts afresh",
    )
