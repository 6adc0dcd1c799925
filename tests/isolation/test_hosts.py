"""Which tenant a request is for: raw bytes through the edge, with every way to say two things at once.

The tenant is the one that the request's own, single host names; a credential of one is worth nothing there if that is
another. RFC 9112, 3.2.2: an absolute target names the host, whatever the Host field says.
"""

from __future__ import annotations

import json
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from ..e2e.conftest import required
from .test_http import marks_of

if TYPE_CHECKING:
    from .cells import Matrix
    from .people import Caller, Insider

pytestmark = [pytest.mark.isolation, pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]

AREA = "hosts"
EDGE = ("127.0.0.1", 8443)
ANSWER_SECONDS = 20
PRIVATE = "/api/v1/properties?limit=5"
END = b"\r\n"
UPGRADE = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")


@dataclass(frozen=True)
class Game:
    """Request line's target, and header lines. `names`: whose host that is: "own", "other" or nobody's ("")."""

    name: str
    target: str
    lines: tuple[str, ...]
    names: str
    sni: str = "own"


def games(own: str, other: str) -> list[Game]:
    """`own` and `other`: hosts of the attacker and of the victim, without a port."""
    o, v = f"{own}:8443", f"{other}:8443"
    host = f"Host: {o}"
    asked = "TARGET"
    extra = (
        f"X-Forwarded-Host: {v}", f"X-Forwarded-Server: {v}", f"X-Host: {v}", f"X-Original-Host: {v}",
        f"Forwarded: host={v}",
        f"X-HTTP-Host-Override: {v}", f"X-Original-URL: https://{v}/", f"X-Rewrite-URL: https://{v}/",
        f":authority: {v}",
        f"X-Forwarded-For: 127.0.0.1, {v}", f"X-Forwarded-Prefix: /{v}", f"X-Tenant-Id: {v}", f"X_Forwarded_Host: {v}",
        f"Origin: https://{v}", f"Referer: https://{v}/", f"Via: 1.1 {v}", "Connection: Host",
        "Connection: close, Host",
    )  # fmt: skip
    found = [Game(line, asked, (host, line), "own") for line in extra]
    found += [
        Game("other host, own name in TLS", asked, (f"Host: {v}",), "other"),
        Game("own host, other name in TLS", asked, (host,), "own", sni="other"),
        Game("other host, other name in TLS", asked, (f"Host: {v}",), "other", sni="other"),
        Game("other host, unknown name in TLS", asked, (f"Host: {v}",), "other", sni="nobody"),
        Game("two hosts, own first", asked, (host, f"Host: {v}"), ""),
        Game("two hosts, other first", asked, (f"Host: {v}", host), ""),
        Game("no host", asked, (), ""),
        Game("empty host", asked, ("Host:",), ""),
        Game("a list of hosts", asked, (f"Host: {o}, {v}",), ""),
        Game("host before a space", asked, (f"Host: {o} {v}",), ""),
        Game("folded host", asked, (f"Host: {o}", f" {v}"), ""),
        Game("space before the colon", asked, (host, f"Host : {v}"), ""),
        Game("tab before the colon", asked, (host, f"Host\t: {v}"), ""),
        Game("line feed in the host", asked, (f"Host: {o}\nX: {v}",), "own"),
        Game("carriage return in the host", asked, (f"Host: {o}\r{v}",), ""),
        Game("NUL in the host", asked, (f"Host: {o}\0{v}",), ""),
        Game("encoded line break in the host", asked, (f"Host: {o}%0d%0aHost:{v}",), ""),
        Game("user in the host", asked, (f"Host: {o}@{v}",), ""),
        Game("user at the own host", asked, (f"Host: {v}@{o}",), ""),
        Game("path in the host", asked, (f"Host: {v}/{o}",), ""),
        Game("query in the host", asked, (f"Host: {v}?{o}",), ""),
        Game("fragment in the host", asked, (f"Host: {v}#{o}",), ""),
        Game("backslash in the host", asked, (f"Host: {v}\\{o}",), ""),
        Game("scheme in the host", asked, (f"Host: https://{v}",), ""),
        Game("brackets around the host", asked, (f"Host: [{v}]",), ""),
        Game("trailing dot", asked, (f"Host: {own}.:8443",), "own"),
        Game("trailing dot of the other", asked, (f"Host: {other}.:8443",), "other"),
        Game("two trailing dots", asked, (f"Host: {other}..:8443",), ""),
        Game("leading dot", asked, (f"Host: .{other}:8443",), ""),
        Game("capitals", asked, (f"Host: {own.upper()}:8443",), "own"),
        Game("capitals of the other", asked, (f"Host: {other.upper()}:8443",), "other"),
        Game("without a port", asked, (f"Host: {other}",), "other"),
        Game("another port", asked, (f"Host: {other}:443",), "other"),
        Game("a port that is none", asked, (f"Host: {other}:8443x",), ""),
        Game("two ports", asked, (f"Host: {other}:8443:8443",), ""),
        Game("a sub-domain of the other", asked, (f"Host: www.{other}:8443",), ""),
        Game("a name that ends alike", asked, (f"Host: x{other}:8443",), ""),
        Game("the domain", asked, (f"Host: {other.partition('.')[2]}:8443",), ""),
        Game("a wildcard", asked, (f"Host: *.{other.partition('.')[2]}:8443",), ""),
        Game("an underscore", asked, (f"Host: _{other}:8443",), ""),
        Game("punycode of nothing", asked, (f"Host: xn--{other}:8443",), ""),
        Game("a confusable letter", asked, (f"Host: {other.replace('o', chr(0x43E), 1)}:8443",), ""),
        Game("a full-width letter", asked, (f"Host: {other.replace('o', chr(0xFF4F), 1)}:8443",), ""),
        Game("a full-width dot", asked, (f"Host: {other.replace('.', chr(0xFF0E), 1)}:8443",), ""),
        Game("percent-encoded", asked, (f"Host: %{ord(other[0]):x}{other[1:]}:8443",), ""),
        Game("the node's address", asked, ("Host: 127.0.0.1:8443",), ""),
        Game("absolute target of the other", f"https://{v}TARGET", (host,), "other"),
        Game("absolute target of the own, other host", f"https://{o}TARGET", (f"Host: {v}",), "own"),
        Game("absolute target with another scheme", f"http://{v}TARGET", (host,), "other"),
        Game("absolute target with a user", f"https://{o}@{v}TARGET", (host,), "other"),
        Game("two slashes", f"//{v}TARGET", (host,), "own"),
        Game("target of another scheme", f"file://{v}TARGET", (host,), "other"),
        Game("authority as target", v, (host,), ""),
        Game("asterisk as target", "*", (host,), ""),
        Game("at sign before the path", f"@{v}TARGET", (host,), ""),
        Game("encoded slashes", f"/%2f%2f{v}TARGET", (host,), "own"),
        Game("up to another host", f"/..//..//{v}TARGET", (host,), "own"),
        Game("line break in the target", f"TARGET HTTP/1.1\r\nHost: {v}\r\nX: x", (host,), ""),
        Game("upgrade to HTTP/2", asked, (host, *UPGRADE), "own"),
    ]  # fmt: skip
    return found


