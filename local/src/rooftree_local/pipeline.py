"""The steps of `rooftree-local up`, in order."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from rooftree_local import (
    base_image,
    forward,
    frontend,
    hashing,
    images,
    kubectl,
    lock,
    monitoring,
    node,
    packages,
    paths,
    pause_image,
    postgres,
    release,
    sample,
    servers,
    sources,
    stack,
    standby,
    tools,
    wheels,
)
from rooftree_local.steps import Step

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rooftree_local.components import Component
    from rooftree_local.paths import Stack
    from rooftree_local.sources import Image
    from rooftree_local.steps import Work


class Only(StrEnum):
    """A part of the stack that can be started alone."""

    BACKENDS = "backends"
    NODE = "node"
    SIMULATED = "simulated"


def steps(target: Stack, only: Only | None = None, *, browser: bool = False, replica: bool = False) -> list[Step]:
    """Everything that leads to the wanted stack.

    `browser` adds the packages of tests in a browser, `replica` a standby of PostgreSQL, which then stays until `down`.
    """
    if only is Only.SIMULATED:
        return _simulated(target)
    with_node, with_backends = only is not Only.BACKENDS, only is not Only.NODE
    wanted = (packages.NODE if with_node else {}) | (packages.BACKENDS if with_backends else {})
    wanted |= packages.MONITORING if only is None else {}
    wanted |= packages.BROWSER if browser else {}
    installed = Step(
        "packages", lambda work: packages.install(wanted, work), is_there=lambda: not packages.absent(wanted)
    )
    chain = [installed]
    if with_node:
        built = (tools.KUBELITE, tools.COREDNS, tools.KUBE_ROUTER, tools.METRICS_SERVER)
        chain += [_built(tool) for tool in built]
        chain.append(_cached("pause image", pause_image.make, pause_image.archive))
    if with_backends:
        chain += _backend_programs()
    chain.append(_components(target, with_node=with_node, with_backends=with_backends))
    if with_backends:
        chain.append(_postgres_roles(target))
        chain += [_standby(target, with_node=with_node)] if replica or standby.is_wanted(target) else []
    if with_node:
        chain.append(_imported(target, "pause image", pause_image.archive))
        chain.append(_live(target, "node", lambda work: kubectl.wait_for_node(target, work)))
    if only is None:
        chain += [_rules(target), *_artifacts(), *_platform(target)]
    elif with_node:
        chain.append(_metrics(target))
    else:
        chain.append(_slow_components(target, with_node=False))
    return chain


def _backend_programs() -> list[Step]:
    return [
        _cached("postgres programs", servers.fetch_postgres, servers.postgres),
        _cached("kafka programs", servers.fetch_kafka, servers.kafka),
        _cached("elasticsearch programs", servers.fetch_elasticsearch, servers.elasticsearch),
        *(_built(tool) for tool in (tools.VERSITYGW, tools.JAEGER)),
    ]


def _postgres_roles(target: Stack) -> Step:
    return _live(target, "postgres roles", lambda work: postgres.prepare(target, work))


def _simulated(target: Stack) -> list[Step]:
    """The control plane with KWOK's nodes, all backends, and the platform, whose pods are simulated like all others.

    No image is built. What the chart names are the references that the images would have.
    """
    wanted = packages.NODE | packages.BACKENDS
    return [
        Step("packages", lambda work: packages.install(wanted, work), is_there=lambda: not packages.absent(wanted)),
        *(_built(tool) for tool in (tools.KUBELITE, tools.KWOK)),
        _cached("kwok stages", tools.fetch_kwok_stages, tools.kwok_stages),
        *_backend_programs(),
        *_chart_tools(),
        _components(target, with_node=True, with_backends=True, simulated=True),
        _postgres_roles(target),
        _live(target, "simulated nodes", lambda work: kubectl.simulate_nodes(target, work)),
        *_definitions(target),
        _live(target, "plans", lambda work: sample.apply_plans(target, work), lambda: _tree("examples/plans.yaml")),
        _slow_components(target, with_node=True, simulated=True),
        *_installation(target),
    ]


def _metrics(target: Stack) -> Step:
    return _live(target, "resource metrics", lambda work: monitoring.wait_for_metrics(target, work))


def _rules(target: Stack) -> Step:
    return _live(
        target,
        "alert rules",
        lambda work: monitoring.load_rules(target, work),
        monitoring.fingerprint,
        monitoring.rules_missing,
    )


class Part(StrEnum):
    """What can be built without a stack."""

    IMAGES = "images"
    CHARTS = "charts"
    API = "api"


def parts(part: Part) -> list[Step]:
    """Everything that leads to our images, or to what looks at charts or at the API's documents."""
    if part is Part.CHARTS:
        return _chart_tools()
    if part is Part.API:
        return [_built(tools.OASDIFF)]
    wanted = packages.IMAGES
    installed = Step(
        "packages", lambda work: packages.install(wanted, work), is_there=lambda: not packages.absent(wanted)
    )
    return [installed, *_images()]


