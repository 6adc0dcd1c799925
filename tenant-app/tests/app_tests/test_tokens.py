"""An access token is accepted only as it was issued: every mutation below must be refused."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from rooftree.contracts.identity.api import OWNER_ROLE, TokenRefused
from rooftree.kernel.settings import SettingsError
from rooftree.modules.identity.tokens import Keys, Subject, TokenIssuer

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ISSUER = "https://acme.rooftree.localhost:8443"
TENANT = "acme-0a1b2c3d"
OWN = [ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True) for _ in range(2)]
OTHER = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
SUBJECT = Subject(
    user_id=uuid4(),
    name="Olivia",
    email="o@acme.test",
    role=OWNER_ROLE,
    client_id="web",
    scope="profile email",
    authenticated_at=NOW,
)


def document(*keys: ECKey) -> str:
    return json.dumps({"keys": [key.as_dict(private=True) for key in keys]})


ISSUING = TokenIssuer(Keys(document(*OWN)), issuer=ISSUER, tenant_id=TENANT)
TOKEN, _ = ISSUING.access_token(SUBJECT, NOW)


def encode(raw: bytes | str) -> str:
    return base64.urlsafe_b64encode(raw.encode() if isinstance(raw, str) else raw).rstrip(b"=").decode()


def decoded(part: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


HEADER, CLAIMS = (decoded(part) for part in TOKEN.split(".")[:2])
HEADER_PART, CLAIMS_PART, SIGNATURE_PART = TOKEN.split(".")


def signed(claims: dict[str, Any] | str, *, key: Any = OWN[0], header: dict[str, Any] | None = None) -> str:
    payload = claims if isinstance(claims, str) else json.dumps(claims)
    protected = HEADER | (header or {})
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    return jws.serialize_compact(protected, payload.encode(), key, registry=registry)


def hand_signed(header: str, claims: str = CLAIMS_PART) -> str:
    """A right signature by the right key over a header that no library would write."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    part = encode(header)
    der = OWN[0].private_key.sign(f"{part}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))  # type: ignore[union-attr]
    r, s = decode_dss_signature(der)
    return f"{part}.{claims}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def hs256(secret: bytes) -> str:
    head = f"{encode(json.dumps(HEADER | {'alg': 'HS256'}))}.{CLAIMS_PART}"
    return f"{head}.{encode(hmac.digest(secret, head.encode(), 'sha256'))}"


def with_claims(**changed: Any) -> str:
    return signed({name: value for name, value in (CLAIMS | changed).items() if value is not ...})


def with_header(**changed: Any) -> str:
    return hand_signed(json.dumps({name: value for name, value in (HEADER | changed).items() if value is not ...}))


def seconds(**parts: float) -> int:
    return int((NOW + timedelta(**parts)).timestamp())


PUBLIC_PEM = OWN[0].as_pem(private=False)
STRAY_BITS = SIGNATURE_PART[:-1] + chr(ord(SIGNATURE_PART[-1]) + 1)
MUTATIONS: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "one part": lambda: HEADER_PART,
    "two parts": lambda: f"{HEADER_PART}.{CLAIMS_PART}",
    "no signature": lambda: f"{HEADER_PART}.{CLAIMS_PART}.",
    "four parts": lambda: TOKEN + ".x",
    "alg none": lambda: f"{encode(json.dumps(HEADER | {'alg': 'none'}))}.{CLAIMS_PART}.",
    "alg None with signature": lambda: with_header(alg="None"),
    "alg ES384": lambda: with_header(alg="ES384"),
    "HS256 with the public key": lambda: hs256(PUBLIC_PEM),
    "foreign key with our kid": lambda: signed(CLAIMS, key=OTHER),
    "foreign key with its kid": lambda: signed(CLAIMS, key=OTHER, header={"kid": OTHER.kid}),
    "our second key under the first kid": lambda: signed(CLAIMS, key=OWN[1]),
    "no kid": lambda: with_header(kid=...),
    "kid of a path": lambda: with_header(kid="../../../../dev/null"),
    "kid of SQL": lambda: with_header(kid="' OR 1=1 --"),
    "kid of a list": lambda: with_header(kid=[OWN[0].kid]),
    "jku": lambda: with_header(jku="https://evil.test/keys"),
    "x5u": lambda: with_header(x5u="https://evil.test/cert"),
    "jwk inside": lambda: signed(CLAIMS, key=OTHER, header={"jwk": OTHER.as_dict(private=False)}),
    "crit": lambda: with_header(crit=["exp"]),
    "b64 false": lambda: with_header(b64=False, crit=["b64"]),
    "typ JWT": lambda: with_header(typ="JWT"),
    "no typ": lambda: with_header(typ=...),
    "typ in capitals": lambda: with_header(typ="AT+JWT"),
    "zip": lambda: with_header(zip="DEF"),
    "header twice alg": lambda: hand_signed(json.dumps(HEADER)[:-1] + ', "alg": "ES256"}'),
    "header no object": lambda: hand_signed('["ES256"]'),
    "header not JSON": lambda: hand_signed("{"),
    "expired": lambda: with_claims(exp=seconds(seconds=0), iat=seconds(minutes=-10)),
    "no exp": lambda: with_claims(exp=...),
    "exp as text": lambda: with_claims(exp=str(CLAIMS["exp"])),
    "exp as fraction": lambda: with_claims(exp=CLAIMS["exp"] + 0.5),
    "exp true": lambda: with_claims(exp=True),
    "exp beyond what we issue": lambda: with_claims(exp=seconds(days=365)),
    "from the future": lambda: with_claims(iat=seconds(minutes=2), exp=seconds(minutes=12)),
    "not yet": lambda: with_claims(nbf=seconds(minutes=5)),
    "no iat": lambda: with_claims(iat=...),
    "iss of another tenant": lambda: with_claims(iss="https://birch.rooftree.localhost:8443"),
    "iss with a slash": lambda: with_claims(iss=ISSUER + "/"),
    "no iss": lambda: with_claims(iss=...),
    "aud of another API": lambda: with_claims(aud="https://birch.rooftree.localhost:8443/api"),
    "aud as list": lambda: with_claims(aud=[CLAIMS["aud"], "https://evil.test"]),
    "no aud": lambda: with_claims(aud=...),
    "tenant of another": lambda: with_claims(tenant_id="birch-11112222"),
    "no tenant": lambda: with_claims(tenant_id=...),
    "sub no id": lambda: with_claims(sub="admin"),
    "no sub": lambda: with_claims(sub=...),
    "two roles": lambda: with_claims(roles=["agent", OWNER_ROLE]),
    "role no text": lambda: with_claims(roles=[1]),
    "claim twice": lambda: signed(json.dumps(CLAIMS)[:-1] + f', "sub": "{uuid4()}"}}'),
    "claims no object": lambda: signed("[]"),
    "altered claims": lambda: f"{HEADER_PART}.{encode(json.dumps(CLAIMS | {'roles': ['x']}))}.{SIGNATURE_PART}",
    "zero signature": lambda: f"{HEADER_PART}.{CLAIMS_PART}.{encode(bytes(64))}",
    "short signature": lambda: f"{HEADER_PART}.{CLAIMS_PART}.{SIGNATURE_PART[:-4]}",
    "signature with stray bits": lambda: f"{HEADER_PART}.{CLAIMS_PART}.{STRAY_BITS}",
    "padded signature": lambda: TOKEN + "==",
    "signature with a line break": lambda: TOKEN[:-4] + "\n" + TOKEN[-4:],
    "leading space": lambda: " " + TOKEN,
    "standard base64 letters": lambda: f"{HEADER_PART}.{CLAIMS_PART}.{SIGNATURE_PART[:-2]}+/",
    "not ASCII": lambda: TOKEN + "é",
    "huge": lambda: with_claims(scope="x" * 5000),
    "deep": lambda: signed("[" * 2000 + "]" * 2000),
    "ID token": lambda: ISSUING.id_token(SUBJECT, "n", NOW),
    "refresh token": lambda: "Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFy",
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_refuses(name: str) -> None:
    with pytest.raises(TokenRefused):
        ISSUING.authenticate(MUTATIONS[name](), NOW)


def test_accepts_what_it_issued_until_it_expires() -> None:
    principal = ISSUING.authenticate(TOKEN, NOW)
    assert (principal.user_id, principal.tenant_id, principal.role) == (SUBJECT.user_id, TENANT, OWNER_ROLE)
    assert principal.scopes == {"profile", "email"}
    assert ISSUING.authenticate(TOKEN, NOW + timedelta(minutes=10) - timedelta(seconds=1))
    with pytest.raises(TokenRefused):
        ISSUING.authenticate(TOKEN, NOW + timedelta(minutes=10))


def test_hand_made_copy_of_a_good_token_passes_so_that_the_mutations_prove_something() -> None:
    assert ISSUING.authenticate(with_claims(), NOW)
    assert ISSUING.authenticate(with_header(), NOW)
    assert ISSUING.authenticate(hand_signed(json.dumps(HEADER)), NOW)


def test_any_key_of_the_set_verifies_so_that_keys_can_be_rotated() -> None:
    rotated = TokenIssuer(Keys(document(OTHER, *OWN)), issuer=ISSUER, tenant_id=TENANT)
    assert rotated.authenticate(TOKEN, NOW)
    new, _ = rotated.access_token(SUBJECT, NOW)
    assert decoded(new.split(".")[0])["kid"] == OTHER.kid
    with pytest.raises(TokenRefused):
        ISSUING.authenticate(new, NOW)


def test_neighbour_with_the_same_key_still_refuses() -> None:
    neighbour = TokenIssuer(Keys(document(*OWN)), issuer="https://birch.rooftree.localhost:8443", tenant_id="birch-1")
    with pytest.raises(TokenRefused):
        neighbour.authenticate(TOKEN, NOW)


def test_published_keys_have_no_private_part() -> None:
    for key in Keys(document(*OWN)).public():
        assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        '{"keys": []}',
        '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}',
        json.dumps({"keys": [OWN[0].as_dict(private=False)]}),
        json.dumps({"keys": [ECKey.generate_key("P-384").as_dict(private=True)]}),
    ],
)
def test_wrong_key_file_is_refused_without_its_content(content: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Keys(content)
    assert "c2VjcmV0" not in str(caught.value)
