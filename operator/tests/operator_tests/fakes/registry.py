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
        taken = [entry for entry in self.rows.values() if entry.id.slug == slug and entry.state != "deleted"]
        if taken:
            raise Blocked("SlugTaken", f"the slug {slug!r} belongs to {taken[0].id}")
        self._minted += 1
        self.rows[uid] = Entry(claim or names.mint(slug, self._minted.to_bytes(4, "big")), "live")
        self._postgres.faults.done()
        return self.rows[uid].id

    async def bury(self, tenant: TenantId) -> None:
        self._postgres._write_call(f"bury {tenant}")
        self.rows = {uid: Entry(e.id, "deleted") if e.id == tenant else e for uid, e in self.rows.items()}
        self._postgres.faults.done()
