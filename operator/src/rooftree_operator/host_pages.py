"""What the edge shows where no app answers: no brokerage has this host, or the one that has it is suspended.

Standard library only, no state and no look-ups: the route of a suspended brokerage sets headers that say what to show,
and the route of all other hosts takes the same headers away from whoever sends them.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

PORT = 8080
HEADER_REASON = "X-Rooftree-Suspended"
HEADER_NAME = "X-Rooftree-Brokerage"
HEADER_MESSAGE = "X-Rooftree-Message"
PROBLEM = "https://rooftree.dev/problems/suspended"
PROBLEM_TITLE = "This brokerage is suspended"
RETRY_AFTER = 3600  # seconds

# Nobody is blamed in public, whatever the reason.
SENTENCES = {
    "billing": "This brokerage's service is suspended. Please contact the brokerage.",
    "idle": "This brokerage's service is switched off because it was not used for a while. "
    "Please contact the brokerage to have it switched on again.",
    "manual": "This brokerage's service is closed for now. Please try again later, or contact the brokerage.",
}
STYLE = (
    ":root{color-scheme:light dark}"
    "body{margin:0;font:1rem/1.5 system-ui,sans-serif;color:#1c2024;background:#fff}"
    "main{max-width:36rem;margin:0 auto;padding:12vh 1.25rem 2rem;overflow-wrap:anywhere}"
    "h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}"
    "p{margin:0 0 1rem}"
    "blockquote{margin:0;padding:0 0 0 1rem;border-left:.25rem solid #1f6f5c;white-space:pre-line}"
    "@media (prefers-color-scheme:dark){body{color:#edeef0;background:#16191c}blockquote{border-color:#6cc5ae}}"
)
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HTML = "text/html; charset=utf-8"
HEADERS = {
    "Content-Type": HTML,
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


Headers = Mapping[str, str] | Message


@dataclass(frozen=True)
class Suspension:
    """What visitors are told of a suspended brokerage. `reason` is one of `SENTENCES`."""

    reason: str
    name: str
    message: str = ""


@dataclass(frozen=True)
class Reply:
    """What is answered, beside the headers that all answers have."""

    status: HTTPStatus
    body: bytes
    headers: Mapping[str, str]


def headers_of(told: Suspension) -> dict[str, str]:
    """The request headers that tell it to the page; texts are percent-encoded, so that a header can hold them."""
    texts = {HEADER_NAME: quote(told.name, safe=""), HEADER_MESSAGE: quote(told.message, safe="")}
    return {HEADER_REASON: told.reason, **{name: text for name, text in texts.items() if text}}


def suspension_of(headers: Headers) -> Suspension | None:
    """What `headers_of` told; None if this host has no suspended brokerage."""
    reason = headers.get(HEADER_REASON)
    if reason not in SENTENCES:
        return None
    return Suspension(reason, unquote(headers.get(HEADER_NAME, "")), unquote(headers.get(HEADER_MESSAGE, "")))


def reply(path: str, headers: Headers) -> Reply:
    """The answer to a request, whatever its method; the kubelet is told that we live."""
    if path == "/livez" and "X-Forwarded-Host" not in headers:
        return Reply(HTTPStatus.OK, b"", {})
    told = suspension_of(headers)
    if told is None:
        return Reply(HTTPStatus.NOT_FOUND, unknown(headers.get("Host", "")), {})
    status = HTTPStatus.PAYMENT_REQUIRED if told.reason == "billing" else HTTPStatus.SERVICE_UNAVAILABLE
    more = {"Vary": "Accept"}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        more["Retry-After"] = str(RETRY_AFTER)
    if prefers_json(headers.get("Accept", "")):
        return Reply(status, problem(told, status), {**more, "Content-Type": "application/problem+json"})
    return Reply(status, suspended(told), more)


def unknown(host: str) -> bytes:
    """The page for `host`, which comes from the request and is shown as text only."""
    content = (
        f"<p>There is no brokerage at <strong>{escape(host[:255]) or 'this address'}</strong>.</p>\n"
        "<p>Check the address for a typing mistake. If it is right, the brokerage may have moved or closed: ask the "
        "person who gave you this address.</p>"
    )
    return page("No brokerage here", content)


def suspended(told: Suspension) -> bytes:
    """The page of a suspended brokerage; its name and message are shown as text only."""
    content = f"<p>{escape(SENTENCES[told.reason])}</p>"
    if told.message:
        content += f"\n<blockquote>{escape(told.message)}</blockquote>"
    return page(told.name or PROBLEM_TITLE, content)


def problem(told: Suspension, status: HTTPStatus) -> bytes:
    """The same as a document of RFC 9457; `brokerage` and `message` are extensions."""
    document = {"type": PROBLEM, "title": PROBLEM_TITLE, "status": status.value, "detail": SENTENCES[told.reason]}
    more = {"brokerage": told.name, "message": told.message}
    return json.dumps(document | {key: text for key, text in more.items() if text}).encode()


def prefers_json(accept: str) -> bool:
    """Whether an Accept header asks for JSON rather than for HTML; who takes anything gets HTML."""
    best: dict[str, float] = {}
    for entry in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in entry.split(";"))
        best[kind] = max(best.get(kind, 0.0), _quality(parameters))
    json_at = max(best.get("application/json", 0.0), best.get("application/problem+json", 0.0))
    html_at = max(best.get("text/html", 0.0), best.get("application/xhtml+xml", 0.0), best.get("text/*", 0.0))
    return json_at > html_at


def _quality(parameters: list[str]) -> float:
    """The weight of an entry of an Accept header; one that is none counts as nothing."""
    given = next((one[2:] for one in parameters if one.startswith("q=")), "1")
    try:
        return float(given)
    except ValueError:
        return 0.0


def page(title: str, content: str) -> bytes:
    """A page in our dress. `title` is shown as text, `content` as the markup that it is."""
    return PAGE.format(title=escape(title), style=STYLE, content=content).encode()


class Handler(BaseHTTPRequestHandler):
    """Answers every method with what `reply` says."""

    timeout = 10  # seconds; a slow client does not hold a thread for longer
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        answer = reply(self.path, self.headers)
        self.send_response(answer.status)
        for name, value in {**HEADERS, **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        # A request body is not read; so the connection cannot be used again.
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815

    def version_string(self) -> str:
        """The Server header, without versions that help nobody but an attacker."""
        return "rooftree"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it so
        """Visitors of pages are none of our business; the edge counts requests."""


def main() -> None:
    with ThreadingHTTPServer(("", PORT), Handler) as server:
        server.daemon_threads = True
        server.serve_forever()


if __name__ == "__main__":
    main()
