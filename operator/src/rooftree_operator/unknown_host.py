"""The page for hosts that belong to no brokerage: plain HTML with status 404. Standard library only, no state."""

from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8080
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>No brokerage here</title>
</head>
<body>
<main>
<h1>No brokerage here</h1>
<p>There is no brokerage at <strong>{host}</strong>.</p>
<p>Check the address for a typing mistake. If it is right, the brokerage may have moved or closed: ask the person who
gave you this address.</p>
</main>
</body>
</html>
"""
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def page(host: str) -> bytes:
    """The page for `host`, which comes from the request and is shown as text only."""
    return PAGE.format(host=escape(host[:255]) or "this address").encode()


class Handler(BaseHTTPRequestHandler):
    """Answers everything with the page, and the kubelet with 200."""

    timeout = 10  # seconds; a slow client does not hold a thread for longer
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        alive = self.path == "/livez" and "X-Forwarded-Host" not in self.headers
        status = HTTPStatus.OK if alive else HTTPStatus.NOT_FOUND
        body = b"" if alive else page(self.headers.get("Host", ""))
        self.send_response(status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        # A request body is not read; so the connection cannot be used again.
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815

    def version_string(self) -> str:
        """The Server header, without versions that help nobody but an attacker."""
        return "rooftree"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it so
        """Unknown hosts are none of our business; the edge counts requests."""


def main() -> None:
    with ThreadingHTTPServer(("", PORT), Handler) as server:
        server.daemon_threads = True
        server.serve_forever()


if __name__ == "__main__":
    main()
