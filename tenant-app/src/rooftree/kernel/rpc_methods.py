"""What a protobuf service says of its methods: their messages, and whether a call may be repeated.

Method `EndSignIns` of a service is `end_sign_ins` of its servicer.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Method:
    service: str
    name: str
    request: type[Message]
    answer: type[Message]
    repeatable: bool
    """Doing it twice is as doing it once: said in the proto by `idempotency_level`."""
    streams: bool

    @property
    def path(self) -> str:
        return f"/{self.service}/{self.name}"

    @property
    def attribute(self) -> str:
        return _WORD.sub("_", self.name).lower()


def methods(service: ServiceDescriptor) -> Iterator[Method]:
    for method in service.methods:
        yield Method(
            service=service.full_name,
            name=method.name,
            request=GetMessageClass(method.input_type),
            answer=GetMessageClass(method.output_type),
            repeatable=method.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN,
            streams=method.client_streaming or method.server_streaming,
        )
