"""Pages that follow what changes by themselves, in a real Chromium through the edge."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from .browser import Windows
    from .web_owner import Owner

pytest_plugins = [f"{__package__}.web_owner"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]

# What the bar has shown, and what came by the stream.
_WATCH = """() => {
    window.shown = [];
    window.heard = [];
    new MutationObserver(() => {
        const now = document.querySelector("[role=progressbar]")?.getAttribute("aria-valuenow");
        if (now && window.shown.at(-1) !== now) window.shown.push(now);
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
    const stream = new EventSource("/api/v1/stream");
    stream.addEventListener("change", (event) => window.heard.push(JSON.parse(event.data)));
    return new Promise((resolve) => stream.addEventListener("hello", () => resolve(true)));
}"""


def test_the_progress_of_a_job_moves_by_itself_and_comes_through_the_edge_as_it_happens(
    owner: Owner, windows: Windows
) -> None:
    with windows.open(owner.tenant.url, state=owner.state) as window:
        page = window.page
        window.go("/feeds")
        page.evaluate(_WATCH)
        page.get_by_role("button", name="Rebuild the index").click()
        page.wait_for_function("() => window.heard.some(({ data }) => data?.state === 'succeeded')", timeout=60_000)
        jobs = page.evaluate("() => window.heard.filter(({ resource }) => resource === 'job').map(({ data }) => data)")
        assert [job["state"] for job in jobs][:2] == ["waiting", "running"]
        done = [job["done"] for job in jobs]
        assert done == sorted(done)
        assert len({*done}) >= 3
        assert done[-1] == jobs[-1]["total"]
        shown = [int(value) for value in page.evaluate("() => window.shown")]
        assert len({*shown} & {*done}) >= 3, f"the bar showed {shown} of {done}"
        expect(page.get_by_role("region", name="Search").get_by_text("Ready")).to_be_visible()
        expect(page.get_by_text(re.compile(r"[\d,]+ of [\d,]+ listings in the index"))).to_be_visible()
