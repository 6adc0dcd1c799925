"""What a route needs of the policy, as its dependency. A test fails for a route that has none."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import Depends, Request

from rooftree.contracts.access.policy import POLICY, grant
from rooftree.kernel.auth import CurrentPrincipal
from rooftree.kernel.errors import Forbidden, NotFound
from rooftree.kernel.middleware import FORWARDED

if TYPE_CHECKING:
    from rooftree.kernel.rate_limits import RateLimits


@dataclass(frozen=True, slots=True)
class Need:
    """What a route needs. It refuses roles that reach nothing; of which records the others do, repositories decide."""

    resource: str
    action: str

    async def __call__(self, request: Request, principal: CurrentPrincipal) -> None:
        if grant(principal, self.resource, self.action):
            return
        if not request.path_params:
            raise Forbidden("Your role does not open this.")
        read = f"{self.resource}.read"
        if read not in POLICY or not grant(principal, self.resource, "read"):
            raise NotFound
        # A record that its reader may not change: the use case tells 403 from 404.


@dataclass(frozen=True, slots=True)
class OpenNeed:
    """What a route needs that asks nobody to sign in."""

    resource: str
    action: str

    async def __call__(self, request: Request) -> None:
        """Whoever was not counted yet is a visitor, whatever their headers say: nobody has looked whether it is so."""
        if FORWARDED not in request.scope:
            limits: RateLimits = request.app.state.rate_limits
            await limits.visitor(request.scope)


def needs(resource: str, action: str) -> list[Any]:
    """`dependencies` of a route for people who signed in."""
    grant(None, resource, action)  # the row exists
    return [Depends(Need(resource, action))]


def open_to_all(resource: str, action: str) -> list[Any]:
    """`dependencies` of a route that needs no sign-in. Raises ValueError where the policy does not allow that."""
    if not grant(None, resource, action):
        raise ValueError(f"{resource}.{action} is not for everybody")
    return [Depends(OpenNeed(resource, action))]
