"""Where a module is registered by hand. What finds modules by itself (migrations, OpenAPI, gRPC, topology) is not here.

A missing entry is noticed by a test of the repository: `tests/delivery_tests/test_scaffold.py` takes some away to see.
"""

from dataclasses import dataclass

from scaffold.insertion import Place, after, at_the_end, before, ending_list_under, imported, last_in, sorted_into

_APP_TESTS = "tenant-app/tests/app_tests"
_WEB = "frontend/src"
# Of a module's policy: who reaches a §record by what.
_POLICY = """
§rowread company       own+office             own+team        own             -          -
§rowcreate own           own                    own             own             -          -
§rowupdate company       own+office             own+team        own             -          -
§rowarchive company       own+office             own             own             -          -
"""
_TRUTH = '''
# §Many by whose they are. y: reads, changes and archives; u: reads and changes.
§RECORDS = """
           agent  mate  office  manager  west  nomad  helper
owner      y      y     y       y        y     y      y
placed     y      y     y       y        y     y      y
manager    y      y     y       y        .     .      y
boss'      .      .     .       .        y     .      .
agent      y      u     .       .        .     .      .
nomad      .      .     .       .        .     y      .
helper     .      .     .       .        .     .      y
half       .      .     .       .        .     .      .
idle       .      .     .       .        .     .      .
aide       .      .     .       .        .     .      .
teamed     .      .     .       .        .     .      .
client     .      .     .       .        .     .      .
"""
'''
_PROBES = """
§{RECORDS} = truth.read(truth.§RECORDS)
§{MODULE} = [
    Probe(operation="list_§records", request=_at("/api/v1/§path?limit=100"), letters=_roles("staff"), lists="§record"),
    Probe(
        operation="create_§record",
        request=_at("/api/v1/§path", json={"title": ""}),
        letters=_roles("staff"),
        ok=_REFUSED,
        points="/title",
    ),
    Probe(
        operation="get_§record",
        request=_on("§record", "/api/v1/§path/{id}"),
        letters=§RECORDS,
        says={"u": "ok", **_LIVING},
    ),
    Probe(
        operation="edit_§record",
        request=_on("§record", "/api/v1/§path/{id}", json={"title": "Matrix"}, headers=STALE),
        letters=§RECORDS,
        says={"u": "ok", **_LIVING},
        ok=_REACHED,
    ),
    Probe(
        operation="archive_§record",
        request=_on("§record", "/api/v1/§path/{id}/archive", headers=STALE),
        letters=§RECORDS,
        says={"u": "403", **_LIVING},
        ok=_REACHED,
    ),
]

"""
_WORLD = """

async def _§records(world: World) -> None:
    letters = truth.read(truth.§RECORDS)
    for number, name in enumerate(sorted({column for _, column in letters})):

        def sees(caller: str, name: str = name) -> bool:
            return letters[caller, name] != "."

        word = world.only_for(f"canary§{letters}{number}", sees)
        made = await world.callers["owner"].post("/api/v1/§path", json={"title": word})
        assert made.status_code == 201, made.text
        world.ids["§record", name] = made.json()["id"]
        office = PLACES.get(name, (name, "Main"))[1]
        world.sql(
            "UPDATE §module.§records SET assigned_to = %s, office_id = %s WHERE id = %s",
            world.users[name],
            world.brokerage.offices[office] if office else None,
            world.ids["§record", name],
        )
"""
_PLANS = '''
_§MODULE = """
INSERT INTO §module.§records
    (id, title, assigned_to, office_id, version, created_at, updated_at, archived_at)
SELECT uuidv7(), 'Number ' || n, who.user_id, who.office_id, 1, now(), now(), CASE WHEN n % 3 = 0 THEN now() END
FROM generate_series(1, {n}) AS n
JOIN (SELECT user_id, office_id, row_number() OVER (ORDER BY user_id) - 1 AS place FROM crm.agents) AS who
    ON who.place = n % (SELECT count(*) FROM crm.agents);
"""
'''
_FIELDS = (
    '"§record": "id title assigned_to.id assigned_to.name office_id?"\n'
    '    " version created_at updated_at can_edit can_archive"'
)
_TYPES = """\
export type §Record = Json<paths["/api/v1/§path/{§{record}_id}"]["get"], 200>;
export type §{Record}Input = Change<paths["/api/v1/§path"]["post"]>;
export type §{Record}State = NonNullable<NonNullable<paths["/api/v1/§path"]["get"]["parameters"]["query"]>["state"]>;
"""
_ROUTE = """\
  { path: "§path", lazy: page(() => import("@/features/§module/§path-page"), "§{Records}Page") },
"""


@dataclass(frozen=True)
class Entry:
    """`text`, with its `§words` replaced, goes to `place` of the file."""

    path: str
    place: Place
    text: str


