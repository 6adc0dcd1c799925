"""Owners of two tenants of the family, with everything that shows who they are; and HTTPS to any host of the edge."""

from __future__ import annotations

import json
import secrets
import ssl
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
REQUESTS_AN_ADDRESS = 1000  # a third of what a visitor may ask in a minute
FILE_SECONDS = 60
FRESH_SECONDS = 240  # an access token lives for 600


class Caller:
    """HTTPS to any host of the edge, without cookies of its own.

    It goes on from another address before one has asked too often: a refusal for that would say nothing of credentials.
    """

    def __init__(self) -> None:
        self._context = ssl.create_default_context(cafile=required("ROOFTREE_CA_FILE"))
        self._sent = 0
        self._client = self._from_another_address()

    def _from_another_address(self) -> httpx2.Client:
        address = f"127.0.0.{2 + self._sent // REQUESTS_AN_ADDRESS % 250}"
        transport = httpx2.HTTPTransport(verify=self._context, trust_env=False, local_address=address)
        return httpx2.Client(transport=transport, timeout=20, trust_env=False, follow_redirects=False)

    def send(self, member: Member, request: api.Request, **headers: str) -> httpx2.Response:
        """Of a stream, which has no end, what comes first."""
        self._sent += 1
        if self._sent % REQUESTS_AN_ADDRESS == 0:
            self._client.close()
            self._client = self._from_another_address()
        self._client.cookies.clear()
        given = {"Host": f"{member.tenant.host}:8443", **request.headers, **headers}
        with self._client.stream(
            request.method,
            f"https://{EDGE}{request.target}",
            content=request.content,
            headers=given,
            extensions={"sni_hostname": member.tenant.host},
        ) as answer:
            if answer.headers.get("content-type", "").startswith("text/event-stream"):
                first = next(answer.iter_bytes())
                return httpx2.Response(answer.status_code, headers=answer.headers, content=first)
            answer.read()
            return answer

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


class Desk:
    """The API as an owner uses it at home."""

    def __init__(self, member: Member, caller: Caller, bearer: str) -> None:
        self._member, self._caller, self._bearer = member, caller, bearer

    def get(self, path: str) -> Any:
        return self._sent(api.Request("GET", path, None, {}))

    def post(self, path: str, **values: Any) -> Any:
        return self._sent(api.Request("POST", path, json.dumps(values).encode(), {"Content-Type": "application/json"}))

    def file(self, path: str, content: bytes) -> Any:
        return self._sent(api.Request("POST", path, content, {"Content-Type": "text/csv"}))

    def picture(self, path: str) -> Any:
        return self._sent(api.Request("POST", path, api.PICTURE, {"Content-Type": "image/png"}))

    def _sent(self, request: api.Request) -> Any:
        def ask() -> httpx2.Response:
            return self._caller.send(self._member, request, Authorization=f"Bearer {self._bearer}")

        # The import of a feed may hold all connections for a moment; what changes something is asked once.
        is_patient = request.method == "GET"
        answer = until(
            request.target, ask, enough=lambda it: not is_patient or it.status_code != 503, seconds=30, every=0.5
        )
        assert answer.is_success, (request.target, answer.text)
        return answer.json()


def insider(member: Member, family: Family, kubectl: Kubectl, caller: Caller) -> Insider:
    """The owner comes in by the one-time link and puts the canary into everything that the app stores."""
    link = kubectl.ask_app(member.tenant.namespace, "owner-link")
    person = Person(member.tenant, link, name=member.canary)
    cookie, desk = person.session(), Desk(member, caller, person.token())
    furnish(desk, member)
    if member is family.plain:
        listed = "/api/v1/properties?limit=1"
        until("listings of the feed", lambda: desk.get(listed)["total"], seconds=IMPORTED_SECONDS, every=1)
    ids = {name: look(desk.get) for name, look in LOOKUPS.items()}
    other = kubectl.ask_app(family.double.tenant.namespace, "owner-link").rpartition("/")[2]
    return Insider(member, person, cookie, {**ids, "token": [other]})


