"""What property reads and writes over HTTP."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from rooftree.modules.property.values import StandardStatus

PhotoState = Literal["ready", "processing", "failed"]
PhotoSize = Literal["small", "medium", "large"]
Origin = Literal["feed", "own"]


class MoneyOutput(BaseModel):
    """`amount` in minor units of `currency` (ISO 4217)."""

    amount: int
    currency: str


class PhotoOutput(BaseModel):
    url: str
    alt: str


class PhotoSizes(BaseModel):
    """Addresses of the renditions: 320, 960 and 1,920 pixels wide, or as wide as the picture if that is less."""

    small: str
    medium: str
    large: str


class FullPhotoOutput(PhotoOutput):
    """`width` and `height` of the picture the right way up. Of a feed's photo only `url` is ours to give."""

    id: UUID | None = Field(description="Of a photo of an own listing.")
    description: str | None
    width: int | None
    height: int | None
    state: PhotoState
    sizes: PhotoSizes | None = Field(description="Once the photo is ready.")


class PropertySummary(BaseModel):
    """Names and values after the RESO Data Dictionary; areas in square feet. No place where it must not be shown."""

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
    latitude: float | None
    longitude: float | None
    photo: PhotoOutput | None
    modification_timestamp: datetime


class SourceOutput(BaseModel):
    """Where the listing comes from, and when it was last compared with it."""

    feed: str
    originating_system_name: str | None
    refreshed_at: datetime


class PropertyDetail(PropertySummary):
    """A draft (Incomplete) may lack what a listing needs: its price is 0 then, its address and type are empty."""

    version: int = Field(description="For If-Match; likewise in ETag.")
    origin: Origin
    can_edit: bool
    status_moves: list[StandardStatus] = Field(description="What this reader may make of its status now.")
    list_agent_id: UUID | None
    list_office_id: UUID | None
    internet_display: bool
    internet_address_display: bool
    private_remarks: str | None = Field(description="Null for everybody who may not edit the listing.")
    showing_instructions: str | None = Field(description="Likewise.")
    updated_at: datetime
    cumulative_days_on_market: int | None = Field(description="Over all own listings of the same home.")
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
