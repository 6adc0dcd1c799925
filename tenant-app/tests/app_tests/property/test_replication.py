"""What a list of keys tells, and when it is believed; without feed or database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rooftree.modules.property import replication
from rooftree.modules.property.changes import ALL_GROUPS, GROUPS, changed_groups
from rooftree.modules.property.domain import Listing, parse_record
from rooftree.modules.property.replication import Difference, Refused, Stored, compare, read_listed

NOW = datetime(2026, 5, 31, 12, tzinfo=UTC)
OLD, NEW = "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"


def stored(modified: str = OLD, photos: str | None = None, *, removed: bool = False) -> Stored:
    moments = [datetime.fromisoformat(value) if value else None for value in (modified, photos)]
    assert moments[0] is not None
    return Stored(moments[0], moments[1], removed)


def listed(key: str | None, modified: Any = OLD, photos: Any = None) -> dict[str, Any]:
    return {"ListingKey": key, "ModificationTimestamp": modified, "PhotosChangeTimestamp": photos}


def test_what_is_here_and_not_listed_is_missing_what_is_listed_and_not_here_is_unread() -> None:
    here = {"a": stored(), "b": stored(), "gone": stored(removed=True)}
    difference = compare(read_listed([listed("b"), listed("c")]), here, ())
    assert (difference.missing, difference.unread) == (("a",), ("c",))
    assert (difference.live, difference.listed) == (2, 2)


@pytest.mark.parametrize(
    ("record", "here", "is_known"),
    [
        (listed("a", OLD), stored(OLD), True),
        (listed("a", "2026-04-30T19:00:00-05:00"), stored(OLD), True),
        (listed("a", NEW), stored(OLD), False),
        (listed("a", OLD), stored(OLD, removed=True), False),
        (listed("a", OLD, photos=NEW), stored(OLD, photos=OLD), False),
        (listed("a", OLD, photos=NEW), stored(OLD, photos=NEW), True),
        (listed("a", OLD, photos=NEW), stored(OLD), True),
        (listed("a", "last Tuesday"), stored(OLD), False),
    ],
)
def test_a_record_is_read_again_when_it_or_its_photos_have_another_time(
    record: dict[str, Any], here: Stored, is_known: bool
) -> None:
    assert compare(read_listed([record]), {"a": here}, ()).unread == (() if is_known else ("a",))


def test_a_rejected_record_is_not_read_again_until_its_time_changes() -> None:
    refused = [Refused("key:a", "a", "last Tuesday"), Refused("key:b", "b", OLD)]
    difference = compare(read_listed([listed("a", "last Tuesday"), listed("b", NEW)]), {}, refused)
    assert (difference.unread, difference.healed) == (("b",), ())


def test_rejections_heal_when_their_key_or_without_one_their_time_is_no_longer_listed() -> None:
    refused = [
        Refused("key:a", "a", OLD),
        Refused("key:b", "b", OLD),
        Refused("hash:1", None, OLD),
        Refused("hash:2", None, NEW),
        Refused("hash:3", None, None),
    ]
    difference = compare(read_listed([listed("a", NEW), listed(None, NEW), "no record"]), {}, refused)
    assert set(difference.healed) == {"key:b", "hash:1"}


@pytest.mark.parametrize(
    ("live", "missing", "listed_keys", "suspicious"),
    [
        (0, 0, 0, False),
        (1, 1, 0, True),
        (3, 2, 1, False),
        (100, 50, 50, False),
        (100, 51, 49, True),
        (100, 51, 5000, True),
        (18, 10, 8, True),
        (17, 9, 8, False),
    ],
)
def test_a_feed_that_loses_most_is_suspicious(live: int, missing: int, listed_keys: int, suspicious: bool) -> None:
    keys = tuple(str(number) for number in range(missing))
    assert Difference(keys, (), (), live=live, listed=listed_keys).is_suspicious == suspicious


def test_a_suspicious_removal_needs_an_hour_of_the_same_or_a_person() -> None:
    loss = Difference(("a", "b"), (), (), live=2, listed=0)

    def may(*, requested: bool = False, since: timedelta | None = None, keys: bytes | None = loss.digest) -> bool:
        at = None if since is None else NOW - since
        return replication.may_remove(loss, requested=requested, withheld_at=at, withheld_keys=keys, now=NOW)

    assert not may()
    assert not may(requested=True)  # nobody was told yet
    assert not may(since=timedelta(minutes=59))
    assert may(since=timedelta(minutes=60))
    assert not may(since=timedelta(days=1), keys=b"other")
    assert may(requested=True, since=timedelta(0), keys=b"other")


def test_keys_are_compared_when_counts_moved_apart_or_it_is_long_ago() -> None:
    def must(total: int | None = 10, held: int = 8, surplus: int | None = 2, minutes: int = 1) -> bool:
        at = NOW - timedelta(minutes=minutes)
        return replication.must_compare(total=total, held=held, surplus=surplus, compared_at=at, now=NOW)

    assert not must()
    assert not must(total=11, held=9)
    assert must(total=9)
    assert must(held=9)
    assert must(total=None)
    assert must(surplus=None)
    assert must(minutes=10)


@pytest.mark.parametrize(
    ("failures", "minutes", "wait", "withheld", "told"),
    [
        (1, 1, 0, False, False),
        (3, 9, 0, False, False),
        (4, 1, 0, False, True),
        (2, 10, 0, False, True),
        (1, 600, 0, False, False),  # the app was stopped all night
        (1, 1, 9, False, False),
        (1, 1, 10, False, True),
        (1, 1, 0, True, True),
        (3, None, 0, False, False),
        (4, None, 0, False, True),
    ],
)
def test_a_person_is_told_after_four_failures_or_ten_minutes(
    failures: int, minutes: int | None, wait: int, withheld: bool, told: bool
) -> None:
    last = None if minutes is None else NOW - timedelta(minutes=minutes)
    pause = timedelta(minutes=wait)
    found = replication.is_outage(failures=failures, last_succeeded_at=last, wait=pause, is_withheld=withheld, now=NOW)
    assert found == told


@pytest.mark.parametrize(("asked", "minutes"), [(0, 0), (300, 5), (10**9, 60), (float("inf"), 60)])
def test_a_feed_is_left_alone_as_it_asks_but_not_for_ever(asked: float, minutes: int) -> None:
    assert replication.patience(asked) == timedelta(minutes=minutes)


def read(**changes: Any) -> Listing:
    record = {"ListingKey": "a", "StandardStatus": "Active", "ListPrice": 1, "ModificationTimestamp": OLD}
    found = parse_record(record | changes, currency="USD", now=NOW)
    assert isinstance(found, Listing)
    return found


class Row:
    """A stored row with a listing's values."""

    def __init__(self, listing: Listing, removed_at: datetime | None = None) -> None:
        self.removed_at = removed_at
        self.__dict__.update({name: getattr(listing, name) for names in GROUPS.values() for name in names})
        self.photos_change_timestamp = listing.photos_change_timestamp


