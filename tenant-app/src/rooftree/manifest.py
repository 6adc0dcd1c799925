"""`python -m rooftree.manifest`: what the operator must know of this release, as JSON. Needs no settings."""

import json
import os
import sys
from typing import Any

from rooftree import assembly
from rooftree.kernel import migrating
from rooftree.kernel.kafka import DEAD_LETTER_TOPIC, EVENTS_TOPIC
from rooftree.personal import EMPTIED, MASKED

METRICS_PORT = 9464
RPC_PORT = 9443


def manifest(version: str) -> dict[str, Any]:
    modules = assembly.names()
    found = assembly.find()
    folders = [assembly.folder(name) for name in modules]
    heads = migrating.heads(folders)
    schemas = [name for name in modules if name in heads]
    return {
        "version": version,
        "modules": list(modules),
        "port": 8080,
        "schemas": [*migrating.KERNEL_SCHEMAS, *schemas],
        "migration_heads": heads,
        "migrations": migrating.revisions(folders),
        "topics": [EVENTS_TOPIC, DEAD_LETTER_TOPIC],
        "indices": sorted(index for module in found for index in module.indices),
        "consumers": sorted(consumer for module in found for consumer in module.consumers),
        "metrics_port": METRICS_PORT,
        "rpc_port": RPC_PORT,
        "calls": assembly.calls(found),
        "clones": {"emptied": list(EMPTIED), "masked": {table: dict(columns) for table, columns in MASKED.items()}},
        "commands": {
            "serve": ["python", "-m", "rooftree.main"],
            "migrate": ["python", "-m", "rooftree.migrate"],
        },
        "probes": {"live": "/livez", "ready": "/readyz", "startup": "/startupz"},
    }


def main() -> int:
    sys.stdout.write(json.dumps(manifest(os.environ.get("ROOFTREE_VERSION", "0.1.0-dev")), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
