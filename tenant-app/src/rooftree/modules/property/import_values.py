"""What cells say: amounts, numbers, dates, types. Pure; the bounds of values are those of `PropertyInput`.

A cell is text as somebody typed it, or as a workbook's numbers and dates are written (`kernel.spreadsheet_worker`).
Where it could mean two things it means none.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import get_args

from rooftree.kernel.money import exponent
from rooftree.modules.property.values import PropertyType

_MOST_SIGNS = 40  # of a number
_WHOLE = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)"
_AMOUNT = re.compile(rf"([^\s0-9.,+-]*)\s*({_WHOLE})(?:\.([0-9]+))?\s*([^\s0-9.,+-]*)")
# 1.000 may be a thousand.
_WHOLE_NUMBER = re.compile(rf"([+-]?{_WHOLE})(?:\.0{{1,2}})?")
# 1,250 may be one and a quarter.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T]00:00(?::00(?:\.0+)?)?)?")
_SIGNS: Mapping[str, str] = {"$": "USD CAD AUD NZD MXN SGD HKD", "€": "EUR", "£": "GBP", "¥": "JPY CNY"}
_FLAGS = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


_TYPES: Mapping[str, str] = {_letters(name): name for name in get_args(PropertyType)}


def minor_units(text: str, currency: str) -> int:
    """`525000`, `525,000.00` or `$525,000`, exactly. Raises ValueError, also where it has more decimals than there are.

    Commas are between thousands and a point is before decimals.
    """
    found = _AMOUNT.fullmatch(text.strip()) if len(text) <= _MOST_SIGNS else None
    if found is None:
        raise ValueError
    before, whole, decimals, after = found.groups(default="")
    digits = exponent(currency)
    if len(decimals) > digits or not _means(before + after, currency) or (before and after):
        raise ValueError
    return int(whole.replace(",", "") + decimals.ljust(digits, "0"))


def major_units(amount: int, currency: str) -> str:
    """As `minor_units` takes it."""
    digits = exponent(currency)
    whole, decimals = divmod(amount, 10**digits)
    return f"{whole}.{decimals:0{digits}d}" if digits else str(whole)


def whole_number(text: str) -> int:
    """Raises ValueError."""
    found = _WHOLE_NUMBER.fullmatch(text.strip()) if len(text) <= _MOST_SIGNS else None
    if found is None:
        raise ValueError
    return int(found[1].replace(",", ""))


def number(text: str) -> float:
    """Raises ValueError."""
    found = _NUMBER.fullmatch(text.strip()) if len(text) <= _MOST_SIGNS else None
    if found is None:
        raise ValueError
    return float(found[0])


def day(text: str) -> date:
    """2026-05-31, also with the midnight that a workbook adds. Raises ValueError."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        raise ValueError
    return date.fromisoformat(found[1])


def flag(text: str) -> bool:
    """Raises ValueError."""
    if (found := _FLAGS.get(text.strip().casefold())) is None:
        raise ValueError
    return found


def property_type(text: str) -> str:
    """By its name in the Data Dictionary; case and spaces do not matter. Raises ValueError."""
    if (found := _TYPES.get(_letters(text))) is None:
        raise ValueError
    return found


def _means(sign: str, currency: str) -> bool:
    return not sign or sign.upper() == currency or currency in _SIGNS.get(sign, "").split()