@pytest.mark.parametrize(
    ("changes", "groups"),
    [
        ({}, ()),
        ({"ModificationTimestamp": NEW}, ()),
        ({"ListPrice": 2}, ("price",)),
        ({"StandardStatus": "Closed", "ClosePrice": 2}, ("price", "status")),
        ({"Latitude": 1, "Longitude": 2}, ("address",)),
        ({"BedroomsTotal": 2}, ("facts",)),
        ({"PublicRemarks": "new"}, ("details",)),
        ({"InternetAddressDisplayYN": False}, ("visibility",)),
        ({"PhotosChangeTimestamp": NEW}, ("photos",)),
        ({"Media": [{"MediaURL": "http://h.test/1"}]}, ("photos",)),
    ],
)
def test_a_change_is_told_by_its_groups(changes: dict[str, Any], groups: tuple[str, ...]) -> None:
    assert changed_groups(Row(read()), (), read(**changes)) == groups


def test_what_comes_in_or_comes_back_is_new_in_all_groups() -> None:
    assert changed_groups(None, (), read()) == ALL_GROUPS
    assert changed_groups(Row(read(), removed_at=NOW), (), read()) == ALL_GROUPS


def test_every_field_of_a_listing_that_is_shown_belongs_to_a_group() -> None:
    grouped = {name for names in GROUPS.values() for name in names}
    apart = {"listing_key", "modification_timestamp", "fingerprint", "photos", "photos_change_timestamp"}
    assert set(Listing.__dataclass_fields__) - apart == grouped
