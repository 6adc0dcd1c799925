"""Every operation that takes an Idempotency-Key, as somebody sends it, and those that make nothing twice without."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx2
from rooftree import openapi
from rooftree.kernel import idempotency

from ..conftest import Browser

Operations = dict[str, tuple[str, str, dict[str, Any]]]


def operations(document: dict[str, Any]) -> Operations:
    """Method, path and description by their ids."""
    return {
        described["operationId"]: (method, path, described)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    }


DOCUMENT: dict[str, Any] = json.loads(openapi.documents()[openapi.MERGED])

# Why sending these again makes nothing a second time.
WITHOUT_KEY = {
    "accept_invitation": "the link works once",
    "assign_person": "If-Match",
    "cancel_job": "ends what may be over already",
    "change_person_stage": "If-Match",
    "change_property_status": "If-Match",
    "claim_lead": "whoever has it has it",
    "claim_person": "whoever has them has them",
    "issue_token": "codes work once, renewals are told apart by their token",
    "logout": "ends what may be over already",
    "restore_photo": "what is back stays back",
    "revoke_token": "ends what may be over already",
    "submit_sign_in": "makes nothing that lasts: a code, of which the newest counts",
}


def takes_key(described: dict[str, Any]) -> bool:
    return any(one["name"] == idempotency.HEADER for one in described.get("parameters", ()))


def unguarded(document: dict[str, Any]) -> set[str]:
    """Operations that could make something twice."""
    posts = {name: described for name, (method, _, described) in operations(document).items() if method == "post"}
    return {name for name, described in posts.items() if not takes_key(described)} - WITHOUT_KEY.keys()


@dataclass(frozen=True)
class Sent:
    path: str
    body: dict[str, Any] | bytes | None = None
    other: dict[str, Any] = field(default_factory=dict[str, Any])
    """What another request for the same would say."""
    headers: dict[str, str] = field(default_factory=dict[str, str])

    async def by(self, browser: Browser, key: str, **other: Any) -> httpx2.Response:
        headers = {idempotency.HEADER: key, "Content-Type": "image/jpeg"} | self.headers
        if isinstance(self.body, bytes):
            return await browser.post(self.path, content=self.body, headers=headers)
        del headers["Content-Type"]
        if self.body is None:
            return await browser.post(self.path, headers=headers)
        return await browser.post(self.path, json=self.body | other, headers=headers)
