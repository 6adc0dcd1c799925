"""When the certificates end that nobody renews by themselves: the edge's, and the authorities of the backends."""

import ssl
from typing import Any

from cryptography import x509
from prometheus_client import Gauge

EXPIRES = Gauge(
    "rooftree_operator_certificate_expiry_timestamp_seconds",
    "When a certificate ends: the one that the edge shows, or the authority of a backend that ends first.",
    ["certificate"],
)
EDGE = "edge"


def note_shown(certificate: str, connection: ssl.SSLObject | None) -> None:
    """What the other side of a connection has shown; `connection`: None, if it was none with TLS."""
    shown: Any = connection.getpeercert() if connection is not None else None
    if shown and "notAfter" in shown:
        EXPIRES.labels(certificate).set(ssl.cert_time_to_seconds(shown["notAfter"]))


def note_authority(name: str, pem: str) -> None:
    """The authorities of `name` that we trust: whoever ends first. Raises `ValueError` for what is no certificate."""
    ends = [one.not_valid_after_utc.timestamp() for one in x509.load_pem_x509_certificates(pem.encode())]
    EXPIRES.labels(f"authority of {name}").set(min(ends))
