"""A registry that keeps its rows in memory, those of spares too; down when its PostgreSQL is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rooftree_operator import names
from rooftree_operator.names import TenantId
from rooftree_operator.registry import Entry, Kept, claim_refused, not_live, slug_taken
from rooftree_operator.spares import QUIET, Spare, SpareState
from rooftree_operator.tenant import Fit

from .postgres import FakePostgres


@dataclass(frozen=True)
class Row:
    id: TenantId
    owner_uid: str
    state: str = "live"
    purge_after: datetime | None = None
    slug: str = ""


class FakeRegistry:
    """Rows by tenant id."""

    def __init__(self, postgres: FakePostgres, namespace: str, spares: "FakeSpares | None" = None) -> None:
        self._spares = spares
        self.rows: dict[TenantId, Row] = {}
        self._postgres = postgres
        self._namespace = namespace
        self._minted = 0

    def state(self, tenant: TenantId) -> str:
        return self.rows[tenant].state

    def _owned(self, uid: str) -> Row | None:
        return next((row for row in self.rows.values() if row.owner_uid == uid), None)

    async def find(self, uid: str) -> Entry | None:
        self._postgres._read()
        row = self._owned(uid)
        return Entry(row.id, row.state) if row else None

    async def register(self, slug: str, uid: str, claim: TenantId | None, fit: Fit | None = None) -> TenantId:
        if (row := self._owned(uid)) is not None:
            self._postgres._read()
            return row.id
        self._postgres._write_call(f"register {slug}")
        tenant = self._claimed(slug, claim) if claim else self._new(slug, fit)
        self.rows[tenant] = Row(tenant, uid, slug=slug)
        self._postgres.faults.done()
        return tenant

    def _claimed(self, slug: str, claim: TenantId) -> TenantId:
        row = self.rows.get(claim)
        if row is None or row.state != "kept" or row.slug != slug:
            raise claim_refused(slug, claim, row.state if row else None)
        return claim

    def _new(self, slug: str, fit: Fit | None) -> TenantId:
        for row in self.rows.values():
            if row.slug == slug and row.state != "deleted":
                raise slug_taken(slug, Entry(row.id, row.state), self._namespace)
        if fit and self._spares and (taken := self._spares.take(fit)):
            return taken.of(slug)
        self._minted += 1
        return names.mint(slug, self._minted.to_bytes(4, "big"))

    async def keep(self, tenant: TenantId, purge_after: datetime) -> None:
        row = self.rows.get(tenant)
        if row is not None and row.state == "kept":
            self._postgres._read()
            return
        self._postgres._write_call(f"keep {tenant}")
        if row is None or row.state != "live":
            raise not_live(tenant, row.state if row else None)
        self.rows[tenant] = replace(row, state="kept", purge_after=purge_after)
        self._postgres.faults.done()

    async def kept(self, tenant: TenantId | None = None) -> list[Kept]:
        self._postgres._read()
        return [
            Kept(row.id.of(row.slug), row.owner_uid, row.state == "purging", row.purge_after)
            for row in self.rows.values()
            if row.state in ("kept", "purging") and row.purge_after and tenant in (None, row.id)
        ]

    async def condemn(self, row: Kept) -> bool:
        self._postgres._write_call(f"condemn {row.id}")
        known = self.rows[row.id]
        same = (known.owner_uid, known.state, known.purge_after) == (row.owner_uid, "kept", row.purge_after)
        if same:
            self.rows[row.id] = replace(known, state="purging")
        self._postgres.faults.done()
        return same

    async def bury(self, tenant: TenantId) -> None:
        self._postgres._write_call(f"bury {tenant}")
        self.rows[tenant] = replace(self.rows[tenant], state="deleted", purge_after=None)
        self._postgres.faults.done()


class FakeSpares:
    """Rows of spares by tenant id, in the order in which they were made."""

    def __init__(self, postgres: FakePostgres, now: Callable[[], datetime]) -> None:
        self.rows: dict[TenantId, Spare] = {}
        self._changed: dict[TenantId, datetime] = {}
        self._postgres = postgres
        self._now = now

    def take(self, fit: Fit) -> TenantId | None:
        """What the registry does in the statement that makes the Brokerage's row."""
        for spare in self.rows.values():
            if (spare.plan, spare.version, spare.state) == (fit.plan, fit.version, SpareState.READY):
                self._put(replace(spare, state=SpareState.TAKEN))
                return spare.id
        return None

    async def found(self) -> list[Spare]:
        self._postgres._read()
        since = self._now() - timedelta(seconds=QUIET)
        return [
            spare
            for spare in self.rows.values()
            if spare.state is not SpareState.GONE
            and (spare.state is not SpareState.TAKEN or self._changed[spare.id] > since)
        ]

    async def add(self, fit: Fit) -> Spare:
        self._postgres._write_call(f"add spare of {fit.plan}")
        spare = Spare(names.mint_spare(len(self.rows).to_bytes(4, "big")), fit.plan, fit.version, SpareState.MAKING)
        self._put(spare)
        self._postgres.faults.done()
        return spare

    async def move(self, spare: Spare, state: SpareState, digest: str = "") -> bool:
        self._postgres._write_call(f"spare {spare.id} {state}")
        known = self.rows[spare.id]
        same = known.state is spare.state
        if same:
            self._put(replace(known, state=state, digest=digest))
        self._postgres.faults.done()
        return same

    def _put(self, spare: Spare) -> None:
        self.rows[spare.id] = spare
        self._changed[spare.id] = self._now()
