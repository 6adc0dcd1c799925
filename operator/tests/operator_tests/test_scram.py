"""SCRAM verifiers and generated keys."""

import base64
import json
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from rooftree_operator import keys, scram


def test_the_verifier_has_the_form_that_postgres_keeps() -> None:
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    form = r"SCRAM-SHA-256\$4096:W22ZaJ0SNY7soEsUEjb6gQ==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}="
    assert re.fullmatch(form, scram.verifier("pencil", salt))
    assert scram.verifier("pencil", salt) != scram.verifier("pencil2", salt)


def test_two_verifiers_of_one_password_differ_by_their_salt() -> None:
    assert scram.verifier("x" * 43) != scram.verifier("x" * 43)


def test_a_fingerprint_tells_passwords_apart_and_gives_none_away() -> None:
    password = keys.password()
    assert scram.fingerprint(password) != scram.fingerprint(keys.password())
    assert password not in scram.fingerprint(password)


def test_a_password_that_needs_preparation_is_refused() -> None:
    with pytest.raises(ValueError, match="plain ASCII"):
        scram.verifier("pässword")


def test_the_signing_key_is_a_private_es256_key_named_by_its_thumbprint() -> None:
    (key,) = json.loads(keys.signing_keys())["keys"]
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
    numbers = [int.from_bytes(_decoded(key[name]), "big") for name in ("x", "y", "d")]
    public = ec.EllipticCurvePublicNumbers(numbers[0], numbers[1], ec.SECP256R1())
    assert ec.derive_private_key(numbers[2], ec.SECP256R1()).public_key().public_numbers() == public
    assert len(_decoded(key["kid"])) == 32


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
