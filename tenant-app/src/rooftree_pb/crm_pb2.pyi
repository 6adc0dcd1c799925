from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PeopleRequest(_message.Message):
    __slots__ = ("reader", "person_ids")
    READER_FIELD_NUMBER: _ClassVar[int]
    PERSON_IDS_FIELD_NUMBER: _ClassVar[int]
    reader: str
    person_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, reader: _Optional[str] = ..., person_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class PeopleAnswer(_message.Message):
    __slots__ = ("people",)
    class KnownPerson(_message.Message):
        __slots__ = ("id", "name", "emails", "phones", "assigned_to", "stage_id")
        ID_FIELD_NUMBER: _ClassVar[int]
        NAME_FIELD_NUMBER: _ClassVar[int]
        EMAILS_FIELD_NUMBER: _ClassVar[int]
        PHONES_FIELD_NUMBER: _ClassVar[int]
        ASSIGNED_TO_FIELD_NUMBER: _ClassVar[int]
        STAGE_ID_FIELD_NUMBER: _ClassVar[int]
        id: str
        name: str
        emails: _containers.RepeatedScalarFieldContainer[str]
        phones: _containers.RepeatedScalarFieldContainer[str]
        assigned_to: str
        stage_id: str
        def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., emails: _Optional[_Iterable[str]] = ..., phones: _Optional[_Iterable[str]] = ..., assigned_to: _Optional[str] = ..., stage_id: _Optional[str] = ...) -> None: ...
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    people: _containers.RepeatedCompositeFieldContainer[PeopleAnswer.KnownPerson]
    def __init__(self, people: _Optional[_Iterable[_Union[PeopleAnswer.KnownPerson, _Mapping]]] = ...) -> None: ...
