"""SCRAM verifiers, computed here so that no clear password is ever in a statement, a request or a server's log."""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field

ITERATIONS = 4096  # PostgreSQL's own number; the passwords are 256 random bits, so more would only cost time


def verifier(password: str, salt: bytes | None = None) -> str:
    """What PostgreSQL keeps in `pg_authid` for `password`. The password must be plain ASCII (no SASLprep)."""
    if not password.isascii():
        raise ValueError("passwords are generated and plain ASCII")
    salt = salt or os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client_key).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(server)}"


@dataclass(frozen=True)
class Salted:
    """A password as Kafka takes it, for SCRAM-SHA-512."""

    iterations: int
    salt: bytes = field(repr=False)
    password: bytes = field(repr=False)


def salted(password: str) -> Salted:
    """What Kafka makes its verifier of."""
    count, salt = iterations(password), os.urandom(24)
    return Salted(count, salt, hashlib.pbkdf2_hmac("sha512", password.encode(), salt, count))


def iterations(password: str) -> int:
    """How often Kafka hashes it: 4096, its least, and up to 4095 more that follow from the password.

    The number is all that Kafka tells of a credential. So it shows whether the credential is the one that we made of
    this password; it gives away 12 of the password's 256 random bits at most.
    """
    return ITERATIONS + int(fingerprint(password), 16) % ITERATIONS


def fingerprint(password: str) -> str:
    """Tells two generated passwords apart without giving either away; kept in the role's comment."""
    return hashlib.sha256(b"rooftree credential\0" + password.encode()).hexdigest()[:16]


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
