"""Kafka of a stack: one process that is broker and controller (KRaft), entered over TLS and SASL only.

The administrator comes by PLAIN, tenants by SCRAM-SHA-512; who has no ACL may nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rooftree_local.addresses import KAFKA_CONTROLLER_PORT, KAFKA_PORT, NODE_IP, STATE
from rooftree_local.paths import generated
from rooftree_local.users import furnish

if TYPE_CHECKING:
    from rooftree_local.paths import Stack

ADMIN = "admin"
BOOTSTRAP = f"{NODE_IP}:{KAFKA_PORT}"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"

LOGGING = """\
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
# What the authorizer refuses.
logger.authorizer.name = kafka.authorizer.logger
logger.authorizer.level = INFO
"""


FIXED = f"""\
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{ADMIN}
allow.everyone.if.no.acl.found=false
auto.create.topics.enable=false
delete.topic.enable=true
log.dirs={STATE}/kafka/data
num.partitions=1
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=5
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=5
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
"""


def settings(password: str) -> str:
    """The broker's properties; they hold the administrator's password."""
    login = f'{PLAIN} required username="{ADMIN}" password="{password}" user_{ADMIN}="{password}";'
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{KAFKA_CONTROLLER_PORT}
listeners=CLIENT://{BOOTSTRAP},CONTROLLER://127.0.0.1:{KAFKA_CONTROLLER_PORT}
advertised.listeners=CLIENT://{BOOTSTRAP}
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENT
# Pods of the host's network reach the controller's port too.
listener.security.protocol.map=CLIENT:SASL_SSL,CONTROLLER:SASL_SSL
listener.name.client.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.controller.sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.client.plain.sasl.jaas.config={login}
listener.name.client.scram-sha-512.sasl.jaas.config={SCRAM} required;
listener.name.controller.plain.sasl.jaas.config={login}
ssl.keystore.type=PEM
ssl.keystore.location={STATE}/kafka/server.pem
ssl.truststore.type=PEM
ssl.truststore.location={STATE}/kafka/ca.crt
ssl.enabled.protocols=TLSv1.3,TLSv1.2
{FIXED}"""


def password(target: Stack) -> str:
    """The administrator's password, generated when the stack is first asked for it."""
    return generated(target.secret_file("kafka-admin"))


def write_files(target: Stack) -> None:
    """What the broker reads, in a folder that is its user's own."""
    certificate = (target.pki / "kafka.crt").read_text()
    files = {
        "server.properties": settings(password(target)),
        "log4j2.properties": LOGGING,
        "server.pem": (target.pki / "kafka.key").read_text() + certificate,
        "ca.crt": (target.pki / "ca.crt").read_text(),
        "tmp/.keep": "",
    }
    furnish("kafka", target.state / "kafka", files)