def furnish(desk: Desk, member: Member) -> None:
    canary = member.canary
    office = desk.post("/api/v1/offices", name=canary)
    desk.post("/api/v1/teams", name=canary, office_id=office["id"])
    guest = f"guest@{member.tenant.name}.example"
    desk.post("/api/v1/user-invitations", email=guest, name=canary, role="agent", office_id=office["id"])
    _delegate(desk, member)
    listing = desk.post("/api/v1/properties", unparsed_address=canary, private_remarks=canary, public_remarks=canary)
    desk.picture(f"/api/v1/properties/{listing['id']}/photos?description={canary}")
    lead = desk.post("/api/v1/leads", name=canary, email=guest, message=canary, property_id=listing["id"])
    person = f"/api/v1/people/{lead['person']['id']}"
    desk.post(f"{person}/notes", text=canary)
    desk.post(f"{person}/tasks", title=canary)
    desk.post(f"{person}/activities", kind="call", direction="incoming", outcome=canary)
    desk.post("/api/v1/search/rebuilds")
    desk.file("/api/v1/people-imports?file_name=contacts.csv", f"Name\n{canary}\n".encode())
    desk.file("/api/v1/property-imports?file_name=listings.csv", f"Address\n{canary}\n".encode())
    for path, kind in EXPORTS.items():
        desk.post(f"/api/v1/{path}?format=csv")
        until("the file of an export", lambda kind=kind: _exports(kind)(desk.get), seconds=FILE_SECONDS, every=1)


def _delegate(desk: Desk, member: Member) -> None:
    """To an assistant who came in for it."""
    invited = {"email": f"aide@{member.tenant.name}.example", "name": member.canary, "role": "coordinator"}
    token = desk.post("/api/v1/user-invitations", **invited)["link"].rpartition("/")[2]
    desk.post(f"/api/v1/invitations/{token}/acceptance", name=member.canary, password=secrets.token_urlsafe(24))
    (aide,) = desk.get("/api/v1/users?role=coordinator")["items"]
    later = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    desk.post("/api/v1/delegations", assistant_id=aide["id"], resources=["person"], expires_at=later)


def _own(get: Callable[[str], Any]) -> str:
    return get("/api/v1/properties?mine=true")["items"][0]["id"]


def listed(path: str) -> Callable[[Callable[[str], Any]], list[str]]:
    return lambda get: [item["id"] for item in get(path)["items"]]


def _notes(get: Callable[[str], Any]) -> list[str]:
    person = get("/api/v1/people")["items"][0]["id"]
    return [item["id"] for item in get(f"/api/v1/people/{person}/timeline?kind=note")["items"]]


EXPORTS = {"people-exports": "crm.export_people", "property-exports": "property.export_properties"}


def _exports(kind: str) -> Callable[[Callable[[str], Any]], list[str]]:
    def of(get: Callable[[str], Any]) -> list[str]:
        jobs = get(f"/api/v1/jobs?kind={kind}")["items"]
        return [job["result"].rpartition("/")[2] for job in jobs if job["result"]]

    return of


# Path parameters, or what stands before them and they, and where a tenant's own values are found.
LOOKUPS: dict[str, Callable[[Callable[[str], Any]], list[str]]] = {
    "property_id": lambda get: [_own(get), *(item["id"] for item in get("/api/v1/properties?limit=3")["items"])],
    "photo_id": lambda get: [photo["id"] for photo in get(f"/api/v1/properties/{_own(get)}")["photos"]],
    "user_id": listed("/api/v1/users"),
    "office_id": listed("/api/v1/offices"),
    "team_id": listed("/api/v1/teams"),
    "invitation_id": listed("/api/v1/user-invitations"),
    "delegation_id": listed("/api/v1/delegations"),
    "session_id": listed("/api/v1/sessions"),
    "person_id": listed("/api/v1/people"),
    "lead_id": listed("/api/v1/leads"),
    "note_id": _notes,
    "task_id": listed("/api/v1/tasks"),
    "stage_id": listed("/api/v1/stages"),
    **{f"{path}/import_id": listed(f"/api/v1/{path}") for path in ("people-imports", "property-imports")},
    **{f"{path}/export_id": _exports(kind) for path, kind in EXPORTS.items()},
    "job_id": listed("/api/v1/jobs"),
    "name": lambda get: [item["name"] for item in get("/api/v1/feeds")["items"]],
    "number": lambda get: ["1"],
}
