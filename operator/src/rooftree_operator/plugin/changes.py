"""What the operator's plans would change in Kubernetes, object by object and field by field."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ..adapters.kubernetes import KINDS, NAMESPACE, Forbidden, Kind, Kubernetes
from ..adapters.watched import Watched
from ..conditions import State
from ..drift import Object, differences
from ..graph import AnyProvisioner
from ..hands import Hands
from ..names import ANNOTATION_APPLIED
from ..tenant import Tenant
from . import parts

LONGEST = 60  # characters of a value that are shown


@dataclass(frozen=True)
class Field:
    """A field that is not as wanted; None: it is not there."""

    path: str
    have: Any
    want: Any


@dataclass(frozen=True)
class Change:
    """One thing that would be done."""

    what: str  # Deployment app, or an action in words
    how: str  # made, changed, done; hidden from the reader; blocked, and why
    # A pause, Observe or a plan that does not fit keeps the operator from it.
    held: bool = False
    fields: tuple[Field, ...] = ()


class Unmade(Kubernetes):
    """The cluster without a tenant's namespace: what a new tenant finds."""

    def __init__(self, kube: Kubernetes, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace
        self.watched = Watched()

    async def fetch(self, kind: Kind, name: str, namespace: str | None = None) -> Object | None:
        if namespace == self._namespace or (kind == NAMESPACE and name == self._namespace):
            return None
        return await self._kube.fetch(kind, name, namespace)

    async def list(
        self, kind: Kind, namespace: str | None = None, *, labels: Mapping[str, str | None]
    ) -> "list[Object]":
        found = await self._kube.list(kind, namespace, labels=labels)
        return [one for one in found if one["metadata"].get("namespace") != self._namespace]


async def of_part(part: AnyProvisioner, tenant: Tenant, kube: Kubernetes, may: Hands) -> list[Change]:
    """What this part would do, what of it is held, and what would keep it from that."""
    try:
        plan = part.plan(tenant, parts.in_one_go(await part.observe(tenant)))
    except Forbidden:
        return [Change(part.name, "hidden")]
    mine, _ = may.split(plan)
    found = [await _of_object(wanted, kube, may, is_ours=wanted in mine.objects) for wanted in plan.objects]
    found += [Change(parts.words(one), "done", held=one not in mine.actions) for one in plan.actions]
    if plan.verdict.state is State.BLOCKED:
        found.append(Change(part.condition or "Ready", f"blocked, {plan.verdict.reason}: {plan.verdict.message}"))
    return found


async def _of_object(wanted: Object, kube: Kubernetes, may: Hands, *, is_ours: bool) -> Change:
    metadata, kind = wanted["metadata"], KINDS[wanted["apiVersion"], wanted["kind"]]
    what = f"{kind.kind} {metadata['name']}"
    live = await kube.get(kind, metadata["name"], metadata.get("namespace"))
    held = not (is_ours or may.renews(wanted, live))
    if live is None:
        return Change(what, "made", held)
    return Change(what, "changed", held, tuple(fields(wanted, live)))


def fields(wanted: Any, have: Any, path: str = "") -> Iterator[Field]:
    """Fields of `wanted` that differ, as `drift.differences` sees it; our own mark of the last apply is none."""
    if isinstance(wanted, dict) and isinstance(have, dict):
        there = cast("Object", have)
        for name, value in cast("Object", wanted).items():
            if name != ANNOTATION_APPLIED:
                yield from fields(value, there.get(name), f"{path}.{name}" if path else str(name))
    elif isinstance(wanted, list) and isinstance(have, list) and len(cast("Any", wanted)) == len(cast("Any", have)):
        pairs = zip(cast("list[Any]", wanted), cast("list[Any]", have), strict=True)
        for i, (value, other) in enumerate(pairs):
            yield from fields(value, other, f"{path}[{_name(value) or i}]")
    elif differences(wanted, have):
        yield Field(path, have, wanted)


def _name(value: Any) -> str:
    """Entries of a list are best told apart by their names."""
    return str(cast("Object", value).get("name", "")) if isinstance(value, dict) else ""


def shown(value: Any) -> str:
    """A value for people, shortened."""
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return text or "''"


def lines(found: Sequence[Change], indent: str = "  ") -> Iterator[str]:
    """Changes for people."""
    for change in found:
        if change.how == "hidden":
            yield f"{indent}{change.what}: cannot be seen, you may not read its objects"
            continue
        told = [change.how] * (change.how != "done") + ["held"] * change.held
        yield f"{indent}{change.what}" + (f": {', '.join(told)}" if told else "")
        # Only the mark differs: something was applied once that is not wanted any more.
        unwanted = change.how == "changed" and not change.fields
        yield from [f"{indent}  a field that is no longer wanted goes"] * unwanted
        for one in change.fields:
            yield f"{indent}  {one.path}: {shown(one.have)} → {shown(one.want)}"
