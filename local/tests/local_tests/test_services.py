"""Mail, objects and traces of a stack, from a client's side."""

from __future__ import annotations

import json
import os
import secrets
import smtplib
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from email.message import EmailMessage

import pytest
from rooftree_local import s3

pytestmark = pytest.mark.integration

CONTEXT = ssl.create_default_context(cafile=os.environ.get("ROOFTREE_CA_FILE"))


def fetch(url: str, content: bytes | None = None, headers: dict[str, str] | None = None, method: str = "GET") -> bytes:
    request = urllib.request.Request(url, content, headers or {}, method=method)
    context = CONTEXT if url.startswith("https") else None
    with urllib.request.urlopen(request, timeout=10, context=context) as response:
        return response.read()


def letter(recipient: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Grüße & <wishes>", "Rooftree <rooftree@local>", recipient
    message.set_content("Open https://acme.rooftree.localhost:8443/invitations/abc.\n")
    message.add_alternative("<p>Open <script>steal()</script></p>", subtype="html")
    return message


def post_office() -> smtplib.SMTP:
    host, port = os.environ["ROOFTREE_TEST_SMTP_HOST"], int(os.environ["ROOFTREE_TEST_SMTP_PORT"])
    return smtplib.SMTP(host, port, timeout=10)


def test_a_mail_is_found_by_its_recipient_and_shown_with_nothing_running() -> None:
    recipient = f"owner-{secrets.token_hex(4)}@example.com"
    with post_office() as server:
        server.starttls(context=CONTEXT)
        server.send_message(letter(recipient))
    page = os.environ["ROOFTREE_TEST_MAIL_URL"]
    (mail,) = json.loads(fetch(f"{page}/mails.json?to={urllib.parse.quote(recipient)}"))
    assert mail["subject"] == "Grüße & <wishes>"
    assert mail["recipients"] == [recipient]
    assert recipient in fetch(f"{page}/?to={recipient}").decode()
    shown = fetch(f"{page}/mails/{mail['id']}").decode()
    assert '<a href="https://acme.rooftree.localhost:8443/invitations/abc"' in shown
    assert "<script>" not in shown
    assert "sandbox=" in shown


def test_mail_is_taken_over_tls_only() -> None:
    with post_office() as server, pytest.raises(smtplib.SMTPException, match="STARTTLS"):
        server.send_message(letter("owner@example.com"))


def signed(method: str, url: str, content: bytes = b"", **login: str) -> dict[str, str]:
    administrator = {"user": os.environ["ROOFTREE_TEST_S3_USER"], "secret": os.environ["ROOFTREE_TEST_S3_PASSWORD"]}
    return s3.signed(method, url, content, **{**administrator, **login})


def test_objects_are_kept_and_given_back_to_who_has_the_key_only() -> None:
    bucket = f"{os.environ['ROOFTREE_TEST_S3_URL']}/test-{secrets.token_hex(4)}"
    photo = f"{bucket}/photo"
    fetch(bucket, b"", signed("PUT", bucket), "PUT")
    try:
        fetch(photo, b"bytes", signed("PUT", photo, b"bytes"), "PUT")
        assert fetch(photo, None, signed("GET", photo)) == b"bytes"
        with pytest.raises(urllib.error.HTTPError, match="403"):
            fetch(photo)
        fetch(photo, None, signed("DELETE", photo), "DELETE")
    finally:
        fetch(bucket, None, signed("DELETE", bucket), "DELETE")


def test_the_object_store_forgets_a_user_at_once() -> None:
    url, name = os.environ["ROOFTREE_TEST_S3_URL"], f"test-{secrets.token_hex(4)}"
    account = f"<Account><Access>{name}</Access><Secret>word</Secret><Role>user</Role></Account>".encode()
    fetch(f"{url}/create-user", account, signed("PATCH", f"{url}/create-user", account), "PATCH")
    asked = f"{url}/"
    assert fetch(asked, None, signed("GET", asked, user=name, secret="word"))
    gone = f"{url}/delete-user?access={name}"
    fetch(gone, None, signed("PATCH", gone), "PATCH")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        fetch(asked, None, signed("GET", asked, user=name, secret="word"))


def send_spans(trace: str, span: str, *, tenant: str, count: int = 1) -> None:
    """Server spans of one trace, the first with the id `span`; each took 30 ms."""
    now = time.time_ns()
    attributes = [
        {"key": "http.route", "value": {"stringValue": "/things/{id}"}},
        {"key": "http.response.status_code", "value": {"intValue": "200"}},
    ]
    made = [
        {
            "traceId": trace,
            "spanId": span if number == 0 else secrets.token_hex(8),
            "name": "GET /things/{id}",
            "kind": 2,
            "startTimeUnixNano": str(now - 30 * 10**6),
            "endTimeUnixNano": str(now),
            "attributes": attributes,
        }
        for number in range(count)
    ]
    about = {"service.name": "test", "rooftree.tenant": tenant, "service.instance.id": secrets.token_hex(4)}
    resource = {"attributes": [{"key": key, "value": {"stringValue": value}} for key, value in about.items()]}
    content = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": made}]}]}
    otlp = os.environ["ROOFTREE_TEST_OTLP"]
    fetch(f"{otlp}/v1/traces", json.dumps(content).encode(), {"Content-Type": "application/json"}, "POST")


def test_a_span_that_is_sent_is_soon_found_by_its_trace() -> None:
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    send_spans(trace, span, tenant="test")
    question = f"{os.environ['ROOFTREE_TEST_TRACES_URL']}/api/traces/{trace}"
    deadline = time.monotonic() + 30
    while (found := answer(question)) is None:
        assert time.monotonic() < deadline, "gave up waiting for the trace"
        time.sleep(0.05)
    assert [one["spanID"] for one in found["data"][0]["spans"]] == [span]


def test_spans_are_counted_by_tenant_and_route_within_seconds_with_examples() -> None:
    tenant, traces = f"test-{secrets.token_hex(4)}", [secrets.token_hex(16) for _ in range(2)]
    for trace in traces:  # of two pods: one series nevertheless
        send_spans(trace, secrets.token_hex(8), tenant=tenant, count=5)
    url, wanted = os.environ["ROOFTREE_TEST_SPAN_METRICS_URL"], "traces_span_metrics_duration_seconds"
    deadline = time.monotonic() + 60
    while True:
        text = fetch(url, headers={"Accept": "application/openmetrics-text;version=1.0.0"}).decode()
        lines = [line for line in text.splitlines() if f'rooftree_tenant="{tenant}"' in line]
        counts = [line for line in lines if line.startswith(f"{wanted}_count")]
        if sum(float(line.rpartition(" ")[2]) for line in counts) >= 10:
            break
        assert time.monotonic() < deadline, "gave up waiting for the span metrics"
        time.sleep(0.1)
    (count,) = counts
    assert float(count.rpartition(" ")[2]) == 10
    assert 'http_route="/things/{id}"' in count
    assert 'http_response_status_code="200"' in count
    assert "span_name" not in count
    buckets = [line for line in lines if line.startswith(f"{wanted}_bucket")]
    assert len(buckets) <= 13
    assert any(f'trace_id="{trace}"' in line for trace in traces for line in buckets)


def answer(url: str) -> dict[str, list[dict[str, list[dict[str, str]]]]] | None:
    try:
        return json.loads(fetch(url))
    except urllib.error.HTTPError as refusal:
        if refusal.code != 404:
            raise
        return None
