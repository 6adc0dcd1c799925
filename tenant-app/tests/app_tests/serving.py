"""The real app behind TLS on its own host, for clients that nobody here wrote: real sockets, names, certificates."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import uvicorn
from rooftree import assembly
from rooftree.kernel.server import Protocol

from .certificates import Authority
from .conftest import EMAIL, PASSWORD, Tenant, identity_of

HOST = "acme.rooftree.localhost"
_SECONDS = 60.0


@dataclass(frozen=True)
class Site:
    """Where the app answers; `ca_file` is what makes its certificate good."""

    url: str
    ca_file: Path
    app: Any
    loop: asyncio.AbstractEventLoop

    def visitor(self) -> httpx2.Client:
        """A browser without cookies, without what scripts of a page send."""
        context = ssl.create_default_context(cafile=self.ca_file)
        return httpx2.Client(verify=context, base_url=self.url, timeout=_SECONDS, trust_env=False)

    def accept_owner(self) -> None:
        link = asyncio.run_coroutine_threadsafe(identity_of(self.app).owner_link(), self.loop).result(_SECONDS)
        with self.visitor() as visitor:
            path = f"/api/v1/invitations/{link.url.rpartition('/')[2]}/acceptance"
            answer = visitor.post(path, json={"name": "Olivia Owner", "password": PASSWORD})
            assert answer.status_code == 201, answer.text

    def signed_in(self, authorization_url: str, email: str = EMAIL) -> str:
        """What a person does with a client's link: opens it, fills in the page; where their browser then goes."""
        with self.visitor() as visitor:
            page = visitor.get(authorization_url).headers["location"]
            assert page.startswith("/sign-in?request="), page
            body = {"request": parse_qs(urlsplit(page).query)["request"][0], "email": email, "password": PASSWORD}
            answer = visitor.post("/oauth/sign-in", json=body, headers={"Origin": self.url})
            assert answer.status_code == 200, answer.text
            return answer.json()["redirect_to"]


@contextmanager
def serving(tenant: Tenant, folder: Path) -> Iterator[Site]:
    """The tenant's app on a free port, with a certificate of its own authority."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # As uvloop does it: head and body of an answer leave at once, not after the peer's delayed acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        url = f"https://{HOST}:{listener.getsockname()[1]}"
        here = tenant.but(public_url=url)
        app = assembly.create_app(here.settings(), here.secrets(), run_jobs=False)
        Authority().write(folder, HOST)
        ca_file = folder / "ca.crt"
        config = uvicorn.Config(
            app, http=Protocol, ws="none", lifespan="on", log_config=None, server_header=False, proxy_headers=False
        )
        config.load()
        config.ssl = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        config.ssl.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        server, loop = uvicorn.Server(config), asyncio.new_event_loop()
        thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve([listener])), daemon=True)
        thread.start()
        try:
            _wait(url, ca_file)
            yield Site(url, ca_file, app, loop)
        finally:
            server.should_exit = True
            thread.join(_SECONDS)
            loop.close()


def _wait(url: str, ca_file: Path) -> None:
    """Connections wait in the listener's queue until the app accepts them."""
    context = ssl.create_default_context(cafile=ca_file)
    with httpx2.Client(verify=context, base_url=url, timeout=_SECONDS, trust_env=False) as client:
        assert client.get("/version").status_code == 200
