"""People in a real Chromium against the real stack: invited by mail, at work in browsers of their own, sent away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from .browser import Window, Windows
from .conftest import until
from .web_owner import Owner, assert_accessible_in_every_look, sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = [f"{__package__}.web_owner"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]  # the fixtures have deadlines of their own
MAILS = "http://10.200.0.1:8025/mails.json"
MAILED_SECONDS = 60
PASSWORD = "seven geese over the river"
LINK = re.compile(r"https://\S+/invite/[\w.~-]+")


def mails_to(address: str) -> list[dict[str, Any]]:
    """The newest first."""
    return httpx2.get(MAILS, params={"to": address}).json()


def mailed_link(address: str) -> str:
    """The one-time link in the newest mail to the address."""
    mail = until(
        f"the invitation's mail to {address}", lambda: mails_to(address), enough=bool, seconds=MAILED_SECONDS, every=1
    )[0]
    found = LINK.search(mail["text"])
    assert found, mail["text"]
    return found[0]


@pytest.fixture
def desk(owner: Owner, windows: Windows) -> Iterator[Window]:
    """The owner's window."""
    with windows.open(owner.tenant.url, state=owner.state, motion="reduce") as window:
        yield window


def make_office(window: Window, name: str) -> None:
    page = window.page
    window.go("/offices")
    page.get_by_role("button", name=re.compile(r"New office|Make the first office")).first.click()
    dialog = page.get_by_role("dialog", name="New office")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Make office").click()
    expect(page.get_by_role("region", name=name, exact=True)).to_be_visible()


def invite(window: Window, name: str, email: str, role: str, office: str) -> str:
    """Invites by the dialog and gives back the link that it shows."""
    page = window.page
    window.go("/people")
    page.get_by_role("button", name="Invite", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label("Email").fill(email)
    dialog.get_by_label("Role").select_option(role)
    dialog.get_by_label("Office").select_option(office)
    dialog.get_by_role("button", name="Send invitation").click()
    link = dialog.get_by_label("One-time link").input_value()
    expect(dialog.get_by_role("status").filter(has_text="on its way")).to_contain_text(email)
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_role("region", name=re.compile("open invitation"))).to_contain_text(email)
    return link


def accept(window: Window, link: str, email: str, joining: str) -> None:
    """Follows a link from a mail, sets a password and signs in."""
    page = window.page
    window.open(link)
    expect(page.get_by_text(joining)).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Set password and continue").click()
    sign_in(page, email, PASSWORD)
    expect(page.get_by_role("heading", level=1, name="Listings")).to_be_visible()


def menu(page: Page) -> list[str]:
    return page.get_by_role("banner").get_by_role("navigation", name="Main").get_by_role("link").all_inner_texts()


def test_owner_invites_a_manager_and_an_agent_and_ends_the_agents_sessions(
    owner: Owner, desk: Window, windows: Windows
) -> None:
    tenant = owner.tenant
    manager, agent = f"mona@{tenant.name}.example", f"arthur@{tenant.name}.example"
    make_office(desk, "North Ames")
    shown = invite(desk, "Mona Manager", manager, "Office manager", "North Ames")
    assert mailed_link(manager) == shown
    invite(desk, "Arthur Agent", agent, "Agent", "North Ames")
    with (
        windows.open(tenant.url, motion="reduce") as hers,
        windows.open(tenant.url, motion="reduce") as his,
    ):
        accept(hers, mailed_link(manager), manager, "You join as an office manager.")
        accept(his, mailed_link(agent), agent, "You join as an agent.")
        assert {"People", "Offices"} <= set(menu(hers.page))
        assert not {"People", "Offices"} & set(menu(his.page))
        his.go("/people")
        expect(his.page.get_by_role("heading", name="Your role does not open this page")).to_be_visible()
        see_what_a_manager_may(hers)
        his.go("/listings")
        his.allow_refusal(401, "/api/v1/")
        with his.held(but="Active"):
            end_the_sessions_of(desk, "Arthur Agent")
            his.page.get_by_role("complementary", name="Filters").get_by_label("Active", exact=True).click()
            expect(his.page.get_by_text("Your session has ended")).to_be_visible()
        hers.go("/people")
        expect(hers.page.get_by_role("heading", level=1, name="People")).to_be_visible()


