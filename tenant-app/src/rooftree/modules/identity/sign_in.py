"""Use case of signing in with e-mail address and password, throttled, without telling which accounts exist."""

from datetime import datetime

import structlog

from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import Problem, TooManyRequests
from rooftree.kernel.ids import new_secret
from rooftree.kernel.text import email_key, network
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.identity import domain
from rooftree.modules.identity.passwords import Passwords
from rooftree.modules.identity.repository import IdentityRepository
from rooftree.modules.identity.requests import AuthorizationRequest, answer, seal, unseal
from rooftree.modules.identity.tables import CodeRow, UserRow

_log = structlog.get_logger(__name__)


class InvalidCredentials(Problem):
    """The same for a wrong password, an unknown address and a closed account."""

    status, code, title = 401, "invalid-credentials", "E-mail address or password is wrong"


class SignIn:
    def __init__(
        self, unit_of_work: UnitOfWork, clock: Clock, passwords: Passwords, *, seed: bytes, issuer: str
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._passwords = passwords
        self._issuer = issuer
        self._request_key = domain.derived_key(seed, "authorization-request")
        self._attempt_key = domain.derived_key(seed, "attempt")

    def begin(self, request: AuthorizationRequest) -> str:
        """The opaque text that the sign-in page hands back."""
        return seal(request, self._request_key, self._clock.now())

    async def finish(self, sealed: str, *, email: str, password: str, address: str) -> str:
        """Where the browser goes with its code.

        Raises `RequestExpired`, `TooManyRequests`, `InvalidCredentials`.
        """
        request = unseal(sealed, self._request_key, self._clock.now())
        account, place = email_key(email), network(address)
        attempts, user = await self._attempt(account, place)
        # Between two transactions: a slow hash must not hold a connection.
        right = await self._passwords.verify(password, user.password_hash if user else None)
        if user is None or not right:
            raise InvalidCredentials
        code = new_secret()
        async with self._unit_of_work() as session:
            repository = IdentityRepository(session)
            await repository.forget_attempts(attempts, key=self._pair(account, place))
            await repository.add(_code_row(code, user, request, self._clock.now()))
        return answer(request.redirect_uri, self._issuer, request.state, code=code)

    async def _attempt(self, account: str, place: str) -> tuple[tuple[int, ...], UserRow | None]:
        """Count this try before looking at it, so that a thousand at once are not a thousand guesses."""
        now = self._clock.now()
        tenant, since = self._key("tenant"), now - domain.THROTTLE_WINDOW
        limits = (
            (self._key(f"address:{place}"), domain.ADDRESS_ATTEMPTS),
            (self._key(f"account:{account}"), domain.ACCOUNT_ATTEMPTS),
            (self._pair(account, place), domain.PAIR_ATTEMPTS),
        )
        async with self._unit_of_work() as session:
            repository = IdentityRepository(session)
            in_all, _ = await repository.attempts(tenant, since=since)
            if in_all == domain.TENANT_ALARM:
                _log.warning("many_sign_in_attempts", attempts=in_all)
            for key, limit in limits:
                count, oldest = await repository.attempts(key, since=since)
                if count >= limit and oldest is not None:
                    wait = oldest + domain.THROTTLE_WINDOW - now
                    raise TooManyRequests(
                        "Too many attempts to sign in; wait a little.", retry_after=int(wait.total_seconds()) + 1
                    )
            counted = await repository.count_attempt([tenant, *(key for key, _ in limits)], at=now)
            user = await repository.user_by_email(account)
            return counted, user if user and user.deactivated_at is None else None

    def _pair(self, account: str, place: str) -> bytes:
        return self._key(f"pair:{place} {account}")

    def _key(self, text: str) -> bytes:
        return domain.derived_key(self._attempt_key, text)


def _code_row(code: str, user: UserRow, request: AuthorizationRequest, now: datetime) -> CodeRow:
    return CodeRow(
        code_hash=domain.secret_hash(code),
        user_id=user.id,
        client_id=request.client_id,
        redirect_uri=request.redirect_uri,
        challenge=request.challenge,
        nonce=request.nonce,
        scope=request.scope,
        created_at=now,
        expires_at=now + domain.CODE_LIFE,
    )
