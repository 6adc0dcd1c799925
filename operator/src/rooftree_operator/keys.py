"""Makes a tenant's secrets: passwords, the owner's seed, the signing keys. Nothing here is ever logged."""

import base64
import hashlib
import json
import secrets

from cryptography.hazmat.primitives.asymmetric import ec


def password() -> str:
    """256 random bits, plain ASCII."""
    return secrets.token_urlsafe(32)


def signing_keys() -> str:
    """A private JWK set with one ES256 key, named by its RFC 7638 thumbprint."""
    numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    public = numbers.public_numbers
    point = {"crv": "P-256", "kty": "EC", "x": _text(public.x), "y": _text(public.y)}
    thumbprint = hashlib.sha256(json.dumps(point, sort_keys=True, separators=(",", ":")).encode()).digest()
    kid = base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode()
    key = {**point, "d": _text(numbers.private_value), "kid": kid, "alg": "ES256", "use": "sig"}
    return json.dumps({"keys": [key]})


def _text(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
