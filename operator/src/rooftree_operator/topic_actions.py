"""What provisioner `topics` does in Kafka, and how each of it is told to people."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .adapters.kafka import Grant
from .names import TenantId
from .provisioner import Action


@dataclass(frozen=True)
class SetCredential(Action):
    user: str
    password: str = field(repr=False)
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"User {self.user} in Kafka: credential missing or another one"


@dataclass(frozen=True)
class Close(Action):
    """Nobody gets in with the former credentials any more, and whoever is in may do nothing."""

    user: str
    grants: tuple[Grant, ...]
    quotas: tuple[str, ...]
    upkeep = True
    drift = False

    def words(self, tenant: TenantId) -> str:
        return f"User {self.user} in Kafka: wanted no more"


@dataclass(frozen=True)
class CreateTopic(Action):
    topic: str
    settings: Mapping[str, str]

    def words(self, tenant: TenantId) -> str:
        return f"Topic {self.topic}: missing, made again without records"


@dataclass(frozen=True)
class SetTopic(Action):
    topic: str
    settings: Mapping[str, str]

    def words(self, tenant: TenantId) -> str:
        return f"Topic {self.topic}: {', '.join(sorted(self.settings))}"


@dataclass(frozen=True)
class Allow(Action):
    user: str
    grants: tuple[Grant, ...]
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"User {self.user} in Kafka: lacks {_rights(self.grants)}"


@dataclass(frozen=True)
class Disallow(Action):
    user: str
    grants: tuple[Grant, ...]
    upkeep = True

    def words(self, tenant: TenantId) -> str:
        return f"User {self.user} in Kafka: may too much: {_rights(self.grants)}"


@dataclass(frozen=True)
class SetQuotas(Action):
    user: str
    quotas: Mapping[str, float | None]

    def words(self, tenant: TenantId) -> str:
        return f"User {self.user} in Kafka: {', '.join(sorted(self.quotas))}"


@dataclass(frozen=True)
class Probe(Action):
    """Log in as the tenant; if `thorough`, send a record and read it back."""

    user: str
    topic: str
    password: str = field(repr=False)
    thorough: bool = True
    proof = True


Step = SetCredential | Close | CreateTopic | SetTopic | Allow | Disallow | SetQuotas | Probe


def _rights(grants: tuple[Grant, ...]) -> str:
    return ", ".join(f"{grant.operation} on {grant.resource} {grant.name}" for grant in grants)
