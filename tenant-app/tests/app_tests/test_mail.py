"""Mail leaves encrypted, well formed and once; what it says and to whom stays out of logs and errors."""

import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import ValidationError
from rooftree.kernel.backoff import AWAY
from rooftree.kernel.mail import Mail, MailRefused, MailUnavailable, SmtpSettings
from rooftree.kernel.metrics import Metrics

from .conftest import FakeClock
from .ports import free_port

TO = "canary.recipient@client.example"


@dataclass
class Sink:
    """A mail server that requires STARTTLS and keeps what it gets; `refusal` answers every recipient."""

    refusal: str = ""
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        if self.refusal:
            return f"{self.refusal} <{address}> canary"
        assert session.ssl is not None
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        self.mails.append(cast("EmailMessage", message_from_bytes(cast("bytes", envelope.content), policy=default)))
        return "250 OK"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate of 127.0.0.1, which is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("mail")
    crt, key = folder / "server.crt", folder / "server.key"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    argv += ["-subj", "/CN=mail", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(crt)]
    subprocess.run(argv, check=True, capture_output=True)
    return crt, key


@pytest.fixture
def sink(certificate: tuple[Path, Path]) -> Iterator[Sink]:
    kept = Sink()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    kept.port = free_port()
    controller = Controller(kept, "127.0.0.1", kept.port, tls_context=context, require_starttls=True)
    controller.start()
    try:
        yield kept
    finally:
        controller.stop()


@pytest.fixture
def mail(sink: Sink, certificate: tuple[Path, Path], clock: FakeClock) -> Callable[..., Mail]:
    def make(*, display_name: str = "Acme Realty", ca_file: Path | None = certificate[0], **settings: Any) -> Mail:
        values = {"smtp_host": "127.0.0.1", "smtp_port": sink.port, "smtp_from": "no-reply@rooftree.localhost"}
        return Mail(
            SmtpSettings(**values | settings),
            display_name=display_name,
            ca_file=ca_file,
            clock=clock,
            metrics=Metrics("test"),
        )

    return make


async def test_a_mail_arrives_as_text_and_html(mail: Callable[..., Mail], sink: Sink, clock: FakeClock) -> None:
    await mail().send(TO, "Neue Häuser", "Drei neue Häuser.\n", "<p>Drei neue Häuser.</p>")
    (received,) = sink.mails
    assert received["From"] == "Acme Realty <no-reply@rooftree.localhost>"
    assert (received["To"], received["Subject"]) == (TO, "Neue Häuser")
    assert received["Date"].datetime == clock.now()
    assert received["Message-ID"].endswith("@rooftree.localhost>")
    assert received.get_content_type() == "multipart/alternative"
    texts = [cast("EmailMessage", part) for part in received.iter_parts()]
    assert [part.get_content_type() for part in texts] == ["text/plain", "text/html"]
    assert [part.get_content().strip() for part in texts] == ["Drei neue Häuser.", "<p>Drei neue Häuser.</p>"]
    assert sink.envelopes[0].mail_from == "no-reply@rooftree.localhost"
    assert sink.envelopes[0].rcpt_tos == [TO]


async def test_names_of_tenants_cannot_add_headers(mail: Callable[..., Mail], sink: Sink) -> None:
    await mail(display_name='Acme\r\nBcc: x@evil.test, "O\'Brien" <ceo@bank.test>').send(TO, "s", "t", "<p>t</p>")
    (received,) = sink.mails
    assert received["Bcc"] is None
    assert [address.addr_spec for address in received["From"].addresses] == ["no-reply@rooftree.localhost"]


@pytest.mark.parametrize("subject", ["a\r\nBcc: x@evil.test", "a\nb", "a\x00b", "x" * 201])
async def test_a_subject_is_one_short_line(mail: Callable[..., Mail], sink: Sink, subject: str) -> None:
    with pytest.raises(ValueError, match="one short line"):
        await mail().send(TO, subject, "t", "<p>t</p>")
    assert sink.mails == []


@pytest.mark.parametrize(
    "to", ["a@b.test\r\nBcc: x@evil.test", "a@b.test, x@evil.test", "Ann <a@b.test>", "a", "", "a@", "@b", "a@b@c"]
)
async def test_a_recipient_is_one_plain_address(mail: Callable[..., Mail], sink: Sink, to: str) -> None:
    with pytest.raises(ValueError, match="one plain mail address") as raised:
        await mail().send(to, "s", "t", "<p>t</p>")
    assert sink.mails == []
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(("refusal", "kind"), [("550 no such user", MailRefused), ("451 try later", MailUnavailable)])
async def test_a_refusal_is_told_by_its_code_alone(
    mail: Callable[..., Mail], sink: Sink, refusal: str, kind: type[Exception]
) -> None:
    sink.refusal = refusal
    with structlog.testing.capture_logs() as log, pytest.raises(kind, match=f"answered {refusal[:3]}") as raised:
        await mail().send(TO, "s", "t", "<p>t</p>")
    assert "canary" not in str(raised.value) + str(log)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


async def test_without_a_trusted_certificate_nothing_is_sent(mail: Callable[..., Mail], sink: Sink) -> None:
    with pytest.raises(MailUnavailable):
        await mail(ca_file=None).send(TO, "s", "t", "<p>t</p>")
    assert sink.mails == []


async def test_a_server_without_encryption_gets_no_mail(mail: Callable[..., Mail]) -> None:
    plain = Sink()
    port = free_port()
    controller = Controller(plain, "127.0.0.1", port)
    controller.start()
    try:
        with pytest.raises(MailUnavailable):
            await mail(smtp_port=port).send(TO, "s", "t", "<p>t</p>")
    finally:
        controller.stop()
    assert plain.mails == []


@pytest.mark.parametrize("settings", [{"smtp_port": 1}, {"smtp_host": "nowhere.invalid"}])
async def test_a_server_that_is_away_may_be_tried_again_soon(
    mail: Callable[..., Mail], settings: dict[str, Any]
) -> None:
    with pytest.raises(MailUnavailable) as raised:
        await mail(**settings).send(TO, "s", "t", "<p>t</p>")
    assert isinstance(raised.value, AWAY)


async def test_without_a_server_nothing_is_sent(mail: Callable[..., Mail]) -> None:
    with pytest.raises(MailUnavailable):
        await mail(smtp_host="").send(TO, "s", "t", "<p>t</p>")


@pytest.mark.parametrize("address", ["Acme <a@b.test>", "a@b.test\nBcc: c@d.test", "nobody"])
def test_the_sender_is_checked_at_start(address: str) -> None:
    with pytest.raises(ValidationError):
        SmtpSettings(smtp_from=address)
