"""The page for hosts that belong to no brokerage."""

from rooftree_operator.unknown_host import HEADERS, page


def test_the_host_is_shown_as_text_and_never_as_markup() -> None:
    shown = page('"><script>alert(1)</script>').decode()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_the_page_needs_nothing_that_its_own_policy_forbids() -> None:
    shown = page("x.example").decode()
    assert not any(tag in shown for tag in ("<script", "<style", "<link", "style=", "<img"))
    assert HEADERS["Content-Security-Policy"].startswith("default-src 'none'")


def test_without_a_host_it_still_makes_sense() -> None:
    assert "There is no brokerage at <strong>this address</strong>" in page("").decode()
