"""Rows become people: a page of them with its step in one transaction, so that each has its effect once.

What the dry run said is asked anew under locks (`import_page`), with the rights that whoever asked has then.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.kernel.clock import Clock
from rooftree.kernel.job_runs import Run
from rooftree.kernel.jobs import Job
from rooftree.kernel.live import MOST_RECORDS
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.crm.changes import Changes
from rooftree.modules.crm.import_check import PAGE, Desk, Parsed, parsed
from rooftree.modules.crm.import_fields import Column
from rooftree.modules.crm.import_page import ImportPage
from rooftree.modules.crm.imports import APPLY_JOB
from rooftree.modules.crm.imports_repository import ImportsRepository, Outcome, begun

# Each is a lock in a table that all tenants of the server share.
MOST_KEYS = 400
_GOOD = ("create", "update")


class ImportApply:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, outbox: Outbox, desk: Desk) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._outbox = outbox
        self._desk = desk

    def job(self) -> Job:
        return Job(name=APPLY_JOB, run=self.apply, tracked=True, attempts=4)

    async def apply(self, run: Run, import_id: str) -> None:
        """Raises `Forbidden` for who may do that no longer; what was done until then stays done."""
        one, after = UUID(import_id), int(run.position or 0)
        while page := await self._page(run, one, after):
            after = page[-1][0].number
        async with self._unit_of_work() as session:
            row = await ImportsRepository(session).locked(one)
            if row is not None and row.state == "applying":
                row.state, row.outcome = "applied", row.outcome or begun(row)
                row.version += 1
                row.applied_at = row.changed_at = self._clock.now()
                await run.step(session, message="The file is applied")

    async def _page(self, run: Run, import_id: UUID, after: int) -> Sequence[Parsed]:
        """The next rows, done; none: that was all."""
        principal = await self._desk.principal(run.actor_id)
        async with self._unit_of_work() as session:
            imports = ImportsRepository(session)
            row = await imports.locked(import_id)
            if row is None or row.state != "applying":
                return ()
            columns = [Column(**column) for column in row.columns or ()]
            lines = await imports.lines(import_id, after=after, limit=PAGE, verdicts=_GOOD)
        page = _bounded(await parsed(lines, columns, await self._desk.directory(principal, columns, lines)))
        if page:
            async with self._unit_of_work() as session:
                changes = Changes(session, self._outbox, now=self._clock.now(), actor=principal.user_id)
                outcomes = await ImportPage(session, changes, principal, import_id).take(page)
                await self._counted(session, run, import_id, outcomes, position=page[-1][0].number)
                await changes.finish(named=len(page) <= MOST_RECORDS)
        return page

    async def _counted(
        self, session: AsyncSession, run: Run, import_id: UUID, outcomes: Sequence[Outcome], *, position: int
    ) -> None:
        imports = ImportsRepository(session)
        await imports.record(import_id, outcomes)
        row = await imports.locked(import_id)
        assert row is not None  # is forgotten days after its last step
        decided = begun(row)
        row.outcome = dict(Counter(row.outcome or decided) + Counter(one.outcome for one in outcomes))
        row.applied_at = row.changed_at = self._clock.now()
        done = sum(row.outcome.values()) - sum(decided.values())
        total = sum(row.counts.get(name, 0) for name in _GOOD)
        await run.step(session, done=done, total=total, position=position, message="Making contacts of the rows")


def _bounded(page: Sequence[Parsed]) -> Sequence[Parsed]:
    """As many rows from the first as have together no more keys than may be locked; one at least."""
    keys = accumulate(len(candidate.keys) if candidate else 0 for _, candidate, _ in page)
    return page[: max(1, sum(count <= MOST_KEYS for count in keys))]
