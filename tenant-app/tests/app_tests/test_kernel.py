"""The kernel's small parts: money, cursors, transactions, background work."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rooftree.kernel.background import Background
from rooftree.kernel.errors import Conflict, Problem, Unavailable, Unprocessable
from rooftree.kernel.ids import new_id
from rooftree.kernel.money import Money, exponent
from rooftree.kernel.pagination import decode_cursor, encode_cursor
from rooftree.kernel.text import email_address, email_key, network
from rooftree.modules.gateway.domain import Sealed, browser_name, local_path, seal, unseal
from rooftree.modules.identity import passwords
from rooftree.modules.identity.domain import (
    invitation_link,
    invitation_token,
    password_weakness,
)

from .conftest import Browser, TestDatabase


def test_stdlib_operator_is_not_shadowed() -> None:
    import operator

    assert operator.add(1, 1) == 2


def test_money_counts_minor_units_of_its_currency() -> None:
    assert Money.of_major(5, "USD") == Money(500, "USD")
    assert Money.of_major(5, "JPY") == Money(5, "JPY")
    assert Money(1, "USD") + Money(2, "USD") == Money(3, "USD")
    with pytest.raises(ValueError, match="cannot add"):
        _ = Money(1, "USD") + Money(1, "EUR")


# ISO 4217 list one (current currencies and funds), column "minor unit", as far as it is not 2.
ISO_4217 = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
    2: "USD CAD MXN EUR GBP CHF AUD NZD INR BRL HUF CNY",
}


@pytest.mark.parametrize(("digits", "currency"), [(n, code) for n, codes in ISO_4217.items() for code in codes.split()])
def test_currencies_have_the_minor_units_of_iso_4217(digits: int, currency: str) -> None:
    assert exponent(currency) == digits
    assert Money.of_major(1, currency).amount == 10**digits


def test_ids_rise_with_time() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert {found.version for found in ids} == {7}


@given(
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")),
    st.integers(),
    st.none() | st.booleans(),
)
def test_cursor_returns_what_went_in(text: str, number: int, flag: bool | None) -> None:
    cursor = encode_cursor(text, number, flag)
    if len(cursor) <= 1024:
        assert decode_cursor(cursor, str, int, (bool, type(None))) == [text, number, flag]


@pytest.mark.parametrize("text", ["a\0b", "a\ud800"])
def test_a_cursor_holds_what_postgresql_can_hold(text: str) -> None:
    with pytest.raises(Unprocessable):
        decode_cursor(encode_cursor(text), str)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_other_text_is_an_unprocessable_cursor(text: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        decode_cursor(text, str, str, int, str)
    assert caught.value.errors[0].pointer == "?cursor"


@given(st.text(max_size=600))
def test_return_path_never_leaves_the_site(text: str) -> None:
    path = local_path(text)
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert all(ord(char) > 32 for char in path)


@given(st.uuids(), st.integers(1, 2**24 - 1), st.binary(min_size=32, max_size=32))
def test_one_time_link_opens_its_invitation_with_its_key_only(invitation: Any, number: int, key: bytes) -> None:
    token = invitation_token(key, invitation, number)
    assert invitation_link(key, token) == (invitation, number)
    assert invitation_link(bytes(32) if key != bytes(32) else b"x" * 32, token) is None
    assert "=" not in token


@pytest.mark.parametrize("email", ["ann@acme.test", " Ann.O'Brien+x@Acme.Test ", "a@b.c.test"])
def test_a_mail_address_is_kept_as_it_is_written(email: str) -> None:
    assert email_address(email) == email.strip()


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ann",
        "ann@",
        "@acme.test",
        "ann@acme",
        "ann@acme..test",
        "ann@acme.",
        "a b@acme.test",
        "Ann <ann@acme.test>",
        "ann@acme.test, bob@acme.test",
        "ann@acme.test\r\nBcc: x@evil.test",
        "ann@acme.test\x00",
        "a" * 250 + "@acme.test",
    ],
)
def test_anything_else_is_no_mail_address_and_is_not_repeated(email: str) -> None:
    with pytest.raises(ValueError, match="must be one plain mail address") as raised:
        email_address(email)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML) Chrome/156.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_7) AppleWebKit/605 Version/26.1 Safari/605", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) Version/26.1 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) CriOS/156.0 Safari/604.1", "Chrome on iPhone"),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/156.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/156.0 Safari/537.36 OPR/120.0", "Opera on Windows"),
        ("curl/8.17.0", None),
        ("", None),
    ],
)
def test_a_browser_is_named_as_its_user_would(user_agent: str, name: str | None) -> None:
    assert browser_name(user_agent) == name


def test_sealed_tokens_open_for_their_cookie_only() -> None:
    sealed = seal("a" * 43, Sealed("access", "refresh"), b"n" * 12)
    assert unseal("a" * 43, sealed) == Sealed("access", "refresh")
    assert unseal("b" * 43, sealed) is None
    assert b"access" not in sealed


def test_passwords_are_judged_by_length_and_guessability() -> None:
    assert password_weakness("correct horse battery", email="o@acme.test", name="Olivia") is None
    assert password_weakness("ünïcödé-is-fine", email="o@acme.test", name="Olivia") is None
    for weak in ("short", "x" * 200, "abababababab", "Password-2026", "oliviaolivia"):
        assert password_weakness(weak, email="o@acme.test", name="Olivia"), weak


async def test_nobodys_password_costs_as_much_as_somebodys() -> None:
    hashed = await passwords.Passwords().hash("some password")
    nobody = passwords._NOBODY
    assert nobody.split("$")[:4] == hashed.split("$")[:4] == ["", "argon2id", "v=19", "m=19456,t=2,p=1"]
    assert [len(part) for part in nobody.split("$")] == [len(part) for part in hashed.split("$")]
    assert not await passwords.Passwords().verify("some password", None)
    assert await passwords.Passwords().verify("some password", hashed)


async def test_too_many_at_once_are_asked_to_come_back() -> None:
    hasher = passwords.Passwords()
    answers = await asyncio.gather(*(hasher.hash("x") for _ in range(13)), return_exceptions=True)
    assert sum(isinstance(answer, Unavailable) for answer in answers) == 3


def test_spellings_of_an_address_are_one() -> None:
    assert email_key(" Olivia@ACME.test ") == email_key("olivia@acme.test")
    assert email_key("straße@acme.test") == email_key("STRASSE@acme.test")


class Kept(Problem):
    status, code, title, keeps_changes = 409, "kept", "Kept", True


@pytest.mark.integration
@pytest.mark.parametrize(
    ("error", "rows"), [(None, 1), (Conflict("no"), 0), (Kept("yes"), 1), (RuntimeError("bug"), 0)]
)
async def test_one_unit_of_work_is_one_transaction(
    browser: Browser, database: TestDatabase, error: Exception | None, rows: int
) -> None:
    from sqlalchemy import text

    async def use_case() -> None:
        async with browser.app.state.parts.runtime.unit_of_work() as session:
            await session.execute(text("INSERT INTO identity.attempts (key, at) VALUES ('x', now())"))
            if error is not None:
                raise error

    if error is None:
        await use_case()
    else:
        with pytest.raises(type(error)):
            await use_case()
    assert database.rows("SELECT count(*) FROM identity.attempts") == [(rows,)]


@pytest.mark.integration
async def test_unit_of_work_inside_another_is_a_bug(browser: Browser) -> None:
    unit_of_work = browser.app.state.parts.runtime.unit_of_work
    with pytest.raises(RuntimeError, match="open already"):
        async with unit_of_work(), unit_of_work():
            pass
    async with unit_of_work():
        # Work spawned here has its own context and may open its own.
        async def other() -> bool:
            async with unit_of_work():
                return True

        assert await browser.app.state.parts.runtime.background.spawn("other", other())


async def test_background_work_ends_before_the_process() -> None:
    background, done = Background(), []

    async def work(delay: float) -> None:
        await asyncio.sleep(delay)
        done.append(delay)

    background.spawn("short", work(0.01))
    endless = background.spawn("endless", work(3600))
    await background.close(0.5)
    assert done == [0.01]
    assert endless.cancelled()


@pytest.mark.parametrize(
    ("address", "party"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("unknown", "unknown"),
    ],
)
def test_one_party_is_an_ipv4_address_or_an_ipv6_network(address: str, party: str) -> None:
    assert network(address) == party
