"""The rules of addresses, numbers, labels and words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from rooftree.modules.crm import domain
from rooftree.modules.crm.domain import email_contact, phone_contact
from rooftree.modules.crm.schemas import Label

LABELS: TypeAdapter[str] = TypeAdapter(Label)


@pytest.mark.parametrize(
    ("typed", "region", "e164"),
    [
        ("(515) 232-0199", "US", "+15152320199"),
        ("1-515-232-0199", "US", "+15152320199"),
        ("+1 515 232 0199", None, "+15152320199"),
        ("001 515 232 0199", "GB", "+15152320199"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("+44 (0)20 7946 0958", "US", "+442079460958"),
        ("515 232 0199", None, None),
        ("232-0199", "US", None),
        ("12345", "US", None),
    ],
)
def test_a_number_is_the_same_however_it_is_written(typed: str, region: str | None, e164: str | None) -> None:
    contact = phone_contact(typed, region=region)
    assert contact.e164 == e164
    assert contact.typed == typed
    assert contact.key == ("phone", e164 or re.sub(r"\D", "", typed))


def test_an_extension_is_another_line_at_the_same_number() -> None:
    plain, extended = (phone_contact(typed, region="US") for typed in ("515 232 0199", "515 232 0199 ext. 12"))
    assert plain.e164 == extended.e164
    assert plain.key != extended.key


@pytest.mark.parametrize("typed", ["", "call me", "1234", "+-()"])
def test_what_has_hardly_any_digits_is_no_number(typed: str) -> None:
    with pytest.raises(ValueError, match="must be a phone number"):
        phone_contact(typed, region="US")


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_refused(typed: str) -> None:
    try:
        contact = phone_contact(typed, region="US")
    except ValueError:
        return
    assert contact.key.key
    assert contact.e164 is None or re.fullmatch(r"\+[1-9]\d{4,14}", contact.e164)


def test_a_mail_address_is_the_same_in_any_case_and_kept_as_it_was_typed() -> None:
    contact = email_contact(" Ada@Client.TEST ")
    assert contact.typed == "Ada@Client.TEST"
    assert contact.key == email_contact("ada@client.test").key


def test_each_address_counts_once() -> None:
    found = domain.distinct([email_contact("A@x.test"), email_contact("b@x.test"), email_contact("a@X.test")])
    assert [contact.typed for contact in found] == ["A@x.test", "b@x.test"]
    assert domain.tidy_tags(["Investor", "VIP", "investor"]) == ["Investor", "VIP"]


@pytest.mark.parametrize(
    ("q", "words"),
    [
        ("", []),
        ("  ada  canary ", ["ada", "canary"]),
        ("(515) 232-0199", ["5152320199"]),
        ("+1 515.232", ["1515232"]),
        ("1 Elm", ["1", "Elm"]),
        ("123", ["123"]),
    ],
)
def test_a_number_is_searched_as_one_word(q: str, words: list[str]) -> None:
    assert domain.asked_words(q) == words


def test_people_are_found_by_numbers_in_every_spelling() -> None:
    contacts = [email_contact("ada@client.test"), phone_contact("(515) 232-0199", region="US")]
    words = domain.search_words("Ada Canary", contacts)
    for spelling in ("515-232-0199", "+1 (515) 232 0199", "2320199"):
        assert all(word in words for word in domain.asked_words(spelling))


@pytest.mark.parametrize("label", ["Website", "spring-sale 2026", "Zillow / Trulia", "Käufer & Co.", " padded\n"])
def test_a_label_is_a_few_words(label: str) -> None:
    assert LABELS.validate_python(label) == label.strip()


@pytest.mark.parametrize("label", ["ada@client.test", "two\nlines", "", " ", "<b>", "x" * 61, "a\0b"])
def test_no_mail_address_fits_into_a_label(label: str) -> None:
    with pytest.raises(ValidationError):
        LABELS.validate_python(label)


def test_the_first_stages_are_those_that_agents_know() -> None:
    assert domain.FIRST_STAGES[0] == "Lead"
    assert domain.FIRST_STAGES[-1] == "Trash"
    assert len({name.casefold() for name in domain.FIRST_STAGES}) == len(domain.FIRST_STAGES) == 9
