"""The app's process over HTTP, for benchmarks: signed in like a browser, and what it costs by /proc."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

PASSWORD = "Correct-horse-battery-9"  # noqa: S105 - of an account that lives for minutes
EMAIL = "owner@bench.test"
AUTHORITY = "bench.rooftree.localhost:8443"


class Server:
    """The process over HTTP on loopback, as the edge would speak to it, with a browser's cookies."""

    def __init__(self, http: aiohttp.ClientSession, pid: int) -> None:
        self._http = http
        self._cookies: dict[str, str] = {}
        self.pid = pid
        self.ready_after = 0.0
        """Seconds from the start of the process."""

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int, pid: int) -> AsyncGenerator[Server]:
        headers = {"Host": AUTHORITY, "Origin": f"https://{AUTHORITY}", "Sec-Fetch-Site": "same-origin"}
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers, cookie_jar=jar) as http:
            opened = cls(http, pid)
            deadline = time.monotonic() + 120
            while not await opened._is_ready():
                if time.monotonic() > deadline:
                    raise RuntimeError("the process was not ready within 120 s")
                await asyncio.sleep(0.01)
            yield opened

    async def _is_ready(self) -> bool:
        try:
            async with self._http.get("/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def _send(self, method: str, target: str, body: Any = None) -> tuple[int, str, Any]:
        """Status, Location and JSON."""
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        headers = cookie if self._cookies else {}
        async with self._http.request(method, target, json=body, headers=headers, allow_redirects=False) as answer:
            for name, morsel in answer.cookies.items():
                self._cookies[name] = morsel.value
            content = await answer.read()
            is_json = "json" in answer.headers.get("Content-Type", "")
            return answer.status, answer.headers.get("Location", ""), json.loads(content) if is_json else None

    async def sign_in(self, environment: Mapping[str, str]) -> None:
        """As the owner."""
        command = [sys.executable, "-m", "rooftree.cli", "owner-link"]
        done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, check=True)
        link = done.stdout.decode().strip()
        if "/invite/" in link:
            await self.accept(link, "Owner")
        await self.enter(EMAIL)

    async def accept(self, link: str, name: str) -> None:
        path = f"/api/v1/invitations/{link.rpartition('/')[2]}/acceptance"
        await self.post(path, {"name": name, "password": PASSWORD})

    async def enter(self, email: str) -> None:
        """Sign in whoever accepted."""
        _, authorize, _ = await self._send("GET", "/auth/login?return_to=/listings")
        _, page, _ = await self._send("GET", _path(authorize))
        request = parse_qs(urlsplit(page).query)["request"][0]
        body = {"request": request, "email": email, "password": PASSWORD}
        _, _, signed_in = await self._send("POST", "/oauth/sign-in", body)
        status, _, _ = await self._send("GET", _path(signed_in["redirect_to"]))
        if status >= 400:
            raise RuntimeError(f"{email} could not sign in: {status}")

    def enter_as(self, other: Server) -> None:
        """With the cookies of another process of the same tenant."""
        self._cookies = dict(other._cookies)

    async def load(self, path: str, n: int, *, clients: int) -> None:
        """`n` requests whose answers nobody reads. Raises RuntimeError when one is not 200."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        left = iter(range(n))

        async def client() -> None:
            for _ in left:
                async with self._http.get(path, headers=headers) as answer:
                    if answer.status != 200:
                        raise RuntimeError(f"{path}: {answer.status} {await answer.text()}")
                    await answer.read()

        await asyncio.gather(*(client() for _ in range(clients)))

    def cpu_seconds(self) -> float:
        """What the process has used since it began, in steps of a clock tick."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6

    async def get(self, path: str, query: list[tuple[str, str]] | None = None) -> dict[str, Any]:
        status, _, answer = await self._send("GET", f"{path}?{urlencode(query)}" if query else path)
        if status != 200:
            raise RuntimeError(f"{path} {query}: {status} {answer}")
        return answer

    async def warm(self, path: str) -> None:
        """Until it answers: on a busy machine the first one can take longer than a request may."""
        deadline = time.monotonic() + 60
        while (status := (await self._send("GET", path))[0]) != 200:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{path}: {status}")

    async def post(self, path: str, body: Any = None) -> Any:
        status, _, answer = await self._send("POST", path, body)
        if status >= 300:
            raise RuntimeError(f"{path}: {status} {answer}")
        return answer

    async def until(
        self, path: str, holds: Callable[[dict[str, Any]], bool], query: list[tuple[str, str]] | None = None
    ) -> dict[str, Any]:
        deadline = time.monotonic() + 180
        while not holds(answer := await self.get(path, query)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{path} {query} did not come to it: {str(answer)[:300]}")
            await asyncio.sleep(0.02)
        return answer


def _path(location: str) -> str:
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}"
