"""The rules of people and leads, as pure functions: addresses and numbers, stages, sources, limits."""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Literal, NamedTuple
from uuid import UUID
from zlib import crc32

from rooftree.kernel.text import email_key

# What a brokerage begins with; it may add, rename, reorder and remove.
FIRST_STAGES = (
    "Lead",
    "Hot Prospect",
    "Nurture",
    "Active Client",
    "Pending",
    "Closed",
    "Past Client",
    "Sphere",
    "Trash",
)
MAX_STAGES = 40
# Of people who have one address or number.
MOST_KNOWN = 20

NAME_MAX = 120
PHONE_MAX = 40
MESSAGE_MAX = 4_000
NOTE_MAX = 10_000
TITLE_MAX = 200
OUTCOME_MAX = 1_000
LABEL_MAX = 60
MAX_CONTACTS = 10  # of each kind
MAX_TAGS = 20

# Sources and UTM parameters go into events: no mail address fits, and no line break.
LABEL = r"^[\w][\w .&+/~-]*$"
VISITOR_SOURCE = "Website"
LISTING_SOURCE = "Listing page"

# Out of a stage that is removed: 5,000 take the database a second, and a request has two.
MOST_MOVED = 5_000
# How long the loser of a race for a person is told that there was one; after that the person is somebody else's, whom
# others may not know of. A page with an offer that old has been loaded anew since.
CLAIM_MEMORY = timedelta(minutes=5)
# Visitors behind one address (an office, a mobile carrier) share its attempts; nobody writes to us that often.
INQUIRY_WINDOW = timedelta(minutes=15)
NETWORK_INQUIRIES = 20
CONTACT_INQUIRIES = 5  # with one mail address or number, from everywhere together
TENANT_ALARM = 500  # worth a warning; nobody is refused because of others

# Where a number without a country code is from, by the brokerage's currency. Where the currency does not tell, only
# numbers with their country code can be compared across spellings.
_REGIONS = {"USD": "US", "CAD": "CA", "MXN": "MX", "GBP": "GB", "AUD": "AU", "NZD": "NZ", "CHF": "CH", "INR": "IN"}
_DIGITS = re.compile(r"\d+")
_MIN_DIGITS = 5

ContactKind = Literal["email", "phone"]


class ContactKey(NamedTuple):
    """What is equal for spellings of one address or number."""

    kind: ContactKind
    key: str


class Contact(NamedTuple):
    """An address or number as it was typed, with what it is compared by."""

    key: ContactKey
    typed: str
    e164: str | None = None

    @property
    def field(self) -> str:
        """Of a person, in the API."""
        return f"{self.key.kind}s"


def region_of(currency: str) -> str | None:
    return _REGIONS.get(currency)


def email_contact(typed: str) -> Contact:
    return Contact(ContactKey("email", email_key(typed)), typed.strip())


def phone_contact(typed: str, *, region: str | None) -> Contact:
    """A number that cannot be told is compared by its digits. Raises `ValueError` for what has hardly any."""
    digits = "".join(_DIGITS.findall(typed))
    if len(digits) < _MIN_DIGITS:
        raise ValueError("must be a phone number")
    e164, extension = _parsed(typed, region)
    key = f"{e164} {extension}" if extension else e164 or digits
    return Contact(ContactKey("phone", key), " ".join(typed.split()), e164)


def _parsed(typed: str, region: str | None) -> tuple[str | None, str | None]:
    """The number as E.164 and its extension, as far as they can be told."""
    import phonenumbers  # its tables are for requests that need them, not for the start

    try:
        parsed = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        return None, None
    if not phonenumbers.is_valid_number(parsed):
        return None, None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), parsed.extension


def distinct(contacts: Iterable[Contact]) -> list[Contact]:
    """Each address and number once, as it was first typed."""
    found: dict[ContactKey, Contact] = {}
    for contact in contacts:
        found.setdefault(contact.key, contact)
    return list(found.values())


def tidy_tags(tags: Iterable[str]) -> list[str]:
    """Each tag once, whatever its case; in the order in which they were given."""
    found: dict[str, str] = {}
    for tag in tags:
        found.setdefault(tag.casefold(), tag)
    return list(found.values())


def search_words(name: str, contacts: Sequence[Contact]) -> str:
    """What a person is found by."""
    words = [name, *(contact.typed for contact in contacts)]
    words += ["".join(_DIGITS.findall(contact.key.key)) for contact in contacts if contact.key.kind == "phone"]
    return " ".join(dict.fromkeys(words))


def asked_words(q: str) -> list[str]:
    """The words that must all be found; a number, however it is written, is one word of digits."""
    if re.fullmatch(r"[\d\s()+./-]+", q) and len("".join(_DIGITS.findall(q))) >= _MIN_DIGITS:
        return ["".join(_DIGITS.findall(q))]
    return q.split()[:10]


def order_version(stage_ids: Sequence[UUID]) -> int:
    """Which stages there are and their order, in 32 bits: what a new order names that it has seen."""
    return crc32(b"".join(one.bytes for one in stage_ids))
