"""What property does with events: its own change the search index."""

from collections.abc import Sequence

from rooftree.contracts.property.events import ListingChanged
from rooftree.kernel.consumers import Projection, Received
from rooftree.modules.property.search_keeper import SearchKeeper

SEARCH = "property.search"


def consumers(keeper: SearchKeeper | None) -> tuple[Projection, ...]:
    """Without an index changes are let go by: it will be built from the database."""

    async def apply(received: Sequence[Received]) -> None:
        if keeper is not None:
            await keeper.apply(received)

    return (Projection(name=SEARCH, types=(ListingChanged,), apply=apply),)
