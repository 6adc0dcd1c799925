"""SCRAM-SHA-256 verifiers, computed here so that no clear password is ever in an SQL statement or a server log."""

import base64
import hashlib
import hmac
import os

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


def fingerprint(password: str) -> str:
    """Tells two generated passwords apart without giving either away; kept in the role's comment."""
    return hashlib.sha256(b"rooftree credential\0" + password.encode()).hexdigest()[:16]


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
