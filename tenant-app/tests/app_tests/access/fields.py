"""Which fields answers show, by hand: those that are neither null nor an empty list, of every operation and letter.

A word is a field; `field:WP` is shown to those letters alone, `field:+assigned` of records of which that is true,
`field?` whether or not. `items=person` says that each of `items` shows what a person does, `=person` that the answer
itself does; of `items=entry/{kind}` the item says what it is.
"""

from collections.abc import Callable, Mapping
from typing import Any

ANSWERS: Mapping[str, str] = {
    # People, leads, and what is done for them.
    "list_people": "total items=person",
    "get_people_board": "columns.stage_id columns.stage_name columns.total columns.items=person",
    "list_person_duplicates": "items=person",
    "get_person": "=person updated_at",
    "claim_person": "=claimed/person updated_at",
    "list_person_history": "total items=change/{action}",
    "list_person_timeline": "items=entry/{kind}",
    "create_note": "=note",
    "create_activity": "=activity",
    "create_task": "=task",
    "list_tasks": "total items=task",
    "edit_task": "=task",
    "list_leads": "total items=lead",
    "get_lead": "=lead",
    "create_lead": "=lead",
    "claim_lead": "=claimed/lead",
    "list_stages": "version items=stage",
    "create_stage": "=stage",
    "list_people_imports": "items=import",
    "get_people_import": "=import",
    "list_people_import_errors": "total items=row_error",
    # Listings.
    "list_property_imports": "items=import",
    "get_property_import": "=import",
    "list_property_import_errors": "total items=row_error",
    "search_properties": "total source items=summary facets=facets",
    "suggest_properties": "items=suggestion/{kind}",
    "map_properties": "total points=point",
    "get_property": "=detail",
    "list_property_history": "total items=price",
    "edit_photo": "=photo",
    "restore_photo": "=photo",
    "list_feeds": "items=feed",
    "list_feed_runs": "items=run",
    "list_feed_rejections": "total items=rejection",
    "start_feed_run": "=run",
    "get_search_status": "documents rows lag_events state",
    # Accounts.
    "list_users": "total items=user",
    "get_user": "=user",
    "list_sessions": "items=session",
    "list_user_sessions": "items=session",
    "list_user_invitations": "total items=invitation",
    "resend_user_invitation": "=invitation link",
    "list_jobs": "items=job",
    "get_job": "=job",
    "cancel_job": "=job finished_at",
    "list_schedules": "items=schedule",
    "list_delegations": "total items=delegation",
    "create_delegation": "=delegation",
    "list_offices": "total items=office",
    "get_office": "=office",
    "list_teams": "total items=team",
    "get_team": "=team",
}
_PERSON = (
    "id name emails phones.value phones.e164 stage_id stage_name source open_leads last_activity_at created_at version"
    " can_edit can_assign can_claim "
)
_LEAD = (
    "id person.id person.name type source name message consent captured_by.id captured_by.name received_at state"
    " can_claim can_open "
)
_SUMMARY = (
    "id listing_key standard_status list_price.amount list_price.currency city postal_code property_type"
    " property_sub_type bedrooms_total photo.url photo.alt modification_timestamp"
    " unparsed_address:WPr latitude:WPr longitude:WPr "
)
_ASSIGNED = "assigned_to.id:+assigned assigned_to.name:+assigned "
_PHOTO = "url alt state id:+own sizes.small:+own sizes.medium:+own sizes.large:+own"
SHAPES: Mapping[str, str] = {
    "person": _PERSON + _ASSIGNED + "office_id:+office",
    # They go to the office of whoever claims them, if that one has one.
    "claimed/person": _PERSON + "assigned_to.id assigned_to.name office_id?",
    "lead": _LEAD + _ASSIGNED,
    "claimed/lead": _LEAD + "assigned_to.id assigned_to.name",
    "change/created": "id at actor.id actor.name subject subject_id action",
    "change/changed": "id at actor.id actor.name subject subject_id action fields",
    "entry/lead": "id kind at actor.id actor.name text lead_type lead_state source given_name",
    "entry/note": "id kind at actor.id actor.name text version",
    "entry/activity": "id kind at actor.id actor.name activity",
    "entry/assignment": "id kind at actor.id actor.name from_user.id? from_user.name? to_user.id to_user.name reason",
    "note": "id person_id author.id author.name text created_at updated_at version",
    "activity": "id person_id kind at created_by.id created_by.name created_at",
    "task": "id person.id person.name title time_zone assigned_to.id assigned_to.name created_at version",
    "stage": "id name position people version",
    "import": "id kind file_name format encoding state job_id rows counts.create counts.update counts.unchanged"
    " counts.faulty columns.name columns.sample columns.field fields.name fields.label fields.required truncated_errors"
    " created_at created_by.id created_by.name version",
    "row_error": "row column field value code message",
    "summary": _SUMMARY,
    "facets": "status.value status.count type.value type.count city.value city.count subdivision.value"
    " subdivision.count bedrooms.value bedrooms.count price.from price.to price.count",
    "suggestion/address": "kind text property_id",
    "suggestion/subdivision": "kind text count",
    "point": "id latitude longitude list_price.amount list_price.currency unparsed_address standard_status"
    " bedrooms_total photo.url photo.alt",
    "detail": _SUMMARY
    + "version origin can_edit status_moves:W list_agent_id:+assigned list_office_id:+office internet_display"
    " internet_address_display private_remarks:WP showing_instructions:WP updated_at listing_id subdivision_name"
    " days_on_market:+own cumulative_days_on_market:+own list_agent_full_name list_office_name source.feed"
    " source.originating_system_name source.refreshed_at photos.url photos.alt photos.state photos.id:+own"
    " photos.sizes.small:+own photos.sizes.medium:+own photos.sizes.large:+own",
    "price": "id at change_type field to_value reason:WP",
    "photo": _PHOTO,
    "feed": "name state url imported rejected",
    "run": "id kind state started_at seen created updated unchanged removed rejected",
    "user": "id name email role office_id:+office team_ids:+team state created_at version",
    "session": "id created_at used_at expires_at is_current user_agent",
    "job": "id kind state attempt progress.done is_ending actor_id? created_at changed_at",
    "schedule": "kind cron next_due_at",
    "invitation": "id email name role office_id state created_at expires_at invited_by",
    "delegation": "id assistant.id assistant.name user.id user.name resources granted_by.id granted_by.name created_at"
    " expires_at revoked_at:+revoked is_live",
    "office": "id name user_count version",
    "team": "id name office_id member_count version",
}
# What stands for a field that is not shown.
_WITHHELD = "Address withheld"
# Of a shape and a record: the caller's letter, and what is true of the record, with `+`.
Traits = Callable[[str, Any], set[str]]


