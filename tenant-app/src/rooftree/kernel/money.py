"""Money as integer minor units with an ISO 4217 code; never a float."""

from dataclasses import dataclass

# All ISO 4217 currencies whose exponent is not 2.
_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_EXPONENTS = {code: digits for digits, codes in _BY_EXPONENT.items() for code in codes.split()}


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
