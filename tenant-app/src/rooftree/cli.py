"""`python -m rooftree.cli owner-link|feeds`: what people and the local stack ask a running tenant's release."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from rooftree import assembly
from rooftree.contracts.identity.api import IdentityApi
from rooftree.contracts.property.api import PropertyApi
from rooftree.kernel import logs
from rooftree.kernel.errors import Problem
from rooftree.kernel.settings import Secrets, Settings, SettingsError, load

_RUNS = 5


async def owner_link(parts: assembly.Parts) -> None:
    """One line: the owner's one-time link, or where to sign in once it was used."""
    link = await parts.runtime.port(IdentityApi).owner_link()
    if link.accepted:
        sys.stderr.write("The owner has an account already; sign in here:\n")
    sys.stdout.write(f"{link.url}\n")


async def feeds(parts: assembly.Parts) -> None:
    """A JSON line for each feed: how far it is, what it refused and its newest runs."""
    property_api = parts.runtime.port(PropertyApi)
    for feed in await property_api.feeds():
        names = ("name", "state", "imported", "rejected", "last_error", "last_change_at", "lag_seconds")
        line = {name: getattr(feed, name) for name in names}
        line["runs"] = [asdict(run) for run in await property_api.feed_runs(feed.name, limit=_RUNS)]
        sys.stdout.write(json.dumps(line, default=str) + "\n")


COMMANDS: dict[str, Callable[[assembly.Parts], Awaitable[None]]] = {"owner-link": owner_link, "feeds": feeds}


async def _run(settings: Settings, command: Callable[[assembly.Parts], Awaitable[None]]) -> None:
    parts = assembly.build(assembly.find(), settings, Secrets(settings.secrets_dir))
    try:
        await command(parts)
    finally:
        await parts.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m rooftree.cli")
    parser.add_argument("command", choices=sorted(COMMANDS))
    arguments = parser.parse_args()
    try:
        settings = load(Settings)
        logs.configure("WARNING", tenant_id=settings.tenant_id)
        asyncio.run(_run(settings, COMMANDS[arguments.command]))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
