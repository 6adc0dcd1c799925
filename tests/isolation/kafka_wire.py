"""Kafka's protocol by hand: any request in any version, on one connection, as anybody. Nothing is retried or hidden.

Requests are filled from their descriptions: what is a topic, a group or a transactional id there becomes the target's.
"""

from __future__ import annotations

import io
import socket
import ssl
import struct
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, cast

import kafka.protocol.admin
import kafka.protocol.consumer
import kafka.protocol.metadata
import kafka.protocol.producer  # noqa: F401 - registers its messages
from kafka.net.sasl.scram import ScramClient
from kafka.protocol.api_message import ApiMessage
from kafka.protocol.data_container import DataContainer
from kafka.protocol.schemas import StructField
from kafka.record.memory_records import MemoryRecordsBuilder

from ..e2e.conftest import required

HANDSHAKE, API_VERSIONS, AUTHENTICATE = 17, 18, 36


@dataclass(frozen=True)
class Message:
    """A request's description, and that of its answer."""

    key: int
    name: str
    versions: tuple[int, int]
    flexible_from: int
    fields: StructField
    answer: Any  # a class that decodes, by version


@dataclass(frozen=True)
class Target:
    """What a request is aimed at. `more`: values of fields by `Message.Field` or `Field`."""

    topic: str
    topic_id: uuid.UUID
    group: str
    transactional_id: str
    more: dict[str, Any] = field(default_factory=dict)

    def entity(self, kind: str | None) -> Any:
        return {
            "topicName": self.topic,
            "groupId": self.group,
            "transactionalId": self.transactional_id,
            "producerId": 1,
        }.get(kind or "")


def known() -> dict[int, Message]:
    """Messages that the library describes, by API key."""
    # The library's own class properties are more than a type checker follows.
    classes: dict[tuple[str, int], Any] = {}
    for cls in cast("list[Any]", ApiMessage.__subclasses__()):
        classes[cls.type, cls.API_KEY] = cls
    return {
        key: Message(
            key,
            cls.name.removesuffix("Request"),
            cls.valid_versions,
            cls._flexible_versions[0] if cls._flexible_versions[0] >= 0 else 32767,
            cls._struct,
            classes["response", key],
        )
        for (kind, key), cls in classes.items()
        if kind == "request"
    }


def described(key: int, name: str, version: int, fields: list[Any], answer: list[Any]) -> Message:
    """A message that the library does not know. `answer`: the beginning of its answer, as far as it is read."""
    heard = _structure(f"{name}Response", answer)
    kind = type(f"{name}Response", (DataContainer,), {"_struct": heard})
    heard.set_data_class(kind)
    return Message(key, name, (version, version), 0, _structure(f"{name}Request", fields), heard)


def _structure(name: str, fields: list[Any]) -> StructField:
    return StructField({"name": name, "type": name, "versions": "0+", "fields": [_field(*item) for item in fields]})


def _field(name: str, kind: Any, entity: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "versions": "0+"}
    if isinstance(kind, list):
        return {**found, "type": f"[]{name}", "fields": [_field(*item) for item in kind]}
    if kind.endswith("?"):
        found |= {"nullableVersions": "0+"}
    return {**found, "type": kind.rstrip("?"), **({"entityType": entity} if entity else {})}


def filled(message: Message, version: int, target: Target) -> dict[str, Any]:
    """Values for all fields of this version."""
    return _structured(message.name, message.fields, version, target)


def _structured(name: str, structure: Any, version: int, target: Target) -> dict[str, Any]:
    return {item.name: _value(name, item, version, target) for item in structure.untagged_fields(version)}


def _value(name: str, item: Any, version: int, target: Target) -> Any:
    for key in (f"{name}.{item._name}", item._name):
        if key in target.more:
            return target.more[key]
    if item._entity_type == "brokerId":
        item_default = item._json.get("default")
        one: Any = int(item_default) if item_default not in (None, "null") else 1
    else:
        one = target.entity(item._entity_type)
    if item.is_struct_array():
        return [_structured(name, item.array_of, version, target)]
    if item.is_array():
        return [one if one is not None else _plain(item._type_str[2:], target)]
    if item.is_struct():
        return None if item.nullable_for_version_q(version) else _structured(name, item, version, target)
    if one is not None:
        return one
    default = item._json.get("default")
    return item.default if default not in (None, "") and item.default is not None else _plain(item._type_str, target)


