"""What the activator answers by itself, where the app does not. Pure.

Browsers that open a page get one, which asks again by itself; everybody else a document of RFC 9457.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from http import HTTPStatus

from ..host_pages import HEADERS, Reply, page, unknown

ROOT = "https://rooftree.dev/problems/"
ROBOTS_TEXT = b"User-agent: *\nDisallow:\n"
"""Nobody is sent away for good: crawlers that come are told when to come again."""


@dataclass(frozen=True)
class Problem:
    """`code`: its page in docs/problems. `retry_after`: seconds."""

    code: str
    status: HTTPStatus
    title: str
    detail: str
    retry_after: int | None = None


STARTING = Problem(
    "starting",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "This brokerage is starting",
    "It was asleep and does not answer yet. Nothing of your request was done.",
    retry_after=5,
)
CROWDED = Problem(
    "starting",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "This brokerage is starting",
    "It was asleep, and too many requests wait for it already. Nothing of your request was done.",
    retry_after=5,
)
ASLEEP = Problem(
    "asleep",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "This brokerage is asleep",
    "Nobody has used it for a while. Crawlers and probes do not wake it; people and programs do.",
    retry_after=3600,
)
UNANSWERED = Problem(
    "bad-gateway",
    HTTPStatus.BAD_GATEWAY,
    "A system we depend on failed",
    "The app ended while it had your request. Whether it was done is not known.",
)
MALFORMED = Problem(
    "bad-request",
    HTTPStatus.BAD_REQUEST,
    "Bad request",
    "A path or a header of the request is no text that can be sent.",
)


def reply(problem: Problem, method: str, accept: str) -> Reply:
    """The answer with this problem to a request of this method that accepts this."""
    more = {"Vary": "Accept"}
    if problem.retry_after is not None:
        more["Retry-After"] = str(problem.retry_after)
    if method not in ("GET", "HEAD") or "text/html" not in accept.lower():
        document = {
            "type": f"{ROOT}{problem.code}",
            "title": problem.title,
            "status": problem.status.value,
            "detail": problem.detail,
        }
        more["Content-Type"] = "application/problem+json"
        return Reply(problem.status, json.dumps(document).encode(), {**HEADERS, **more})
    if problem.code == "starting":
        # Understood by all browsers, and needs neither a script nor an exception of the policy.
        more["Refresh"] = str(problem.retry_after)
    content = f"<p>{escape(problem.detail)}</p>"
    return Reply(problem.status, page(problem.title, content), {**HEADERS, **more})


def robots() -> Reply:
    return Reply(HTTPStatus.OK, ROBOTS_TEXT, {**HEADERS, "Content-Type": "text/plain; charset=utf-8"})


def stranger(headers: Mapping[str, str]) -> Reply:
    """To a request of which no route tells whose it is."""
    return Reply(HTTPStatus.NOT_FOUND, unknown(headers.get("Host", "")), HEADERS)
