"""Where the database holds what tells of people, and what does not go along when a brokerage is cloned.

The operator reads it in the manifest. A new column of text in a table that tells of people wants a line here, or in
the list of what tells nothing of them that `tests/app_tests/test_personal.py` keeps.
"""

from collections.abc import Mapping

# Sign-ins, links, answers to repeated requests, files of imports, jobs and events: they are of the one brokerage.
EMPTIED = (
    "gateway.sessions",
    "identity.refresh_tokens",
    "identity.codes",
    "identity.families",
    "identity.attempts",
    "identity.invitations",
    "crm.attempts",
    "crm.import_lines",
    "crm.imports",
    "crm.exports",
    "requests.answers",
    "events.outbox",
    "events.inbox",
    "jobs.runs",
    "jobs.procrastinate_events",
    "jobs.procrastinate_periodic_defers",
    "jobs.procrastinate_jobs",
    "jobs.procrastinate_workers",
)

# By table and column the form of the mask; after a colon the column that it is made of, if that is another one.
MASKED: Mapping[str, Mapping[str, str]] = {
    "identity.users": {
        "email": "email:email_key",
        "email_key": "email",
        "name": "name",
        "password_hash": "nothing",
    },
    "identity.offices": {"phone": "phone", "address": "text"},
    "crm.people": {"name": "name", "name_key": "name_key:name", "search_text": "name_key:name"},
    "crm.contacts": {"typed": "contact:key", "key": "contact", "e164": "phone:key"},
    "crm.leads": {"name": "name", "email": "email", "phone": "phone", "message": "text"},
    "crm.notes": {"text": "text"},
    "crm.tasks": {"title": "text"},
    "crm.activities": {"outcome": "text"},
    "crm.assignments": {"note": "text"},
}
