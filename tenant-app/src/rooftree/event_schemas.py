"""`python -m rooftree.event_schemas [--check] [folder]`: write event-schemas/<type>.json and asyncapi.json.

The committed schemas are what was promised: one is only replaced by a compatible one, and none is removed. An
incompatible change is a new event class with the next version in its type, published beside the old one for a while.
"""

import argparse
import ast
import importlib
import inspect
import json
import pkgutil
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rooftree import assembly, contracts
from rooftree.kernel import events
from rooftree.kernel.envelope import SCHEMA, SOURCE
from rooftree.kernel.events import IntegrationEvent
from rooftree.kernel.kafka import DEAD_LETTER_TOPIC, EVENTS_TOPIC
from rooftree.kernel.schema_changes import incompatibilities

DEFAULT_FOLDER = Path(__file__).resolve().parents[2]
SCHEMAS = "event-schemas"
ASYNCAPI = "asyncapi.json"


def published() -> dict[str, type[IntegrationEvent]]:
    """Every event of a contract, by its type."""
    for package in pkgutil.iter_modules(contracts.__path__):
        name = f"{contracts.__name__}.{package.name}"
        if any(item.name == "events" for item in pkgutil.iter_modules(importlib.import_module(name).__path__)):
            importlib.import_module(f"{name}.events")
    ours = {kind: event for kind, event in events.known().items() if event.__module__.startswith(contracts.__name__)}
    return dict(sorted(ours.items()))


def schema(event: type[IntegrationEvent]) -> dict[str, Any]:
    """The event's JSON Schema with the names and explanations that its class gives."""
    made = events.json_schema(event)
    for name, text in _explanations(event).items():
        made["properties"][name]["description"] = text
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA.format(type=event.type)}
    return dialect | made


def _explanations(event: type[IntegrationEvent]) -> dict[str, str]:
    """The strings that stand under fields."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(event))).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    for field, after in zip(definition.body, definition.body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[field.target.id] = inspect.cleandoc(str(after.value.value))
    return found


def documents() -> dict[str, str]:
    """File name → content, in a stable order and spelling."""
    found = published()
    made = {f"{SCHEMAS}/{kind}.json": schema(event) for kind, event in found.items()}
    made[ASYNCAPI] = asyncapi(found)
    return {name: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for name, content in made.items()}


def asyncapi(found: Mapping[str, type[IntegrationEvent]]) -> dict[str, Any]:
    """AsyncAPI 3.0: what a tenant's topics carry, who sends and who receives."""
    names = {kind: kind.removeprefix("dev.rooftree.") for kind in found}
    channel = {"$ref": "#/channels/events"}
    consumers = sorted(name for module in assembly.find() for name in module.consumers)
    receiving = {
        f"receive.{name}": {"action": "receive", "channel": channel, "bindings": _group(name)} for name in consumers
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rooftree events",
            "version": "1",
            "description": "What one tenant's modules tell each other: CloudEvents 1.0 in binary mode over Kafka, at"
            " least once, in order for each aggregate.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "events": _channel(
                EVENTS_TOPIC,
                "All events of the tenant.",
                {name: {"$ref": f"#/components/messages/{name}"} for name in names.values()},
            ),
            "deadLetter": _channel(
                DEAD_LETTER_TOPIC,
                "Messages that a consumer could not handle, with its name and the reason in headers.",
                {"deadLetter": {"$ref": "#/components/messages/deadLetter"}},
            ),
        },
        "operations": {
            "publish": {"action": "send", "channel": channel},
            **receiving,
            "putAside": {"action": "send", "channel": {"$ref": "#/channels/deadLetter"}},
        },
        "components": {
            "messages": {names[kind]: _message(names[kind], event) for kind, event in found.items()}
            | {"deadLetter": _dead_letter()},
            "messageTraits": {"cloudEvent": {"headers": _headers(), "bindings": {"kafka": {"key": _key()}}}},
            "parameters": {"tenantId": {"description": "The tenant's id, which begins all its names in Kafka."}},
        },
    }


def _channel(topic: str, description: str, messages: dict[str, Any]) -> dict[str, Any]:
    return {
        "address": "{tenantId}." + topic,
        "description": description,
        "parameters": {"tenantId": {"$ref": "#/components/parameters/tenantId"}},
        "messages": messages,
    }


def _message(name: str, event: type[IntegrationEvent]) -> dict[str, Any]:
    return {
        "name": name,
        "title": event.__name__,
        "summary": inspect.getdoc(event),
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": {"$ref": f"./{SCHEMAS}/{event.type}.json"},
    }


def _dead_letter() -> dict[str, Any]:
    told = ("consumer", "reason", "tries", "topic", "place", "at")
    return {
        "name": "deadLetter",
        "title": "DeadLetter",
        "summary": "The original message as it was, with headers that tell who could not handle it and why.",
        "headers": {"type": "object", "properties": {f"dead-letter-{name}": {"type": "string"} for name in told}},
    }


def _headers() -> dict[str, Any]:
    text = {"type": "string"}
    described: dict[str, dict[str, Any]] = {
        "content-type": {"type": "string", "const": "application/json"},
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid", "description": "UUIDv7; the same when the event comes again."},
        "ce_source": {**text, "description": SOURCE},
        "ce_type": {**text, "pattern": f"^{events.TYPE.pattern.replace('?P<module>', '')}$"},
        "ce_subject": {"type": "string", "format": "uuid", "description": "The aggregate; also the message's key."},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_dataschema": {"type": "string", "format": "uri"},
        "ce_tenantid": text,
        "ce_actorid": {**text, "description": "The user who caused it, or `system`."},
        "ce_sequence": {
            **text,
            "pattern": "^[0-9]{19}$",
            "description": "Counts the events of the aggregate, from 1 without gaps.",
        },
        "ce_traceparent": {**text, "description": "W3C trace context of the cause."},
    }
    required = [name for name in described if name != "ce_traceparent"]
    return {"type": "object", "properties": described, "required": required}


def _key() -> dict[str, str]:
    return {"type": "string", "format": "uuid"}


def _group(consumer: str) -> dict[str, Any]:
    return {"kafka": {"groupId": {"type": "string", "pattern": r"\." + consumer.replace(".", r"\.") + "$"}}}


def broken_promises(wanted: Mapping[str, str], present: Mapping[str, str]) -> list[str]:
    """Why the committed schemas may not become the wanted ones."""
    found: list[str] = []
    for name in sorted(present.keys() - {ASYNCAPI}):
        if name not in wanted:
            found.append(f"{name}: the event is gone, but others may still hear it")
        else:
            reasons = incompatibilities(json.loads(present[name]), json.loads(wanted[name]))
            found += [f"{name}: {reason}" for reason in reasons]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Write or check the committed descriptions of events.")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    wanted = documents()
    files = [*sorted((folder / SCHEMAS).glob("*.json")), *folder.glob(ASYNCAPI)]
    present = {str(file.relative_to(folder)): file.read_text() for file in files}
    if broken := broken_promises(wanted, present):
        sys.stderr.write("\n".join(["These events need a new version:", *broken]) + "\n")
        return 1
    if arguments.check:
        differing = sorted(name for name in wanted if wanted[name] != present.get(name))
        if differing:
            sys.stderr.write(f"Differs from the contracts: {', '.join(differing)}. Run `make gen`.\n")
        return 1 if differing else 0
    (folder / SCHEMAS).mkdir(exist_ok=True)
    for name, content in wanted.items():
        (folder / name).write_text(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
