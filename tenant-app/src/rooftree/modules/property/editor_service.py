"""Use cases of editing own listings. Each change is one transaction, and of two changes of one version one wins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from rooftree.contracts.identity.api import IdentityApi, User, UserNotFound
from rooftree.contracts.property.api import PropertyNotFound, StatusMoveNotAllowed
from rooftree.kernel.auth import Principal
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import FieldError, Forbidden, Unprocessable
from rooftree.kernel.outbox import Outbox
from rooftree.kernel.pagination import decode_cursor, encode_cursor
from rooftree.kernel.preconditions import conflicts_told
from rooftree.kernel.settings import Settings
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.modules.property import listing_status, rights
from rooftree.modules.property.edit_guard import editable, require_version
from rooftree.modules.property.history_repository import HistoryRepository
from rooftree.modules.property.listing_draft import apply, new_draft
from rooftree.modules.property.listing_edit import COLUMNS, of_agent
from rooftree.modules.property.listing_saver import ListingSaver
from rooftree.modules.property.listing_status import CLOSED, DELETED, DRAFT
from rooftree.modules.property.own_photos_repository import OwnPhotos
from rooftree.modules.property.own_repository import OwnListings
from rooftree.modules.property.repository import PropertyRepository
from rooftree.modules.property.search_document import Json, content, item, microseconds, moment, money
from rooftree.modules.property.search_service import Page
from rooftree.modules.property.shown import Shown, show
from rooftree.modules.property.tables import HistoryRow, PhotoRow, PropertyRow
from rooftree.modules.property.values import StandardStatus

# When it is tomorrow in the place on Earth where the day begins first.
_FIRST_TO_WAKE = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class HistoryFound:
    """`items` have the fields of `HistoryEntry`."""

    items: list[Json]
    total: int
    next_cursor: str | None


class EditorService:
    def __init__(
        self, unit_of_work: UnitOfWork, clock: Clock, outbox: Outbox, identity: IdentityApi, settings: Settings
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._outbox = outbox
        self._identity = identity
        self._currency = settings.currency
        self._brokerage = settings.display_name

    # -- changes ------------------------------------------------------------------------------------------------------

    async def create(self, principal: Principal, given: Mapping[str, Any]) -> Shown:
        """A draft with these members of `PropertyInput`. An agent's draft is the agent's."""
        of_office = rights.makes_of_office(principal)
        if rights.makes_own(principal):
            given = {"list_agent_id": principal.user_id, **given}
        values = await self._assigned(principal, given)
        if of_office:
            values["list_office_id"] = principal.office_id
        now = self._clock.now()
        async with self._unit_of_work.effect() as session:
            (key,) = await OwnListings(session).next_keys(1)
            row = new_draft(key, brokerage=self._brokerage, currency=self._currency, now=now)
            saver = ListingSaver(session, self._outbox, row, now=now)
            fields = apply(row, values, currency=self._currency)
            await saver.edit(fields, actor=principal.user_id)
            return await show(session, principal, row, now=now)

    async def edit(self, principal: Principal, property_id: UUID, given: Mapping[str, Any], *, version: int) -> Shown:
        """What was published must stay what may be published. Without a difference there is no new version."""
        now = self._clock.now()
        values = await self._with_agent(principal, property_id, given)
        async with conflicts_told(self._identity.names), self._unit_of_work() as session:
            row = await editable(session, principal, property_id)
            await require_version(session, row, version)
            saver = ListingSaver(session, self._outbox, row, now=now)
            fields = apply(row, values, currency=self._currency)
            if row.standard_status != DRAFT:
                _require_complete(row)
            if fields:
                await saver.edit(fields, actor=principal.user_id)
            return await show(session, principal, row, now=now)

    async def move(
        self,
        principal: Principal,
        property_id: UUID,
        after: StandardStatus,
        *,
        version: int,
        close_price: Json | None,
        close_date: date | None,
        reason: str | None,
    ) -> Shown:
        """Change the status. `close_price` has amount and currency. Raises StatusMoveNotAllowed, Unprocessable."""
        now = self._clock.now()
        price = self._minor("/close_price", close_price)
        async with conflicts_told(self._identity.names), self._unit_of_work() as session:
            row = await editable(session, principal, property_id)
            await require_version(session, row, version)
            allowed = rights.status_moves(principal, row)
            if after not in allowed:
                raise StatusMoveNotAllowed(listing_status.described(row.standard_status, allowed))
            today = (now + _FIRST_TO_WAKE).date()
            errors = listing_status.closing_errors(after, close_price=price, close_date=close_date, today=today)
            if row.standard_status == CLOSED and not reason:
                errors.append(FieldError("/reason", "Say why a closed listing is corrected."))
            if errors:
                raise Unprocessable(errors=errors)
            if after != DELETED:
                _require_complete(row)
            saver = ListingSaver(session, self._outbox, row, now=now)
            fields = _moved(row, after, price, close_date, now)
            await saver.edit(fields, actor=principal.user_id, reason=reason or None)
            return await show(session, principal, row, now=now)

    async def order_photos(
        self, principal: Principal, property_id: UUID, photo_ids: Sequence[UUID], *, version: int
    ) -> Shown:
        now = self._clock.now()
        async with conflicts_told(self._identity.names), self._unit_of_work() as session:
            row = await editable(session, principal, property_id)
            await require_version(session, row, version)
            photos = OwnPhotos(session)
            present = [photo.id for photo in await photos.of(row.id)]
            if sorted(photo_ids) != sorted(present):
                raise Unprocessable(
                    errors=[FieldError("/photo_ids", "Name each photo that the listing has now, once.")]
                )
            if list(photo_ids) != present:
                saver = ListingSaver(session, self._outbox, row, now=now)
                await photos.place(photo_ids)
                await saver.edit(["photos"], actor=principal.user_id)
            return await show(session, principal, row, now=now)

    async def _with_agent(self, principal: Principal, property_id: UUID, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """`_assigned` for a listing that there is. Raises PropertyNotFound, Forbidden, Unprocessable."""
        if "list_agent_id" not in given:
            return given
        async with self._unit_of_work() as session:
            row = await editable(session, principal, property_id)
        if rights.may_assign(principal, row):
            return await self._assigned(principal, given)
        if row.list_agent_id != given["list_agent_id"]:
            raise Forbidden("You may not give this listing to somebody else.")
        return {name: value for name, value in given.items() if name != "list_agent_id"}

    async def _assigned(self, principal: Principal, given: Mapping[str, Any]) -> dict[str, Any]:
        """`given`, with what the listing's agent brings along. Raises Forbidden, Unprocessable."""
        values = dict(given)
        if "list_agent_id" not in values:
            return values
        agent_id = values["list_agent_id"]
        if agent_id is None and not rights.makes_own(principal):
            return values | {"list_agent_full_name": None}
        return values | of_agent(rights.require_agent(principal, await self._agent(agent_id)))

    async def _agent(self, user_id: UUID | None) -> User | None:
        try:
            return await self._identity.user(user_id) if user_id else None
        except UserNotFound:
            return None

    def _minor(self, pointer: str, price: Json | None) -> int | None:
        if price is not None and price["currency"] != self._currency:
            error = FieldError(f"{pointer}/currency", f"The brokerage's currency is {self._currency}.")
            raise Unprocessable(errors=[error])
        return price["amount"] if price else None

    # -- looking ------------------------------------------------------------------------------------------------------

    async def mine(self, principal: Principal, statuses: Sequence[str], *, limit: int, cursor: str | None) -> Page:
        """Own listings that the person may edit, newest change first. The database answers: a save shows at once."""
        after = _place(cursor) if cursor else None

        async def read(session: AsyncSession) -> tuple[Sequence[PropertyRow], int, Mapping[UUID, PhotoRow]]:
            found, total = await OwnListings(session).mine(principal, statuses, limit=limit + 1, after=after)
            return found, total, await OwnPhotos(session).first_of([row.id for row in found])

        found, total, photos = await self._unit_of_work.read(read)
        rows = found[:limit]
        items = [item(content(row, photos.get(row.id)), everything=True) | {"highlight": None} for row in rows]
        last = rows[-1] if len(found) > limit else None
        following = encode_cursor(microseconds(last.modification_timestamp), str(last.id)) if last else None
        return Page(items, total, following, "database", None)

    async def history(self, principal: Principal, property_id: UUID, *, limit: int, cursor: str | None) -> HistoryFound:
        """What happened to price and status, newest first."""
        before = _last_id(cursor) if cursor else None
        async with self._unit_of_work() as session:
            row = await PropertyRepository(session, principal).property(property_id)
            if row is None:
                raise PropertyNotFound
            found, total = await HistoryRepository(session).page(property_id, limit=limit + 1, before=before)
        names = await self._identity.names({one.actor_id for one in found if one.actor_id})
        private = rights.may_read_private(principal, row)
        items = [_entry(one, names, row.currency, private=private) for one in found[:limit]]
        following = encode_cursor(str(found[limit - 1].id)) if len(found) > limit else None
        return HistoryFound(items, total, following)


