"""A real Chromium that trusts the stack's CA, and windows in it that keep watch.

A window fails its test when the page wrote an error to the console, broke the security policy or threw. Whatever fails
in it, a screenshot and the console stay in `test-results/` and the report names them.
"""

from __future__ import annotations

import re
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    Route,
    StorageState,
    expect,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = REPOSITORY / "test-results"
AXE = REPOSITORY / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    # Maps are drawn by the processor: there is no graphics card here.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
Theme = Literal["light", "dark"]
Motion = Literal["no-preference", "reduce"]  # a colour's contrast is only that of the design once nothing fades
THEMES: tuple[Theme, ...] = get_args(Theme)
WIDTHS = {320: 720, 768: 1024, 1440: 900}
# What is looked at with each change; all the others are of `make full`.
OPPOSITES: tuple[tuple[Theme, int], ...] = (("light", 1440), ("dark", 320))
LOUD = ("error:", "warning:", "pageerror:")
SECONDS = 1000.0
PATIENCE = 15 * SECONDS


def trust(home: Path, ca_file: Path) -> None:
    """Makes `home` one whose Chromium trusts this CA besides its own roots, as a person's import would."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    name = f"sql:{store}"
    subprocess.run(["certutil", "-d", name, "-N", "--empty-password"], check=True)
    add = ["certutil", "-d", name, "-A", "-n", "rooftree local", "-t", "C,,", "-i", str(ca_file)]
    subprocess.run(add, check=True)


def launch(playwright: Playwright, home: Path) -> Browser:
    """Debian's Chromium with that home; whatever is expected of its pages may take as long as `PATIENCE`."""
    expect.set_options(timeout=PATIENCE)
    environment: dict[str, str | float | bool] = {"HOME": str(home), "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, env=environment)


SETTLE_STEPS = 300  # of 0.1 s


class Window:
    """One page in a context of its own, and what it said."""

    def __init__(self, context: BrowserContext, base: str) -> None:
        self.base = base
        self.context = context
        self.said: list[str] = []
        self._allowed: list[re.Pattern[str]] = []
        self.page: Page = context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(f"pageerror: {error}"))
        self._asked: set[Request] = set()
        self.page.on("request", self._ask)
        self.page.on("requestfinished", self._answered)
        self.page.on("requestfailed", self._answered)

    def _ask(self, request: Request) -> None:
        """A stream of changes never ends."""
        if request.resource_type != "eventsource":
            self._asked.add(request)

    def _answered(self, request: Request) -> None:
        self._asked.discard(request)

    def _hear(self, message: ConsoleMessage) -> None:
        self.said.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def allow_refusal(self, status: int, path: str) -> None:
        """The browser logs every refused request as an error; this one is what the test is about."""
        pattern = rf"error: Failed to load resource: .* status of {status} .*\(https?://[^/]+{re.escape(path)}"
        self._allowed.append(re.compile(pattern))

    def allow_failure(self, path: str) -> None:
        """Requests to this path do not get through; that is what the test is about."""
        pattern = rf"error: Failed to load resource: net::ERR_FAILED \(https?://[^/]+{re.escape(path)}"
        self._allowed.append(re.compile(pattern))

    @contextmanager
    def held(self, *, but: str) -> Iterator[None]:
        """What this page asks the API by itself gets no answer meanwhile: it follows changes, and would meet the end of
        a session before the click that is to meet it.

        `but`: a pattern in the address of what goes through, as does all that another page asks.
        """
        path = urlsplit(self.page.url).path

        def answer(route: Route) -> None:
            asked = route.request
            if re.search(but, asked.url) or urlsplit(asked.frame.url).path != path:
                route.fallback()

        self.page.route("**/api/v1/**", answer)
        yield
        self.page.unroute("**/api/v1/**", answer)

    def complaints(self) -> list[str]:
        """Errors and warnings that no one allowed."""
        loud = [line for line in self.said if line.startswith(LOUD)]
        return [line for line in loud if not any(allowed.match(line) for allowed in self._allowed)]

    def open(self, address: str) -> None:
        self.page.goto(address)

    def go(self, path: str) -> None:
        """Opens a page and waits until it shows its heading and asks for nothing more."""
        self.open(self.base + path)
        self.page.locator("h1").first.wait_for(state="attached")
        self._settle()

    def _settle(self) -> None:
        """As the browser's own `networkidle`, which would wait for streams, too."""
        quiet = 0
        for _ in range(SETTLE_STEPS):
            self.page.wait_for_timeout(100)
            quiet = 0 if self._asked else quiet + 1
            if quiet == 5:
                return
        raise TimeoutError(f"still asking for {sorted(request.url for request in self._asked)}")

    def look(self, theme: Theme, width: int) -> None:
        """Shows the page as it stands in another theme and width."""
        self.page.emulate_media(color_scheme=theme)
        self.page.set_viewport_size({"width": width, "height": WIDTHS[width]})

    def violations(self) -> list[str]:
        """What axe finds on the page as it stands, one line per element."""
        assert AXE.is_file(), f"{AXE.relative_to(REPOSITORY)} is missing: run `npm ci` in frontend/"
        # Evaluated by the browser's debugger, which the page's security policy does not bind.
        self.page.evaluate(AXE.read_text() + ";0")
        options = {"runOnly": RULES, "resultTypes": ["violations"]}
        found: dict[str, Any] = self.page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{violation['id']} at {node['target']}: {node['failureSummary']}"
            for violation in found["violations"]
            for node in violation["nodes"]
        ]

    def keep_evidence(self, name: str) -> str:
        """Saves what the window shows and said; gives back a line that names the files."""
        RESULTS.mkdir(exist_ok=True)
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)
        picture, console = RESULTS / f"{stem}.png", RESULTS / f"{stem}.console.txt"
        self.page.screenshot(path=picture)
        console.write_text("\n".join([self.page.url, *self.said, ""]))
        return f"screenshot: {picture.relative_to(REPOSITORY)}, console: {console.relative_to(REPOSITORY)}"


class Windows:
    """Opens windows for one test."""

    def __init__(self, browser: Browser, test: str) -> None:
        self._browser = browser
        self._test = test

    @contextmanager
    def open(
        self,
        base: str,
        *,
        theme: Theme = "light",
        width: int = 1440,
        state: StorageState | None = None,
        motion: Motion = "no-preference",
    ) -> Iterator[Window]:
        """A window on the site `base`, with the cookies of `state`; it must not have complained when it closes."""
        context = self._browser.new_context(
            viewport={"width": width, "height": WIDTHS.get(width, 900)},
            color_scheme=theme,
            reduced_motion=motion,
            storage_state=state,
            locale="en-US",
        )
        context.set_default_timeout(PATIENCE)
        window = Window(context, base)
        try:
            yield window
            complaints = window.complaints()
            assert not complaints, "the console is not clean:\n" + "\n".join(complaints)
        except Exception as error:
            error.add_note(window.keep_evidence(f"{self._test}-{theme}-{width}"))
            raise
        finally:
            context.close()
