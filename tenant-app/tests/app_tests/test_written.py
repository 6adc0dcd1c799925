"""What a session wrote travels with its browser, and means nothing in other hands."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from rooftree.kernel.standby import Standby
from rooftree.kernel.unit_of_work import UnitOfWork
from rooftree.kernel.written import BEGINNING, END, WRITTEN_COOKIE, Place, Written, carried, handed_out, written
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from .conftest import Tenant

SECRET = "s" * 43
SESSION = f"__Host-session={SECRET}"
SOMEWHERE = Place(1, 0x16B374D848)


def cookie(place: Place = SOMEWHERE, secret: str = SECRET) -> str:
    name, value = handed_out(Written(secret, is_noting=True, place=place))
    assert name == "Set-Cookie"
    assert value.endswith("; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax")
    return value.partition(";")[0]


def place(*cookies: str) -> Place:
    found = carried(cookies, is_noting=False)
    assert found is not None
    return found.place


@pytest.mark.parametrize("written", [BEGINNING, Place(1, 1), SOMEWHERE, Place(7, 0), END])
def test_a_browser_brings_back_what_it_was_given(written: Place) -> None:
    assert place(f"{SESSION}; {cookie(written)}") == written
    assert place(SESSION, cookie(written)) == written


def test_a_session_that_wrote_nothing_lately_reads_from_the_beginning() -> None:
    assert place(SESSION) == BEGINNING


def test_without_a_session_nothing_is_carried() -> None:
    assert carried([], is_noting=True) is None
    assert carried([cookie()], is_noting=True) is None
    assert carried([SESSION, SESSION], is_noting=True) is None


@pytest.mark.parametrize("value", ["", "7", "A" * 48, "A" * 47 + "=", "ü", "AAAA", "A" * 4096])
def test_what_was_made_up_sends_its_reader_to_the_primary(value: str) -> None:
    assert place(f"{SESSION}; {WRITTEN_COOKIE}={value}") == END


def test_what_was_changed_on_the_way_sends_its_reader_to_the_primary() -> None:
    value = cookie().partition("=")[2]
    changed = ("B" if value[0] == "A" else "A") + value[1:]
    assert place(f"{SESSION}; {WRITTEN_COOKIE}={value}") == SOMEWHERE
    assert place(f"{SESSION}; {WRITTEN_COOKIE}={changed}") == END


def test_the_place_of_another_session_or_two_of_them_send_their_reader_to_the_primary() -> None:
    assert place(SESSION, cookie(secret="t" * 43)) == END
    assert place(SESSION, cookie(), cookie(Place(1, 8))) == END


def test_the_place_is_not_to_be_read_from_the_cookie() -> None:
    assert cookie() != cookie()


def test_a_later_place_replaces_an_earlier_one_and_none_a_later() -> None:
    session = Written(SECRET, is_noting=True, place=Place(1, 5))
    session.note(Place(1, 9))
    session.note(Place(1, 7))
    assert (session.place, session.is_new) == (Place(1, 9), True)
    session.note(Place(2, 1))
    assert session.place == Place(2, 1)


def test_a_session_that_goes_on_writing_leaves_the_primary_again() -> None:
    session = Written(SECRET, is_noting=True, place=END)
    session.note(Place(1, 5))
    assert session.place == Place(1, 5)
    session.note(END)
    assert session.place == END


async def test_a_commit_whose_answer_was_lost_may_have_been_one() -> None:
    class Lost:
        async def commit(self) -> None:
            raise OperationalError("COMMIT", None, Exception("server closed the connection"))

    engine = create_async_engine("postgresql+psycopg://nowhere.test/none")
    session = Written(SECRET, is_noting=True, place=BEGINNING)
    token = written.set(session)
    with pytest.raises(OperationalError):
        await UnitOfWork(engine, cast("Standby", object()))._commit(cast("AsyncSession", Lost()))  # pyright: ignore[reportPrivateUsage]
    written.reset(token)
    assert session.place == END


async def test_an_app_without_a_standby_gives_and_reads_no_place(start: Callable[..., Any], tenant: Tenant) -> None:
    browser = await start(tenant)
    answer = await browser.post("/probe/echo", json={"count": 1}, headers={"Cookie": f"{SESSION}; {cookie()}"})
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
