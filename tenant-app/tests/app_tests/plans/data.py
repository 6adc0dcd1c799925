"""A brokerage that has worked for years, written by SQL: what counts is how many rows there are, and of which kinds.

Tables that grow with the years have far more rows than MOST_ROWS; FEW stay small, however long a brokerage works.
Numbers decide all values but ids, so every run plans for the same data.
"""

import json

import psycopg
from rooftree.modules.property.listing_edit import empty_details

LISTINGS = 10_000
FEW = {
    "identity.offices": "there are as many as there are doors",
    "identity.teams": "a few of each office",
    "identity.team_members": "colleagues, each in a team or two",
    "crm.stages": "the steps of one brokerage",
    "property.feeds": "one of each MLS",
    "jobs.schedules": "one of each kind of work that is done by itself",
    "jobs.procrastinate_periodic_defers": "the last time of each schedule",
}

# {n}: how many listings.
_PROPERTY = """
INSERT INTO property.feeds (name, url, state) VALUES ('bench', 'https://mls.test', 'idle');
INSERT INTO property.properties
    (id, feed, listing_key, standard_status, property_type, property_sub_type, currency, list_price, close_price,
     unparsed_address, city, state_or_province, postal_code, bedrooms_total, bathrooms_total, living_area,
     lot_size_area, year_built, internet_display, modification_timestamp, details, fingerprint, search_text,
     search_document, updated_at, removed_at, latitude, longitude, internet_address_display, list_agent_id,
     list_office_id)
SELECT uuidv7(), feed, n || left(md5(n::text), 8), status, 'Residential', kind, 'USD', (60 + hash % 900) * 100000, NULL,
    address, city, 'IA', '50' || 100 + town, 1 + hash % 6, 1 + hash % 4, 600 + hash % 3000,
    5000 + hash % 20000, 1900 + hash % 125, hash % 50 <> 0, now() - hash % 500000 * interval '1 minute',
    '{details}'::jsonb
        || jsonb_build_object('subdivision_name', 'Subdivision ' || hash % 60, 'public_remarks', remarks),
    decode(md5(n::text), 'hex'), lower(address || ' ' || city || ' ') || left(md5(n::text), 8),
    setweight(to_tsvector('english', address || ' ' || city), 'A') || to_tsvector('english', remarks), now(),
    CASE WHEN hash % 25 = 0 THEN now() END, 41.8 + 0.05 * town + hash % 1000 * 0.00008,
    -93.9 + 0.05 * town + hash / 1000 % 1000 * 0.0001, hash % 40 <> 0,
    CASE WHEN feed = '.own' THEN (SELECT id FROM identity.users ORDER BY id LIMIT 1 OFFSET hash % 100) END,
    CASE WHEN feed = '.own' THEN (SELECT id FROM identity.offices ORDER BY id LIMIT 1 OFFSET hash % 10) END
FROM (
    SELECT n, hash, hash % 10 AS town, CASE WHEN n % 50 = 0 THEN '.own' ELSE 'bench' END AS feed,
        (ARRAY['Active', 'Closed', 'Closed', 'Pending', 'Closed', 'Active Under Contract', 'Expired', 'Closed',
               'Withdrawn', 'Coming Soon', 'Incomplete', 'Canceled', 'Hold'])[1 + hash % 13] AS status,
        (ARRAY['Single Family Residence', 'Condominium', 'Townhouse', 'Duplex'])[1 + hash % 4] AS kind,
        hash % 9999 || ' ' || (ARRAY['Maple', 'Cedar', 'River', 'Lake', 'Ridge', 'Elm', 'Walnut'])[1 + hash % 7]
            || (ARRAY[' Street', ' Avenue'])[1 + hash % 2] AS address,
        (ARRAY['Ames', 'Nevada', 'Boone', 'Ankeny', 'Story City', 'Huxley', 'Gilbert', 'Slater', 'Roland',
               'Maxwell'])[1 + hash % 10] AS city,
        repeat((ARRAY['Quiet corner lot with a fireplace. ', 'Ranch with patio, deck and a garage. ',
                      'Brick home, new roof and finished basement. '])[1 + hash % 3], 12) AS remarks
    FROM (SELECT n, hashint4(n) & 1073741823 AS hash FROM generate_series(1, {n}) AS n) AS numbers
) AS made;
INSERT INTO property.media (property_id, number, url)
SELECT id, number, 'https://mls.test/photos/' || id || '/' || number
FROM property.properties, generate_series(1, 3) AS number WHERE feed <> '.own';
INSERT INTO property.photos (id, property_id, position, state, created_at)
SELECT uuidv7(), id, number, 'ready', now()
FROM property.properties, generate_series(1, 8) AS number WHERE feed = '.own';
INSERT INTO property.history (id, property_id, at, change_type, field, from_value, to_value)
SELECT uuidv7(), id, now(), 'Price Change', 'list_price', '1', '2'
FROM property.properties, generate_series(1, 2);
INSERT INTO property.feed_runs (id, feed, kind, state, requested, started_at)
SELECT uuidv7(), 'bench', 'incremental', 'succeeded', false, now() FROM generate_series(1, 5000);
INSERT INTO property.rejections (feed, identity, reasons, record, seen_at)
SELECT 'bench', n, '[]', jsonb_build_object('PublicRemarks', repeat(md5(n::text), 30)), now()
FROM generate_series(1, 3000) AS n;
"""

