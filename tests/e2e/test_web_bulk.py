"""Many contacts or listings at once in a real Chromium against the real stack: files are checked, imported, exported
and undone.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import FilePayload, Page, expect

from .browser import SECONDS
from .web_owner import Owner, assert_accessible_in_every_look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .browser import Window, Windows

pytest_plugins = [f"{__package__}.web_owner"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]  # the fixtures have deadlines of their own

JOB = 60 * SECONDS
ROWS, FAULTY = 30, 2


@pytest.fixture
def desk(owner: Owner, windows: Windows) -> Iterator[Window]:
    """The owner's window."""
    with windows.open(owner.tenant.url, state=owner.state, motion="reduce") as window:
        yield window


def table(word: str) -> bytes:
    """Thirty rows whose names share a word; one has no name, another no mail address where one should be."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Full name", "Email", "Tags", "Remark"])
    for number in range(ROWS):
        name = "" if number == 10 else f"{word} {number:02}"
        email = "no address" if number == 20 else f"{word.lower()}{number}@imports.example"
        writer.writerow([name, email, "Fair", "met at the fair"])
    return text.getvalue().encode()


def bring(page: Page, file: FilePayload) -> None:
    page.get_by_label("File to import").set_input_files([file])


def choose(window: Window, content: bytes, *, of: str = "contacts") -> Page:
    page = window.page
    window.go(f"/{of}/import")
    bring(page, FilePayload(name="fair.csv", mimeType="text/csv", buffer=content))
    expect(page.get_by_role("heading", level=1, name="Import of fair.csv")).to_be_visible()
    return page


def figures(page: Page) -> list[str]:
    result = page.get_by_role("region", name="Result")
    return [re.sub(r"\s+", " ", text) for text in result.locator("dl > div").all_inner_texts()]


def contacts_found(window: Window, word: str) -> Page:
    window.go(f"/contacts?q={word}&sort=name")
    return window.page


def test_file_is_checked_imported_exported_and_undone(desk: Window) -> None:
    page = choose(desk, table("Fairweather"))
    button = page.get_by_role("button", name=f"Import {ROWS - FAULTY} contacts")
    expect(button).to_be_visible(timeout=JOB)
    assert [text.split(" ")[:2] for text in figures(page)[:1]] == [["New", str(ROWS - FAULTY)]]
    faulty = page.get_by_role("table", name=f"{FAULTY} faulty rows").get_by_role("row")
    expect(faulty).to_have_count(1 + FAULTY)
    expect(faulty.nth(1).get_by_role("rowheader")).to_have_text("12")  # the header is row 1
    expect(faulty.nth(2)).to_contain_text("no address")
    assert_accessible_in_every_look(desk, "a checked import")
    with page.expect_download() as download:
        page.get_by_role("link", name=f"Download {FAULTY} rows").click()
    lines = list(csv.reader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert [len(lines), lines[0][-1]] == [1 + FAULTY, "error"]

    page.reload()
    button.click()
    expect(page.get_by_text(f"Imported: {ROWS - FAULTY} added, 0 completed.")).to_be_visible(timeout=JOB)
    imported = page.url.removeprefix(desk.base)
    contacts_found(desk, "Fairweather")
    expect(page.get_by_text(f"{ROWS - FAULTY} contacts", exact=True)).to_be_visible()
    export_holds(page, ROWS - FAULTY)
    touch(desk, page)

    desk.go(imported)
    page.get_by_role("button", name="Undo import…").click()
    dialog = page.get_by_role("dialog", name="Undo this import?")
    assert_accessible_in_every_look(desk, "the question before an import is undone")
    dialog.get_by_role("button", name="Undo import").click()
    told = f"The import is undone: {ROWS - FAULTY - 1} contacts are as before. 1 contact was kept"
    expect(page.get_by_text(told)).to_be_visible(timeout=JOB)
    contacts_found(desk, "Fairweather")
    expect(page.get_by_text("1 contact", exact=True)).to_be_visible()


def exported(page: Page) -> list[list[str]]:
    """What the filters show comes as a file by itself, once it is made."""
    page.get_by_role("button", name="Import and export").click()
    with page.expect_download(timeout=JOB) as download:
        page.get_by_role("menuitem", name="Export as CSV").click()
    return list(csv.reader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))


def export_holds(page: Page, people: int) -> None:
    assert len(exported(page)) == 1 + people
    expect(page.get_by_text(f"{people} contacts are in the file.")).to_be_visible()


def touch(window: Window, page: Page) -> None:
    """Somebody works with the first one: an undo has to leave that contact alone."""
    page.get_by_role("list", name="Contacts").get_by_role("link").first.click()
    page.get_by_role("button", name=re.compile("^Stage: ")).click()
    page.get_by_role("menuitemradio", name="Sphere").click()
    expect(page.get_by_text(re.compile("is in Sphere now"))).to_be_visible()
    window.page.wait_for_load_state("networkidle")


def test_columns_that_are_chosen_anew_have_the_file_checked_anew(desk: Window) -> None:
    page = choose(desk, table("Marketwell"))
    expect(page.get_by_role("button", name=f"Import {ROWS - FAULTY} contacts")).to_be_visible(timeout=JOB)
    again = page.get_by_role("button", name="Check again")
    page.get_by_label("“Full name” is").select_option("Left out")
    again.click()
    button = page.get_by_role("button", name="Import 0 contacts")
    expect(button).to_have_accessible_description("Choose below which column holds the name.", timeout=JOB)
    page.get_by_label("“Full name” is").select_option("Name")
    again.click()
    expect(page.get_by_role("button", name=f"Import {ROWS - FAULTY} contacts")).to_be_visible(timeout=JOB)


def test_file_that_is_no_table_is_refused_before_it_is_sent(desk: Window) -> None:
    page = desk.page
    desk.go("/contacts/import")
    bring(page, FilePayload(name="old.xls", mimeType="application/vnd.ms-excel", buffer=b"x"))
    expect(page.get_by_role("alert")).to_contain_text("Save it as an Excel workbook (.xlsx)")
    assert_accessible_in_every_look(desk, "a refused file")


LISTINGS = b"""MLS #,Address,City,List price,Beds
FAIR-1,1 Fair Street,Ames,"$450,000",3
FAIR-2,2 Fair Street,Ames,310000,2
FAIR-3,3 Fair Street,Ames,about 3,2
FAIR-1,4 Fair Street,Ames,290000,1
"""
LOWERED = b"""MLS #,Address,List price
FAIR-1,,439000
FAIR-2,2 Fair Street,310000
"""


def test_listings_come_in_as_drafts_are_updated_go_out_and_are_undone(desk: Window) -> None:
    page = choose(desk, LISTINGS, of="listings")
    button = page.get_by_role("button", name="Import 2 listings")
    expect(button).to_be_visible(timeout=JOB)
    faulty = page.get_by_role("table", name="2 faulty rows").get_by_role("row")
    expect(faulty.nth(1)).to_contain_text("about 3")
    expect(faulty.nth(2).get_by_role("cell")).to_have_text(["MLS #", "FAIR-1", re.compile("Row 2 is about the same")])
    assert_accessible_in_every_look(desk, "a checked import of listings")
    button.click()
    expect(page.get_by_text("Imported: 2 added, 0 updated.")).to_be_visible(timeout=JOB)
    imported = page.url.removeprefix(desk.base)
    page.get_by_role("link", name="See your listings").click()
    draft = page.get_by_role("region", name=re.compile("^Drafts")).get_by_role("listitem")
    expect(draft.filter(has_text="1 Fair Street")).to_contain_text("$450,000")

    choose(desk, LOWERED, of="listings")
    page.get_by_role("button", name="Import 1 listing").click(timeout=JOB)
    expect(page.get_by_text("Imported: 0 added, 1 updated.")).to_be_visible(timeout=JOB)
    desk.go("/listings/mine?status=Incomplete")
    expect(draft.filter(has_text="1 Fair Street")).to_contain_text("$439,000")
    assert {"FAIR-1", "FAIR-2"} <= {cell for row in exported(page) for cell in row}
    assert_accessible_in_every_look(desk, "an export of listings")

    desk.go(imported)
    page.get_by_role("button", name="Undo import…").click()
    page.get_by_role("dialog").get_by_role("button", name="Undo import").click()
    told = "The import is undone: 1 listing is as before. 1 listing was kept"
    expect(page.get_by_text(told)).to_be_visible(timeout=JOB)
    desk.go("/listings/mine?status=Incomplete")
    expect(draft.filter(has_text="1 Fair Street")).to_be_visible()
    expect(draft.filter(has_text="2 Fair Street")).to_have_count(0)
