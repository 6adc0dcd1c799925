"""What property reads and writes over HTTP."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from rooftree.modules.property.search import DEFAULT_SORT, Sort
from rooftree.modules.property.values import StandardStatus

MAX_PAGE = 100
Bound = Annotated[int | None, Field(ge=0, le=10**12)]
SquareFeet = Annotated[int | None, Field(ge=0, le=2 * 10**9)]
Rooms = Annotated[int | None, Field(ge=0, le=1000)]
# No NUL: Postgres does not take it.
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00]*$")]
Choice = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
Cursor = Annotated[str | None, Field(max_length=1024, description="`next_cursor` of the page before.")]


class PropertyQuery(BaseModel):
    """Filters are joined by `and`; values of a repeated one by `or`."""

    model_config = ConfigDict(extra="forbid")

    q: Words = Field("", description='Words, with `"phrases"`, `-without` and `or`.')
    min_price: Bound = Field(None, description="Whole currency units.")
    max_price: Bound = Field(None, description="Whole currency units.")
    min_beds: Rooms = None
    min_baths: Rooms = None
    min_area: SquareFeet = Field(None, description="Living area in square feet.")
    max_area: SquareFeet = Field(None, description="Living area in square feet.")
    type: Annotated[list[Choice], Field(max_length=20, description="PropertySubType.")] = []
    status: Annotated[list[StandardStatus], Field(max_length=20)] = []
    sort: Sort = DEFAULT_SORT
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 24
    cursor: Cursor = None


class MoneyOutput(BaseModel):
    """`amount` in minor units of `currency` (ISO 4217)."""

    amount: int
    currency: str


class PhotoOutput(BaseModel):
    url: str
    alt: str


class FullPhotoOutput(PhotoOutput):
    width: int | None
    height: int | None


class PropertySummary(BaseModel):
    """Names and values after the RESO Data Dictionary; areas in square feet."""

    id: UUID
    listing_key: str
    standard_status: StandardStatus
    list_price: MoneyOutput
    close_price: MoneyOutput | None
    unparsed_address: str
    city: str | None
    state_or_province: str | None
    postal_code: str | None
    property_type: str
    property_sub_type: str | None
    bedrooms_total: int | None
    bathrooms_total: int | None
    living_area: int | None
    lot_size_area: int | None
    year_built: int | None
    photo: PhotoOutput | None
    modification_timestamp: datetime


class PropertyPage(BaseModel):
    items: list[PropertySummary]
    total: int
    next_cursor: str | None


class SourceOutput(BaseModel):
    """Where the listing comes from, and when it was last compared with it."""

    feed: str
    originating_system_name: str | None
    refreshed_at: datetime


class PropertyDetail(PropertySummary):
    listing_id: str | None
    public_remarks: str | None
    subdivision_name: str | None
    county_or_parish: str | None
    architectural_style: list[str]
    levels: list[str]
    heating: list[str]
    cooling: list[str]
    garage_spaces: float | None
    parking_features: list[str]
    fireplaces_total: int | None
    basement: list[str]
    exterior_features: list[str]
    patio_and_porch_features: list[str]
    lot_features: list[str]
    fencing: list[str]
    construction_materials: list[str]
    roof: str | None
    foundation_details: list[str]
    lot_size_acres: float | None
    zoning: str | None
    zoning_description: str | None
    year_built_details: str | None
    tax_annual_amount: MoneyOutput | None
    association_fee: MoneyOutput | None
    close_date: date | None
    listing_contract_date: date | None
    days_on_market: int | None
    list_agent_full_name: str | None
    list_office_name: str | None
    source: SourceOutput
    photos: list[FullPhotoOutput]
