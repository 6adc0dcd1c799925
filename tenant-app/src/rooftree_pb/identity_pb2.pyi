import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AuthenticateRequest(_message.Message):
    __slots__ = ("access_token",)
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    access_token: str
    def __init__(self, access_token: _Optional[str] = ...) -> None: ...

class Delegation(_message.Message):
    __slots__ = ("for_user", "resources", "until")
    FOR_USER_FIELD_NUMBER: _ClassVar[int]
    RESOURCES_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    for_user: str
    resources: _containers.RepeatedScalarFieldContainer[str]
    until: _timestamp_pb2.Timestamp
    def __init__(self, for_user: _Optional[str] = ..., resources: _Optional[_Iterable[str]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Principal(_message.Message):
    __slots__ = ("user_id", "tenant_id", "role", "client_id", "scopes", "office_id", "team_ids", "sign_in_id", "team_mates", "delegations")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    OFFICE_ID_FIELD_NUMBER: _ClassVar[int]
    TEAM_IDS_FIELD_NUMBER: _ClassVar[int]
    SIGN_IN_ID_FIELD_NUMBER: _ClassVar[int]
    TEAM_MATES_FIELD_NUMBER: _ClassVar[int]
    DELEGATIONS_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    tenant_id: str
    role: str
    client_id: str
    scopes: _containers.RepeatedScalarFieldContainer[str]
    office_id: str
    team_ids: _containers.RepeatedScalarFieldContainer[str]
    sign_in_id: str
    team_mates: _containers.RepeatedScalarFieldContainer[str]
    delegations: _containers.RepeatedCompositeFieldContainer[Delegation]
    def __init__(self, user_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., role: _Optional[str] = ..., client_id: _Optional[str] = ..., scopes: _Optional[_Iterable[str]] = ..., office_id: _Optional[str] = ..., team_ids: _Optional[_Iterable[str]] = ..., sign_in_id: _Optional[str] = ..., team_mates: _Optional[_Iterable[str]] = ..., delegations: _Optional[_Iterable[_Union[Delegation, _Mapping]]] = ...) -> None: ...

class ExchangeCodeRequest(_message.Message):
    __slots__ = ("code", "verifier", "redirect_uri", "client_id")
    CODE_FIELD_NUMBER: _ClassVar[int]
    VERIFIER_FIELD_NUMBER: _ClassVar[int]
    REDIRECT_URI_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    code: str
    verifier: str
    redirect_uri: str
    client_id: str
    def __init__(self, code: _Optional[str] = ..., verifier: _Optional[str] = ..., redirect_uri: _Optional[str] = ..., client_id: _Optional[str] = ...) -> None: ...

class RefreshRequest(_message.Message):
    __slots__ = ("refresh_token", "client_id", "idempotency_key")
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    refresh_token: str
    client_id: str
    idempotency_key: str
    def __init__(self, refresh_token: _Optional[str] = ..., client_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class Tokens(_message.Message):
    __slots__ = ("sign_in_id", "access_token", "access_expires_at", "refresh_token", "refresh_expires_at")
    SIGN_IN_ID_FIELD_NUMBER: _ClassVar[int]
    ACCESS_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ACCESS_EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REFRESH_EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    sign_in_id: str
    access_token: str
    access_expires_at: _timestamp_pb2.Timestamp
    refresh_token: str
    refresh_expires_at: _timestamp_pb2.Timestamp
    def __init__(self, sign_in_id: _Optional[str] = ..., access_token: _Optional[str] = ..., access_expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., refresh_token: _Optional[str] = ..., refresh_expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RevokeRequest(_message.Message):
    __slots__ = ("refresh_token",)
    REFRESH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    refresh_token: str
    def __init__(self, refresh_token: _Optional[str] = ...) -> None: ...

class RevokeAnswer(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EndSignInsRequest(_message.Message):
    __slots__ = ("user_id", "only", "keep", "because")
    class Only(_message.Message):
        __slots__ = ("sign_in_ids",)
        SIGN_IN_IDS_FIELD_NUMBER: _ClassVar[int]
        sign_in_ids: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, sign_in_ids: _Optional[_Iterable[str]] = ...) -> None: ...
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ONLY_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    BECAUSE_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    only: EndSignInsRequest.Only
    keep: str
    because: str
    def __init__(self, user_id: _Optional[str] = ..., only: _Optional[_Union[EndSignInsRequest.Only, _Mapping]] = ..., keep: _Optional[str] = ..., because: _Optional[str] = ...) -> None: ...

class EndSignInsAnswer(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RequireManagesRequest(_message.Message):
    __slots__ = ("principal", "user_id")
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    principal: str
    user_id: str
    def __init__(self, principal: _Optional[str] = ..., user_id: _Optional[str] = ...) -> None: ...

class RequireManagesAnswer(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UserRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class UserAnswer(_message.Message):
    __slots__ = ("id", "name", "email", "role", "office_id", "team_ids", "team_mates", "delegations")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    OFFICE_ID_FIELD_NUMBER: _ClassVar[int]
    TEAM_IDS_FIELD_NUMBER: _ClassVar[int]
    TEAM_MATES_FIELD_NUMBER: _ClassVar[int]
    DELEGATIONS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    email: str
    role: str
    office_id: str
    team_ids: _containers.RepeatedScalarFieldContainer[str]
    team_mates: _containers.RepeatedScalarFieldContainer[str]
    delegations: _containers.RepeatedCompositeFieldContainer[Delegation]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., email: _Optional[str] = ..., role: _Optional[str] = ..., office_id: _Optional[str] = ..., team_ids: _Optional[_Iterable[str]] = ..., team_mates: _Optional[_Iterable[str]] = ..., delegations: _Optional[_Iterable[_Union[Delegation, _Mapping]]] = ...) -> None: ...

class ColleaguesRequest(_message.Message):
    __slots__ = ("emails",)
    EMAILS_FIELD_NUMBER: _ClassVar[int]
    emails: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, emails: _Optional[_Iterable[str]] = ...) -> None: ...

class ColleaguesAnswer(_message.Message):
    __slots__ = ("users",)
    USERS_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[UserAnswer]
    def __init__(self, users: _Optional[_Iterable[_Union[UserAnswer, _Mapping]]] = ...) -> None: ...

class NamesRequest(_message.Message):
    __slots__ = ("user_ids",)
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    user_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, user_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class NamesAnswer(_message.Message):
    __slots__ = ("names",)
    class NamesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.ScalarMap[str, str]
    def __init__(self, names: _Optional[_Mapping[str, str]] = ...) -> None: ...

class HasOfficeRequest(_message.Message):
    __slots__ = ("office_id",)
    OFFICE_ID_FIELD_NUMBER: _ClassVar[int]
    office_id: str
    def __init__(self, office_id: _Optional[str] = ...) -> None: ...

class HasOfficeAnswer(_message.Message):
    __slots__ = ("has_office",)
    HAS_OFFICE_FIELD_NUMBER: _ClassVar[int]
    has_office: bool
    def __init__(self, has_office: _Optional[bool] = ...) -> None: ...

class OwnerLinkRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OwnerLinkAnswer(_message.Message):
    __slots__ = ("url", "accepted", "expires_at")
    URL_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    url: str
    accepted: bool
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, url: _Optional[str] = ..., accepted: _Optional[bool] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OwnersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OwnersAnswer(_message.Message):
    __slots__ = ("owners",)
    class Contact(_message.Message):
        __slots__ = ("name", "email")
        NAME_FIELD_NUMBER: _ClassVar[int]
        EMAIL_FIELD_NUMBER: _ClassVar[int]
        name: str
        email: str
        def __init__(self, name: _Optional[str] = ..., email: _Optional[str] = ...) -> None: ...
    OWNERS_FIELD_NUMBER: _ClassVar[int]
    owners: _containers.RepeatedCompositeFieldContainer[OwnersAnswer.Contact]
    def __init__(self, owners: _Optional[_Iterable[_Union[OwnersAnswer.Contact, _Mapping]]] = ...) -> None: ...