def _artifacts() -> list[Step]:
    """What is made once for all stacks and kept in the cache."""
    return [*_chart_tools(), *_images()]


def _chart_tools() -> list[Step]:
    return [_built(tools.HELM), _cached("gateway api", tools.fetch_gateway_crds, tools.gateway_crds)]


def _images() -> list[Step]:
    return [
        _cached("base image", base_image.make, base_image.archive),
        *(_wheelhouse(image) for image in sources.IMAGES),
        _cached("web app", frontend.build, sources.frontend_dist, sources.web_app_missing),
        *(_image(image) for image in sources.IMAGES),
    ]


def _platform(target: Stack) -> list[Step]:
    """What is put into the cluster."""
    live = partial(_live, target)
    secrets, chart = _installation(target)
    return [
        *(_imported(target, image.name, lambda image=image: image.archive, image) for image in sources.IMAGES),
        *_definitions(target),
        _slow_components(target, with_node=True),
        secrets,
        _metrics(target),
        chart,
        live(
            "sample feed", lambda work: sample.deploy_feed(target, work), sample.feed_fingerprint, sample.feed_missing
        ),
        live(
            "brokerage acme",
            lambda work: sample.apply_brokerage(target, work),
            lambda: sample.brokerage_fingerprint(target),
            sample.brokerage_missing,
            is_there=lambda: bool(sample.brokerage_uid(target)),
        ),
        live(
            "listings",
            lambda work: sample.wait_for_listings(target, work),
            lambda: hashing.of_text(sample.feed_fingerprint(), sample.brokerage_uid(target)),
            sample.brokerage_missing,
        ),
        *([_forwarder(target)] if target.name == paths.DEVELOPMENT_STACK else []),
    ]


def _definitions(target: Stack) -> list[Step]:
    gateway_crds, crds = str(tools.gateway_crds()), str(paths.repository() / "crds")
    return [
        _live(
            target,
            "gateway api definitions",
            lambda work: release.definitions(target, gateway_crds, work),
            tools.gateway_crds,
        ),
        _live(
            target,
            "definitions",
            lambda work: release.definitions(target, crds, work),
            lambda: _tree("crds"),
            release.crds_missing,
        ),
    ]


def _installation(target: Stack) -> tuple[Step, Step]:
    """What the chart needs beforehand, and the chart."""
    secrets = _live(
        target,
        "platform secrets",
        lambda work: release.prerequisites(target, work),
        lambda: _file(target.pki / "edge.crt"),
    )
    install, key = partial(release.install, target), partial(release.fingerprint, target)
    return secrets, _live(target, "platform", install, key, release.chart_missing)


def _tree(*trees: str) -> str:
    return hashing.of_trees(paths.repository(), *trees)


def _file(path: Path) -> str:
    return hashing.of_text(path.read_text())


