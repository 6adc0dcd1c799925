"""Whose a thing is, and how what was found is told. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

MARK = "rooftree.dev/tenant"
SUFFIX = r"-[0-9a-f]{8}"
ID = re.compile(rf"[a-z0-9-]+{SUFFIX}")
NAMESPACE_PREFIX = "tenant-"


@dataclass(frozen=True, order=True)
class Item:
    """One thing of a tenant. `detail` holds nothing that changes by itself, and never a secret."""

    system: str
    kind: str
    name: str
    detail: str = ""


@dataclass(frozen=True, order=True)
class Registered:
    """A row of the operator's registry; `state`: live, kept, purging, deleted; of a spare: making, ready, going."""

    id: str
    slug: str
    state: str


class Tenant:
    """Who is asked for: a tenant id `<slug>-<8 hex>`, or a slug and with it every id that it ever had.

    `ids`: those of the slug that the registry knows; one from the pool does not begin with it.
    """

    def __init__(self, text: str, ids: Iterable[str] = ()) -> None:
        self.text = text
        self._known = frozenset(ids)
        self.is_id = bool(ID.fullmatch(text))
        self._id = re.compile(re.escape(text) if self.is_id else f"{re.escape(text)}{SUFFIX}")

    @property
    def slug(self) -> str:
        return self.text[:-9] if self.is_id else self.text

    def has_id(self, text: str) -> bool:
        """Whether that is (one of) the tenant's ids."""
        return text in self._known or bool(self._id.fullmatch(text))

    def owns(self, name: str) -> bool:
        """Whether a name is an id of the tenant, or begins with one and a dot."""
        return self.has_id(name.split(".", 1)[0])

    def owns_namespace(self, name: str) -> bool:
        return name.startswith(NAMESPACE_PREFIX) and self.has_id(name.removeprefix(NAMESPACE_PREFIX))

    def is_marked(self, text: str | None) -> bool:
        """Whether a comment is the tenant's ownership mark."""
        key, _, value = (text or "").partition("=")
        return key == MARK and self.has_id(value)

    def is_row(self, row: Registered) -> bool:
        """Whether a row of the registry is (one of) the tenant's."""
        return self.has_id(row.id) or row.slug == self.text


@dataclass(frozen=True)
class Inventory:
    """What was found, and in which systems it was looked for. Tombstones are no leftovers: they stay for ever."""

    tenant: str
    looked_at: tuple[str, ...]
    items: tuple[Item, ...]
    tombstones: tuple[Registered, ...]


def assemble(tenant: Tenant, looked_at: Iterable[str], items: Iterable[Item], rows: Iterable[Registered]) -> Inventory:
    """Everything in a fixed order, each thing once; a row that is not a tombstone is a thing as well."""
    known = list(rows)
    alive = {Item("registry", "tenant", row.id, row.state) for row in known if row.state != "deleted"}
    return Inventory(
        tenant=tenant.text,
        looked_at=tuple(looked_at),
        items=tuple(sorted({*items, *alive})),
        tombstones=tuple(sorted(row for row in known if row.state == "deleted")),
    )


def as_json(found: Inventory) -> str:
    """The same bytes for the same things."""
    return json.dumps(asdict(found), indent=1)


def show(found: Inventory, output: Console) -> None:
    """A table for people, the tombstones below it."""
    if found.items:
        table = Table("system", "kind", "name", "detail", box=None, pad_edge=False)
        for item in found.items:
            table.add_row(item.system, item.kind, item.name, item.detail)
        for column in table.columns:
            column.overflow = "fold"
        output.print(table)
    else:
        output.print(f"Nothing exists of {found.tenant} in {', '.join(found.looked_at)}.", highlight=False)
    for row in found.tombstones:
        output.print(f"Tombstone in the registry: {row.id}", highlight=False)
