"""Mails as they are kept and shown."""

from __future__ import annotations

import datetime as dt

import pytest
from rooftree_local import mail_pages
from rooftree_local.mail_sink import KEPT, Mailbox

NOW = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)


def received(content: str) -> mail_pages.Mail:
    return mail_pages.parse(7, NOW, "from@example.com", ["to@example.com"], content.encode())


def test_text_is_shown_as_text_and_its_addresses_as_links() -> None:
    page = mail_pages.mail_page(received("Subject: <b>\n\n<script>x</script> see https://a.example/b?c=1&d=2."))
    assert "<script>" not in page
    assert "<h1>&lt;b&gt;</h1>" in page
    assert '<a href="https://a.example/b?c=1&amp;d=2" rel="noreferrer">' in page


def test_html_is_in_a_frame_that_runs_nothing_and_cannot_break_out_of_it() -> None:
    page = mail_pages.mail_page(received('Content-Type: text/html\n\n<p>"></iframe><script>x</script>'))
    assert "<script>" not in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert page.count("</iframe>") == 1


@pytest.mark.parametrize("charset", ["no-such-charset", "utf-8"])
def test_a_body_in_a_charset_that_is_unknown_or_wrong_is_shown_all_the_same(charset: str) -> None:
    content = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: base64\n\naGVsbG8g/w==\n"
    assert received(content).text.startswith("hello")


def test_a_search_is_for_a_part_of_a_recipients_address_newest_first() -> None:
    mailbox = Mailbox()
    for recipient in ("anna@example.com", "bert@example.com", "ANNA@example.org"):
        mailbox.add("from@example.com", [recipient], b"Subject: hello\n\n")
    assert [mail.recipients[0] for mail in mailbox.to("anna@")] == ["ANNA@example.org", "anna@example.com"]
    assert len(mailbox.to("")) == 3


def test_what_is_searched_for_is_not_taken_for_markup() -> None:
    page = mail_pages.list_page([], '"><script>')
    assert "<script>" not in page
    assert "No mail." in page


def test_old_mail_gives_way_and_numbers_are_never_used_twice() -> None:
    mailbox = Mailbox()
    for _ in range(KEPT + 5):
        mailbox.add("from@example.com", ["to@example.com"], b"\n")
    kept = mailbox.to("")
    assert len(kept) == KEPT
    assert (kept[0].id, kept[-1].id) == (KEPT + 5, 6)
