"""Contacts in real browsers against the real stack: a visitor asks, a colleague claims, keys move the board."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from .web_owner import Owner, assert_accessible_in_every_look, tab_to

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .browser import Window, Windows

pytest_plugins = [f"{__package__}.web_owner"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]  # the fixtures have deadlines of their own

_numbers = count(1)


@pytest.fixture
def desk(owner: Owner, windows: Windows) -> Iterator[Window]:
    """The owner's window."""
    with windows.open(owner.tenant.url, state=owner.state, motion="reduce") as window:
        yield window


def fresh(name: str) -> tuple[str, str]:
    """A name and an address that nobody has yet."""
    number = next(_numbers)
    return f"{name} {'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[number]}", f"{name.lower()}{number}@visitors.example"


def add_contact(window: Window, name: str, email: str) -> None:
    page = window.page
    window.go("/contacts")
    page.get_by_role("button", name="New contact").click()
    dialog = page.get_by_role("dialog", name="New contact")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label("Email").fill(email)
    dialog.get_by_role("button", name="Add contact").click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def listing_of_others(window: Window) -> str:
    """One of the feed's: nobody here is its agent, so whoever asks about it waits to be claimed."""
    window.go("/listings?q=AMES-00004")
    address = window.page.get_by_role("article").first.get_by_role("link").first.get_attribute("href")
    assert address
    return address.rsplit("/", 1)[1]


def ask(window: Window, listing: str, name: str, email: str) -> None:
    page = window.page
    window.go(f"/inquire/{listing}")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Message").fill("May I see it on Sunday?")
    page.get_by_role("checkbox", name=re.compile("may contact me")).check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1, name="Thank you")).to_be_visible()


def lead(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name="Leads").get_by_role("listitem").filter(has_text=name)


def test_visitor_without_an_account_asks_and_a_colleague_claims_and_answers(
    owner: Owner, desk: Window, windows: Windows
) -> None:
    name, email = fresh("Vera")
    page = desk.page
    listing = listing_of_others(desk)
    with windows.open(owner.tenant.url, motion="reduce") as visitor:
        ask(visitor, listing, name, email)
        assert not [cookie for cookie in visitor.context.cookies() if cookie.get("name") == "__Host-session"]
    desk.go("/inbox?state=new")
    expect(lead(page, name)).to_contain_text("May I see it on Sunday?")
    lead(page, name).get_by_role("button", name=re.compile("Claim")).click()
    expect(page.get_by_text(f"You look after {name} now.")).to_be_visible()
    page.get_by_role("link", name="Open the contact").click()
    page.get_by_role("button", name="Log activity").click()
    page.get_by_role("dialog").get_by_role("button", name="Log", exact=True).click()
    expect(page.get_by_role("list", name="Timeline")).to_contain_text("Call, to them")
    desk.go("/inbox?state=responded")
    expect(lead(page, name)).to_contain_text("answered after")


def test_visitor_who_asks_too_often_is_told_when_to_come_back(owner: Owner, windows: Windows, desk: Window) -> None:
    name, email = fresh("Tess")
    listing = listing_of_others(desk)
    with windows.open(owner.tenant.url, motion="reduce") as visitor:
        for _ in range(5):
            ask(visitor, listing, name, email)
        visitor.allow_refusal(429, "/api/v1/inquiries")
        visitor.go(f"/inquire/{listing}")
        visitor.page.get_by_label("Your name").fill(name)
        visitor.page.get_by_label("Email").fill(email)
        visitor.page.get_by_role("checkbox", name=re.compile("may contact me")).check()
        visitor.page.get_by_role("button", name="Send").click()
        expect(visitor.page.get_by_role("alert")).to_contain_text(
            re.compile(r"Try again at \d+:\d\d .M \(in \d+ min\)")
        )
        assert_accessible_in_every_look(visitor, "a refused inquiry")


