"""A new own listing, and what an edit makes of a listing's row."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rooftree.kernel.ids import new_id
from rooftree.modules.property.listing_edit import COLUMNS, EMPTY, edited, empty_details
from rooftree.modules.property.listing_status import DRAFT
from rooftree.modules.property.rights import OWN_FEED
from rooftree.modules.property.tables import PropertyRow


def new_draft(key: str, *, brokerage: str, currency: str, now: datetime) -> PropertyRow:
    """Nothing is known of it but its key, which is its ListingId, too. No edit has made a revision of it yet."""
    details = {"listing_id": key, "list_office_name": brokerage, "originating_system_name": brokerage}
    return PropertyRow(
        **{**dict.fromkeys(COLUMNS), **EMPTY},
        id=new_id(),
        feed=OWN_FEED,
        listing_key=key,
        standard_status=DRAFT,
        currency=currency,
        modification_timestamp=now,
        details=empty_details() | details,
        fingerprint=b"",
        version=0,
        revision=0,
    )


def apply(row: PropertyRow, values: Mapping[str, Any], *, currency: str) -> tuple[str, ...]:
    """Members of `PropertyInput`, and what a listing's agent brings along. Returns the fields that differ.

    Raises Unprocessable.
    """
    change = edited(row, values, currency=currency)
    for name, value in change.columns.items():
        setattr(row, name, value)
    row.details = change.details
    return change.fields
