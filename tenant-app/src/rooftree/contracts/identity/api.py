"""What other modules may ask of identity: check a token, exchange a code, renew or end sign-ins, name people."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, Protocol, get_args
from uuid import UUID

from rooftree.kernel.auth import Delegation, Principal
from rooftree.kernel.errors import NotFound, Problem, Unauthenticated

# The web app of this tenant as an OAuth client, and where its code comes back to.
WEB_CLIENT_ID = "web"
WEB_CALLBACK_PATH = "/auth/callback"

# Roles, as tokens and sessions name them. Staff are the people of the brokerage; a client is a visitor.
Role = Literal["broker_owner", "office_manager", "agent", "coordinator", "client"]
OWNER_ROLE: Role = "broker_owner"
MANAGER_ROLE: Role = "office_manager"
AGENT_ROLE: Role = "agent"
COORDINATOR_ROLE: Role = "coordinator"
CLIENT_ROLE: Role = "client"
ROLES: tuple[Role, ...] = get_args(Role)
STAFF_ROLES = frozenset({OWNER_ROLE, MANAGER_ROLE, AGENT_ROLE, COORDINATOR_ROLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person of this tenant who has not left."""

    id: UUID
    name: str
    email: str
    role: str
    office_id: UUID | None = None
    team_ids: frozenset[UUID] = frozenset()
    team_mates: frozenset[UUID] = frozenset()
    delegations: tuple[Delegation, ...] = ()
    """Those that hold now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Whom to write to."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What one sign-in or renewal yields. The refresh token works once; using it twice revokes its whole family."""

    sign_in_id: UUID
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerLink:
    """How the tenant's owner gets in: `url` is a one-time link, or the sign-in page once it was used."""

    url: str
    accepted: bool
    expires_at: datetime | None


class TokenRefused(Unauthenticated):
    """Not an access token of this tenant that is valid now."""

    code, title = "token-refused", "The token is not accepted"


class GrantRefused(Problem):
    """A code or refresh token that cannot be used (RFC 6749 `invalid_grant`); using it may have revoked a family."""

    status, code, title = 400, "invalid-grant", "The grant is not accepted"
    keeps_changes: ClassVar[bool] = True


class UserNotFound(NotFound):
    code, title = "user-not-found", "There is no such user"


class IdentityApi(Protocol):
    """Every call is a transaction of its own."""

    async def authenticate(self, access_token: str) -> Principal:
        """Who the bearer is, with the role, office and teams that they have now.

        Raises `TokenRefused`, within a second also for a sign-in that was ended or a person who was deactivated.
        """
        ...

    async def exchange_code(self, *, code: str, verifier: str, redirect_uri: str, client_id: str) -> Tokens:
        """Redeem an authorization code with its PKCE verifier. Raises `GrantRefused`; a replay revokes what it gave."""
        ...

    async def refresh(self, *, refresh_token: str, client_id: str, idempotency_key: str | None = None) -> Tokens:
        """Rotate. Raises `GrantRefused`; a token that was used before revokes its family.

        Whose answer was lost asks again with the same key, a secret, and gets the same refresh token.
        """
        ...

    async def revoke(self, refresh_token: str) -> None:
        """End the sign-in that this token belongs to. Unknown tokens are no error."""
        ...

    async def end_sign_ins(
        self, user_id: UUID, *, only: Collection[UUID] | None = None, keep: UUID | None = None, because: str
    ) -> None:
        """End a person's sign-ins: all, or `only` these, but never `keep`. Unknown ones are no error."""
        ...

    async def require_manages(self, principal: Principal, user_id: UUID) -> None:
        """Whether the caller may act on this person's account; also on their own.

        Raises `UserNotFound` for a person whom they may not see, `Forbidden` for one whom they may only see.
        """
        ...

    async def user(self, user_id: UUID) -> User:
        """Raises `UserNotFound`."""
        ...

    async def colleagues(self, emails: Collection[str]) -> tuple[User, ...]:
        """Who of the staff has one of these addresses, in whatever case; unknown ones are missing."""
        ...

    async def names(self, user_ids: Collection[UUID]) -> dict[UUID, str]:
        """Names by id, also of people who left; unknown ids are missing."""
        ...

    async def has_office(self, office_id: UUID) -> bool:
        """Whether there is this office (still)."""
        ...

    async def owner_link(self) -> OwnerLink:
        """The owner's one-time link; the same one as long as it is open."""
        ...

    async def owners(self) -> tuple[Contact, ...]:
        """The owners who have an account; before there is one, whoever the brokerage was made for."""
        ...
