"""Access tokens (RFC 9068) and ID tokens: ES256, signed with the first key of the tenant's set.

Verification decides the algorithm itself and refuses whatever is unusual before any cryptography: more or other header
members than ours, members twice, text that is not the one canonical encoding, sizes beyond what we ever issue.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from rooftree.contracts.identity.api import TokenRefused
from rooftree.kernel.auth import Principal
from rooftree.kernel.ids import new_id
from rooftree.kernel.settings import SettingsError
from rooftree.modules.identity.domain import ACCESS_LIFE, MAX_TEAMS

_ALGORITHM = "ES256"
_ACCESS_TYPE = "at+jwt"
_HEADER = frozenset({"alg", "kid", "typ"})
_MAX_TOKEN = 4096
_MOST_VERIFIED = 2_000  # of about 1 KiB
_SIGNATURE_BYTES = 64
_LEEWAY = timedelta(seconds=30)
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whom a token is about."""

    user_id: UUID
    name: str
    email: str
    role: str
    client_id: str
    scope: str
    authenticated_at: datetime
    sign_in_id: UUID
    office_id: UUID | None = None
    team_ids: tuple[UUID, ...] = ()


class Keys:
    """The tenant's signing keys: the first one signs, all of them verify."""

    def __init__(self, document: str) -> None:
        """`document`: a private JWK set. Raises `SettingsError` without a word of its content."""
        try:
            keys = [ECKey.import_key(item) for item in json.loads(document)["keys"]]
            if not keys or any(key.curve_name != "P-256" or not key.is_private for key in keys):
                raise ValueError
        except (ValueError, KeyError, TypeError, JoseError):
            raise SettingsError("signing_keys.json is not a JWK set of private P-256 keys.") from None
        self._keys = {str(key.get("kid") or key.thumbprint()): key for key in keys}
        self.signing_kid = next(iter(self._keys))

    def signing(self) -> ECKey:
        return self._keys[self.signing_kid]

    def verifying(self, kid: str) -> ECKey | None:
        return self._keys.get(kid)

    def public(self) -> list[dict[str, str]]:
        """For the JWKS document: public members only, picked by name."""
        documents: list[dict[str, str]] = []
        for kid, key in self._keys.items():
            members: Mapping[str, Any] = key.as_dict(private=False)
            shown = {name: str(members[name]) for name in ("kty", "crv", "x", "y")}
            documents.append({**shown, "kid": kid, "alg": _ALGORITHM, "use": "sig"})
        return documents


class TokenIssuer:
    """Signs for, and checks tokens of, exactly one tenant."""

    def __init__(self, keys: Keys, *, issuer: str, tenant_id: str) -> None:
        self._verified: dict[bytes, dict[str, Any]] = {}
        """Claims by the hash of a token whose form and signature were found good: those never change, times do."""
        self._keys = keys
        self._issuer = issuer
        self._tenant_id = tenant_id
        self.audience = f"{issuer}/api"

    def access_token(self, subject: Subject, now: datetime) -> tuple[str, datetime]:
        expires = now + ACCESS_LIFE
        claims = {
            "iss": self._issuer,
            "aud": self.audience,
            "sub": str(subject.user_id),
            "client_id": subject.client_id,
            "scope": subject.scope,
            "roles": [subject.role],
            "tenant_id": self._tenant_id,
            "sid": str(subject.sign_in_id),
            "office_id": str(subject.office_id) if subject.office_id else None,
            "team_ids": [str(team_id) for team_id in subject.team_ids],
            "iat": int(now.timestamp()),
            "exp": int(expires.timestamp()),
            "auth_time": int(subject.authenticated_at.timestamp()),
            "jti": str(new_id()),
        }
        return self._sign(_ACCESS_TYPE, claims), expires

    def id_token(self, subject: Subject, nonce: str | None, now: datetime) -> str:
        """Tells no more of the person than the scope asks for (OpenID Connect Core 1.0, 5.4)."""
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": subject.client_id,
            "sub": str(subject.user_id),
            "iat": int(now.timestamp()),
            "exp": int((now + ACCESS_LIFE).timestamp()),
            "auth_time": int(subject.authenticated_at.timestamp()),
        }
        told = {"profile": ("name", subject.name), "email": ("email", subject.email)}
        claims |= dict(claim for scope, claim in told.items() if scope in subject.scope.split())
        return self._sign("JWT", claims | ({"nonce": nonce} if nonce else {}))

    def _sign(self, kind: str, claims: Mapping[str, Any]) -> str:
        header = {"alg": _ALGORITHM, "kid": self._keys.signing_kid, "typ": kind}
        payload = json.dumps(claims, separators=(",", ":")).encode()
        return jws.serialize_compact(header, payload, self._keys.signing(), algorithms=[_ALGORITHM])

    def authenticate(self, token: str, now: datetime) -> Principal:
        """The bearer of an access token of this tenant. Raises `TokenRefused`, always without saying why."""
        try:
            key = hashlib.sha256(token.encode()).digest()
            claims = self._verified.get(key) or self._claims(token)
            principal = self._principal(claims, now)
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError, JoseError):
            raise TokenRefused from None
        if len(self._verified) >= _MOST_VERIFIED:
            self._verified.clear()
        self._verified[key] = claims
        return principal

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > _MAX_TOKEN:
            raise ValueError
        header_part, payload_part, signature_part = token.split(".")
        header = _object(_canonical(header_part))
        if header.keys() != _HEADER or header["alg"] != _ALGORITHM or header["typ"] != _ACCESS_TYPE:
            raise ValueError
        key = self._keys.verifying(header["kid"]) if isinstance(header["kid"], str) else None
        if key is None or len(_canonical(signature_part)) != _SIGNATURE_BYTES:
            raise ValueError
        claims = _object(_canonical(payload_part))
        jws.deserialize_compact(token, key, algorithms=[_ALGORITHM])
        return claims

    def _principal(self, claims: Mapping[str, Any], now: datetime) -> Principal:
        expected = {"iss": self._issuer, "aud": self.audience, "tenant_id": self._tenant_id}
        if any(claims[name] != value for name, value in expected.items()):
            raise ValueError
        issued, expires = _time(claims["iat"]), _time(claims["exp"])
        moment, leeway = now.timestamp(), _LEEWAY.total_seconds()
        if not issued - leeway <= moment < expires or expires - issued > ACCESS_LIFE.total_seconds():
            raise ValueError
        if "nbf" in claims and _time(claims["nbf"]) > moment + leeway:
            raise ValueError
        (role,) = claims["roles"]
        office, teams = claims["office_id"], claims["team_ids"]
        if not isinstance(teams, list) or len(teams) > MAX_TEAMS:
            raise ValueError
        return Principal(
            user_id=_id(claims["sub"]),
            tenant_id=self._tenant_id,
            role=_text(role),
            client_id=_text(claims["client_id"]),
            scopes=frozenset(_text(claims["scope"]).split()),
            office_id=None if office is None else _id(office),
            team_ids=frozenset(map(_id, teams)),
            sign_in_id=_id(claims["sid"]),
        )


def _canonical(part: str) -> bytes:
    """Decode base64url that has exactly one spelling: no padding, no stray bits, nothing else."""
    if not _SEGMENT.fullmatch(part):
        raise ValueError
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as error:
        raise ValueError from error
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise ValueError
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    value = json.loads(raw.decode(), object_pairs_hook=_unique)
    if not isinstance(value, dict):
        raise TypeError
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _time(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


def _id(value: object) -> UUID:
    """In the one spelling that we write."""
    found = UUID(_text(value))
    if str(found) != value:
        raise ValueError
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
