"""Tokens that are nearly right: each differs from a good one in one way that was an attack somewhere."""

import base64
import hmac
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from joserfc import jws
from joserfc.jwk import ECKey

OTHER = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the curve P-256


def encode(raw: bytes | str) -> str:
    return base64.urlsafe_b64encode(raw.encode() if isinstance(raw, str) else raw).rstrip(b"=").decode()


def decoded(part: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Forge:
    """Has a good token and the key that signed it, which no attacker has; makes copies of it and mutations."""

    def __init__(self, token: str, keys: Sequence[ECKey], *, now: datetime) -> None:
        self.token = token
        self.key, self.second_key = keys
        self.now = now
        self.header_part, self.claims_part, self.signature_part = token.split(".")
        self.header, self.claims = decoded(self.header_part), decoded(self.claims_part)

    def signed(
        self, claims: dict[str, Any] | str, *, key: ECKey | None = None, header: dict[str, Any] | None = None
    ) -> str:
        payload = claims if isinstance(claims, str) else json.dumps(claims)
        registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
        return jws.serialize_compact(self.header | (header or {}), payload.encode(), key or self.key, registry=registry)

    def hand_signed(self, header: str) -> str:
        """A right signature by the right key over a header that no library would write."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        part = encode(header)
        der = self.key.private_key.sign(  # type: ignore[union-attr]
            f"{part}.{self.claims_part}".encode(), ec.ECDSA(hashes.SHA256())
        )
        r, s = decode_dss_signature(der)
        return f"{part}.{self.claims_part}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def hs256(self, secret: bytes, **header: Any) -> str:
        head = f"{encode(json.dumps(self.header | {'alg': 'HS256'} | header))}.{self.claims_part}"
        return f"{head}.{encode(hmac.digest(secret, head.encode(), 'sha256'))}"

    def with_claims(self, **changed: Any) -> str:
        return self.signed({name: value for name, value in (self.claims | changed).items() if value is not ...})

    def with_header(self, **changed: Any) -> str:
        header = {name: value for name, value in (self.header | changed).items() if value is not ...}
        return self.hand_signed(json.dumps(header))

    def with_signature(self, signature: str) -> str:
        return f"{self.header_part}.{self.claims_part}.{signature}"

    def at(self, **parts: float) -> int:
        return int((self.now + timedelta(**parts)).timestamp())

    def mutations(self) -> dict[str, Callable[[], str]]:
        return self._shapes() | self._headers() | self._claims() | self._signatures()

    def _shapes(self) -> dict[str, Callable[[], str]]:
        return {
            "empty": lambda: "",
            "one part": lambda: self.header_part,
            "two parts": lambda: f"{self.header_part}.{self.claims_part}",
            "four parts": lambda: self.token + ".x",
            "five parts as if encrypted": lambda: f"{self.token}.x.y",
            "leading space": lambda: " " + self.token,
            "trailing space": lambda: self.token + " ",
            "twice": lambda: f"{self.token} {self.token}",
            "not ASCII": lambda: self.token + "é",
            "NUL at the end": lambda: self.token + "\0",
            "huge": lambda: self.with_claims(scope="x" * 5000),
            "huge header": lambda: self.with_header(kid="x" * 5000),
            "deep": lambda: self.signed("[" * 2000 + "]" * 2000),
            "JSON serialization": lambda: json.dumps(
                {"protected": self.header_part, "payload": self.claims_part, "signature": self.signature_part}
            ),
            "refresh token": lambda: "Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFy",
        }

    def _headers(self) -> dict[str, Callable[[], str]]:
        public_pem = self.key.as_pem(private=False)
        public_jwk = json.dumps(self.key.as_dict(private=False)).encode()
        none = encode(json.dumps(self.header | {"alg": "none"}))
        return {
            "alg none": lambda: f"{none}.{self.claims_part}.",
            "alg none with signature": lambda: f"{none}.{self.claims_part}.{self.signature_part}",
            "alg None with signature": lambda: self.with_header(alg="None"),
            "alg ES384": lambda: self.with_header(alg="ES384"),
            "alg es256": lambda: self.with_header(alg="es256"),
            "alg of a list": lambda: self.with_header(alg=["ES256"]),
            "no alg": lambda: self.with_header(alg=...),
            "HS256 with the public key": lambda: self.hs256(public_pem),
            "HS256 with the public key's JWK": lambda: self.hs256(public_jwk),
            "HS256 with an empty key": lambda: self.hs256(b""),
            "HS256 with the kid as key": lambda: self.hs256(self.header["kid"].encode()),
            "foreign key with our kid": lambda: self.signed(self.claims, key=OTHER),
            "foreign key with its kid": lambda: self.signed(self.claims, key=OTHER, header={"kid": OTHER.kid}),
            "our second key under the first kid": lambda: self.signed(self.claims, key=self.second_key),
            "no kid": lambda: self.with_header(kid=...),
            "kid of a path": lambda: self.with_header(kid="../../../../dev/null"),
            "kid of SQL": lambda: self.with_header(kid="' OR 1=1 --"),
            "kid of a command": lambda: self.with_header(kid="x|id"),
            "kid of a URL": lambda: self.with_header(kid="https://evil.test/keys#1"),
            "kid of a list": lambda: self.with_header(kid=[self.header["kid"]]),
            "kid null": lambda: self.with_header(kid=None),
            "jku": lambda: self.with_header(jku="https://evil.test/keys"),
            "x5u": lambda: self.with_header(x5u="https://evil.test/cert"),
            "x5c": lambda: self.with_header(x5c=["MIIB"]),
            "jwk inside": lambda: self.signed(self.claims, key=OTHER, header={"jwk": OTHER.as_dict(private=False)}),
            "our jwk inside": lambda: self.with_header(jwk=self.key.as_dict(private=False)),
            "crit": lambda: self.with_header(crit=["exp"]),
            "crit empty": lambda: self.with_header(crit=[]),
            "b64 false": lambda: self.with_header(b64=False, crit=["b64"]),
            "cty JWT": lambda: self.with_header(cty="JWT"),
            "typ JWT": lambda: self.with_header(typ="JWT"),
            "no typ": lambda: self.with_header(typ=...),
            "typ in capitals": lambda: self.with_header(typ="AT+JWT"),
            "typ as a media type": lambda: self.with_header(typ="application/at+jwt"),
            "zip": lambda: self.with_header(zip="DEF"),
            "header twice alg": lambda: self.hand_signed(json.dumps(self.header)[:-1] + ', "alg": "ES256"}'),
            "header no object": lambda: self.hand_signed('["ES256"]'),
            "header not JSON": lambda: self.hand_signed("{"),
        }

    def _claims(self) -> dict[str, Callable[[], str]]:
        ident = str(uuid4())
        twice = json.dumps(self.claims)[:-1] + f', "sub": "{ident}"}}'
        altered = encode(json.dumps(self.claims | {"roles": ["x"]}))
        return {
            "expired": lambda: self.with_claims(exp=self.at(seconds=0), iat=self.at(minutes=-10)),
            "no exp": lambda: self.with_claims(exp=...),
            "exp as text": lambda: self.with_claims(exp=str(self.claims["exp"])),
            "exp as fraction": lambda: self.with_claims(exp=self.claims["exp"] + 0.5),
            "exp true": lambda: self.with_claims(exp=True),
            "exp null": lambda: self.with_claims(exp=None),
            "exp infinite": lambda: self.signed(json.dumps(self.claims | {"exp": float("inf")})),
            "exp beyond what we issue": lambda: self.with_claims(exp=self.at(days=365)),
            "from the future": lambda: self.with_claims(iat=self.at(minutes=2), exp=self.at(minutes=12)),
            "not yet": lambda: self.with_claims(nbf=self.at(minutes=5)),
            "nbf as text": lambda: self.with_claims(nbf="0"),
            "no iat": lambda: self.with_claims(iat=...),
            "iss of another tenant": lambda: self.with_claims(iss="https://birch.rooftree.localhost:8443"),
            "iss with a slash": lambda: self.with_claims(iss=self.claims["iss"] + "/"),
            "no iss": lambda: self.with_claims(iss=...),
            "aud of another API": lambda: self.with_claims(aud="https://birch.rooftree.localhost:8443/api"),
            "aud as list": lambda: self.with_claims(aud=[self.claims["aud"], "https://evil.test"]),
            "aud of the web client": lambda: self.with_claims(aud="web"),
            "no aud": lambda: self.with_claims(aud=...),
            "tenant of another": lambda: self.with_claims(tenant_id="birch-11112222"),
            "no tenant": lambda: self.with_claims(tenant_id=...),
            "sub no id": lambda: self.with_claims(sub="admin"),
            "sub in another spelling": lambda: self.with_claims(sub=self.claims["sub"].upper().replace("-", "")),
            "no sub": lambda: self.with_claims(sub=...),
            "no role": lambda: self.with_claims(roles=[]),
            "two roles": lambda: self.with_claims(roles=["agent", "broker_owner"]),
            "role no text": lambda: self.with_claims(roles=[1]),
            "roles missing": lambda: self.with_claims(roles=...),
            "no sign-in": lambda: self.with_claims(sid=...),
            "sign-in no id": lambda: self.with_claims(sid="1"),
            "sign-in null": lambda: self.with_claims(sid=None),
            "no office": lambda: self.with_claims(office_id=...),
            "office no id": lambda: self.with_claims(office_id="main"),
            "office a list": lambda: self.with_claims(office_id=[ident]),
            "no teams": lambda: self.with_claims(team_ids=...),
            "teams null": lambda: self.with_claims(team_ids=None),
            "teams a text": lambda: self.with_claims(team_ids=ident),
            "team no id": lambda: self.with_claims(team_ids=[ident, "x"]),
            "more teams than one can have": lambda: self.with_claims(team_ids=[str(uuid4()) for _ in range(21)]),
            "scope a list": lambda: self.with_claims(scope=["profile"]),
            "claim twice": lambda: self.signed(twice),
            "claims no object": lambda: self.signed("[]"),
            "altered claims": lambda: f"{self.header_part}.{altered}.{self.signature_part}",
        }

    def _signatures(self) -> dict[str, Callable[[], str]]:
        signature = self.signature_part
        raw = base64.urlsafe_b64decode(signature + "==")
        mirrored = raw[:32] + (ORDER - int.from_bytes(raw[32:])).to_bytes(32)
        return {
            "no signature": lambda: self.with_signature(""),
            "blank signature": lambda: self.with_signature(" "),
            "zero signature": lambda: self.with_signature(encode(bytes(64))),
            "signature of the order": lambda: self.with_signature(encode(ORDER.to_bytes(32) * 2)),
            "signature of ones": lambda: self.with_signature(encode(b"\xff" * 64)),
            "short signature": lambda: self.with_signature(signature[:-4]),
            "long signature": lambda: self.with_signature(encode(raw + b"\0")),
            "halves exchanged": lambda: self.with_signature(encode(raw[32:] + raw[:32])),
            "signature in DER": lambda: self.with_signature(encode(_der(raw))),
            "other bytes of the mirrored signature": lambda: self.with_signature(
                encode(mirrored[:-1] + bytes([mirrored[-1] ^ 1]))
            ),
            "signature with stray bits": lambda: self.with_signature(signature[:-1] + chr(ord(signature[-1]) + 1)),
            "padded signature": lambda: self.token + "==",
            "signature with a line break": lambda: self.token[:-4] + "\n" + self.token[-4:],
            "standard base64 letters": lambda: self.with_signature(signature[:-2] + "+/"),
        }


def _der(raw: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    return encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
