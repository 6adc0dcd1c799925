"""Where something new goes in a file that is there already: at an anchor that must be in it exactly once. Pure."""

import re
from collections.abc import Callable

# The content before, and what to insert → the content after. Raises `AnchorMissing`.
Place = Callable[[str, str], str]
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class AnchorMissing(Exception):
    """The file is no longer as this place expects it."""


def _only(content: str, anchor: str) -> int:
    found = content.count(anchor)
    if found != 1:
        raise AnchorMissing(f"{anchor!r} is there {found} times, not once")
    return content.index(anchor)


def before(anchor: str) -> Place:
    """On lines of its own before the line that has the anchor."""

    def insert(content: str, text: str) -> str:
        start = content.rfind("\n", 0, _only(content, anchor)) + 1
        return content[:start] + text + content[start:]

    return insert


def after(anchor: str) -> Place:
    """On lines of its own after the line that has the anchor."""

    def insert(content: str, text: str) -> str:
        end = content.index("\n", _only(content, anchor)) + 1
        return content[:end] + text + content[end:]

    return insert


def last_in(opening: str) -> Place:
    """The last member of the brackets with which the anchor ends; a formatter puts it in order."""

    def insert(content: str, text: str) -> str:
        start = _only(content, opening) + len(opening)
        end = _closing(content, start)
        inside = content[start:end].rstrip()
        added = f"\n{text}," if not inside or inside.endswith(",") else f", {text}"
        return f"{content[:start]}{inside}{added}{content[start + len(inside) :]}"

    return insert


def _closing(content: str, start: int) -> int:
    """Where the bracket before `start` is closed; of brackets in strings there is always a pair."""
    opening, depth = content[start - 1], 1
    for place in range(start, len(content)):
        depth += (content[place] == opening) - (content[place] == _CLOSING[opening])
        if depth == 0:
            return place
    raise AnchorMissing(f"nothing closes {content[:start].splitlines()[-1]!r}")


def sorted_into(first: str) -> Place:
    """A line among those that begin like this, which are in order."""

    def insert(content: str, text: str) -> str:
        lines = content.splitlines(keepends=True)
        rows = [number for number, line in enumerate(lines) if line.startswith(first)]
        if not rows:
            raise AnchorMissing(f"no line begins with {first!r}")
        place = next((number for number in rows if lines[number] > text), rows[-1] + 1)
        return "".join([*lines[:place], text, *lines[place:]])

    return insert


def ending_list_under(heading: str) -> Place:
    """The last line of the list that follows the heading."""

    def insert(content: str, text: str) -> str:
        start = _only(content, heading) + len(heading)
        listed = re.compile(r"\n(?:- .*\n(?:  .*\n)*)+").match(content, start)
        if listed is None:
            raise AnchorMissing(f"no list follows {heading!r}")
        return content[: listed.end()] + text + content[listed.end() :]

    return insert


def at_the_end(content: str, text: str) -> str:
    return content + text


def imported(package: str) -> Place:
    """A name among those that a TypeScript file imports from a package; once, however often."""

    def insert(content: str, text: str) -> str:
        found = re.findall(rf"^import {{([^}}]+)}} from \"{re.escape(package)}\";$", content, re.M)
        if len(found) != 1:
            raise AnchorMissing(f"{package!r} is imported {len(found)} times, not once")
        names = [name.strip() for name in found[0].split(",") if name.strip()]
        if text in names:
            return content
        return content.replace(f"import {{{found[0]}}}", f"import {{ {', '.join([*names, text])} }}", 1)

    return insert
