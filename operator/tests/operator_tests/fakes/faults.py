"""Lets exactly one call to any fake fail, before or after its effect; or lets the process that makes it die there."""

from dataclasses import dataclass

from rooftree_operator.errors import Unavailable


class Died(BaseException):
    """The process is killed. No `except Exception` sees it, and whatever is tried on its way out comes too late."""


@dataclass
class Faults:
    """Counts calls; the one numbered `at` fails. With `after`, its effect happens and only the answer is lost.

    With `kills` it is the last one of its process: each further call dies, too, until there is another process.
    """

    at: int | None = None
    after: bool = False
    calls: int = 0
    kills: bool = False
    dead: bool = False

    def before(self) -> None:
        if self.dead:
            raise Died
        self.calls += 1
        if self.calls == self.at and not self.after:
            self._strike(f"call {self.calls} fails")

    def done(self) -> None:
        if self.dead:
            raise Died
        if self.calls == self.at and self.after:
            self.at = None
            self._strike(f"the answer to call {self.calls} is lost")

    def _strike(self, message: str) -> None:
        if self.kills:
            self.dead = True
            raise Died
        raise Unavailable("Injected", message)

    def expect(self, at: int, *, after: bool, kills: bool) -> None:
        """From now on, the call numbered `at`."""
        self.calls, self.at, self.after, self.kills, self.dead = 0, at, after, kills, False

    def over(self) -> None:
        """No fault is expected any more, and whoever was killed has a successor."""
        self.at, self.kills, self.dead = None, False, False