def see_what_a_manager_may(window: Window) -> None:
    """Her agent is hers to change, the owner is not."""
    page = window.page
    window.go("/people")
    page.get_by_role("link", name="Arthur Agent").click()
    expect(page.get_by_role("button", name="Deactivate")).to_be_visible()
    page.get_by_role("link", name="Back to people").click()
    page.get_by_role("link", name="Wanda Walker").click()
    expect(page.get_by_text("An owner can change this person.")).to_be_visible()


def end_the_sessions_of(window: Window, name: str) -> None:
    page = window.page
    window.go("/people")
    page.get_by_role("link", name=name).click()
    page.get_by_role("button", name="End all sessions").click()
    page.get_by_role("dialog").get_by_role("button", name="End all sessions").click()
    expect(page.get_by_text("All sessions have ended.")).to_be_visible()


def test_someone_who_is_deactivated_is_out_at_once_and_cannot_come_back(
    owner: Owner, desk: Window, windows: Windows
) -> None:
    email = f"carla@{owner.tenant.name}.example"
    page = desk.page
    make_office(desk, "Downtown")
    link = invite(desk, "Carla Coordinator", email, "Coordinator", "Downtown")
    with windows.open(owner.tenant.url, motion="reduce") as hers:
        accept(hers, link, email, "You join as a coordinator.")
        hers.allow_refusal(401, "/api/v1/")
        hers.allow_refusal(401, "/oauth/sign-in")
        with hers.held(but="contacts"):
            desk.go("/people")
            page.get_by_role("link", name="Carla Coordinator").click()
            page.get_by_role("button", name="Deactivate").click()
            page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
            expect(page.get_by_text("Carla Coordinator is deactivated.")).to_be_visible()
            hers.page.get_by_role("link", name="Contacts").first.click()
            expect(hers.page.get_by_text("Your session has ended")).to_be_visible()
        sign_in(hers.page, email, PASSWORD)
        expect(hers.page.get_by_role("alert")).to_contain_text("The email and password do not match")


def test_revoked_invitation_leads_nowhere(owner: Owner, desk: Window, windows: Windows) -> None:
    email = f"nora@{owner.tenant.name}.example"
    page = desk.page
    make_office(desk, "West Lake")
    link = invite(desk, "Nora Newcomer", email, "Agent", "West Lake")
    page.get_by_role("button", name=re.compile("Revoke.*Nora Newcomer")).click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke invitation").click()
    expect(page.get_by_text("The invitation of Nora Newcomer is revoked.")).to_be_focused()
    with windows.open(owner.tenant.url) as window:
        window.allow_refusal(410, "/api/v1/invitations/")
        window.open(link)
        expect(window.page.get_by_role("heading", name="This link no longer works")).to_be_visible()


def test_own_account_marks_this_browser_and_ends_another(owner: Owner, desk: Window, windows: Windows) -> None:
    with windows.open(owner.tenant.url, motion="reduce") as other:
        other.open(owner.tenant.url + "/sign-in")
        sign_in(other.page, owner.email, owner.password)
        expect(other.page.get_by_role("heading", level=1, name="Listings")).to_be_visible()
        other.allow_refusal(401, "/api/v1/")
        with other.held(but="feeds"):
            desk.go("/account")
            sessions = desk.page.get_by_role("region", name="Sessions")
            expect(sessions.get_by_role("listitem").first).to_contain_text("This browser")
            sessions.get_by_role("button", name="End all others").click()
            desk.page.get_by_role("dialog").get_by_role("button", name="End all others").click()
            expect(desk.page.get_by_text("All other sessions have ended.")).to_be_visible()
            expect(sessions.get_by_role("listitem")).to_have_count(1)
            other.page.get_by_role("link", name="Feeds").first.click()
            expect(other.page.get_by_text("Your session has ended")).to_be_visible()


def test_axe_finds_nothing_on_the_pages_of_people(desk: Window) -> None:
    page = desk.page
    make_office(desk, "Campus")
    for path in ("/people", "/people?q=zzzzzz", "/offices", "/account"):
        desk.go(path)
        assert_accessible_in_every_look(desk, path)
    desk.go("/people")
    page.get_by_role("button", name="Invite", exact=True).click()
    page.get_by_role("dialog").wait_for()
    assert_accessible_in_every_look(desk, "the invitation's form")
    page.keyboard.press("Escape")
    page.get_by_role("list", name="People").get_by_role("link").first.click()
    page.get_by_role("region", name="Details").wait_for()
    assert_accessible_in_every_look(desk, "a person")
