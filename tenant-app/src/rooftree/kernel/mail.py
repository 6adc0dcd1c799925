"""One mail to one person through the platform's mail server, always over STARTTLS with a checked certificate.

Send from a job, so that a server that is away costs a retry and not a person's time. Addresses and texts never reach
the log, a span or an error: servers like to repeat the recipient in their refusals, so only the status code is kept.
"""

import ssl
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid
from pathlib import Path
from typing import Annotated

from opentelemetry.trace import SpanKind
from pydantic import AfterValidator, Field

from rooftree.kernel.clock import Clock
from rooftree.kernel.metrics import Metrics
from rooftree.kernel.settings import SettingsSection
from rooftree.kernel.telemetry import span

_TIMEOUT_SECONDS = 10.0
_MAX_SUBJECT = 200


def _plain_address(value: str) -> str:
    """Exactly one address without a name. Raises ValueError that does not repeat it."""
    try:
        if value.isprintable():
            return Address(addr_spec=value).addr_spec
    except (ValueError, IndexError, HeaderParseError):
        pass
    raise ValueError("must be one plain mail address") from None


class SmtpSettings(SettingsSection):
    """The mail server; without a host mail cannot be sent."""

    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_from: Annotated[str, AfterValidator(_plain_address)] = "no-reply@rooftree.localhost"


class MailUnavailable(Exception):
    """Not now; the same mail may be taken later."""


class MailServerAway(MailUnavailable, ConnectionError):
    """There is no way to the server: nothing was handed over."""


class MailRefused(Exception):
    """The server will never take this mail."""


class Mail:
    """Sends in the tenant's name."""

    def __init__(
        self, settings: SmtpSettings, *, display_name: str, ca_file: Path | None, clock: Clock, metrics: Metrics
    ) -> None:
        self._settings = settings
        self._display_name = display_name
        self._ca_file = ca_file
        self._clock = clock
        self._counted = metrics.mails

    async def send(self, to: str, subject: str, text: str, html: str) -> None:
        """Returns once the server has it. Raises MailUnavailable, MailRefused, or ValueError for a doubtful header."""
        message = self._message(to, subject, text, html)
        try:
            with span("send mail", SpanKind.CLIENT, {"server.address": self._settings.smtp_host}):
                await self._hand_over(message)
        except Exception:
            self._counted.labels("failed").inc()
            raise
        self._counted.labels("sent").inc()

    def _message(self, to: str, subject: str, text: str, html: str) -> EmailMessage:
        if not subject.isprintable() or len(subject) > _MAX_SUBJECT:
            raise ValueError("a subject is one short line")
        message = EmailMessage(policy=SMTP)
        message["From"] = Address(_printable(self._display_name), addr_spec=self._settings.smtp_from)
        message["To"] = _plain_address(to)
        message["Subject"] = subject
        message["Date"] = self._clock.now()
        message["Message-ID"] = make_msgid(domain=self._settings.smtp_from.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        message.add_alternative(html, subtype="html")
        return message

    async def _hand_over(self, message: EmailMessage) -> None:
        import aiosmtplib

        if not self._settings.smtp_host:
            raise MailUnavailable("no mail server is configured")
        context = ssl.create_default_context(cafile=self._ca_file)
        try:
            await aiosmtplib.send(
                message,
                hostname=self._settings.smtp_host,
                port=self._settings.smtp_port,
                start_tls=True,
                tls_context=context,
                timeout=_TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _of_code(error.recipients[0].code) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _of_code(error.code) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailServerAway(f"the mail server cannot be used: {type(error).__name__}") from None


def _of_code(code: int) -> Exception:
    kind = MailRefused if 500 <= code < 600 else MailUnavailable
    return kind(f"the mail server answered {code}")


def _printable(value: str) -> str:
    return "".join(char for char in value if char.isprintable())