_IDENTITY = """
INSERT INTO identity.offices (id, name, name_key, version)
SELECT uuidv7(), 'Office ' || n, 'office ' || n, 1 FROM generate_series(1, 20) AS n;
INSERT INTO identity.teams (id, office_id, name, name_key, version)
SELECT uuidv7(), offices.id, 'Team ' || n, 'team ' || n, 1 FROM identity.offices, generate_series(1, 3) AS n;
INSERT INTO identity.users (id, email, email_key, name, role, office_id, password_hash, created_at, deactivated_at,
    version)
SELECT uuidv7(), who || '@bench.test', who || '@bench.test', initcap(who), role,
    (SELECT id FROM identity.offices ORDER BY id LIMIT 1 OFFSET n % 20), '', now(),
    CASE WHEN n % 8 = 0 THEN now() END, 1
FROM (
    SELECT n, role, role || n AS who
    FROM (
        SELECT n, CASE WHEN n % 25 = 0 THEN 'agent' WHEN n % 100 = 1 THEN 'coordinator'
            WHEN n % 250 = 2 THEN 'office_manager' ELSE 'client' END AS role
        FROM generate_series(1, 5000) AS n
    ) AS numbers
) AS made;
INSERT INTO identity.team_members (user_id, team_id)
SELECT users.id, teams.id FROM identity.users JOIN identity.teams USING (office_id)
WHERE role = 'agent' AND teams.name = 'Team 1' ON CONFLICT DO NOTHING;
INSERT INTO identity.invitations (id, email, email_key, name, role, created_at, expires_at, accepted_at, office_id,
    team_ids, links, invited_by)
SELECT uuidv7(), email, email_key, name, role, now(), now(), now(), office_id, '{{}}', 1,
    (SELECT id FROM identity.users ORDER BY id LIMIT 1)
FROM identity.users;
INSERT INTO identity.delegations (id, assistant_id, for_user_id, resources, granted_by, created_at, expires_at)
SELECT uuidv7(), assistants.id, agents.id, '{{person}}', agents.id, moment, moment + interval '20 days'
FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM identity.users WHERE role = 'agent') AS agents
JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM identity.users WHERE role = 'coordinator') AS assistants
    ON assistants.place = 1 + agents.place % 50,
    (SELECT now() - n * interval '30 days' AS moment FROM generate_series(0, 11) AS n) AS months;
INSERT INTO identity.families (id, user_id, client_id, scope, authenticated_at, expires_at)
SELECT uuidv7(), id, 'web', '', now(), now() + interval '1 day' FROM identity.users;
INSERT INTO gateway.sessions (secret_hash, user_id, sealed, version, access_expires_at, created_at, used_at, expires_at)
SELECT decode(md5(id::text), 'hex'), id, '', 1, now(), now(), now(), now() + interval '1 day' FROM identity.users;
INSERT INTO crm.agents (user_id, role, office_id, team_ids, is_active, sequence)
SELECT id, role, office_id, '{{}}', true, 0 FROM identity.users WHERE role = 'agent' ON CONFLICT DO NOTHING;
"""

