"""How much one caller, and the whole brokerage, may ask for in a minute, over all replicas (ADR 0016).

Redis counts. A process takes a handful of a caller's quota at once and gives it out by itself, so that a request waits
for no count but now and then; the first few of a minute are given out without asking. While Redis is away requests
pass, and that is counted. Answers tell by `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.types import Scope

from rooftree.kernel.cache import Cache
from rooftree.kernel.clock import Clock
from rooftree.kernel.errors import TooManyRequests
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.routing import route_of
from rooftree.kernel.settings import SettingsSection
from rooftree.kernel.text import network

Kind = Literal["reads", "writes", "searches", "visitors", "brokerage"]
KIND_EXTENSION = "x-rooftree-rate"
"""Says in an operation's description which policy counts it, where its method does not."""
SEARCHES: dict[str, Any] = {KIND_EXTENSION: "searches"}
WINDOW = 60
_HANDFULS = 20  # of a quota
_MOST = 10_000  # meters of about 200 bytes; who is forgotten begins anew
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_TOLD = "rooftree.rate_limits"
Quota = Annotated[int, Field(ge=0)]


class LimitSettings(SettingsSection):
    """Requests a minute; 0: as many as they like. The operator sets them by the plan."""

    rate_reads: Quota = 3000
    """Of one person."""
    rate_writes: Quota = 1000
    rate_searches: Quota = 1500
    """Likewise of what costs most: searches and maps."""
    rate_visitors: Quota = 3000
    """Of one address, of all who did not sign in there."""
    rate_brokerage: Quota = 30_000
    """Of everybody who signed in."""

    def quotas(self) -> Mapping[Kind, int]:
        return {
            "reads": self.rate_reads,
            "writes": self.rate_writes,
            "searches": self.rate_searches,
            "visitors": self.rate_visitors,
            "brokerage": self.rate_brokerage,
        }


@dataclass(slots=True)
class _Meter:
    """One caller's part of a minute in this process."""

    granted: int
    """May be given out without asking."""
    used: int = 0
    left: int = 0
    """What was left for everybody when it was asked for last."""
    asked: bool = False
    spent: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class RateLimits:
    def __init__(self, settings: LimitSettings, cache: Cache, clock: Clock, metrics: Metrics) -> None:
        self._quotas = settings.quotas()
        self._cache = cache
        self._clock = clock
        self._counted = metrics.rate_limits
        self._window = 0
        self._meters: dict[tuple[Kind, str], _Meter] = {}

    async def person(self, scope: Scope, user_id: str) -> None:
        """One request of somebody who signed in. Raises `TooManyRequests`."""
        if not told(scope):
            await self._take(scope, [(kind_of(scope), user_id), ("brokerage", "")])

    async def visitor(self, scope: Scope) -> None:
        """One of somebody who did not, by where it comes from. Raises `TooManyRequests`."""
        if not told(scope):
            await self._take(scope, [_visitors(scope)])

    def is_spent(self, scope: Scope) -> bool:
        """Whether this process knows that visitors from there may ask for nothing more in this minute."""
        is_now = int(self._clock.now().timestamp()) // WINDOW == self._window
        meter = self._meters.get(_visitors(scope))
        return is_now and meter is not None and meter.spent and meter.used >= meter.granted

    async def _take(self, scope: Scope, wanted: Sequence[tuple[Kind, str]]) -> None:
        now = self._clock.now().timestamp()
        window = int(now) // WINDOW
        if window != self._window or len(self._meters) > _MOST:
            self._window, self._meters = window, {}
        reset = max(1, round((window + 1) * WINDOW - now))
        meters: list[tuple[Kind, _Meter]] = [
            (kind, await self._metered(kind, who)) for kind, who in wanted if self._quotas[kind]
        ]
        told(scope).extend(self._told(meters, reset))
        if violated := [kind for kind, meter in meters if meter.used >= meter.granted]:
            self._counted.labels("refused").inc()
            # The draft's own name for them.
            raise TooManyRequests(
                f"Too many requests; it goes on in {reset} s.",
                retry_after=reset,
                **{"violated-policies": list(violated)},
            )
        for _, meter in meters:
            meter.used += 1

    async def _metered(self, kind: Kind, who: str) -> _Meter:
        quota = self._quotas[kind]
        meter = self._meters.get((kind, who))
        if meter is None:
            free = max(1, quota // _HANDFULS)
            meter = self._meters[kind, who] = _Meter(granted=free, left=quota - free)
        if meter.used >= meter.granted and not meter.spent:
            async with meter.turn:
                if meter.used >= meter.granted and not meter.spent:
                    await self._ask(meter, f"rate.{kind}.{who}.{self._window}", quota)
        return meter

    async def _ask(self, meter: _Meter, key: str, quota: int) -> None:
        """Take a handful more, and what was given out before the first."""
        handful = max(1, quota // _HANDFULS)
        wanted = handful if meter.asked else handful + meter.granted
        total = await self._cache.increase(key, wanted, 2 * WINDOW)
        if total is None:
            self._counted.labels("unchecked").inc()
            meter.granted += handful
            return
        given = min(max(quota - (total - wanted), 0), wanted)
        meter.granted = meter.granted + given if meter.asked else max(given, meter.used)
        meter.asked, meter.spent, meter.left = True, given < wanted, max(quota - total, 0)

    def _told(self, meters: Sequence[tuple[Kind, _Meter]], reset: int) -> list[tuple[bytes, bytes]]:
        if not meters:
            return []
        policies = ", ".join(f'"{kind}";q={self._quotas[kind]};w={WINDOW}' for kind, _ in meters)
        left = ", ".join(
            f'"{kind}";r={max(0, meter.left + meter.granted - meter.used - 1)};t={reset}' for kind, meter in meters
        )
        return [(b"ratelimit-policy", policies.encode()), (b"ratelimit", left.encode())]


def told(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Headers of the answer to this request, to which they are added; also those of copies of the scope."""
    return scope.setdefault(_TOLD, [])


def _visitors(scope: Scope) -> tuple[Kind, str]:
    return "visitors", network(scope["client_address"])


def kind_of(scope: Scope) -> Kind:
    """By the operation's own word, else by its method."""
    extra: Mapping[str, Kind] = getattr(route_of(scope), "openapi_extra", None) or {}
    said = extra.get(KIND_EXTENSION)
    return said or ("reads" if scope["method"] in _SAFE else "writes")
