"""What editing listings reads and writes over HTTP. Names and values after the RESO Data Dictionary."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rooftree.modules.property.schemas import MoneyOutput
from rooftree.modules.property.values import (
    MAX_AREA,
    MAX_ITEMS,
    MAX_NAME,
    MAX_PHOTOS,
    PropertyType,
    StandardStatus,
)

MAX_REMARKS = 4_000  # what the Data Dictionary suggests
MAX_MINOR_UNITS = 10**15
_NO_NUL = r"^[^\x00]*$"
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_NAME, pattern=_NO_NUL)]
Remarks = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_REMARKS, pattern=_NO_NUL)]
Item = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME, pattern=_NO_NUL)]
Items = Annotated[list[Item], Field(max_length=MAX_ITEMS)]
Count = Annotated[int, Field(strict=True, ge=0, le=1000)]
SquareFeet = Annotated[int, Field(strict=True, ge=0, le=MAX_AREA)]
Flag = Annotated[bool, Field(strict=True)]


class MoneyInput(BaseModel):
    """`amount` in minor units of `currency` (ISO 4217), which is the brokerage's."""

    model_config = ConfigDict(extra="forbid")

    amount: Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR_UNITS)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class PropertyInput(BaseModel):
    """Every member may be left out. As a merge patch (RFC 7396): null takes a value away, a list is replaced."""

    model_config = ConfigDict(extra="forbid")

    unparsed_address: Name | None = None
    city: Name | None = None
    state_or_province: Name | None = None
    postal_code: Name | None = None
    county_or_parish: Name | None = None
    subdivision_name: Name | None = None
    latitude: Annotated[float, Field(strict=True, ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(strict=True, ge=-180, le=180)] | None = None
    property_type: PropertyType | None = None
    property_sub_type: Name | None = None
    list_price: MoneyInput | None = None
    list_agent_id: UUID | None = None
    listing_contract_date: date | None = None
    bedrooms_total: Count | None = None
    bathrooms_total: Count | None = None
    living_area: SquareFeet | None = None
    lot_size_area: SquareFeet | None = None
    lot_size_acres: Annotated[float, Field(strict=True, ge=0, le=MAX_AREA)] | None = None
    year_built: Annotated[int, Field(strict=True, ge=1600, le=9999)] | None = None
    year_built_details: Name | None = None
    garage_spaces: Annotated[float, Field(strict=True, ge=0, le=10_000)] | None = None
    fireplaces_total: Count | None = None
    zoning: Name | None = None
    zoning_description: Name | None = None
    tax_annual_amount: MoneyInput | None = None
    association_fee: MoneyInput | None = None
    architectural_style: Items | None = None
    levels: Items | None = None
    heating: Items | None = None
    cooling: Items | None = None
    parking_features: Items | None = None
    basement: Items | None = None
    exterior_features: Items | None = None
    patio_and_porch_features: Items | None = None
    lot_features: Items | None = None
    fencing: Items | None = None
    construction_materials: Items | None = None
    roof: Remarks | None = Field(None, description="Several ones are separated by commas.")
    foundation_details: Items | None = None
    public_remarks: Remarks | None = None
    private_remarks: Remarks | None = Field(None, description="For those who may edit the listing only.")
    showing_instructions: Remarks | None = Field(None, description="Likewise.")
    internet_display: Flag | None = Field(None, description="InternetEntireListingDisplayYN; null: true.")
    internet_address_display: Flag | None = Field(None, description="InternetAddressDisplayYN; null: true.")


class StatusChangeInput(BaseModel):
    """`close_price` and `close_date` are needed for, and belong to, Closed alone."""

    model_config = ConfigDict(extra="forbid")

    standard_status: StandardStatus
    close_price: MoneyInput | None = None
    close_date: date | None = None
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=_NO_NUL)] | None = Field(
        None, description="Needed when a closed listing is corrected."
    )


class HistoryEntry(BaseModel):
    """`change_type` after RESO's ChangeType; values are money for prices and words for a status."""

    id: UUID
    at: datetime
    actor_name: str | None = Field(description="Null: the listing's feed, or somebody who is no longer known.")
    change_type: str
    field: Literal["list_price", "standard_status", "close_price"]
    from_value: MoneyOutput | str | None
    to_value: MoneyOutput | str | None
    reason: str | None


class HistoryPage(BaseModel):
    items: list[HistoryEntry]
    total: int
    next_cursor: str | None


class PhotoOrderInput(BaseModel):
    model_config = ConfigDict(extra="forbid")

    photo_ids: Annotated[list[UUID], Field(max_length=MAX_PHOTOS)] = Field(
        description="All photos of the listing that were not deleted, each once."
    )


class PhotoInput(BaseModel):
    """A merge patch."""

    model_config = ConfigDict(extra="forbid")

    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500, pattern=_NO_NUL)] | None = None