_CRM = """
INSERT INTO crm.stages (id, name, name_key, position, version)
SELECT uuidv7(), 'Step ' || n, 'step ' || n, 100 + n, 1 FROM generate_series(1, 5) AS n;
INSERT INTO crm.people (id, name, name_key, search_text, stage_id, source, tags, assigned_to, office_id, revision,
    created_at, updated_at, last_activity_at)
SELECT uuidv7(), name, lower(name), lower(name) || ' client' || n || '@client.test 515232' || lpad(n::text, 4, '0'),
    (SELECT id FROM crm.stages WHERE position = 101 + hash % 5),
    (ARRAY['website', 'referral', 'open_house', 'portal'])[1 + hash % 4],
    CASE WHEN hash % 10 = 0 THEN ARRAY['investor'] ELSE '{{}}' END,
    CASE WHEN hash % 6 <> 0 THEN who.user_id END, who.office_id, 1, moment, moment, moment
FROM (
    SELECT n, hash, now() - hash % 900000 * interval '1 minute' AS moment,
        (ARRAY['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara', 'Donald'])[1 + hash % 6] || ' '
            || (ARRAY['Canary', 'Miller', 'Rivers', 'Lake', 'Stone'])[1 + hash / 7 % 5] || ' ' || n AS name
    FROM (SELECT n, hashint4(n) & 1073741823 AS hash FROM generate_series(1, {n} * 3 / 5) AS n) AS numbers
) AS made
JOIN (SELECT user_id, office_id, row_number() OVER (ORDER BY user_id) - 1 AS place FROM crm.agents) AS who
    ON who.place = hash % (SELECT count(*) FROM crm.agents);
INSERT INTO crm.contacts (person_id, kind, position, typed, key)
SELECT id, kind, 0, kind || name_key, kind || name_key FROM crm.people, unnest(ARRAY['email', 'phone']) AS kind;
INSERT INTO crm.leads (id, person_id, lead_type, source, name, utm, consent, received_at, state)
SELECT uuidv7(), id, 'General Inquiry', source, name, '{{}}', true, created_at,
    (ARRAY['responded', 'responded', 'assigned', 'new'])[1 + (hashtext(id::text || n) & 3)]
FROM crm.people, generate_series(1, 2) AS n;
INSERT INTO crm.notes (id, person_id, author_id, text, created_at, updated_at, revision)
SELECT uuidv7(), id, id, repeat('Called back. ', 10), now(), now(), 1 FROM crm.people, generate_series(1, 2);
INSERT INTO crm.tasks (id, person_id, title, due_at, time_zone, assigned_to, created_by, created_at, done_at, revision)
SELECT uuidv7(), id, 'Call ' || name, created_at + interval '3 days', 'America/Chicago', assigned_to, id, created_at,
    CASE WHEN hashtext(id::text || n) & 3 <> 0 THEN created_at + interval '2 days' END, 1
FROM crm.people, generate_series(1, 2) AS n;
INSERT INTO crm.activities (id, person_id, kind, direction, at, created_by, created_at)
SELECT uuidv7(), id, 'call', 'outgoing', created_at, id, created_at FROM crm.people, generate_series(1, 3);
INSERT INTO crm.stage_changes (id, person_id, at, from_stage_id, from_name, to_stage_id, to_name)
SELECT uuidv7(), id, created_at, stage_id, 'a', stage_id, 'b' FROM crm.people;
INSERT INTO crm.assignments (id, person_id, at, to_user_id, reason)
SELECT uuidv7(), id, created_at, assigned_to, 'captured' FROM crm.people;
INSERT INTO crm.imports (id, file_name, format, state, job_id, row_count, columns, counts, outcome, actor_id, office_id,
    created_at, changed_at, version)
SELECT uuidv7(), 'contacts.csv', 'csv', 'checked', uuidv7(), 5000, '[]', '{{"faulty": 2500}}', '{{}}', who.user_id,
    who.office_id, now(), now(), 1
FROM crm.agents AS who, generate_series(1, 12);
INSERT INTO crm.import_lines (import_id, number, cells, verdict, errors)
SELECT old.id, n, '["Ada"]', CASE WHEN n % 2 = 0 THEN 'faulty' ELSE 'create' END,
    '[{{"column": "Email", "field": "emails", "value": "a", "code": "not-an-email", "message": "No."}}]'
FROM (SELECT id FROM crm.imports ORDER BY id LIMIT 3) AS old, generate_series(1, 5000) AS n;
INSERT INTO property.imports SELECT * FROM crm.imports;
INSERT INTO property.import_lines SELECT * FROM crm.import_lines;
INSERT INTO crm.history (id, at, subject, subject_id, person_id, action, revision, fields)
SELECT uuidv7(), created_at, 'person', id, id, 'changed', n, '{{}}' FROM crm.people, generate_series(1, 4) AS n;
"""

_JOBS = """
INSERT INTO jobs.runs (id, kind, actor_id, office_id, state, finished_at)
SELECT uuidv7(), (ARRAY['property.rebuild_search', 'bench.other'])[1 + (hash % 8 = 0)::int], who.user_id, who.office_id,
    (ARRAY['succeeded', 'failed', 'cancelled'])[1 + (hash % 20 = 0)::int + (hash % 50 = 0)::int], now()
FROM (SELECT hashint4(n) & 1073741823 AS hash FROM generate_series(1, {n}) AS n) AS numbers
JOIN (SELECT user_id, office_id, row_number() OVER (ORDER BY user_id) - 1 AS place FROM crm.agents) AS who
    ON who.place = hash % (SELECT count(*) FROM crm.agents);
"""


def fill(admin_dsn: str, listings: int = LISTINGS) -> None:
    """Into a database that is empty; then what autovacuum would have done by now."""
    details = json.dumps(empty_details())
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        for part in (_IDENTITY, _PROPERTY, _CRM, _JOBS):
            connection.execute(part.format(n=listings, details=details).encode())
        connection.execute("VACUUM ANALYZE")
