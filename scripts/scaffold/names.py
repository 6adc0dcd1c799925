"""What a module and its record are called wherever they are named. Pure."""

import builtins
import keyword
import re
import string
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS as SQL_WORDS

_ACTIONS = ("read", "create", "update", "archive")


@dataclass(frozen=True)
class _Form:
    """What a name may be; `words` says it of `pattern`."""

    pattern: re.Pattern[str]
    words: str
    longest: int
    taken: str


# Schemas, packages and protos that are not of a module.
_MODULES_TAKEN = """
    access events exchange extensions http jobs kernel migrations modules process public remote requests values
"""
# What a record would be mistaken for in the templates.
_RECORDS_TAKEN = """
    belonging change colleague consumer domain event field grant item job list message migration module move name page
    place principal query record repository request response reader right route row schema service session shown state
    stream table task template title tenant total user version word
"""
_TYPESCRIPT = """
    any await boolean case catch const debugger default delete do enum export extends function implements instanceof
    interface let new null number package private protected public static string super switch symbol this throw typeof
    undefined unknown var void yield
"""
# Event types hold the module's name as one word; records may have several.
_MODULE = _Form(re.compile("[a-z]+"), "one word of lower-case letters", 16, _MODULES_TAKEN)
_RECORD = _Form(re.compile("[a-z]+(_[a-z]+)*"), "lower-case words with `_` between them", 20, _RECORDS_TAKEN)


class Refused(Exception):
    """Why no module is made; nothing has changed."""


def singular(plural: str) -> str:
    """`documents` → `document`, `properties` → `property`, `boxes` → `box`; what is no plural stays as it is."""
    if plural.endswith("ies") and len(plural) > 4:
        return f"{plural[:-3]}y"
    if plural.endswith(("sses", "xes", "ches", "shes")):
        return plural[:-2]
    if plural.endswith("s") and not plural.endswith(("ss", "us", "is")):
        return plural[:-1]
    return plural


def plural(word: str) -> str:
    """`document` → `documents`, `property` → `properties`, `box` → `boxes`."""
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"


@dataclass(frozen=True)
class Names:
    """`scheduling` with records `appointment`; `prefix` begins the revisions of its migrations."""

    module: str
    record: str
    prefix: str

    def words(self) -> dict[str, str]:
        """What stands for each `§word` of a template."""
        records = plural(self.record)
        word, many = self.record.replace("_", " "), records.replace("_", " ")
        one = f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
        # As wide as the policy's first column.
        rows = {f"row{action}": f"{self.record}.{action}".ljust(22) for action in _ACTIONS}
        return rows | {
            "module": self.module,
            "Module": self.module.capitalize(),
            "MODULE": self.module.upper(),
            "record": self.record,
            "Record": _pascal(self.record),
            "records": records,
            "Records": _pascal(records),
            "RECORDS": records.upper(),
            "word": word,
            "letters": self.record.replace("_", ""),
            "many": many,
            "Many": many.capitalize(),
            "one": one,
            "One": one.capitalize(),
            "kind": self.record.replace("_", "-"),
            "path": records.replace("_", "-"),
            "camel": _camel(self.record),
            "camels": _camel(records),
            "prefix": self.prefix,
        }

    def path(self, template: str) -> str:
        """Where a template goes: words in capitals are replaced."""
        words = self.words()
        for token, word in (("MODULE", "module"), ("RECORDS", "records"), ("PATH", "path"), ("KIND", "kind")):
            template = template.replace(token, words[word])
        return template.replace("PREFIX", self.prefix).removesuffix(".tmpl")


class Text(string.Template):
    """`§word` and `§{word}`."""

    delimiter = "§"
    flags = re.RegexFlag(0)
    idpattern = "[A-Za-z]+"

    @classmethod
    def render(cls, text: str, words: dict[str, str]) -> str:
        """Raises KeyError for a word that nothing stands for."""
        return cls(text).substitute(words)


def named(module: str, record: str | None, *, prefixes: Collection[str]) -> Names:
    """Names of a new module. `prefixes`: those that migrations of others have. Raises `Refused`."""
    record = record or singular(module)
    _check("NAME", module, _MODULE)
    _check("RECORD", record, _RECORD)
    if record == plural(record):
        raise Refused(f"RECORD={record} has no plural of its own.")
    lengths = range(1, len(module) + 1)
    prefix = next((module[:length] for length in lengths if module[:length] not in prefixes), None)
    if prefix is None:
        raise Refused(f"Migrations of another module begin with {module!r} already.")
    return Names(module, record, prefix)


def _check(what: str, name: str, form: "_Form") -> None:
    if not form.pattern.fullmatch(name):
        raise Refused(f"{what}={name} is no name: it must be {form.words}.")
    if len(name) > form.longest:
        raise Refused(f"{what}={name} is too long: at most {form.longest} letters.")
    ours, typescript = form.taken.split(), _TYPESCRIPT.split()
    reserved = {*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *SQL_WORDS, *typescript, *ours}
    if {name, plural(name)} & reserved:
        raise Refused(f"{what}={name} is reserved: it means something in Python, SQL, TypeScript or here.")


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


def _camel(name: str) -> str:
    pascal = _pascal(name)
    return pascal[0].lower() + pascal[1:]
