"""Mails as they are kept, and the pages that show them. Pure."""

from __future__ import annotations

import html
import re
from dataclasses import asdict, dataclass
from email import policy
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from email.message import EmailMessage

URL = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")
# Nothing of a mail runs, and nothing is fetched because of one.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: start; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #8884; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
iframe { width: 100%; height: 36rem; border: 1px solid #8886; background: white; }
"""


@dataclass(frozen=True)
class Mail:
    """One mail; sender and recipients are the envelope's. `received_at` is ISO 8601 in UTC."""

    id: int
    received_at: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str

    def is_to(self, words: str) -> bool:
        """Whether a recipient's address contains the words."""
        return any(words.casefold() in recipient.casefold() for recipient in self.recipients)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def parse(number: int, received_at: dt.datetime, sender: str, recipients: Sequence[str], content: bytes) -> Mail:
    """Reads a message as it came over SMTP; what is malformed in it is shown as well as it can be."""
    message = BytesParser(policy=policy.default).parsebytes(content)
    return Mail(
        id=number,
        received_at=received_at.isoformat(timespec="milliseconds"),
        sender=sender,
        recipients=tuple(recipients),
        subject=str(message.get("subject", "")),
        text=_body(message, "plain"),
        html=_body(message, "html"),
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    try:
        return part.get_content()
    except (LookupError, UnicodeError):  # a charset that nobody knows
        payload = part.get_payload(decode=True)
        return payload.decode(errors="replace") if isinstance(payload, bytes) else str(payload)


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style><body>{body}</body></html>'
    )


def list_page(mails: Sequence[Mail], words: str) -> str:
    """All mails that are to `words`, as they are given."""
    rows = "".join(
        f'<tr><td><a href="/mails/{mail.id}">{html.escape(mail.subject or "(no subject)")}</a></td>'
        f"<td>{html.escape(', '.join(mail.recipients))}</td><td>{html.escape(mail.sender)}</td>"
        f'<td><time datetime="{mail.received_at}">{mail.received_at[:19].replace("T", " ")}</time></td></tr>'
        for mail in mails
    )
    table = f"<table><thead><tr><th>Subject<th>To<th>From<th>Received (UTC)</thead><tbody>{rows}</tbody></table>"
    search = (
        f'<form><label>To <input type="search" name="to" value="{html.escape(words)}"></label> '
        "<button>Search</button></form>"
    )
    return _page("Mail of the local stack", f"<h1>Mail</h1>{search}{table if mails else '<p>No mail.</p>'}")


def mail_page(mail: Mail) -> str:
    """One mail: its text with links, its HTML in a frame in which nothing runs."""
    subject = mail.subject or "(no subject)"
    fields = "".join(
        f'<tr><th scope="row">{name}</th><td>{html.escape(value)}</td></tr>'
        for name, value in (("From", mail.sender), ("To", ", ".join(mail.recipients)), ("Received", mail.received_at))
    )
    text = f"<h2>Text</h2><pre>{linked(mail.text)}</pre>" if mail.text else ""
    frame = html.escape(f'<base target="_blank">{mail.html}')
    rich = (
        '<h2>HTML</h2><iframe title="The mail as HTML" sandbox="allow-popups allow-popups-to-escape-sandbox" '
        f'srcdoc="{frame}"></iframe>'
    )
    body = f'<p><a href="/">All mail</a></p><h1>{html.escape(subject)}</h1><table>{fields}</table>'
    return _page(subject, body + text + (rich if mail.html else ""))


def linked(text: str) -> str:
    """Text as HTML, its web addresses as links."""
    parts, end = [], 0
    for found in URL.finditer(text):
        address = html.escape(found[0])
        parts += [html.escape(text[end : found.start()]), f'<a href="{address}" rel="noreferrer">{address}</a>']
        end = found.end()
    return "".join([*parts, html.escape(text[end:])])
