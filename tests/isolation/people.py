"""Owners of two tenants of the family, with everything that shows who they are; and HTTPS to any host of the edge."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2

from ..e2e.conftest import Kubectl, required, until
from ..e2e.test_tokens import SESSION_COOKIE, Person
from . import api

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Family, Member

EDGE = "127.0.0.1:8443"
IMPORTED_SECONDS = 120
FRESH_SECONDS = 240  # an access token lives for 600


class Caller:
    """HTTPS to any host of the edge, without cookies of its own."""

    def __init__(self) -> None:
        context = ssl.create_default_context(cafile=required("ROOFTREE_CA_FILE"))
        self._client = httpx2.Client(verify=context, timeout=20, trust_env=False, follow_redirects=False)

    def send(self, member: Member, request: api.Request, **headers: str) -> httpx2.Response:
        self._client.cookies.clear()
        given = {"Host": f"{member.tenant.host}:8443", **request.headers, **headers}
        return self._client.request(
            request.method,
            f"https://{EDGE}{request.target}",
            content=request.content,
            headers=given,
            extensions={"sni_hostname": member.tenant.host},
        )

    def close(self) -> None:
        self._client.close()


@dataclass
class Insider:
    """The owner of a tenant, and the ids of what the tenant has."""

    member: Member
    person: Person
    cookie: str
    ids: dict[str, list[str]]
    _bearer: str = ""
    _since: float = field(default=-FRESH_SECONDS)

    @property
    def bearer(self) -> str:
        """An access token that is good: an expired one would be refused everywhere and prove nothing."""
        if time.monotonic() - self._since >= FRESH_SECONDS:
            self._bearer, self._since = self.person.token(), time.monotonic()
        return self._bearer

    def credentials(self, host: Member) -> dict[str, dict[str, str]]:
        """Every way to show them at `host`, as a browser that is on that host's page would."""
        here = {"Origin": host.tenant.url, "Sec-Fetch-Site": "same-origin"}
        token, session = {"Authorization": f"Bearer {self.bearer}"}, {"Cookie": f"{SESSION_COOKIE}={self.cookie}"}
        return {"token": token, "session": {**session, **here}, "token and session": {**token, **session, **here}}


def insider(member: Member, family: Family, kubectl: Kubectl, caller: Caller) -> Insider:
    link = kubectl.ask_app(member.tenant.namespace, "owner-link")
    person = Person(member.tenant, link, name=member.canary)
    bearer = person.token()

    def get(path: str) -> Any:
        answer = caller.send(member, api.Request("GET", path, None, {}), Authorization=f"Bearer {bearer}")
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    if member is family.plain:
        until("listings of the feed", lambda: get("/api/v1/properties")["total"], seconds=IMPORTED_SECONDS, every=1)
    ids = {name: look(get) for name, look in LOOKUPS.items()}
    other = kubectl.ask_app(family.double.tenant.namespace, "owner-link").rpartition("/")[2]
    return Insider(member, person, person.session(), {**ids, "token": [other]})


# Path parameters, and where a tenant's own values are found.
LOOKUPS: dict[str, Callable[[Callable[[str], Any]], list[str]]] = {
    "property_id": lambda get: [item["id"] for item in get("/api/v1/properties?limit=3")["items"]],
    "name": lambda get: [item["name"] for item in get("/api/v1/feeds")["items"]],
    "number": lambda get: ["1"],
}
