"""How long a home has been on the market, by what happened to its listings. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Coming Soon is before the market, Hold and Pending are off it.
ON_MARKET = frozenset({"Active", "Active Under Contract"})
# A home that comes back after a longer rest counts as new; MLSs have 30 to 90 days.
REST = timedelta(days=90)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Move:
    """From this moment a listing had this status."""

    at: datetime
    status: str


def days_on_market(moves: Sequence[Move], *, now: datetime) -> int:
    """DaysOnMarket: whole days in which buyers could have bought, of one listing's moves in their order."""
    return _time(moves, now) // _DAY


def cumulative_days(listings: Sequence[Sequence[Move]], *, now: datetime) -> int:
    """CumulativeDaysOnMarket of the first listing, with earlier ones of the same home, latest first.

    A sale or a long rest ends the chain.
    """
    total, began = timedelta(), None
    for moves in listings:
        if not moves:
            continue
        if began is not None and (moves[-1].status == "Closed" or began - moves[-1].at > REST):
            break
        total += _time(moves, now)
        began = moves[0].at
    return total // _DAY


def _time(moves: Sequence[Move], now: datetime) -> timedelta:
    ends = (*(move.at for move in moves[1:]), now)
    spans = (end - move.at for move, end in zip(moves, ends, strict=False) if move.status in ON_MARKET)
    return sum(spans, timedelta())
