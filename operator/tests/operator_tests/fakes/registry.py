"""A registry that keeps its rows in memory; down when its PostgreSQL is."""

from rooftree_operator import names
from rooftree_operator.errors import Blocked
from rooftree_operator.names import TenantId
from rooftree_operator.registry import Entry

from .postgres import FakePostgres


class FakeRegistry:
    """Rows by owner uid."""

    def __init__(self, postgres: FakePostgres) -> None:
        self.rows: dict[str, Entry] = {}
        self._postgres = postgres
        self._minted = 0

    async def find(self, uid: str) -> Entry | None:
        self._postgres._read()
        return self.rows.get(uid)

    async def register(self, slug: str, uid: str, claim: TenantId | None) -> TenantId:
        self._postgres._write_call(f"register {slug}") if uid not in self.rows else self._postgres._read()
        if uid in self.rows:
            return self.rows[uid].id
        if claim is not None:
            return self._claimed(slug, uid, claim)
        taken = [entry for entry in self.rows.values() if entry.id.slug == slug and entry.state != "deleted"]
        if taken:
            raise Blocked("SlugTaken", f"the slug {slug!r} belongs to {taken[0].id}")
        self._minted += 1
        self.rows[uid] = Entry(names.mint(slug, self._minted.to_bytes(4, "big")), "live")
        self._postgres.faults.done()
        return self.rows[uid].id

    def _claimed(self, slug: str, uid: str, claim: TenantId) -> TenantId:
        kept = [old for old, entry in self.rows.items() if entry == Entry(claim, "kept") and claim.slug == slug]
        if not kept:
            raise Blocked("ClaimRefused", f"{claim} is not a kept tenant of {slug!r}")
        del self.rows[kept[0]]
        self.rows[uid] = Entry(claim, "live")
        self._postgres.faults.done()
        return claim

    async def keep(self, tenant: TenantId) -> None:
        self._postgres._write_call(f"keep {tenant}")
        self.rows = {uid: Entry(e.id, "kept") if e.id == tenant else e for uid, e in self.rows.items()}
        self._postgres.faults.done()

    async def bury(self, tenant: TenantId) -> None:
        self._postgres._write_call(f"bury {tenant}")
        self.rows = {uid: Entry(e.id, "deleted") if e.id == tenant else e for uid, e in self.rows.items()}
        self._postgres.faults.done()