def _plain(kind: str, target: Target) -> Any:
    return {
        "string": "x",
        "bytes": b"x",
        "records": record(b"x"),
        "bool": False,
        "uuid": target.topic_id,
        "float64": 1.0,
    }.get(kind, 1 if kind == "int8" else 0)


def record(value: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> bytes:
    """One record as Kafka keeps it. Ours is of the type that consumers skip."""
    builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=65536)
    kinds = [("ce_type", b"dev.rooftree.probe.v1"), *headers]
    builder.append(timestamp=int(time.time() * 1000), key=None, value=value, headers=kinds)
    builder.close()
    return bytes(builder.buffer())


class Wire:
    """One connection that is logged in."""

    def __init__(self, user: str, password: str, *, mechanism: str = "SCRAM-SHA-512") -> None:
        host, port = required("ROOFTREE_TEST_KAFKA_BOOTSTRAP").split(":")
        context = ssl.create_default_context(cafile=required("ROOFTREE_CA_FILE"))
        raw = socket.create_connection((host, int(port)), timeout=20)
        self._socket = context.wrap_socket(raw, server_hostname=host)
        self._messages = known()
        self._number = 0
        self._log_in(user, password, mechanism)
        self.offered = self._versions()

    def close(self) -> None:
        self._socket.close()

    def _log_in(self, user: str, password: str, mechanism: str) -> None:
        shake = self.ask(self._messages[HANDSHAKE], 1, {"mechanism": mechanism})[0]
        if shake["error_code"]:
            raise PermissionError(shake)
        if mechanism == "PLAIN":
            self._prove(f"\0{user}\0{password}".encode())
            return
        scram = ScramClient(user, password, mechanism)
        scram.process_server_first_message(self._prove(scram.first_message()))
        scram.process_server_final_message(self._prove(scram.final_message()))

    def _prove(self, proof: bytes) -> bytes:
        message = self._messages[AUTHENTICATE]
        answer = message.answer[1].decode(self.send(message, 1, {"auth_bytes": proof}))
        if answer.error_code:
            raise PermissionError(answer.error_message)
        return bytes(answer.auth_bytes)

    def _versions(self) -> dict[int, tuple[int, int]]:
        answer, _ = self.ask(self._messages[API_VERSIONS], 0, {})
        return {item["api_key"]: (item["min_version"], item["max_version"]) for item in answer["api_keys"]}

    def send(self, message: Message, version: int, values: dict[str, Any]) -> bytes:
        """The answer's body. Raises `ConnectionError` when the broker closes the connection."""
        self._number += 1
        flexible = version >= message.flexible_from
        header = struct.pack(">hhih", message.key, version, self._number, 4) + b"test" + (b"\0" if flexible else b"")
        body = message.fields.encode(values, version=version, compact=flexible, tagged=flexible)
        self._socket.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
        (size,) = struct.unpack(">i", self._read(4))
        answer = self._read(size)
        assert struct.unpack(">i", answer[:4])[0] == self._number
        return answer[5 if flexible and message.key != API_VERSIONS else 4 :]

    def _read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            part = self._socket.recv(size - len(found))
            if not part:
                raise ConnectionError("the broker closed the connection")
            found += part
        return found

    def ask(self, message: Message, version: int, values: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The answer, decoded and raw."""
        raw = self.send(message, version, values)
        if isinstance(message.answer, StructField):
            heard: Any = message.answer
            return heard.decode(io.BytesIO(raw), version=version, compact=True).to_dict(), raw
        return message.answer[version].decode(raw).to_dict(), raw


def codes(answer: Any) -> list[int]:
    """All error codes of an answer, at any depth."""
    if isinstance(answer, dict):
        own = [value for name, value in answer.items() if name.endswith("error_code") and isinstance(value, int)]
        return own + [code for value in answer.values() for code in codes(value)]
    if isinstance(answer, list):
        return [code for item in answer for code in codes(item)]
    return []
