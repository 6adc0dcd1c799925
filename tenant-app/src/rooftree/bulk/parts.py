"""All that a module has of imports and exports when it runs, made from what it says of its records."""

from dataclasses import dataclass
from typing import Any

from rooftree.bulk.apply import Apply
from rooftree.bulk.check import Check
from rooftree.bulk.desk import Desk
from rooftree.bulk.export import Export
from rooftree.bulk.exports import Exports
from rooftree.bulk.imports import Imports
from rooftree.bulk.keeper import Keeper
from rooftree.bulk.subject import Subject
from rooftree.bulk.undo import Undo
from rooftree.contracts.identity.api import IdentityApi
from rooftree.kernel.jobs import Job
from rooftree.kernel.module import Runtime


@dataclass(frozen=True, slots=True)
class BulkParts:
    imports: Imports
    exports: Exports
    jobs: tuple[Job, ...]

    @classmethod
    def build(
        cls, runtime: Runtime, subject: Subject[Any], imports: type[Imports], exports: type[Exports]
    ) -> "BulkParts":
        """`imports`, `exports`: the module's own classes of these, as its routes name them."""
        desk = Desk(runtime.port(IdentityApi), subject)
        working = (
            Check(runtime, subject, desk),
            Apply(runtime, subject, desk),
            Undo(runtime, subject, desk),
            Export(runtime, subject),
            Keeper(runtime, subject.names, subject.tables),
        )
        return cls(imports(runtime, subject), exports(runtime, subject), tuple(one.job() for one in working))
