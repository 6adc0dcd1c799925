"""How this tenant reaches Kafka, and what its topics and groups are called. Loads nothing of the client at import."""

import ssl
from typing import Any

from rooftree.kernel.settings import Secrets, Settings, SettingsError, SettingsSection, Text

EVENTS_TOPIC = "events"
DEAD_LETTER_TOPIC = "dead-letter"
# Kafka's own limit of a batch is 1 MiB.
BATCH_BYTES = 512 * 1024
REQUEST_SECONDS = 10.0


class KafkaSettings(SettingsSection):
    """Where Kafka is and who we are there. Without it, events stay in the outbox."""

    kafka_bootstrap: Text | None = None
    kafka_user: Text | None = None


class Kafka:
    """The tenant's place in Kafka: topics and groups begin with `<tenant id>.`, as its rights do."""

    def __init__(self, tenant: Settings, kafka: KafkaSettings, secrets: Secrets) -> None:
        self._prefix = f"{tenant.tenant_id}."
        self._ca_file = tenant.ca_file
        self._kafka = kafka
        self._secrets = secrets

    @property
    def events(self) -> str:
        return self._prefix + EVENTS_TOPIC

    @property
    def dead_letter(self) -> str:
        return self._prefix + DEAD_LETTER_TOPIC

    def group(self, consumer: str) -> str:
        return self._prefix + consumer

    def arguments(self) -> dict[str, Any]:
        """What every aiokafka client needs. TLS checked to the host name, SCRAM-SHA-512. Raises `SettingsError`."""
        if self._kafka.kafka_bootstrap is None:
            raise SettingsError("ROOFTREE_KAFKA_BOOTSTRAP is not set: this process has no Kafka.")
        return {
            "bootstrap_servers": self._kafka.kafka_bootstrap,
            "security_protocol": "SASL_SSL",
            "ssl_context": ssl.create_default_context(cafile=self._ca_file),
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": self._kafka.kafka_user,
            "sasl_plain_password": self._secrets.read("kafka_password").get_secret_value(),
            "request_timeout_ms": int(REQUEST_SECONDS * 1000),
        }