def _require_complete(row: PropertyRow) -> None:
    """Raises Unprocessable that points at everything that others must be able to see."""
    if errors := listing_status.missing({name: getattr(row, name) for name in COLUMNS}):
        raise Unprocessable("The listing is not complete.", errors=errors)


def _moved(
    row: PropertyRow, after: StandardStatus, price: int | None, close_date: date | None, now: datetime
) -> list[str]:
    """Returns the fields that differ."""
    day = close_date.isoformat() if close_date else None
    fields = ["standard_status"]
    fields += ["close_price"] if row.close_price != price else []
    fields += ["close_date"] if row.details["close_date"] != day else []
    row.standard_status, row.close_price = after, price
    row.details = row.details | {"close_date": day}
    if after == DELETED:
        row.removed_at = now
    return fields


def _entry(row: HistoryRow, names: Mapping[UUID, str], currency: str, *, private: bool) -> Json:
    values = [row.from_value, row.to_value]
    shown = values if row.field == "standard_status" else [money(int(one), currency) if one else None for one in values]
    return {
        "id": row.id,
        "at": row.at,
        "actor_name": names.get(row.actor_id) if row.actor_id else None,
        "change_type": row.change_type,
        "field": row.field,
        "from_value": shown[0],
        "to_value": shown[1],
        "reason": row.reason if private else None,
    }


def _last_id(cursor: str) -> UUID:
    try:
        return UUID(str(decode_cursor(cursor, str)[0]))
    except ValueError:
        raise _wrong_cursor() from None


def _place(cursor: str) -> tuple[datetime, UUID]:
    at, listing_id = decode_cursor(cursor, int, str)
    try:
        return moment(int(at or 0)), UUID(str(listing_id))
    except (ValueError, OverflowError):
        raise _wrong_cursor() from None


def _wrong_cursor() -> Unprocessable:
    error = FieldError("?cursor", "This is not a cursor of this list; start again without one.")
    return Unprocessable("The cursor is not valid.", errors=[error])