def exchange(content: bytes, server_name: str, *, whole: bool = False) -> bytes:
    """What the edge answers on one connection: the first answer, or `whole` all that comes until it closes."""
    context = ssl.create_default_context(cafile=required("ROOFTREE_CA_FILE"))
    context.check_hostname = False
    context.set_alpn_protocols(["http/1.1"])
    found = b""
    with (
        socket.create_connection(EDGE, timeout=ANSWER_SECONDS) as raw,
        context.wrap_socket(raw, server_hostname=server_name) as tls,
    ):
        tls.sendall(content)
        try:
            while (whole or not is_complete(found)) and (part := tls.recv(65536)):
                found += part
        except (TimeoutError, OSError):
            pass
    return found


def is_complete(answer: bytes) -> bool:
    """Whether all of an answer is there that tells its length; others end with the connection."""
    head, end, body = answer.partition(END + END)
    lengths = [line for line in head.lower().split(END) if line.startswith(b"content-length:")]
    return bool(end and lengths) and len(body) >= int(lengths[0].partition(b":")[2])


def message(game: Game, target: str, bearer: str, method: str = "GET") -> bytes:
    lines = [
        f"{method} {game.target.replace('TARGET', target)} HTTP/1.1",
        *game.lines,
        f"Authorization: Bearer {bearer}",
    ]
    if not any(line.startswith("Connection") for line in game.lines):
        lines.append("Connection: close")
    return END.join(line.encode() for line in lines) + END + END


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def tenant_of(answer: bytes) -> str:
    """Who answered `/version`; empty if nobody did."""
    body = answer.partition(END + END)[2]
    start, end = body.find(b"{"), body.rfind(b"}")
    try:
        return str(json.loads(body[start : end + 1]).get("tenant_id", "")) if start >= 0 else ""
    except ValueError:
        return ""


