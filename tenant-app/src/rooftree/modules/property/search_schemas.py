"""What search reads and writes over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rooftree.kernel.pagination import MAX_PAGE, Cursor
from rooftree.modules.property.schemas import MoneyOutput, PhotoOutput, PropertySummary
from rooftree.modules.property.search import MAX_RADIUS, Sort, Source, State
from rooftree.modules.property.values import StandardStatus

MOST_SUGGESTED = 20
Bound = Annotated[int | None, Field(ge=0, le=10**12)]
SquareFeet = Annotated[int | None, Field(ge=0, le=2 * 10**9)]
Rooms = Annotated[int | None, Field(ge=0, le=1000)]
Year = Annotated[int | None, Field(ge=0, le=9999)]
# No NUL: Postgres does not take it.
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00]*$")]
Choice = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00]*$")]
Choices = Annotated[list[Choice], Field(max_length=20)]
Box = Annotated[str, StringConstraints(max_length=200)]
Statuses = Annotated[list[StandardStatus], Field(max_length=20)]


class PropertyFilters(BaseModel):
    """Filters are joined by `and`; values of a repeated one by `or`."""

    model_config = ConfigDict(extra="forbid")

    q: Words = Field("", description='Words, with `"phrases"`, `-without` and `or`.')
    min_price: Bound = Field(None, description="Whole currency units.")
    max_price: Bound = Field(None, description="Whole currency units.")
    min_beds: Rooms = None
    max_beds: Rooms = None
    min_baths: Rooms = None
    min_area: SquareFeet = Field(None, description="Living area in square feet.")
    max_area: SquareFeet = Field(None, description="Living area in square feet.")
    min_year: Year = Field(None, description="Year built.")
    max_year: Year = Field(None, description="Year built.")
    type: Annotated[Choices, Field(description="PropertySubType.")] = []
    status: Statuses = []
    city: Choices = []
    postal_code: Choices = []
    subdivision: Choices = []
    near: Annotated[str | None, Field(max_length=100, description="`lat,lon` in degrees; needs `radius`.")] = None
    radius: Annotated[int | None, Field(ge=1, le=MAX_RADIUS, description="Metres around `near`.")] = None
    polygon: Annotated[
        str | None, Field(max_length=10_000, description="3 to 200 points: `lon,lat;lon,lat;…` in degrees.")
    ] = None


class PropertyQuery(PropertyFilters):
    bbox: Box | None = Field(None, description="`west,south,east,north` in degrees.")
    sort: Sort | None = Field(None, description="By default `relevance` with `q`, else `-modified`.")
    facets: bool = False
    mine: bool = Field(
        False,
        description="Own listings that the reader may edit, drafts included, newest change first; goes with `status`, "
        "`limit` and `cursor` only.",
    )
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 24
    cursor: Cursor = None


class MapQuery(PropertyFilters):
    bbox: Box = Field(description="The view: `west,south,east,north` in degrees.")
    zoom: Annotated[int, Field(ge=0, le=22)]


class SuggestionQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    q: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100, pattern=r"^[^\x00]*$")]
    limit: Annotated[int, Field(ge=1, le=MOST_SUGGESTED)] = 8


class HighlightPart(BaseModel):
    """A piece of text; `hit`: it is what was searched for."""

    text: str
    hit: bool


class FoundProperty(PropertySummary):
    """`highlight`: the part of the remarks that the words were found in."""

    highlight: list[HighlightPart] | None


class FacetValue(BaseModel):
    value: str
    count: int


class NumberFacetValue(BaseModel):
    value: int
    count: int


class PriceFacetValue(BaseModel):
    """`to` is not part of the range; whole currency units."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    from_: int = Field(alias="from")
    to: int | None
    count: int


class Facets(BaseModel):
    """How many listings each value would give; a facet's own filter does not count for it."""

    status: list[FacetValue]
    type: list[FacetValue]
    city: list[FacetValue]
    subdivision: list[FacetValue]
    bedrooms: list[NumberFacetValue]
    price: list[PriceFacetValue]


class PropertyPage(BaseModel):
    """`source`: `database` while the search index is away; there are no facets then."""

    items: list[FoundProperty]
    total: int
    next_cursor: str | None
    source: Source
    facets: Facets | None


class Suggestion(BaseModel):
    """`property_id` of an address or a listing's key; `count` of listings in a place."""

    kind: Literal["address", "city", "subdivision", "postal_code", "listing"]
    text: str
    property_id: UUID | None
    count: int | None


class Suggestions(BaseModel):
    items: list[Suggestion] = Field(json_schema_extra={"maxItems": MOST_SUGGESTED})


class MapCluster(BaseModel):
    """Listings near each other; `bbox` is what they lie in: west, south, east, north."""

    id: str
    count: int
    latitude: float
    longitude: float
    bbox: tuple[float, float, float, float]
    min_price: MoneyOutput


class MapPoint(BaseModel):
    id: UUID
    latitude: float
    longitude: float
    list_price: MoneyOutput
    unparsed_address: str
    standard_status: StandardStatus
    bedrooms_total: int | None
    photo: PhotoOutput | None


class PropertyMap(BaseModel):
    total: int
    clusters: list[MapCluster]
    points: list[MapPoint]


class SearchProgress(BaseModel):
    done: int
    total: int


class SearchStatus(BaseModel):
    """`lag_events`: changes of listings that search does not know yet."""

    index: str | None
    documents: int
    rows: int
    lag_events: int
    state: State
    progress: SearchProgress | None