def test_card_is_moved_by_keyboard_alone(desk: Window) -> None:
    name, email = fresh("Kim")
    page = desk.page
    add_contact(desk, name, email)
    desk.go("/contacts/board")
    tab_to(page, f"a:text-is('{name}')", limit=200)
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    moved = page.get_by_role("region", name=re.compile("^Nurture")).get_by_role("link", name=name)
    expect(moved).to_be_focused()
    expect(page.get_by_role("status").filter(has_text=f"{name} moved to Nurture")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("menuitem").last).to_be_focused()
    with page.expect_response(re.compile("/api/v1/people/board")):  # asked anew once the last move is saved
        page.keyboard.press("Enter")
        expect(page.get_by_role("region", name=re.compile("^Trash")).get_by_role("link", name=name)).to_be_focused()
    page.reload()
    expect(page.get_by_role("region", name=re.compile("^Trash")).get_by_role("link", name=name)).to_be_visible()


def test_card_that_somebody_else_changed_goes_back(owner: Owner, desk: Window, windows: Windows) -> None:
    name, email = fresh("Cora")
    page = desk.page
    add_contact(desk, name, email)
    address = page.url.removeprefix(owner.tenant.url)
    desk.go("/contacts/board")
    with (
        desk.held(but="stage-changes"),  # the board follows changes
        windows.open(owner.tenant.url, state=owner.state, motion="reduce") as other,
    ):
        other.go(address)
        other.page.get_by_role("button", name="Stage: Lead").click()
        other.page.get_by_role("menuitemradio", name="Sphere").click()
        expect(other.page.get_by_text(f"{name} is in Sphere now.")).to_be_visible()
    desk.allow_refusal(412, "/api/v1/people/")
    page.get_by_role("button", name=f"Move {name} to…").click()
    page.get_by_role("menuitem", name="Nurture").click()
    expect(page.get_by_role("alert")).to_contain_text(f"{name} was not moved: ")
    expect(page.get_by_role("region", name=re.compile("^Sphere")).get_by_role("link", name=name)).to_be_visible()


def test_stages_are_ordered_by_keyboard_alone(desk: Window) -> None:
    page = desk.page
    desk.go("/settings/stages")
    handle = "button[aria-label^='Move Closed: ']"
    tab_to(page, handle)
    with page.expect_response(re.compile("/stages/order")):
        page.keyboard.press("ArrowUp")
    expect(page.get_by_text(re.compile(r"^Closed is number 5 of \d+\.$"))).to_be_visible()
    expect(page.locator(handle)).to_be_focused()
    with page.expect_response(re.compile("/stages/order")):
        page.keyboard.press("ArrowDown")
    expect(page.get_by_text(re.compile(r"^Closed is number 6 of \d+\.$"))).to_be_visible()


def test_axe_finds_nothing_on_the_pages_of_contacts(owner: Owner, desk: Window, windows: Windows) -> None:
    name, email = fresh("Axel")
    page = desk.page
    listing = listing_of_others(desk)
    add_contact(desk, name, email)
    contact = page.url.removeprefix(owner.tenant.url)
    pages = ("/contacts", "/contacts?q=zzzzzz", "/contacts/board", "/contacts/import", "/inbox", "/tasks")
    for path in (*pages, "/settings/stages", contact):
        desk.go(path)
        assert_accessible_in_every_look(desk, path)
    for button in ("Add task", "Add note", "Log activity", "Assign…"):
        page.get_by_role("button", name=button).click()
        page.get_by_role("dialog").wait_for()
        assert_accessible_in_every_look(desk, button)
        page.keyboard.press("Escape")
    desk.go(f"/listings/{listing}")
    page.get_by_role("button", name="Write down a lead").click()
    page.get_by_role("dialog").wait_for()
    assert_accessible_in_every_look(desk, "a lead written down")
    with windows.open(owner.tenant.url, motion="reduce") as visitor:
        visitor.go(f"/inquire/{listing}")
        visitor.page.get_by_role("button", name="Send").click()
        expect(visitor.page.get_by_role("alert")).to_be_visible()
        assert_accessible_in_every_look(visitor, "the form of visitors")