_APP = [
    Entry("tenant-app/src/rooftree/contracts/access/policy.py", before('"""\n\n# Which fields a mask covers'), _POLICY),
    Entry("tenant-app/src/rooftree/contracts/access/policy.py", last_in("Right = Literal["), '"§path.work"'),
    Entry(
        "tenant-app/src/rooftree/contracts/access/policy.py",
        last_in("_RIGHTS: Mapping[Right, tuple[str, tuple[str, ...]]] = {"),
        '"§path.work": ("§record.read", ("own", "company"))',
    ),
]
_TESTS = [
    *(
        Entry(f"{_APP_TESTS}/access/test_policy.py", last_in(f'        "{role}": ('), '"§path.work"')
        for role in ("broker_owner", "office_manager", "agent", "coordinator")
    ),
    *(
        Entry(f"{_APP_TESTS}/identity/test_permissions.py", last_in(f"{role}_ROLE: everything - {{"), '"§path.work"')
        for role in ("AGENT", "COORDINATOR")
    ),
    Entry(f"{_APP_TESTS}/access/truth.py", before("# What has no record: y or f by the operation"), _TRUTH[1:] + "\n"),
    Entry(f"{_APP_TESTS}/access/probes.py", before("PROBES = ["), _PROBES[1:]),
    Entry(f"{_APP_TESTS}/access/probes.py", last_in("PROBES = ["), "*§MODULE"),
    Entry(f"{_APP_TESTS}/access/lists.py", last_in("_TABLES = {"), '"§record": truth.read(truth.§RECORDS)'),
    Entry(
        f"{_APP_TESTS}/access/lists.py",
        last_in("_READABLE: dict[str, Callable[[str], set[str]]] = {"),
        '"§record": lambda caller: _of(_TABLES["§record"], caller)',
    ),
    Entry(
        f"{_APP_TESTS}/access/fields.py",
        last_in("ANSWERS: Mapping[str, str] = {"),
        '# §Many.\n    "list_§records": "total items=§record"',
    ),
    Entry(f"{_APP_TESTS}/access/fields.py", last_in("ANSWERS: Mapping[str, str] = {"), '"get_§record": "=§record"'),
    Entry(f"{_APP_TESTS}/access/fields.py", last_in("SHAPES: Mapping[str, str] = {"), _FIELDS),
    Entry(
        f"{_APP_TESTS}/access/world.py", before("    _jobs(world)\n    _files(world)"), "    await _§records(world)\n"
    ),
    Entry(f"{_APP_TESTS}/access/world.py", at_the_end, _WORLD),
    Entry(f"{_APP_TESTS}/manners/repeatable.py", last_in("WITHOUT_KEY = {"), '"archive_§record": "If-Match"'),
    Entry(f"{_APP_TESTS}/plans/data.py", before("def fill(admin_dsn"), _PLANS[1:] + "\n\n"),
    Entry(f"{_APP_TESTS}/plans/data.py", last_in("for part in ("), "_§MODULE"),
    Entry(
        "tests/isolation/people.py",
        before('    desk.post("/api/v1/search/rebuilds")'),
        '    desk.post("/api/v1/§path", title=canary)\n',
    ),
    Entry(
        "tests/isolation/people.py",
        last_in("LOOKUPS: dict[str, Callable[[Callable[[str], Any]], list[str]]] = {"),
        '"§{record}_id": listed("/api/v1/§path")',
    ),
]
_SCREEN = [
    Entry(f"{_WEB}/app/router.tsx", before('  { path: "people", lazy: page('), _ROUTE),
    Entry(f"{_WEB}/app/shell.tsx", imported("lucide-react"), "ClipboardList"),
    Entry(
        f"{_WEB}/app/shell.tsx",
        before('  { to: "/feeds", name: "Feeds"'),
        '  { to: "/§path", name: "§Many", Icon: ClipboardList, needs: "§path.work" },\n',
    ),
    Entry(f"{_WEB}/shared/api/types.ts", at_the_end, _TYPES),
    Entry(
        f"{_WEB}/testing/fake-app.ts",
        before("import { FakePeople }"),
        'import { Fake§Module } from "./fake-§module.ts";\n',
    ),
    Entry(
        f"{_WEB}/testing/fake-app.ts",
        before("  homes: PropertyDetail[];"),
        "  §module = new Fake§Module(() => this.session);\n",
    ),
    Entry(f"{_WEB}/testing/fake-app.ts", last_in("    ...["), "this.§module"),
    *(
        Entry(f"{_WEB}/testing/people.ts", last_in(f"  {role}: ["), '"§path.work"')
        for role in ("broker_owner", "office_manager", "agent", "coordinator")
    ),
]
_PAGES = [
    Entry(
        "docs/problems/README.md",
        sorted_into("| ["),
        "| [§kind-not-found](§kind-not-found.md) | 404 | There is no such §word |\n",
    ),
    Entry(
        "docs/problems/README.md",
        sorted_into("| ["),
        "| [§kind-archived](§kind-archived.md) | 409 | The §word is archived |\n",
    ),
    Entry(
        "README.md",
        after("- [People and leads](docs/crm.md)"),
        "- [§Many](docs/§module.md): who sees, changes and archives which.\n",
    ),
    Entry(
        "CHANGELOG.md",
        ending_list_under("## Unreleased\n### Added"),
        "- §Many (`§module`): written down, listed, changed and archived in the web app and by the API, within what a"
        " role may see; each change is an event and shows in open pages ([docs/§module.md](docs/§module.md)).\n",
    ),
]
ENTRIES = [*_APP, *_TESTS, *_SCREEN, *_PAGES]
