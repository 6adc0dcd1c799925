"""Whether a backend answers. While it does not, calls to it fail at once instead of waiting for their timeout.

So a backend that hangs costs each pass nothing, and the workers go on with everything else. Every adapter holds one
gate and checks it before each call; only `ping` passes a shut one. The watch of the running operator turns it.
"""

from typing import Protocol

from .errors import Unavailable


class Gate:
    """Open until the watch says otherwise."""

    def __init__(self) -> None:
        self._outage: Unavailable | None = None

    def check(self) -> None:
        """Raises `Unavailable`, as the watch saw it, while the backend is away."""
        if self._outage is not None:
            raise Unavailable(self._outage.reason, self._outage.message)

    def turn(self, outage: Unavailable | None) -> bool:
        """Takes what a look found; says whether the backend went or came back."""
        changed = (outage is None) != (self._outage is None)
        self._outage = outage
        return changed


class Backend(Protocol):
    """A system that tenants live in, as far as its watch is concerned."""

    @property
    def name(self) -> str: ...
    @property
    def gate(self) -> Gate: ...

    async def ping(self) -> None:
        """Asks the system itself, however the gate stands. Raises `Unavailable` within a few seconds."""
        ...
