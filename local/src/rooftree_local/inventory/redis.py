"""Users and keys."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

from rooftree_local import redis, stack
from rooftree_local.addresses import NODE_IP, REDIS_PORT
from rooftree_local.inventory.model import Item

if TYPE_CHECKING:
    from rooftree_local.inventory.model import Tenant
    from rooftree_local.paths import Stack

PATTERN = re.compile(r"(?:%[RW]+)?[~&](.+)")  # of keys or channels


def _ask(target: Stack, *words: str) -> list[str]:
    """The lines of an answer. The password is in the environment: a command line is for all to see."""
    where = ["-h", NODE_IP, "-p", str(REDIS_PORT), "--tls", "--cacert", str(target.pki / "ca.crt")]
    command = ["redis-cli", "-e", *where, "--user", redis.ADMIN, "--no-auth-warning", *words]
    done = subprocess.run(
        stack.enter_network(stack.require(target), command),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"REDISCLI_AUTH": redis.password(target)},
    )
    if done.returncode:
        raise stack.CommandFailed(f"Redis refused: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.splitlines()


def look(target: Stack, tenant: Tenant) -> list[Item]:
    """Everything of the tenant; Redis has no place for a mark, so names alone tell."""
    prefixes = Counter(key.split(".", 1)[0] for key in _ask(target, "--scan") if tenant.owns(key))
    return [
        *users(_ask(target, "ACL", "LIST"), tenant),
        *(Item("redis", "keys", f"{prefix}.*") for prefix in prefixes),
    ]


def users(listed: list[str], tenant: Tenant) -> list[Item]:
    """The users that are the tenant's, or may touch what is; neither hashes nor commands are told."""
    found = []
    for line in listed:
        name, *rules = line.removeprefix("user ").split(" ")
        patterns = [match[1] for rule in rules if (match := PATTERN.fullmatch(rule))]
        if tenant.owns(name) or any(map(tenant.owns, patterns)):
            told = " ".join(rule for rule in rules if rule[0] not in "#+-")
            found.append(Item("redis", "user", name, told))
    return found
