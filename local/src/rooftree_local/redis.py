"""Redis of a stack: TLS only, users by ACL, nobody without a password. It keeps nothing on disk but the users."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from rooftree_local.addresses import NODE_IP, REDIS_PORT, STATE
from rooftree_local.paths import generated
from rooftree_local.users import furnish

if TYPE_CHECKING:
    from rooftree_local.paths import Stack

ADMIN = "admin"
FOLDER = f"{STATE}/redis"
SETTINGS = f"""\
bind {NODE_IP} 127.0.0.1
port 0
tls-port {REDIS_PORT}
tls-cert-file {FOLDER}/server.crt
tls-key-file {FOLDER}/server.key
tls-ca-cert-file {FOLDER}/ca.crt
tls-auth-clients no
tls-protocols "TLSv1.2 TLSv1.3"
aclfile {FOLDER}/users.acl
dir {FOLDER}
# A cache: what is lost is loaded again.
save ""
appendonly no
maxmemory 256mb
maxmemory-policy allkeys-lfu
"""


def users(password: str) -> str:
    """The users at first start: the default one is off, the administrator's password is there as its hash."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    return f"user default off resetpass resetkeys resetchannels -@all\nuser {ADMIN} on #{digest} ~* &* +@all\n"


def password(target: Stack) -> str:
    """The administrator's password, generated when the stack is first asked for it."""
    return generated(target.secret_file("redis-admin"))


def write_files(target: Stack) -> None:
    """What the server reads; the users only at first, for it keeps them itself from then on."""
    folder = target.state / "redis"
    files = {
        "redis.conf": SETTINGS,
        "server.crt": (target.pki / "redis.crt").read_text(),
        "server.key": (target.pki / "redis.key").read_text(),
        "ca.crt": (target.pki / "ca.crt").read_text(),
    }
    if not (folder / "users.acl").exists():
        files["users.acl"] = users(password(target))
    furnish("redis", folder, files)
