"""`python -m rooftree.cli owner-link|feeds|search|dead-letters`: what people and the stack ask of a running tenant.

Dead letters are for the platform's administrators: payloads hold the tenant's data and are shown only when asked for.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rooftree import assembly
from rooftree.contracts.identity.api import IdentityApi
from rooftree.contracts.property.api import PropertyApi
from rooftree.kernel import logs
from rooftree.kernel.dead_letters import DeadLetter
from rooftree.kernel.errors import NotFound, Problem
from rooftree.kernel.settings import Secrets, Settings, SettingsError, load
from rooftree.modules.property.search_service import SearchService

if TYPE_CHECKING:
    from rooftree.kernel.dead_letter_store import DeadLetterStore

_RUNS = 5
_REASON = 80


async def owner_link(parts: assembly.Parts, _arguments: argparse.Namespace) -> None:
    """One line: the owner's one-time link, or where to sign in once it was used."""
    link = await parts.runtime.port(IdentityApi).owner_link()
    if link.accepted:
        sys.stderr.write("The owner has an account already; sign in here:\n")
    sys.stdout.write(f"{link.url}\n")


async def feeds(parts: assembly.Parts, _arguments: argparse.Namespace) -> None:
    """A JSON line for each feed: how far it is, what it refused and its newest runs."""
    property_api = parts.runtime.port(PropertyApi)
    for feed in await property_api.feeds():
        names = ("name", "state", "imported", "rejected", "last_error", "last_change_at", "lag_seconds")
        line = {name: getattr(feed, name) for name in names}
        line["runs"] = [asdict(run) for run in await property_api.feed_runs(feed.name, limit=_RUNS)]
        sys.stdout.write(json.dumps(line, default=str) + "\n")


async def list_dead_letters(parts: assembly.Parts, arguments: argparse.Namespace) -> None:
    """A table or JSON of what waits for a person, oldest first."""
    letters = [_described(letter) for letter in await _store(parts).waiting()]
    if arguments.output == "json":
        sys.stdout.write(json.dumps(letters, indent=2) + "\n")
        return
    columns = ("id", "consumer", "type", "at", "tries", "place", "reason")
    rows = [[name.upper() for name in columns], *([str(letter[name]) for name in columns] for letter in letters)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(columns) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        sys.stdout.write("  ".join([*cells, row[-1][:_REASON]]).rstrip() + "\n")


async def show_dead_letter(parts: assembly.Parts, arguments: argparse.Namespace) -> None:
    """Everything about the letters of one event, as JSON; the payload only with `--payload`."""
    shown: list[dict[str, Any]] = []
    for letter in _chosen(await _store(parts).waiting(), arguments.ids):
        headers = {name: value.decode(errors="replace") for name, value in letter.headers}
        payload = {"payload": (letter.value or b"").decode(errors="replace")} if arguments.payload else {}
        shown.append({**_described(letter), "topic": letter.topic, "headers": headers, **payload})
    sys.stdout.write(json.dumps(shown, indent=2) + "\n")


async def replay_dead_letters(parts: assembly.Parts, arguments: argparse.Namespace) -> None:
    """Give events to the consumer that failed, again; tells which."""
    store = _store(parts)
    letters = await store.waiting()
    chosen = letters if arguments.all else _chosen(letters, arguments.ids)
    chosen = [letter for letter in chosen if arguments.consumer in (None, letter.consumer)]
    await store.replay(chosen)
    if arguments.output == "json":
        sys.stdout.write(json.dumps([_described(letter) for letter in chosen], indent=2) + "\n")
    else:
        lines = [f"{letter.id} is on its way to {letter.consumer}." for letter in chosen]
        sys.stdout.write("\n".join(lines or ["No dead letters."]) + "\n")


def _store(parts: assembly.Parts) -> "DeadLetterStore":
    from rooftree.kernel.dead_letter_store import DeadLetterStore

    return DeadLetterStore(parts.bus.kafka)


def _chosen(letters: Sequence[DeadLetter], ids: Sequence[str]) -> list[DeadLetter]:
    """By the event's id or the letter's place; one event may have a letter for each of several consumers."""
    for wanted in ids:
        if not any(wanted in (letter.id, letter.place) for letter in letters):
            raise NotFound(f"No dead letter {wanted} is waiting.")
    return [letter for letter in letters if letter.id in ids or letter.place in ids]


def _described(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "consumer": letter.consumer,
        "type": letter.attribute("type"),
        "subject": letter.attribute("subject"),
        "at": letter.at.isoformat(timespec="seconds"),
        "tries": letter.tries,
        "place": letter.place,
        "reason": letter.reason,
    }


def _search(parts: assembly.Parts) -> SearchService:
    return next(item for built in parts.built for item in built.services if isinstance(item, SearchService))


async def search_status(parts: assembly.Parts, _arguments: argparse.Namespace) -> None:
    """One JSON line: how the search index is, compared with the database."""
    sys.stdout.write(json.dumps(asdict(await _search(parts).status())) + "\n")


async def rebuild_search(parts: assembly.Parts, _arguments: argparse.Namespace) -> None:
    """Queues the job; the app's worker does it."""
    sys.stdout.write(json.dumps(asdict((await _search(parts).start_rebuild(None))[0])) + "\n")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m rooftree.cli")
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("owner-link", help="the owner's one-time link").set_defaults(run=owner_link)
    commands.add_parser("feeds", help="how the feeds are doing").set_defaults(run=feeds)
    search = commands.add_parser("search", help="the search index").add_subparsers(dest="action", required=True)
    search.add_parser("status", help="how it is, compared with the database").set_defaults(run=search_status)
    search.add_parser("rebuild", help="make it anew from the database").set_defaults(run=rebuild_search)
    dead = commands.add_parser("dead-letters", help="events that a consumer could not handle")
    actions = dead.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="what waits, oldest first")
    listing.set_defaults(run=list_dead_letters)
    show = actions.add_parser("show", help="one with its headers")
    show.add_argument("ids", nargs=1, metavar="id")
    show.add_argument("--payload", action="store_true", help="also the event's data, which may be personal")
    show.set_defaults(run=show_dead_letter)
    replay = actions.add_parser("replay", help="give events to the consumer that failed again")
    which = replay.add_mutually_exclusive_group(required=True)
    which.add_argument("ids", nargs="*", default=[], metavar="id")
    which.add_argument("--all", action="store_true")
    replay.add_argument("--consumer", help="only those of this consumer")
    replay.set_defaults(run=replay_dead_letters)
    for action in (listing, replay):
        action.add_argument("-o", "--output", choices=("table", "json"), default="table")
    return made


async def _run(settings: Settings, arguments: argparse.Namespace) -> None:
    parts = assembly.build(assembly.find(), settings, Secrets(settings.secrets_dir))
    try:
        await arguments.run(parts, arguments)
    finally:
        await parts.close()


def main() -> int:
    arguments = parser().parse_args()
    try:
        settings = load(Settings)
        logs.configure("WARNING", tenant_id=settings.tenant_id)
        asyncio.run(_run(settings, arguments))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
