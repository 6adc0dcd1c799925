"""Elasticsearch of a stack: one node with security on, HTTPS only.

The administrator is in the file realm, so that the first request can be its; tenants' users are in the native one.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING

from rooftree_local.addresses import ELASTICSEARCH_PORT, NODE_IP, STATE
from rooftree_local.paths import generated
from rooftree_local.users import furnish

if TYPE_CHECKING:
    from rooftree_local.paths import Stack

ADMIN = "rooftree-admin"
URL = f"https://{NODE_IP}:{ELASTICSEARCH_PORT}"
ITERATIONS = 10000
KEY_BYTES = 32

SETTINGS = f"""\
cluster.name: rooftree-local
node.name: local
discovery.type: single-node
path.data: {STATE}/elasticsearch/data
path.logs: {STATE}/elasticsearch/logs
http.host: {NODE_IP}
http.port: {ELASTICSEARCH_PORT}
transport.host: 127.0.0.1
action.auto_create_index: false
# The disk is the machine's, not this node's.
cluster.routing.allocation.disk.threshold_enabled: false
xpack.security.enabled: true
xpack.security.enrollment.enabled: false
xpack.security.authc.realms.file.administrators.order: 0
xpack.security.authc.realms.native.tenants.order: 1
# Hashes that a stack can afford; passwords are generated, 256 bits long.
xpack.security.authc.password_hashing.algorithm: pbkdf2_1000
xpack.security.http.ssl.enabled: true
xpack.security.http.ssl.certificate: server.crt
xpack.security.http.ssl.key: server.key
xpack.security.transport.ssl.enabled: true
xpack.security.transport.ssl.verification_mode: certificate
xpack.security.transport.ssl.client_authentication: required
xpack.security.transport.ssl.certificate: server.crt
xpack.security.transport.ssl.key: server.key
xpack.security.transport.ssl.certificate_authorities: [ca.crt]
"""
JAVA = """\
-Xms512m
-Xmx512m
-XX:+UseSerialGC
-XX:-UsePerfData
-XX:+ExitOnOutOfMemoryError
-Djava.io.tmpdir=${ES_TMPDIR}
-Dorg.apache.lucene.store.defaultReadAdvice=normal
-Dorg.apache.lucene.store.MMapDirectory.sharedArenaMaxPermits=1
--add-modules=jdk.incubator.vector
"""
LOGGING = """\
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] [%node_name]%marker %m%n
"""


def password(target: Stack) -> str:
    """The administrator's password, generated when the stack is first asked for it."""
    return generated(target.secret_file("elasticsearch-admin"))


def password_hash(password: str, salt: bytes) -> str:
    """What the file realm keeps of a password."""
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS, KEY_BYTES)
    return f"{{PBKDF2}}{ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def write_files(target: Stack) -> None:
    """What the server reads, in a folder that is its user's own."""
    files = {
        "elasticsearch.yml": SETTINGS,
        "jvm.options": JAVA,
        "log4j2.properties": LOGGING,
        "users": f"{ADMIN}:{password_hash(password(target), secrets.token_bytes(KEY_BYTES))}\n",
        "users_roles": f"superuser:{ADMIN}\n",
        "server.crt": (target.pki / "elasticsearch.crt").read_text(),
        "server.key": (target.pki / "elasticsearch.key").read_text(),
        "ca.crt": (target.pki / "ca.crt").read_text(),
    }
    content = {f"config/{name}": text for name, text in files.items()}
    furnish("elasticsearch", target.state / "elasticsearch", content | {"tmp/.keep": ""})
