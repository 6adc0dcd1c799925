"""Access tokens of the client credentials grant: signed, not stored, so that every replica knows every token."""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256

LIFETIME = 3600  # seconds


class TokenIssuer:
    """Issues `<expiry>.<signature>` and knows its own again until the expiry."""

    def __init__(self, client_id: str, client_secret: str) -> None:
        self._client = (client_id, client_secret)
        self._key = sha256(f"mls-feed access token\0{client_id}\0{client_secret}".encode()).digest()

    def knows_client(self, client_id: str, client_secret: str) -> bool:
        same_id = hmac.compare_digest(client_id.encode(), self._client[0].encode())
        same_secret = hmac.compare_digest(client_secret.encode(), self._client[1].encode())
        return same_id and same_secret

    def issue(self, now: float) -> str:
        expiry = str(int(now) + LIFETIME)
        return f"{expiry}.{self._sign(expiry)}"

    def accepts(self, token: str, now: float) -> bool:
        expiry, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(expiry).encode()):
            return False
        return now < int(expiry)

    def _sign(self, expiry: str) -> str:
        digest = hmac.digest(self._key, expiry.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
