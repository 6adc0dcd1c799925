"""An access token is accepted only as it was issued: every mutation below must be refused."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from joserfc.jwk import ECKey
from rooftree.contracts.identity.api import OWNER_ROLE, TokenRefused
from rooftree.kernel.settings import SettingsError
from rooftree.modules.identity.domain import MAX_TEAMS
from rooftree.modules.identity.tokens import Keys, Subject, TokenIssuer

from .token_mutations import OTHER, Forge, decoded

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ISSUER = "https://acme.rooftree.localhost:8443"
TENANT = "acme-0a1b2c3d"
OWN = [ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True) for _ in range(2)]
SUBJECT = Subject(
    user_id=uuid4(),
    name="Olivia",
    email="o@acme.test",
    role=OWNER_ROLE,
    client_id="web",
    scope="profile email",
    authenticated_at=NOW,
    sign_in_id=uuid4(),
    office_id=uuid4(),
    team_ids=tuple(sorted(uuid4() for _ in range(MAX_TEAMS))),
)


def document(*keys: ECKey) -> str:
    return json.dumps({"keys": [key.as_dict(private=True) for key in keys]})


ISSUING = TokenIssuer(Keys(document(*OWN)), issuer=ISSUER, tenant_id=TENANT)
TOKEN, _ = ISSUING.access_token(SUBJECT, NOW)


FORGE = Forge(TOKEN, OWN, now=NOW)
MUTATIONS = FORGE.mutations() | {"ID token": lambda: ISSUING.id_token(SUBJECT, "n", NOW)}


@pytest.mark.parametrize("name", MUTATIONS)
def test_refuses(name: str) -> None:
    with pytest.raises(TokenRefused):
        ISSUING.authenticate(MUTATIONS[name](), NOW)


def test_accepts_what_it_issued_until_it_expires() -> None:
    principal = ISSUING.authenticate(TOKEN, NOW)
    assert (principal.user_id, principal.tenant_id, principal.role) == (SUBJECT.user_id, TENANT, OWNER_ROLE)
    assert principal.scopes == {"profile", "email"}
    assert (principal.office_id, principal.team_ids) == (SUBJECT.office_id, set(SUBJECT.team_ids))
    assert principal.sign_in_id == SUBJECT.sign_in_id
    assert ISSUING.authenticate(TOKEN, NOW + timedelta(minutes=10) - timedelta(seconds=1))
    with pytest.raises(TokenRefused):
        ISSUING.authenticate(TOKEN, NOW + timedelta(minutes=10))


def test_hand_made_copy_of_a_good_token_passes_so_that_the_mutations_prove_something() -> None:
    assert ISSUING.authenticate(FORGE.with_claims(), NOW)
    assert ISSUING.authenticate(FORGE.with_header(), NOW)
    assert ISSUING.authenticate(FORGE.with_claims(office_id=None, team_ids=[]), NOW)


def test_a_token_that_was_verified_before_opens_nothing_for_its_mutations_and_ends_in_time() -> None:
    """Form and signature are looked at once for each token, times always."""
    issuing = TokenIssuer(Keys(document(*OWN)), issuer=ISSUER, tenant_id=TENANT)
    for _ in range(2):
        assert issuing.authenticate(TOKEN, NOW)
    for name, mutation in MUTATIONS.items():
        for _ in range(2):
            try:
                issuing.authenticate(mutation(), NOW)
            except TokenRefused:
                continue
            pytest.fail(name)
    for moment in (NOW - timedelta(minutes=1), NOW + timedelta(minutes=10)):
        with pytest.raises(TokenRefused):
            issuing.authenticate(TOKEN, moment)


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


def test_a_token_of_who_is_in_most_teams_fits() -> None:
    assert len(TOKEN) < 4096


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
