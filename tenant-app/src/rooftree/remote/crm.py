"""Crm between processes."""

from collections.abc import Collection
from uuid import UUID

from rooftree_pb import crm_pb2 as pb

from rooftree.contracts.crm.api import CrmApi, KnownPerson
from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.auth import Principal
from rooftree.kernel.rpc_client import Peer
from rooftree.remote.values import optional_id, text, texts, token, uuids

SERVICE = pb.DESCRIPTOR.services_by_name["Crm"]
CONTRACT = CrmApi
_CALL = f"/{SERVICE.full_name}/"


class Client:
    """Fulfils `CrmApi`."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def people(self, reader: Principal, person_ids: Collection[UUID]) -> dict[UUID, KnownPerson]:
        request = pb.PeopleRequest(reader=token(reader), person_ids=texts(person_ids))
        answer = await self._peer.call(_CALL + "People", request, pb.PeopleAnswer)
        people = [
            KnownPerson(
                id=UUID(one.id),
                name=one.name,
                emails=tuple(one.emails),
                phones=tuple(one.phones),
                assigned_to=optional_id(one, "assigned_to"),
                stage_id=UUID(one.stage_id),
            )
            for one in answer.people
        ]
        return {person.id: person for person in people}


class Servicer:
    def __init__(self, port: CrmApi, identity: IdentityApi) -> None:
        """`identity` tells whom a token stands for."""
        self._port = port
        self._identity = identity

    async def people(self, request: pb.PeopleRequest) -> pb.PeopleAnswer:
        reader = await self._identity.authenticate(request.reader)
        people = await self._port.people(reader, uuids(request.person_ids))
        return pb.PeopleAnswer(
            people=[
                pb.PeopleAnswer.KnownPerson(
                    id=str(one.id),
                    name=one.name,
                    emails=one.emails,
                    phones=one.phones,
                    assigned_to=text(one.assigned_to),
                    stage_id=str(one.stage_id),
                )
                for one in people.values()
            ]
        )
