"""What one reason is; `codes` has all of them. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Audience(StrEnum):
    """Who must act."""

    TENANT = "Tenant"  # the brokerage itself
    RESELLER = "Reseller"  # whoever applies Brokerages
    PLATFORM = "Platform"  # whoever runs the installation
    NOBODY = "Nobody"


@dataclass(frozen=True)
class Code:
    """One reason."""

    reason: str
    audience: Audience
    retries: bool
    """Whether the operator tries again by itself, and it heals without a change of what is declared."""
    means: str
    hint: str = ""
    """The next command, with the fields of `facts`; empty: there is nothing to do."""

    @property
    def page(self) -> str:
        return f"docs/conditions.md#{self.reason.lower()}"
