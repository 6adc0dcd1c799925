"""What a provisioner may raise; the text says what the machine does next and who must act.

Anything else that a provisioner raises is a bug or an outage: the reconciler backs off and tries again.
"""


class Waiting(Exception):
    """Not there yet, nobody must act. Looked at again after `retry_in` seconds or when a child changes."""

    def __init__(self, reason: str, message: str, *, retry_in: float) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_in = retry_in


class Blocked(Exception):
    """Somebody must change something first; the message says who and what. Not retried by a backoff."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Held(Exception):
    """The operator may not: whoever holds it back must let it go on. Looked at again when the spec changes."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unavailable(Exception):
    """A system that we depend on does not answer or refuses for now. Retried with a backoff; heals by itself."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class LoginRefused(Exception):
    """A backend does not let a tenant in with its credential: wrong, or not known there yet. Its provisioner waits."""
