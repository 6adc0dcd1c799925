"""Who may hear that a record has changed: whoever may read it, by the policy."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from rooftree.contracts.access.policy import grant
from rooftree.kernel.auth import Principal
from rooftree.kernel.live import Record
from rooftree.kernel.record_scope import Place, reaches


def waiting(principal: Principal, place: Place) -> dict[str, bool]:
    """The ways to people whom nobody looks after."""
    waits = place.owner_id is None and principal.office_id is not None
    return {
        "pond": waits and place.office_id == principal.office_id,
        "nowhere": waits and place.office_id is None,
    }


def heard(principal: Principal, resource: str, records: Iterable[Record]) -> list[str] | None:
    """Ids of those that the caller may read, each once. None: of none of the resource are they told anything.

    What only the module knows of its records (`displayed`) is no way to hear of one: such callers read lists anew.
    """
    granted = grant(principal, resource, "read")
    if not granted:
        return None
    found: dict[str, None] = {}
    for record in records:
        place = Place(record.owner_id, record.office_id)
        more: Mapping[str, bool] = defaultdict(bool, waiting(principal, place))
        if reaches(granted, principal, place, more=more):
            found[str(record.id)] = None
    return list(found)
