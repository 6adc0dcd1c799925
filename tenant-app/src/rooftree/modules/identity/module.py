"""Composition of identity."""

import base64
import binascii

from pydantic import SecretStr

from rooftree.contracts.identity.api import Contact, IdentityApi
from rooftree.kernel.module import Built, Module, Runtime
from rooftree.kernel.settings import SettingsError, SettingsSection, Text
from rooftree.modules.identity.delegations import Delegations
from rooftree.modules.identity.domain import derived_key
from rooftree.modules.identity.grants import Grants
from rooftree.modules.identity.invitation_mail import InvitationMail
from rooftree.modules.identity.invitations import Invitations, Links
from rooftree.modules.identity.jobs import jobs
from rooftree.modules.identity.offices import Offices, Teams
from rooftree.modules.identity.passwords import Passwords
from rooftree.modules.identity.requests import Clients
from rooftree.modules.identity.routes import router
from rooftree.modules.identity.service import IdentityService
from rooftree.modules.identity.sign_in import SignIn
from rooftree.modules.identity.standing import Standings
from rooftree.modules.identity.token_endpoint import TokenEndpoint
from rooftree.modules.identity.tokens import Keys, TokenIssuer
from rooftree.modules.identity.user_invitations import UserInvitations
from rooftree.modules.identity.users import Users

_SEED_BYTES = 32


class IdentitySettings(SettingsSection):
    owner_email: Text
    owner_name: Text | None = None


def build(runtime: Runtime) -> Built:
    section, settings = runtime.section(IdentitySettings), runtime.settings
    unit_of_work, clock = runtime.unit_of_work, runtime.clock
    seed = _seed(runtime.secrets.read("owner_seed"))
    keys = Keys(runtime.secrets.read("signing_keys.json").get_secret_value())
    issuer = TokenIssuer(keys, issuer=settings.public_url, tenant_id=settings.tenant_id)
    clients, passwords, standings = Clients(settings.public_url), Passwords(), Standings(unit_of_work, clock)
    grants = Grants(unit_of_work, clock, issuer, standings, key=derived_key(seed, "refresh"))
    owner = Contact(name=section.owner_name or section.owner_email.split("@")[0], email=section.owner_email)
    links = Links(derived_key(seed, "invitation"), settings.public_url)
    invitations = Invitations(
        unit_of_work, clock, passwords, runtime.outbox, links=links, owner=owner, standings=standings
    )
    users = Users(unit_of_work, clock, runtime.outbox, standings)
    service = IdentityService(
        unit_of_work,
        clock,
        grants=grants,
        invitations=invitations,
        users=users,
        standings=standings,
        issuer=issuer,
        first_owner=owner,
    )
    return Built(
        services=(
            clients,
            SignIn(unit_of_work, clock, passwords, seed=seed, issuer=settings.public_url),
            invitations,
            keys,
            TokenEndpoint(grants, clients, clock),
            users,
            UserInvitations(unit_of_work, clock, runtime.jobs, links=links),
            Offices(unit_of_work, clock, runtime.outbox),
            Delegations(unit_of_work, clock, standings),
            Teams(unit_of_work, runtime.outbox, standings),
        ),
        port=service,
        jobs=(*jobs(service), InvitationMail(unit_of_work, clock, runtime.mail, settings, links=links).job()),
    )


def _seed(text: SecretStr) -> bytes:
    value = text.get_secret_value()
    try:
        seed = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (ValueError, binascii.Error):
        seed = b""
    if len(seed) < _SEED_BYTES:
        raise SettingsError(f"owner_seed is not {_SEED_BYTES} random bytes in base64url.")
    return seed


MODULE = Module(name="identity", router=router, build=build, provides=IdentityApi)
