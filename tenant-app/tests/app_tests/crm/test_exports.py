"""People on their way out as a file: whom the list has, and what spreadsheets must not run."""

import json

import pytest
from rooftree.bulk import exports
from rooftree.kernel.spreadsheets import Format
from rooftree.modules.crm import summaries_repository
from sqlalchemy import true

from ..bulk.files import Bulk, bulk, counts, made, objects, open_bulk, table
from ..identity.conftest import problem, sign_in
from .bulk import applied, checked, exported
from .conftest import create, done, move, stage_ids

_ = (bulk, made, open_bulk)  # fixtures
pytestmark = pytest.mark.integration


async def test_a_file_has_whom_the_list_has(bulk: Bulk) -> None:
    agent, other = bulk.agent, await bulk.brokerage.agent("West", "Wanda")
    ada = await create(agent, tags=["buyer", "a, b"], emails=["ada@client.test", "ada@work.test"])
    await create(agent, name="Bea", emails=[], phones=[], source="Referral")
    await create(other, name="Wes", emails=["wes@client.test"], phones=[])
    done(await move(agent, ada, (await stage_ids(agent))["Nurture"]))
    answer = await exported(agent)
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith('attachment; filename="contacts-')
    assert table(answer.content) == [
        ["Name", "Email addresses", "Phone numbers", "Source", "Tags", "Stage"],
        ["Ada Canary", "ada@client.test; ada@work.test", "(515) 232-0199", "Manual", 'buyer; "a, b"', "Nurture"],
        ["Bea", "", "", "Referral", "", "Lead"],
    ]
    assert [row[0] for row in table((await exported(agent, source="Referral")).content)[1:]] == ["Bea"]
    assert [row[0] for row in table((await exported(agent, q="ada@work")).content)[1:]] == ["Ada Canary"]
    lines = (await exported(bulk.owner, "jsonl", assigned_to="somebody")).text.splitlines()
    assert [(one["name"], one["assigned_to"]) for one in map(json.loads, lines)] == [
        ("Ada Canary", "andy@acme.test"),
        ("Bea", "andy@acme.test"),
        ("Wes", "wanda@acme.test"),
    ]


async def test_planted_an_export_without_a_scope_is_noticed(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    other = await bulk.brokerage.agent("West", "Wanda")
    await create(other, name="Wes")
    names = [row[0] for row in table((await exported(bulk.agent)).content)]
    monkeypatch.setattr(summaries_repository, "people_of", lambda _: true())
    assert names == ["Name"]
    assert [row[0] for row in table((await exported(bulk.agent)).content)] == ["Name", "Wes"]


async def test_no_spreadsheet_runs_what_a_cell_says(bulk: Bulk) -> None:
    names = ["=1+1", "+1", "-2+3", "@SUM(A1)", "'=quoted", "plain"]
    rows = objects(*({"name": name, "phones": ["+1 515 232 0199"] if name == "plain" else []} for name in names))
    await applied(bulk.agent, await checked(bulk.agent, rows, "jsonl"))
    cells = [row[0] for row in table((await exported(bulk.agent)).content)[1:]]
    assert cells == ["'=1+1", "'+1", "'-2+3", "'@SUM(A1)", "''=quoted", "plain"]
    assert table((await exported(bulk.agent)).content)[-1][2] == "'+1 515 232 0199"
    workbook = (await exported(bulk.agent, "xlsx")).content
    assert workbook.startswith(b"PK")
    again = await checked(bulk.agent, workbook, "xlsx")
    assert again["columns"][0]["sample"] == names[:3]


async def test_an_export_is_fetched_by_whoever_asked_for_a_day(bulk: Bulk) -> None:
    await create(bulk.agent)
    answer = await exported(bulk.agent)
    (name,) = bulk.bucket.names()
    path = f"/api/v1/people-{name.removesuffix('/file')}"
    assert (await bulk.agent.get(path)).content == answer.content
    assert problem(await bulk.owner.get(path)) == (404, "export-not-found")
    bulk.clock.advance(hours=24)
    await sign_in(bulk.agent, "andy@acme.test")
    assert problem(await bulk.agent.get(path)) == (404, "export-not-found")
    bulk.clock.advance(minutes=1)
    await bulk.job("crm.forget_files")
    assert bulk.bucket.names() == []


async def test_an_export_of_more_than_one_file_takes_says_so(bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MOST_RECORDS", 1)
    await create(bulk.agent)
    await create(bulk.agent, name="Bea", even_if_known=True)
    path = "/api/v1/people-exports?format=csv"
    assert problem(await bulk.agent.post(path)) == (422, "export-too-large")
    assert table((await exported(bulk.agent, q="bea")).content)[1][0] == "Bea"


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl"])
async def test_what_was_exported_is_unchanged_when_it_comes_back(bulk: Bulk, kind: Format) -> None:
    owner = bulk.owner
    await create(bulk.agent, name="Zoë Ünïcödé 🏡", tags=["a;b", 'say "hi"', "c, d"], emails=["zoe@client.test"])
    await create(owner, name="'=Apostrophe", phones=["+49 30 901820"], emails=[])
    content = (await exported(owner, kind)).content
    again = await checked(owner, content, kind)
    assert counts(again) == (0, 0, 2, 0)
