"""Identity between processes."""

from collections.abc import Collection, Iterable
from uuid import UUID

from rooftree_pb import identity_pb2 as pb

from rooftree.contracts.identity.api import Contact, IdentityApi, OwnerLink, Tokens, User
from rooftree.kernel.auth import Delegation, Principal
from rooftree.kernel.ids import new_secret
from rooftree.kernel.rpc_client import Peer
from rooftree.remote.values import optional_id, optional_time, stamp, text, texts, time, token, uuids

SERVICE = pb.DESCRIPTOR.services_by_name["Identity"]
CONTRACT = IdentityApi
_CALL = f"/{SERVICE.full_name}/"


class Client:
    """Fulfils `IdentityApi`."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def authenticate(self, access_token: str) -> Principal:
        request = pb.AuthenticateRequest(access_token=access_token)
        answer = await self._peer.call(_CALL + "Authenticate", request, pb.Principal)
        return Principal(
            user_id=UUID(answer.user_id),
            tenant_id=answer.tenant_id,
            role=answer.role,
            client_id=answer.client_id,
            scopes=frozenset(answer.scopes),
            office_id=optional_id(answer, "office_id"),
            team_ids=frozenset(uuids(answer.team_ids)),
            sign_in_id=optional_id(answer, "sign_in_id"),
            team_mates=frozenset(uuids(answer.team_mates)),
            delegations=_delegations(answer.delegations),
            token=access_token,
        )

    async def exchange_code(self, *, code: str, verifier: str, redirect_uri: str, client_id: str) -> Tokens:
        request = pb.ExchangeCodeRequest(code=code, verifier=verifier, redirect_uri=redirect_uri, client_id=client_id)
        return _tokens(await self._peer.call(_CALL + "ExchangeCode", request, pb.Tokens))

    async def refresh(self, *, refresh_token: str, client_id: str, idempotency_key: str | None = None) -> Tokens:
        request = pb.RefreshRequest(
            refresh_token=refresh_token,
            client_id=client_id,
            # The call may be repeated by itself; who gave no key cannot ask again, since nobody knows this one.
            idempotency_key=new_secret() if idempotency_key is None else idempotency_key,
        )
        return _tokens(await self._peer.call(_CALL + "Refresh", request, pb.Tokens))

    async def revoke(self, refresh_token: str) -> None:
        await self._peer.call(_CALL + "Revoke", pb.RevokeRequest(refresh_token=refresh_token), pb.RevokeAnswer)

    async def end_sign_ins(
        self, user_id: UUID, *, only: Collection[UUID] | None = None, keep: UUID | None = None, because: str
    ) -> None:
        request = pb.EndSignInsRequest(
            user_id=str(user_id),
            only=None if only is None else pb.EndSignInsRequest.Only(sign_in_ids=texts(only)),
            keep=text(keep),
            because=because,
        )
        await self._peer.call(_CALL + "EndSignIns", request, pb.EndSignInsAnswer)

    async def require_manages(self, principal: Principal, user_id: UUID) -> None:
        request = pb.RequireManagesRequest(principal=token(principal), user_id=str(user_id))
        await self._peer.call(_CALL + "RequireManages", request, pb.RequireManagesAnswer)

    async def user(self, user_id: UUID) -> User:
        return _user(await self._peer.call(_CALL + "User", pb.UserRequest(user_id=str(user_id)), pb.UserAnswer))

    async def colleagues(self, emails: Collection[str]) -> tuple[User, ...]:
        request = pb.ColleaguesRequest(emails=emails)
        answer = await self._peer.call(_CALL + "Colleagues", request, pb.ColleaguesAnswer)
        return tuple(_user(one) for one in answer.users)

    async def names(self, user_ids: Collection[UUID]) -> dict[UUID, str]:
        answer = await self._peer.call(_CALL + "Names", pb.NamesRequest(user_ids=texts(user_ids)), pb.NamesAnswer)
        return {UUID(user_id): name for user_id, name in answer.names.items()}

    async def has_office(self, office_id: UUID) -> bool:
        request = pb.HasOfficeRequest(office_id=str(office_id))
        answer = await self._peer.call(_CALL + "HasOffice", request, pb.HasOfficeAnswer)
        return answer.has_office

    async def owner_link(self) -> OwnerLink:
        answer = await self._peer.call(_CALL + "OwnerLink", pb.OwnerLinkRequest(), pb.OwnerLinkAnswer)
        expires_at = optional_time(answer, "expires_at")
        return OwnerLink(url=answer.url, accepted=answer.accepted, expires_at=expires_at)

    async def owners(self) -> tuple[Contact, ...]:
        answer = await self._peer.call(_CALL + "Owners", pb.OwnersRequest(), pb.OwnersAnswer)
        return tuple(Contact(name=one.name, email=one.email) for one in answer.owners)


class Servicer:
    def __init__(self, port: IdentityApi, identity: IdentityApi) -> None:
        """Of this module, `port` and who tells whom a token stands for are the same."""
        self._port = port
        self._identity = identity

    async def authenticate(self, request: pb.AuthenticateRequest) -> pb.Principal:
        principal = await self._port.authenticate(request.access_token)
        return pb.Principal(
            user_id=str(principal.user_id),
            tenant_id=principal.tenant_id,
            role=principal.role,
            client_id=principal.client_id,
            scopes=principal.scopes,
            office_id=text(principal.office_id),
            team_ids=texts(principal.team_ids),
            sign_in_id=text(principal.sign_in_id),
            team_mates=texts(principal.team_mates),
            delegations=_delegation_messages(principal.delegations),
        )

    async def exchange_code(self, request: pb.ExchangeCodeRequest) -> pb.Tokens:
        tokens = await self._port.exchange_code(
            code=request.code,
            verifier=request.verifier,
            redirect_uri=request.redirect_uri,
            client_id=request.client_id,
        )
        return _message(tokens)

    async def refresh(self, request: pb.RefreshRequest) -> pb.Tokens:
        tokens = await self._port.refresh(
            refresh_token=request.refresh_token,
            client_id=request.client_id,
            idempotency_key=request.idempotency_key,
        )
        return _message(tokens)

    async def revoke(self, request: pb.RevokeRequest) -> pb.RevokeAnswer:
        await self._port.revoke(request.refresh_token)
        return pb.RevokeAnswer()

    async def end_sign_ins(self, request: pb.EndSignInsRequest) -> pb.EndSignInsAnswer:
        await self._port.end_sign_ins(
            UUID(request.user_id),
            only=uuids(request.only.sign_in_ids) if request.HasField("only") else None,
            keep=optional_id(request, "keep"),
            because=request.because,
        )
        return pb.EndSignInsAnswer()

    async def require_manages(self, request: pb.RequireManagesRequest) -> pb.RequireManagesAnswer:
        principal = await self._identity.authenticate(request.principal)
        await self._port.require_manages(principal, UUID(request.user_id))
        return pb.RequireManagesAnswer()

    async def user(self, request: pb.UserRequest) -> pb.UserAnswer:
        return _user_message(await self._port.user(UUID(request.user_id)))

    async def colleagues(self, request: pb.ColleaguesRequest) -> pb.ColleaguesAnswer:
        found = await self._port.colleagues(request.emails)
        return pb.ColleaguesAnswer(users=[_user_message(one) for one in found])

    async def names(self, request: pb.NamesRequest) -> pb.NamesAnswer:
        names = await self._port.names(uuids(request.user_ids))
        return pb.NamesAnswer(names={str(user_id): name for user_id, name in names.items()})

    async def has_office(self, request: pb.HasOfficeRequest) -> pb.HasOfficeAnswer:
        return pb.HasOfficeAnswer(has_office=await self._port.has_office(UUID(request.office_id)))

    async def owner_link(self, _request: pb.OwnerLinkRequest) -> pb.OwnerLinkAnswer:
        link = await self._port.owner_link()
        return pb.OwnerLinkAnswer(url=link.url, accepted=link.accepted, expires_at=stamp(link.expires_at))

    async def owners(self, _request: pb.OwnersRequest) -> pb.OwnersAnswer:
        owners = await self._port.owners()
        return pb.OwnersAnswer(owners=[pb.OwnersAnswer.Contact(name=one.name, email=one.email) for one in owners])


def _user(answer: pb.UserAnswer) -> User:
    return User(
        id=UUID(answer.id),
        name=answer.name,
        email=answer.email,
        role=answer.role,
        office_id=optional_id(answer, "office_id"),
        team_ids=frozenset(uuids(answer.team_ids)),
        team_mates=frozenset(uuids(answer.team_mates)),
        delegations=_delegations(answer.delegations),
    )


def _user_message(user: User) -> pb.UserAnswer:
    return pb.UserAnswer(
        id=str(user.id),
        name=user.name,
        email=user.email,
        role=user.role,
        office_id=text(user.office_id),
        team_ids=texts(user.team_ids),
        team_mates=texts(user.team_mates),
        delegations=_delegation_messages(user.delegations),
    )


def _delegations(messages: Iterable[pb.Delegation]) -> tuple[Delegation, ...]:
    return tuple(Delegation(UUID(one.for_user), frozenset(one.resources), time(one.until)) for one in messages)


def _delegation_messages(delegations: Iterable[Delegation]) -> list[pb.Delegation]:
    return [
        pb.Delegation(for_user=str(one.for_user), resources=sorted(one.resources), until=stamp(one.until))
        for one in delegations
    ]


def _tokens(answer: pb.Tokens) -> Tokens:
    return Tokens(
        sign_in_id=UUID(answer.sign_in_id),
        access_token=answer.access_token,
        access_expires_at=time(answer.access_expires_at),
        refresh_token=answer.refresh_token,
        refresh_expires_at=time(answer.refresh_expires_at),
    )


def _message(tokens: Tokens) -> pb.Tokens:
    return pb.Tokens(
        sign_in_id=str(tokens.sign_in_id),
        access_token=tokens.access_token,
        access_expires_at=stamp(tokens.access_expires_at),
        refresh_token=tokens.refresh_token,
        refresh_expires_at=stamp(tokens.refresh_expires_at),
    )