def _present() -> None:
    """Nothing is missing."""


def _cached(
    name: str,
    make: Callable[[Work], None],
    path: Callable[[], Path],
    missing: Callable[[], str | None] = _present,
) -> Step:
    """A step whose result is a file or folder in the cache, named by all that it depends on."""

    def run(work: Work) -> None:
        with lock.exclusive(paths.cached("locks", name.replace(" ", "-")), work.say):
            if not path().exists():
                make(work)

    return Step(name, run, is_there=lambda: path().exists(), missing=missing)


def _built(tool: tools.GoTool) -> Step:
    return _cached(tool.name, tool.build, lambda: tool.path)


def _wheelhouse(image: Image) -> Step:
    member = image.requirements
    return _cached(f"wheels of {member}", lambda work: wheels.fetch(member, work), lambda: wheels.house(member))


def _image(image: Image) -> Step:
    return _cached(
        f"image {image.name}",
        lambda work: images.build(image, work),
        lambda: image.archive,
        lambda: image.missing,
    )


def _live(
    target: Stack,
    name: str,
    run: Callable[[Work], None],
    key: Callable[[], object] = str,
    missing: Callable[[], str | None] = _present,
    *,
    is_there: Callable[[], bool] = lambda: True,
) -> Step:
    """A step whose result is in the live stack and lost with it."""
    return Step(name, run, lambda: hashing.of_text(boot(target), str(key())), is_there, missing)


def _imported(target: Stack, name: str, archive: Callable[[], Path], image: Image | None = None) -> Step:
    """A step that gives an image to the node."""

    def run(work: Work) -> None:
        work.command(kubectl.ctr(target, "images", "import", str(archive())))

    return _live(target, f"import of {name}", run, archive, (lambda: image.missing) if image else _present)


def boot(target: Stack) -> str:
    """Which life of the stack this is."""
    return str(stack.status(target).get("boot", ""))


AFRESH = "`rooftree-local doctor` checks the machine, `rooftree-local down` and `up` start afresh"


def _components(target: Stack, *, with_node: bool, with_backends: bool, simulated: bool = False) -> Step:
    def wanted() -> list[Component]:
        return node.wanted_components(node=with_node, backends=with_backends, simulated=simulated)

    def run(work: Work) -> None:
        node.write_files(target, node=with_node, backends=with_backends, simulated=simulated)
        node.bring_up(target, wanted(), work)

    def is_there() -> bool:
        return stack.find(target) is not None and node.is_complete(stack.status(target), node.quick(wanted()))

    return Step("components", run, lambda: hashing.of_text(node.describe(wanted())), is_there, advice=AFRESH)


def _standby(target: Stack, *, with_node: bool) -> Step:
    """After the rest: it needs the primary's role. Lost, it is made anew."""

    def run(work: Work) -> None:
        standby.prepare(target)
        standby.write_files(target)
        wanted = [*node.wanted_components(node=with_node, backends=True), standby.component()]
        node.bring_up(target, wanted, work)
        standby.wait_until_it_follows(target, work)

    return Step(
        "standby",
        run,
        lambda: hashing.of_text(boot(target), node.describe([standby.component()])),
        lambda: standby.is_there(target),
        advice=AFRESH,
    )


def _slow_components(target: Stack, *, with_node: bool, simulated: bool = False) -> Step:
    """What was started early and is needed only now."""
    names = {one.name for one in node.wanted_components(node=with_node, backends=True, simulated=simulated)}
    return Step(
        "slow components",
        lambda work: node.ask_again(target, work, names),
        lambda: hashing.of_text(boot(target)),
        lambda: node.is_complete(stack.status(target), names),
        advice=AFRESH,
    )


def _forwarder(target: Stack) -> Step:
    return Step(
        "forwarder", lambda work: forward.start(target, work), lambda: boot(target), lambda: forward.runs(target)
    )
