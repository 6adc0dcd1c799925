"""What people are told of a tracked job: one row from the moment it is wanted until some weeks after its end.

Whoever works on it holds a claim on the queue's row, which ends when another takes the job over: its number of
attempts has grown then. `Run.step` asks for the claim in the transaction of the effect. So a worker that was paused
for longer than its lease can neither write effects nor finish what somebody else has now.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Uuid, column, table, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import NullType

from rooftree.kernel import live
from rooftree.kernel.auth import Principal
from rooftree.kernel.errors import Problem
from rooftree.kernel.live import Record

State = Literal["waiting", "running", "succeeded", "failed", "cancelled"]
KEEP_DAYS = 30
_MESSAGE_LETTERS = 200
_PLAIN = (
    *("kind", "state", "attempt", "done", "total", "message", "result", "error_code", "error_detail"),
    *("cancel_requested_at", "created_at", "started_at", "changed_at", "finished_at"),
)
RUNS = table(
    "runs",
    *(column(name, Uuid()) for name in ("id", "actor_id", "office_id")),
    *(column(name, NullType()) for name in _PLAIN),
    schema="jobs",
)
"""For queries of modules; what is told here is written here alone."""

_SHOWN = "id, kind, state, done, total, message, actor_id, office_id"
_ADD = text(f"""
    INSERT INTO jobs.runs (id, kind, actor_id, office_id) VALUES (:id, :kind, :actor, :office)
    RETURNING {_SHOWN}
""")  # noqa: S608
_WAITING = text("SELECT id FROM jobs.runs WHERE kind = :kind AND state = 'waiting' ORDER BY id DESC LIMIT 1")
# Waits for one that takes the job over, and makes that one wait for the effect.
_CLAIM = text(
    "SELECT 1 FROM jobs.procrastinate_jobs WHERE id = :id AND attempts = :attempts AND status = 'doing' FOR SHARE"
)
_BEGIN = text(f"""
    UPDATE jobs.runs SET state = 'running', attempt = attempt + 1, changed_at = now(),
        started_at = coalesce(started_at, now())
    WHERE id = :id AND state IN ('waiting', 'running') AND cancel_requested_at IS NULL
    RETURNING {_SHOWN}, position, attempt
""")  # noqa: S608
_STEP = text(f"""
    UPDATE jobs.runs SET changed_at = now(), done = coalesce(:done, done), total = coalesce(:total, total),
        message = coalesce(:message, message), result = coalesce(:result, result),
        position = coalesce(CAST(:position AS jsonb), position)
    WHERE id = :id AND state = 'running' AND cancel_requested_at IS NULL
    RETURNING {_SHOWN}
""")  # noqa: S608
_END = text(f"""
    UPDATE jobs.runs SET state = :state, error_code = :code, error_detail = :detail, changed_at = now(),
        finished_at = CASE WHEN :state = 'waiting' THEN NULL ELSE now() END
    WHERE id = :id AND state IN ('waiting', 'running') RETURNING {_SHOWN}
""")  # noqa: S608
_CANCEL = text(f"""
    UPDATE jobs.runs SET cancel_requested_at = coalesce(cancel_requested_at, now()), changed_at = now(),
        state = CASE state WHEN 'waiting' THEN 'cancelled' ELSE state END,
        finished_at = CASE state WHEN 'waiting' THEN now() END
    WHERE id = :id AND state IN ('waiting', 'running') RETURNING {_SHOWN}
""")  # noqa: S608
_UNQUEUE = text("DELETE FROM jobs.procrastinate_jobs WHERE status = 'todo' AND args->>'run_id' = :id")
_SCHEDULE = text("""
    INSERT INTO jobs.schedules AS known (kind, cron)
    SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:crons AS text[])) AS given (kind, cron) ORDER BY kind
    ON CONFLICT (kind) DO UPDATE SET cron = excluded.cron WHERE known.cron <> excluded.cron
""")
_FORGET = text(f"DELETE FROM jobs.runs WHERE finished_at < now() - interval '{KEEP_DAYS} days'")  # noqa: S608


class Superseded(Exception):
    """Another worker has this job now. Nothing of this one's may be written any more; it just ends."""


