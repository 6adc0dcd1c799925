"""The backends' processes. Pure; what they read is written by the module of each."""

from __future__ import annotations

from rooftree_local.addresses import (
    ELASTICSEARCH_PORT,
    KAFKA_PORT,
    NODE_IP,
    POSTGRES_PORT,
    REDIS_PORT,
    STATE,
)
from rooftree_local.components import Component
from rooftree_local.users import as_user

UNAUTHORIZED = 401
INITDB_FLAGS = (
    f"--pgdata={STATE}/postgres/data",
    "--username=postgres",
    "--auth=scram-sha-256",
    f"--pwfile={STATE}/postgres/superuser-password",
    "--encoding=UTF8",
    # The same order on every machine, and no locale that a minimal system lacks.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-sync",
)
POSTGRES_FLAGS = ("-D", f"{STATE}/postgres/data", "-c", f"config_file={STATE}/postgres/postgresql.conf")
KAFKA_SETTINGS = f"{STATE}/kafka/server.properties"
# Java writes its counters to the machine's /tmp otherwise.
JAVA_FLAGS = ("-XX:-UsePerfData",)
KAFKA_FLAGS = (
    *JAVA_FLAGS,
    "-Xms256m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    f"-Djava.io.tmpdir={STATE}/kafka/tmp",
    f"-Dlog4j2.configurationFile={STATE}/kafka/log4j2.properties",
)
FORMAT_FLAGS = ("format", "--config", KAFKA_SETTINGS, "--ignore-formatted", "--cluster-id")
CLUSTER_ID = "cm9vZnRyZWUtbG9jYWwtMQ"  # 16 bytes in base64; every stack is a cluster of its own anyhow


def backends(tools: dict[str, str]) -> list[Component]:
    """All backends, side by side; `tools` maps a tool's name to its path inside the stack."""
    return [*_postgres(tools["postgres"]), *_kafka(tools), _elasticsearch(tools), _redis()]


def _postgres(folder: str) -> list[Component]:
    binaries = f"{folder}/bin"
    return [
        Component("postgres-init", (*as_user("postgres"), f"{binaries}/initdb", *INITDB_FLAGS), once=True),
        Component(
            "postgres",
            (*as_user("postgres"), f"{binaries}/postgres", *POSTGRES_FLAGS),
            ready=f"tcp://{NODE_IP}:{POSTGRES_PORT}",
            after=("postgres-init",),
        ),
    ]


def _kafka(tools: dict[str, str]) -> list[Component]:
    java = (*as_user("kafka"), f"{tools['java']}/bin/java", *KAFKA_FLAGS, "-cp", f"{tools['kafka']}/*")
    return [
        Component("kafka-format", (*java, "kafka.tools.StorageTool", *FORMAT_FLAGS, CLUSTER_ID), once=True),
        Component(
            "kafka",
            (*java, "kafka.Kafka", KAFKA_SETTINGS),
            ready=f"tcp://{NODE_IP}:{KAFKA_PORT}",
            after=("kafka-format",),
            seconds=300,
            slow=True,
        ),
    ]


def _elasticsearch(tools: dict[str, str]) -> Component:
    environment = {
        "ES_JAVA_HOME": tools["java"],
        "ES_PATH_CONF": f"{STATE}/elasticsearch/config",
        "ES_TMPDIR": f"{STATE}/elasticsearch/tmp",
        # For each of the three Java programs that its start script runs.
        "JDK_JAVA_OPTIONS": " ".join(JAVA_FLAGS),
    }
    return Component(
        "elasticsearch",
        (*as_user("elasticsearch"), f"{tools['elasticsearch']}/bin/elasticsearch"),
        # Nobody is let in without a password: that it asks for one shows that it and its security are there.
        ready=f"https://{NODE_IP}:{ELASTICSEARCH_PORT}/_cluster/health",
        answer=UNAUTHORIZED,
        # Half a minute, and many times that on a machine that is busy otherwise.
        seconds=300,
        slow=True,
        env=environment,
    )


def _redis() -> Component:
    argv = (*as_user("redis"), "redis-server", f"{STATE}/redis/redis.conf")
    return Component("redis", argv, ready=f"tcp://{NODE_IP}:{REDIS_PORT}")
