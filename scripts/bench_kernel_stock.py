"""The list of people as FastAPI, SQLAlchemy's ORM and OpenTelemetry's instrumentations do it, for `bench_kernel`."""

import base64
import json
import os
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, Query
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, Text, and_, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship, selectinload


class Base(DeclarativeBase):
    type_annotation_map = {list[str]: ARRAY(Text)}  # noqa: RUF012


class Stage(Base):
    __tablename__ = "stages"
    __table_args__ = {"schema": "crm"}  # noqa: RUF012
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class User(Base):
    __tablename__ = "users"
    __table_args__ = {"schema": "identity"}  # noqa: RUF012
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class Contact(Base):
    __tablename__ = "contacts"
    __table_args__ = {"schema": "crm"}  # noqa: RUF012
    person_id: Mapped[UUID] = mapped_column(ForeignKey("crm.people.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    typed: Mapped[str]
    e164: Mapped[str | None]


class Lead(Base):
    __tablename__ = "leads"
    __table_args__ = {"schema": "crm"}  # noqa: RUF012
    id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("crm.people.id"))
    state: Mapped[str]


class Person(Base):
    __tablename__ = "people"
    __table_args__ = {"schema": "crm"}  # noqa: RUF012
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    stage_id: Mapped[UUID] = mapped_column(ForeignKey("crm.stages.id"))
    source: Mapped[str]
    tags: Mapped[list[str]]
    assigned_to: Mapped[UUID | None] = mapped_column(ForeignKey("identity.users.id"))
    office_id: Mapped[UUID | None]
    revision: Mapped[int]
    last_activity_at: Mapped[datetime]
    created_at: Mapped[datetime]
    stage: Mapped[Stage] = relationship()
    assignee: Mapped[User | None] = relationship()
    contacts: Mapped[list[Contact]] = relationship(order_by=[Contact.kind, Contact.position])
    leads: Mapped[list[Lead]] = relationship(
        primaryjoin="and_(Lead.person_id == Person.id, Lead.state != 'responded')", viewonly=True
    )


class PhoneOut(BaseModel):
    value: str
    e164: str | None


class AssigneeOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: UUID
    name: str | None


class PersonOut(BaseModel):
    id: UUID
    name: str
    emails: list[str]
    phones: list[PhoneOut]
    stage_id: UUID
    stage_name: str
    source: str
    tags: list[str]
    assigned_to: AssigneeOut | None
    office_id: UUID | None
    open_leads: int
    last_activity_at: datetime
    created_at: datetime
    version: int
    can_edit: bool
    can_assign: bool
    can_claim: bool


class PageOut(BaseModel):
    items: list[PersonOut]
    total: int
    next_cursor: str | None


class Mine:
    """Who asks: the same people as the app's agent reaches."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.owners = [UUID(one) for one in told["owners"]]
        self.office_id = UUID(told["office_id"])


def app(arguments: dict[str, Any], told: dict[str, Any], connections: int) -> FastAPI:
    provider = TracerProvider(resource=Resource.create({"service.name": "stock"}))
    endpoint = os.environ["ROOFTREE_OTLP_ENDPOINT"] + "/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    trace.set_tracer_provider(provider)
    engine = create_async_engine(
        "postgresql+psycopg://", connect_args=arguments, pool_size=connections, max_overflow=0, pool_pre_ping=True
    )
    # 0.66 names SQLAlchemy 2.1 as untried; it listens to the same events of it.
    SQLAlchemyInstrumentor().instrument(engine=engine.sync_engine, skip_dep_check=True)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    served, mine = FastAPI(), Mine(told)

    async def session() -> AsyncGenerator[AsyncSession]:
        async with sessions() as opened:
            yield opened

    async def caller() -> Mine:
        return mine

    @served.get("/readyz")
    async def ready() -> None:
        return

    @served.get("/api/v1/people")
    async def list_people(
        session: Annotated[AsyncSession, Depends(session)],
        caller: Annotated[Mine, Depends(caller)],
        limit: Annotated[int, Query(ge=1, le=100)] = 24,
    ) -> PageOut:
        return await _page(session, caller, limit)

    FastAPIInstrumentor.instrument_app(served)
    return served


async def _page(session: AsyncSession, caller: Mine, limit: int) -> PageOut:
    waits = and_(Person.assigned_to.is_(None), Person.office_id == caller.office_id)
    visible = or_(Person.assigned_to.in_(caller.owners), waits)
    total = await session.scalar(select(func.count()).select_from(Person).where(visible))
    query = select(Person).where(visible).order_by(Person.last_activity_at.desc(), Person.id.desc()).limit(limit + 1)
    one, many = (Person.stage, Person.assignee), (Person.contacts, Person.leads)
    query = query.options(*map(joinedload, one), *map(selectinload, many))
    found = (await session.scalars(query)).all()
    items = [_out(person, caller) for person in found[:limit]]
    following = cursor(items[-1].last_activity_at, items[-1].id) if len(found) > limit else None
    return PageOut(items=items, total=total or 0, next_cursor=following)


def cursor(moment: datetime, person_id: UUID) -> str:
    key = json.dumps(["-last_activity_at", moment.isoformat(), str(person_id)], separators=(",", ":"))
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _out(person: Person, caller: Mine) -> PersonOut:
    return PersonOut(
        id=person.id,
        name=person.name,
        emails=[one.typed for one in person.contacts if one.kind == "email"],
        phones=[PhoneOut(value=one.typed, e164=one.e164) for one in person.contacts if one.kind == "phone"],
        stage_id=person.stage_id,
        stage_name=person.stage.name,
        source=person.source,
        tags=person.tags,
        assigned_to=AssigneeOut.model_validate(person.assignee) if person.assignee else None,
        office_id=person.office_id,
        open_leads=len(person.leads),
        last_activity_at=person.last_activity_at,
        created_at=person.created_at,
        version=person.revision,
        can_edit=person.assigned_to in caller.owners,
        can_assign=False,
        can_claim=person.assigned_to is None,
    )
