"""A mail server that delivers to nobody: it keeps what it is given and shows it on a page.

`python -m rooftree_local.mail_sink ADDRESS SMTP_PORT PAGE_PORT CERTIFICATE KEY`. SMTP wants STARTTLS; the page is plain
HTTP: `/` (with `?to=`), `/mails/<id>`, and `/mails.json` for tests.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import ssl
import sys
import threading
from collections import deque
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP

from rooftree_local import mail_pages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiosmtpd.smtp import Envelope, Session

    from rooftree_local.mail_pages import Mail

KEPT = 1000
LARGEST = 5 * 2**20  # bytes


class Mailbox:
    """The last mails; written by the SMTP server, read by the pages' threads."""

    def __init__(self) -> None:
        self._mails: deque[Mail] = deque(maxlen=KEPT)
        self._count = 0
        self._lock = threading.Lock()

    def add(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        """Keeps a mail; the oldest one gives way."""
        with self._lock:
            self._count += 1
            now = dt.datetime.now(dt.UTC)
            self._mails.append(mail_pages.parse(self._count, now, sender, recipients, content))

    def to(self, words: str) -> list[Mail]:
        """The mails to an address that contains the words, the newest first."""
        with self._lock:
            return [mail for mail in reversed(self._mails) if mail.is_to(words)]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Takes a mail from aiosmtpd."""
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        self.add(envelope.mail_from or "", envelope.rcpt_tos, raw)
        return "250 kept"


class Pages(BaseHTTPRequestHandler):
    """The page over a mailbox."""

    protocol_version = "HTTP/1.1"

    def __init__(self, mailbox: Mailbox, *request: Any) -> None:
        self.mailbox = mailbox
        super().__init__(*request)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        words = parse_qs(parts.query).get("to", [""])[0]
        if parts.path == "/":
            self._answer(200, "text/html", mail_pages.list_page(self.mailbox.to(words), words))
        elif parts.path == "/mails.json":
            found = [mail.as_json() for mail in self.mailbox.to(words)]
            self._answer(200, "application/json", json.dumps(found))
        elif number := re.fullmatch(r"/mails/(\d+)", parts.path):
            self._one(int(number[1]))
        elif parts.path == "/health":
            self._answer(200, "text/plain", "ok")
        else:
            self._answer(404, "text/plain", "There is no such page.")

    def _one(self, number: int) -> None:
        found = [mail for mail in self.mailbox.to("") if mail.id == number]
        if found:
            self._answer(200, "text/html", mail_pages.mail_page(found[0]))
        else:
            self._answer(404, "text/plain", "There is no such mail.")

    def _answer(self, status: int, kind: str, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", mail_pages.POLICY)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Requests are not logged: addresses of people are in them."""


async def serve(address: str, ports: tuple[int, int], tls: ssl.SSLContext) -> None:
    """Serves mail and pages until the process ends."""
    mailbox = Mailbox()

    def session() -> SMTP:
        return SMTP(
            mailbox,
            data_size_limit=LARGEST,
            enable_SMTPUTF8=True,
            hostname="mail.local",
            tls_context=tls,
            require_starttls=True,
        )

    server = await asyncio.get_running_loop().create_server(session, address, ports[0])
    pages = ThreadingHTTPServer((address, ports[1]), partial(Pages, mailbox))
    pages.daemon_threads = True
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    await server.serve_forever()


def main() -> None:
    """Entry: reads the command line."""
    address, smtp_port, page_port, certificate, key = sys.argv[1:6]
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    asyncio.run(serve(address, (int(smtp_port), int(page_port)), tls))


if __name__ == "__main__":
    main()
