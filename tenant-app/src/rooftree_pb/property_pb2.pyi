import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FeedsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FeedsAnswer(_message.Message):
    __slots__ = ("feeds",)
    FEEDS_FIELD_NUMBER: _ClassVar[int]
    feeds: _containers.RepeatedCompositeFieldContainer[Feed]
    def __init__(self, feeds: _Optional[_Iterable[_Union[Feed, _Mapping]]] = ...) -> None: ...

class Feed(_message.Message):
    __slots__ = ("name", "url", "state", "imported", "rejected", "last_started_at", "last_finished_at", "last_error", "checkpoint", "last_change_at", "lag_seconds", "progress")
    class Progress(_message.Message):
        __slots__ = ("seen", "total")
        SEEN_FIELD_NUMBER: _ClassVar[int]
        TOTAL_FIELD_NUMBER: _ClassVar[int]
        seen: int
        total: int
        def __init__(self, seen: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    IMPORTED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    LAST_STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    LAST_CHANGE_AT_FIELD_NUMBER: _ClassVar[int]
    LAG_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    name: str
    url: str
    state: str
    imported: int
    rejected: int
    last_started_at: _timestamp_pb2.Timestamp
    last_finished_at: _timestamp_pb2.Timestamp
    last_error: str
    checkpoint: str
    last_change_at: _timestamp_pb2.Timestamp
    lag_seconds: int
    progress: Feed.Progress
    def __init__(self, name: _Optional[str] = ..., url: _Optional[str] = ..., state: _Optional[str] = ..., imported: _Optional[int] = ..., rejected: _Optional[int] = ..., last_started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_error: _Optional[str] = ..., checkpoint: _Optional[str] = ..., last_change_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., lag_seconds: _Optional[int] = ..., progress: _Optional[_Union[Feed.Progress, _Mapping]] = ...) -> None: ...

class FeedRunsRequest(_message.Message):
    __slots__ = ("feed", "limit")
    FEED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    feed: str
    limit: int
    def __init__(self, feed: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class FeedRunsAnswer(_message.Message):
    __slots__ = ("runs",)
    RUNS_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[FeedRun]
    def __init__(self, runs: _Optional[_Iterable[_Union[FeedRun, _Mapping]]] = ...) -> None: ...

class FeedRun(_message.Message):
    __slots__ = ("id", "kind", "state", "started_at", "finished_at", "seen", "created", "updated", "removed", "unchanged", "rejected", "total", "error", "checkpoint")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: str
    state: str
    started_at: _timestamp_pb2.Timestamp
    finished_at: _timestamp_pb2.Timestamp
    seen: int
    created: int
    updated: int
    removed: int
    unchanged: int
    rejected: int
    total: int
    error: str
    checkpoint: str
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[str] = ..., state: _Optional[str] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., seen: _Optional[int] = ..., created: _Optional[int] = ..., updated: _Optional[int] = ..., removed: _Optional[int] = ..., unchanged: _Optional[int] = ..., rejected: _Optional[int] = ..., total: _Optional[int] = ..., error: _Optional[str] = ..., checkpoint: _Optional[str] = ...) -> None: ...

class ListingRequest(_message.Message):
    __slots__ = ("property_id", "reader")
    PROPERTY_ID_FIELD_NUMBER: _ClassVar[int]
    READER_FIELD_NUMBER: _ClassVar[int]
    property_id: str
    reader: str
    def __init__(self, property_id: _Optional[str] = ..., reader: _Optional[str] = ...) -> None: ...

class ListingAnswer(_message.Message):
    __slots__ = ("id", "listing_key", "address", "list_agent_id", "list_office_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    LISTING_KEY_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    LIST_AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    LIST_OFFICE_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    listing_key: str
    address: str
    list_agent_id: str
    list_office_id: str
    def __init__(self, id: _Optional[str] = ..., listing_key: _Optional[str] = ..., address: _Optional[str] = ..., list_agent_id: _Optional[str] = ..., list_office_id: _Optional[str] = ...) -> None: ...
