"""Postgres schema `identity`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Table(DeclarativeBase):
    metadata = MetaData(schema="identity")
    type_annotation_map = {str: Text, datetime: DateTime(timezone=True), bytes: LargeBinary}  # noqa: RUF012


class OfficeRow(Table):
    """A place of the brokerage. `version` rises with each change, as everywhere below."""

    __tablename__ = "offices"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    phone: Mapped[str | None]
    address: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)


class TeamRow(Table):
    """People of one office who work together."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("office_id", "name_key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    office_id: Mapped[UUID] = mapped_column(ForeignKey("identity.offices.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)


class MemberRow(Table):
    """That a person is in a team, which is one of their office."""

    __tablename__ = "team_members"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("identity.users.id"), primary_key=True)
    team_id: Mapped[UUID] = mapped_column(
        ForeignKey("identity.teams.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class UserRow(Table):
    """A person who can sign in. `email_key` is unique, `email` is as it was written."""

    __tablename__ = "users"
    __table_args__ = (
        Index("users_by_name", text("lower(name)"), "id"),
        Index("users_by_role", "role", "office_id", postgresql_include=["id", "deactivated_at"]),
        Index("users_active", "office_id", postgresql_where=text("deactivated_at IS NULL")),
        Index(
            "users_words",
            "name",
            "email",
            postgresql_using="gin",
            postgresql_ops={"name": "gin_trgm_ops", "email": "gin_trgm_ops"},
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    office_id: Mapped[UUID | None] = mapped_column(ForeignKey("identity.offices.id"), index=True)
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    deactivated_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class InvitationRow(Table):
    """Leave to become a user once. The link's secret is not here: it is derived from id and `links`, the links made."""

    __tablename__ = "invitations"
    __table_args__ = (
        Index(
            "invitations_open_email",
            "email_key",
            unique=True,
            postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
        ),
        Index("invitations_accepted", "id", postgresql_where=text("accepted_at IS NOT NULL")),
        Index("invitations_revoked", "id", postgresql_where=text("accepted_at IS NULL AND revoked_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    email_key: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[UUID | None] = mapped_column(ForeignKey("identity.users.id"))
    revoked_at: Mapped[datetime | None]
    office_id: Mapped[UUID | None] = mapped_column(ForeignKey("identity.offices.id", ondelete="SET NULL"), index=True)
    team_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()), default=list)
    invited_by: Mapped[UUID | None] = mapped_column(ForeignKey("identity.users.id"), index=True)
    links: Mapped[int] = mapped_column(default=1)


class DelegationRow(Table):
    """Leave for an assistant to work on somebody's records until a time. Kept after its end: it tells who could."""

    __tablename__ = "delegations"
    __table_args__ = (
        CheckConstraint("cardinality(resources) > 0", name="delegations_resources_check"),
        CheckConstraint("assistant_id <> for_user_id", name="delegations_assistant_check"),
        CheckConstraint("expires_at > created_at", name="delegations_end_check"),
        Index("ix_identity_delegations_assistant_id", "assistant_id", postgresql_where=text("revoked_at IS NULL")),
        Index("delegations_by_assistant", "assistant_id"),
        Index(
            "delegations_by_end",
            "expires_at",
            postgresql_include=["for_user_id"],
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    assistant_id: Mapped[UUID] = mapped_column(ForeignKey("identity.users.id"))
    for_user_id: Mapped[UUID] = mapped_column(ForeignKey("identity.users.id"), index=True)
    resources: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    granted_by: Mapped[UUID] = mapped_column(ForeignKey("identity.users.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[UUID | None] = mapped_column(ForeignKey("identity.users.id"))
    """None with a time: the assistant or the one whose records they are left, or stopped being what it took."""


class FamilyRow(Table):
    """One sign-in: all refresh tokens that descend from one code live and die together."""

    __tablename__ = "families"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("identity.users.id"), index=True)
    client_id: Mapped[str]
    scope: Mapped[str]
    authenticated_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]
    revoked_because: Mapped[str | None]


class CodeRow(Table):
    """An authorization code; kept after use so that a replay is recognised."""

    __tablename__ = "codes"

    code_hash: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("identity.users.id"))
    client_id: Mapped[str]
    redirect_uri: Mapped[str]
    challenge: Mapped[str]
    nonce: Mapped[str | None]
    scope: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    family_id: Mapped[UUID | None] = mapped_column(ForeignKey("identity.families.id", ondelete="CASCADE"))


class RefreshTokenRow(Table):
    """One link of a family; kept after use so that reuse is recognised."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    family_id: Mapped[UUID] = mapped_column(ForeignKey("identity.families.id", ondelete="CASCADE"), index=True)
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class AttemptRow(Table):
    """One try to sign in, counted under hashed keys (account, address, tenant)."""

    __tablename__ = "attempts"
    __table_args__ = (Index("attempts_key_at", "key", "at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    key: Mapped[bytes]
    at: Mapped[datetime]
