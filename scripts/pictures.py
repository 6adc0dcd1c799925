"""Takes the pictures of the quick start from a running stack, as its owner sees it.

`make pictures LINK=…`, where LINK is the unused one-time link that `make up` printed.
The password is made up here and told once, so that you can go on as the owner.
"""

import secrets
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from browser import launch, trust
from playwright.sync_api import Browser, Page, StorageState, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "images"
CA = ROOT / ".local" / "dev" / "pki" / "ca.crt"


def shoot(page: Page, name: str, path: str | None = None) -> None:
    """Saves what the page shows once it is quiet."""
    if path is not None:
        page.goto(path)
    page.locator("h1").first.wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    if page.locator("canvas").count():
        page.locator("[data-pin]").first.wait_for()
        page.wait_for_timeout(2000)  # drawn by the processor, which takes a moment
    page.wait_for_function("[...document.images].every(image => image.loading === 'lazy' || image.complete)")
    page.screenshot(path=PICTURES / f"{name}.png")


def accept(browser: Browser, link: str) -> StorageState:
    """Sets the owner's password and signs in."""
    password = secrets.token_urlsafe(15)
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    shoot(page, "invitation", link)
    email = page.get_by_label("Email").input_value()
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Set password and continue").click()
    page.wait_for_url("**/sign-in?**")
    shoot(page, "sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/listings")
    print(f"the owner's password is {password}")
    return page.context.storage_state()


def main(link: str) -> None:
    base = "{0.scheme}://{0.netloc}".format(urlsplit(link))
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        trust(Path(home), CA)
        browser = launch(playwright, Path(home))
        state = accept(browser, link)
        wide = browser.new_context(viewport={"width": 1440, "height": 900}, storage_state=state)
        wide.set_default_timeout(15_000)
        page = wide.new_page()
        shoot(page, "listings", f"{base}/listings?status=Active&min_beds=3")
        page.get_by_role("article").first.get_by_role("link").click()
        page.wait_for_url("**/listings/*")
        page.get_by_role("region", name="Photos").get_by_role("img").last.evaluate("image => image.decode()")
        shoot(page, "listing")
        shoot(page, "feeds", f"{base}/feeds")
        phone = browser.new_context(
            viewport={"width": 390, "height": 780}, color_scheme="dark", storage_state=state
        ).new_page()
        shoot(phone, "listings-phone-dark", f"{base}/listings?status=Active")


if __name__ == "__main__":
    main(sys.argv[1])
