"""Requests of one's own through the client library's admin, which has no public way to send one."""

# The library has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportPrivateUsage=false
# pyright: reportMissingTypeStubs=false

from collections.abc import Sequence
from typing import Any

from kafka.errors import KafkaError


def send(admin: Any, request: Any) -> Any:
    """The answer. Raises `KafkaError` if there is none."""
    manager = admin._manager
    return manager.run(manager.send, request)


def send_together(admin: Any, requests: Sequence[Any]) -> list[Any]:
    """The answer to each request, or the error of it; nobody waits for the one before."""
    return admin._manager.run(_together, admin._manager, requests)


async def _together(manager: Any, requests: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for future in [manager.send(request) for request in requests]:
        try:
            found.append(await future)
        except KafkaError as error:
            found.append(error)
    return found


def answered(answer: Any) -> Any:
    """The answer, if it is none of the errors that `send_together` gives."""
    if isinstance(answer, Exception):
        raise answer
    return answer
