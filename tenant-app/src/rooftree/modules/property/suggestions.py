"""What a few letters may become: places, listing keys and addresses, in the order in which they are offered. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rooftree.modules.property.search_document import Json

Kind = Literal["address", "city", "subdivision", "postal_code", "listing"]
# Values of each kind of place, with how many listings they have.
Places = Mapping[Kind, Sequence[tuple[str, int]]]
PLACES: tuple[Kind, ...] = ("city", "subdivision", "postal_code")
MIN_LETTERS = 2
# Places first, but never so many that no address is left.
MOST_OF_A_KIND = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """`property_id` of an address or a listing's key; `count` of listings in a place."""

    kind: Kind
    text: str
    property_id: str | None = None
    count: int | None = None


def arrange(text: str, places: Places, listings: Iterable[Json], limit: int) -> list[Suggested]:
    """The best `limit`: cities, subdivisions, postal codes by number of listings, then keys and addresses."""
    found = [
        Suggested(kind=kind, text=value, count=count)
        for kind in PLACES
        for value, count in places.get(kind, ())[:MOST_OF_A_KIND]
    ]
    beginning = text.casefold()
    for source in listings:
        key = source["listing_key"]
        is_key = key.casefold().startswith(beginning)
        found.append(
            Suggested(
                kind="listing" if is_key else "address",
                text=key if is_key else source["unparsed_address"],
                property_id=source["id"],
            )
        )
    return found[:limit]
