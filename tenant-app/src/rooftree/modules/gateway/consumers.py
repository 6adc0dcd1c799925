"""What the gateway does with events: people who leave or change."""

from rooftree.contracts.identity.events import UserChanged
from rooftree.kernel.consumers import Consumer
from rooftree.modules.gateway.session_list import SessionList

SESSIONS = "gateway.sessions"


def consumers(sessions: SessionList) -> tuple[Consumer, ...]:
    return (Consumer(name=SESSIONS, types=(UserChanged,), handle=sessions.hear),)