def differences(operation: str, body: Any, traits: Traits) -> tuple[list[str], int]:
    """What an answer shows too much or too little, and how many fields were compared."""
    if operation not in ANSWERS:
        return [f"nobody wrote down what {operation} shows: {sorted(_shown(body))}"], 0
    told: list[str] = []
    words = ANSWERS[operation].split()
    shapes = [word.partition("=")[::2] for word in words if "=" in word]
    envelope = " ".join(word for word in words if "=" not in word)
    compared = 0
    for path, shape in shapes:
        for element in [body] if not path else _at(body, path.split(".")):
            if element is None:
                continue
            name = shape.format_map(element) if "{" in shape else shape
            text = f"{SHAPES.get(name, '')} {'' if path else envelope}"
            told += [f"{name}: {one}" for one in _compare(text, _shown(element), traits(name, element))]
            compared += len(text.split())
    if not any(not path for path, _ in shapes):
        inside = tuple(path for path, _ in shapes)
        rest = {name for name in _shown(body) if not name.startswith(tuple(f"{path}." for path in inside))}
        told += _compare(envelope, rest, traits("", body))
        compared += len(envelope.split())
    return told, compared


def _compare(text: str, shown: set[str], traits: set[str]) -> list[str]:
    wanted: set[str] = set()
    either: set[str] = set()
    for word in text.split():
        name, _, condition = word.partition(":")
        if name.endswith("?"):
            either.add(name[:-1])
        elif not condition or condition in traits or (condition[0] != "+" and traits & set(condition)):
            wanted.add(name)
    lacking, more = sorted(wanted - shown), sorted(shown - wanted - either)
    return [f"{what} {names} of {sorted(traits)}" for what, names in (("lacks", lacking), ("shows", more)) if names]


def _at(value: Any, path: list[str]) -> list[Any]:
    """All elements of lists at the end of a path."""
    if isinstance(value, list):
        return [found for item in value for found in _at(item, path)]
    return _at(value[path[0]], path[1:]) if path else [value]


def _shown(value: Any, name: str = "") -> set[str]:
    if isinstance(value, dict):
        return {one for key, item in value.items() for one in _shown(item, f"{name}.{key}" if name else key)}
    if isinstance(value, list):
        return {one for item in value for one in _shown(item, name)}
    return set() if value is None or value == _WITHHELD else {name}
