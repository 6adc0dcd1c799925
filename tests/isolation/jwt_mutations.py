"""What can be made of a real token: by whoever has only it, by whoever has another tenant's key, and by its own key.

The last group proves that claims are looked at and not only signatures. Nothing here may be accepted anywhere.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


def encode(raw: bytes | str) -> str:
    return base64.urlsafe_b64encode(raw.encode() if isinstance(raw, str) else raw).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def signed(key: ECKey, header: Any, claims: Any) -> str:
    """A right signature of this key over whatever it is."""
    head = ".".join(encode(part if isinstance(part, str) else json.dumps(part)) for part in (header, claims))
    private: Any = key.private_key
    r, s = decode_dss_signature(private.sign(head.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{head}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


@dataclass(frozen=True)
class Material:
    """A token that is accepted, the key that signed it; a neighbour's token and key."""

    token: str
    key: ECKey
    foreign_token: str
    foreign_key: ECKey

    @property
    def header(self) -> dict[str, Any]:
        return json.loads(decode(self.token.split(".")[0]))

    @property
    def claims(self) -> dict[str, Any]:
        return json.loads(decode(self.token.split(".")[1]))

    def copy(self) -> str:
        """The same by hand: it is accepted, or the mutations would prove nothing."""
        return signed(self.key, self.header, self.claims)


def mutations(given: Material) -> dict[str, str]:
    return {**_of_the_text(given), **_of_the_header(given), **_by_another_key(given), **_of_the_claims(given)}


def _of_the_text(given: Material) -> dict[str, str]:
    head, payload, signature = given.token.split(".")
    raw = decode(signature)
    altered = encode(json.dumps(given.claims | {"sub": str(uuid4())}))
    negated = raw[:32] + (ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    flipped = bytes([raw[0] ^ 1]) + raw[1:]
    return {
        "one part": head,
        "two parts": f"{head}.{payload}",
        "no signature": f"{head}.{payload}.",
        "four parts": f"{given.token}.x",
        "another signature's first bit": f"{head}.{payload}.{encode(flipped)}",
        "zero signature": f"{head}.{payload}.{encode(bytes(64))}",
        "signature of ones": f"{head}.{payload}.{encode(bytes(31) + b'1' + bytes(31) + b'1')}",
        "short signature": f"{head}.{payload}.{encode(raw[:63])}",
        "long signature": f"{head}.{payload}.{encode(raw + b'x')}",
        "signature in DER": f"{head}.{payload}.{encode(b'0' + raw)}",
        "padded signature": f"{given.token}==",
        "stray bits": given.token[:-1] + chr(ord(given.token[-1]) + 1),
        "altered claims": f"{head}.{altered}.{signature}",
        "altered claims, negated s": f"{head}.{altered}.{encode(negated)}",
        "parts of two tokens": f"{head}.{payload}.{given.foreign_token.split('.')[2]}",
        "claims of a neighbour": f"{head}.{given.foreign_token.split('.')[1]}.{signature}",
        "alg none": f"{encode(json.dumps(given.header | {'alg': 'none'}))}.{payload}.",
        "alg None with the signature": f"{encode(json.dumps(given.header | {'alg': 'None'}))}.{payload}.{signature}",
        "HS256 with the public key": _hs256(given, given.key.as_pem(private=False)),
        "HS256 with the public key as JWK": _hs256(given, json.dumps(given.key.as_dict(private=False)).encode()),
        "HS256 with nothing": _hs256(given, b""),
    }


def _hs256(given: Material, secret: bytes) -> str:
    head = f"{encode(json.dumps(given.header | {'alg': 'HS256'}))}.{given.token.split('.')[1]}"
    return f"{head}.{encode(hmac.digest(secret, head.encode(), 'sha256'))}"


def _of_the_header(given: Material) -> dict[str, str]:
    def header(**changed: Any) -> str:
        return signed(given.key, {k: v for k, v in (given.header | changed).items() if v is not ...}, given.claims)

    kid = given.header["kid"]
    return {
        "no kid": header(kid=...),
        "kid of a path": header(kid="../../../../dev/null"),
        "kid of SQL": header(kid="' OR 1=1 --"),
        "kid of a URL": header(kid="https://evil.example/key"),
        "kid of a list": header(kid=[kid]),
        "alg ES384": header(alg="ES384"),
        "alg RS256": header(alg="RS256"),
        "jku": header(jku="https://evil.example/keys"),
        "x5u": header(x5u="https://evil.example/cert"),
        "crit": header(crit=["exp"]),
        "b64 false": header(b64=False, crit=["b64"]),
        "zip": header(zip="DEF"),
        "typ JWT": header(typ="JWT"),
        "no typ": header(typ=...),
        "alg twice": signed(given.key, json.dumps(given.header)[:-1] + ', "alg": "ES256"}', given.claims),
        "header no object": signed(given.key, '["ES256"]', given.claims),
    }


def _by_another_key(given: Material) -> dict[str, str]:
    other, foreign_header = given.foreign_key, json.loads(decode(given.foreign_token.split(".")[0]))
    stranger = ECKey.generate_key("P-256", auto_kid=True)
    return {
        "a neighbour's token": given.foreign_token,
        "neighbour's key, our claims and kid": signed(other, given.header, given.claims),
        "neighbour's key and kid, our claims": signed(other, foreign_header, given.claims),
        "stranger's key with our kid": signed(stranger, given.header, given.claims),
        "stranger's key inside": signed(
            stranger, given.header | {"jwk": stranger.as_dict(private=False)}, given.claims
        ),
    }


def _of_the_claims(given: Material) -> dict[str, str]:
    own = given.claims
    theirs = json.loads(decode(given.foreign_token.split(".")[1]))

    def claims(**changed: Any) -> str:
        return signed(given.key, given.header, {k: v for k, v in (own | changed).items() if v is not ...})

    return {
        "expired": claims(iat=own["iat"] - 1200, exp=own["exp"] - 1200),
        "no exp": claims(exp=...),
        "exp as text": claims(exp=str(own["exp"])),
        "exp far away": claims(exp=own["exp"] + 10**8),
        "from the future": claims(iat=own["iat"] + 3600, exp=own["exp"] + 3600),
        "not yet": claims(nbf=own["iat"] + 3600),
        "no iat": claims(iat=...),
        "issuer of a neighbour": claims(iss=theirs["iss"]),
        "no issuer": claims(iss=...),
        "audience of a neighbour": claims(aud=theirs["aud"]),
        "audiences": claims(aud=[own["aud"], theirs["aud"]]),
        "no audience": claims(aud=...),
        "tenant of a neighbour": claims(tenant_id=theirs["tenant_id"]),
        "no tenant": claims(tenant_id=...),
        "no subject": claims(sub=...),
        "subject no id": claims(sub="admin"),
        "two roles": claims(roles=[*own["roles"], "agent"]),
        "claims no object": signed(given.key, given.header, "[]"),
        "a claim twice": signed(given.key, given.header, json.dumps(own)[:-1] + f', "sub": "{uuid4()}"}}'),
        "huge": claims(scope="x" * 6000),
    }
