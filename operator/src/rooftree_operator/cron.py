"""Times of a schedule in cron's five fields (minute, hour, day of the month, month, day of the week), in UTC. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
HORIZON = 366 * 5  # days; 29 February comes within them
SUNDAY = 7


@dataclass(frozen=True)
class Cron:
    """A parsed schedule. Where days of the month and of the week are both given, either is enough."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def next_after(self, moment: datetime) -> datetime:
        """The first time after `moment`. Raises ValueError if there is none, as for 30 February."""
        first = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        for ahead in range(HORIZON):
            day = (first + timedelta(days=ahead)).replace(hour=0, minute=0) if ahead else first
            if not self._is_on(day):
                continue
            for hour in self.hours:
                for minute in self.minutes:
                    time = day.replace(hour=hour, minute=minute)
                    if time >= first:
                        return time
        raise ValueError("the schedule has no day at all")

    def _is_on(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        on_day, on_weekday = day.day in self.days, day.isoweekday() % SUNDAY in self.weekdays
        if self.any_day or self.any_weekday:
            return on_day and on_weekday
        return on_day or on_weekday


def parsed(text: str) -> Cron:
    """Raises ValueError with what is wrong."""
    fields = text.split()
    if len(fields) != len(RANGES):
        raise ValueError(f"a schedule has five fields and not {len(fields)}")
    values = [_values(field, low, high, name) for field, (low, high), name in zip(fields, RANGES, FIELDS, strict=True)]
    minutes, hours, days, months, weekdays = values
    made = Cron(
        tuple(sorted(minutes)),
        tuple(sorted(hours)),
        frozenset(days),
        frozenset(months),
        frozenset(day % SUNDAY for day in weekdays),
        any_day=fields[2].startswith("*"),
        any_weekday=fields[4].startswith("*"),
    )
    made.next_after(datetime(2000, 1, 1))  # noqa: DTZ001 -- only whether there is any
    return made


def _values(field: str, low: int, high: int, name: str) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        try:
            every = int(step) if slash else 1
            start = low if span == "*" else int(first)
            end = high if span == "*" or (slash and not dash) else int(last if dash else first)
        except ValueError:
            raise ValueError(f"the {name} {part!r} is no number, range, list or step") from None
        if not (low <= start <= end <= high) or every < 1:
            raise ValueError(f"the {name} {part!r} is not within {low} and {high}")
        found.update(range(start, end + 1, every))
    return found
