"""Money as integer minor units with an ISO 4217 code; never a float."""

from dataclasses import dataclass

# ISO 4217 exponents that are not 2, for the currencies a brokerage may choose.
_EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3, "JOD": 3}


def exponent(currency: str) -> int:
    """Digits after the decimal point of a currency."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units (cents for USD)."""

    amount: int
    currency: str

    @classmethod
    def of_major(cls, units: int, currency: str) -> "Money":
        """Whole currency units: `of_major(5, "USD")` is five dollars."""
        return cls(units * 10 ** exponent(currency), currency)

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount + other.amount, self.currency)
