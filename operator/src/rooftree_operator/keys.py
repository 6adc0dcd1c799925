"""Makes a tenant's secrets: passwords, the owner's seed, sets of signing keys. Nothing here is ever logged."""

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


def joined(old: str, new: str) -> str:
    """Both sets: the first key of `old` still signs, all of them verify."""
    return json.dumps({"keys": [*json.loads(old)["keys"], *json.loads(new)["keys"]]})


def newest_first(document: str) -> str:
    """The key that was added last signs; the others verify. Turning it twice changes nothing but the order."""
    found = json.loads(document)["keys"]
    return json.dumps({"keys": [found[-1], *found[:-1]]})


def first_only(document: str) -> str:
    """The key that signs, alone: what the others have signed is good no more."""
    return json.dumps({"keys": json.loads(document)["keys"][:1]})


def _text(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