class Cancelled(Exception):
    """Somebody asked for its end."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at a job of the queue."""

    job_id: int
    attempts: int

    async def hold(self, session: AsyncSession) -> None:
        """Until the transaction ends nobody takes the job over. Raises Superseded."""
        values = {"id": self.job_id, "attempts": self.attempts}
        if (await session.execute(_CLAIM, values)).first() is None:
            raise Superseded


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A tracked job as its handler sees it. `position`: the last one that an earlier attempt has recorded."""

    id: UUID
    attempt: int
    actor_id: UUID | None
    position: Any
    claim: Claim

    async def step(
        self,
        session: AsyncSession,
        *,
        done: int | None = None,
        total: int | None = None,
        message: str | None = None,
        position: Any = None,
        result: str | None = None,
    ) -> None:
        """Record how far it is, in the transaction of what was done. None: as it was.

        `position` is whatever the next attempt needs in order to go on here, as plain JSON; `result` the path of what
        was made. Raises Superseded and Cancelled, which the handler lets pass: its transaction is rolled back.
        """
        await self.claim.hold(session)
        values = {
            "id": self.id,
            "done": done,
            "total": total,
            "message": message and message[:_MESSAGE_LETTERS],
            "result": result,
            "position": None if position is None else json.dumps(position),
        }
        row = (await session.execute(_STEP, values)).mappings().first()
        if row is None:
            raise Cancelled
        await told(session, row)


async def add(session: AsyncSession, run_id: UUID, kind: str, principal: Principal | None) -> None:
    actor, office = (principal.user_id, principal.office_id) if principal else (None, None)
    values = {"id": run_id, "kind": kind, "actor": actor, "office": office}
    await told(session, (await session.execute(_ADD, values)).mappings().one())


async def waiting(session: AsyncSession, kind: str) -> UUID | None:
    """The newest of this kind that has not begun."""
    return (await session.execute(_WAITING, {"kind": kind})).scalar()


async def begin(session: AsyncSession, run_id: UUID, claim: Claim) -> Run | None:
    """None: it is not wanted any more."""
    await claim.hold(session)
    row = (await session.execute(_BEGIN, {"id": run_id})).mappings().first()
    if row is None:
        await end(session, run_id, "cancelled", claim=claim)
        return None
    await told(session, row)
    return Run(id=run_id, attempt=row["attempt"], actor_id=row["actor_id"], position=row["position"], claim=claim)


async def end(
    session: AsyncSession, run_id: UUID, state: State, *, claim: Claim | None, error: BaseException | None = None
) -> None:
    """`waiting`: it failed and is tried again. `claim` None: nobody has it any more. Raises Superseded."""
    if claim is not None:
        await claim.hold(session)
    code, detail = _explained(error) if error is not None else (None, None)
    values = {"id": run_id, "state": state, "code": code, "detail": detail}
    row = (await session.execute(_END, values)).mappings().first()
    if row is not None:
        await told(session, row)


async def cancel(session: AsyncSession, run_id: UUID) -> bool:
    """One that waits leaves the queue, one that runs ends with its next step. False: it has ended."""
    row = (await session.execute(_CANCEL, {"id": run_id})).mappings().first()
    if row is None:
        return False
    await session.execute(_UNQUEUE, {"id": str(run_id)})
    await told(session, row)
    return True


async def schedule(session: AsyncSession, crons: Mapping[str, str]) -> None:
    """Let it be seen when these jobs run."""
    await session.execute(_SCHEDULE, {"kinds": list(crons), "crons": list(crons.values())})


async def forget(session: AsyncSession) -> None:
    """Those that ended weeks ago."""
    await session.execute(_FORGET)


async def told(session: AsyncSession, row: Mapping[Any, Any]) -> None:
    """Open pages of whoever may see it hear how it is now."""
    data = {name: row[name] for name in ("kind", "state", "done", "total", "message")}
    await live.tell(session, "job", [Record(row["id"], row["actor_id"], row["office_id"])], data=data)


def _explained(error: BaseException) -> tuple[str, str | None]:
    """What a person may read of it: refusals of ours are written for them, anything else is a bug."""
    if isinstance(error, Problem):
        return error.code, error.detail or error.title
    return Problem.code, None
