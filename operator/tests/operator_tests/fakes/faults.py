"""Lets exactly one call to any fake fail, before or after its effect."""

from dataclasses import dataclass

from rooftree_operator.errors import Unavailable


@dataclass
class Faults:
    """Counts calls; the one numbered `at` fails. With `after`, its effect happens and only the answer is lost."""

    at: int | None = None
    after: bool = False
    calls: int = 0

    def before(self) -> None:
        self.calls += 1
        if self.calls == self.at and not self.after:
            raise Unavailable("Injected", f"call {self.calls} fails")

    def done(self) -> None:
        if self.calls == self.at and self.after:
            self.at = None
            raise Unavailable("Injected", f"the answer to call {self.calls} is lost")