def play(matrix: Matrix, game: Game, attacker: Insider, victim: Insider) -> None:
    """`/version` tells who was meant; a private path tells whether the credential was worth something there."""
    hosts = {"own": attacker.member.tenant.host, "other": victim.member.tenant.host}
    server_name = hosts.get(game.sni, "nobody.rooftree.localhost")
    meant = {"own": {attacker.member.id, ""}, "other": {victim.member.id, ""}, "": {""}}[game.names]
    answer = exchange(message(game, "/version", attacker.bearer), server_name)
    who = tenant_of(answer) if status_of(answer) == 200 else ""
    what = f"{attacker.member.id}: {game.name}"
    matrix.tried(AREA, f"{what}: who answers", accepted=who not in meant, answer=answer)
    answer = exchange(message(game, PRIVATE, attacker.bearer), server_name)
    fine = status_of(answer) >= 400 or (game.names == "own" and who in (attacker.member.id, ""))
    marks = [victim.member.canary, *victim.ids["property_id"]]
    matrix.tried(AREA, f"{what}: what is told", accepted=not fine, answer=answer, marks=marks)


def sweep(matrix: Matrix, attacker: Insider, victim: Insider) -> None:
    for game in games(attacker.member.tenant.host, victim.member.tenant.host):
        play(matrix, game, attacker, victim)


def test_the_tenant_is_the_one_that_the_host_names(
    matrix: Matrix, caller: Caller, insiders: tuple[Insider, Insider]
) -> None:
    plain, west = insiders
    for insider in insiders:
        straight = Game("straight", "TARGET", (f"Host: {insider.member.tenant.host}:8443",), "own")
        answer = exchange(message(straight, "/version", insider.bearer), insider.member.tenant.host)
        matrix.control(AREA, "version", tenant_of(answer) == insider.member.id, answer)
        answer = exchange(message(straight, PRIVATE, insider.bearer), insider.member.tenant.host)
        matrix.control(AREA, "private", status_of(answer) == 200, answer)
    sweep(matrix, west, plain)
    assert matrix.red() == []


SMUGGLED = "GET /api/v1/session HTTP/1.1\r\nHost: {other}:8443\r\nX: "


@pytest.mark.parametrize(
    "lengths",
    [
        ("Content-Length: {short}", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: {short}"),
        ("Transfer-Encoding : chunked", "Content-Length: {whole}"),
        ("Transfer-Encoding: xchunked", "Content-Length: {whole}"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity", "Content-Length: {whole}"),
        ("Transfer-Encoding:\tchunked", "Content-Length: {whole}"),
        ("Content-Length: {short}", "Content-Length: {whole}"),
        ("Content-Length: +{whole}",),
        ("Content-Length: 0x{short}",),
    ],
    ids=lambda lengths: " / ".join(lengths),
)
def test_no_request_hides_in_another(
    matrix: Matrix, caller: Caller, insiders: tuple[Insider, Insider], lengths: tuple[str, ...]
) -> None:
    """What follows a request that two servers could measure differently is never taken for one to another tenant."""
    plain, west = insiders
    hidden = f"0\r\n\r\n{SMUGGLED.format(other=plain.member.tenant.host)}"
    lines = [line.format(short=4, whole=len(hidden)) for line in lengths]
    first = ["POST /auth/logout HTTP/1.1", f"Host: {west.member.tenant.host}:8443", *lines]
    second = ["GET /version HTTP/1.1", f"Host: {west.member.tenant.host}:8443", "Connection: close"]
    content = "\r\n".join([*first, "", hidden]) + "\r\n".join([*second, "", ""])
    answer = exchange(content.encode(), west.member.tenant.host, whole=True)
    accepted = plain.member.id.encode() in answer
    matrix.tried(AREA, f"hidden by {lines}", accepted=accepted, answer=answer, marks=marks_of(plain))
    assert matrix.red() == []
