"""Fields of listings that a column of a file can fill, and which a header is likely to mean. Pure.

They are the members of `PropertyInput`, the listing's id, and its agent by mail address.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from rooftree.bulk.columns import Field

Kind = Literal["id", "agent", "text", "list", "parts", "money", "whole", "number", "date", "flag", "type"]


class Meaning(NamedTuple):
    """`words`: headers that mean it beside its name and its label, without what `_plain` takes away."""

    label: str
    kind: Kind
    words: str = ""


# Words are the names of the RESO Data Dictionary first, then what people write.
FIELDS: Mapping[str, Meaning] = {
    "listing_id": Meaning("Listing ID", "id", "mls mlsid mlsnumber mlsno listingnumber listingno"),
    "unparsed_address": Meaning("Address", "text", "streetaddress fulladdress propertyaddress"),
    "city": Meaning("City", "text", "town"),
    "state_or_province": Meaning("State", "text", "province"),
    "postal_code": Meaning("Postal code", "text", "zip zipcode postcode"),
    "county_or_parish": Meaning("County", "text", "parish"),
    "subdivision_name": Meaning("Subdivision", "text"),
    "latitude": Meaning("Latitude", "number", "lat"),
    "longitude": Meaning("Longitude", "number", "lng lon long"),
    "property_type": Meaning("Property type", "type"),
    "property_sub_type": Meaning("Property subtype", "text", "subtype"),
    "list_price": Meaning("List price", "money", "price askingprice listingprice"),
    "list_agent": Meaning("Listing agent (email)", "agent", "listagentemail agentemail"),
    "listing_contract_date": Meaning("Listing contract date", "date", "listdate listingdate"),
    "bedrooms_total": Meaning("Bedrooms", "whole", "beds bed bdrms"),
    "bathrooms_total": Meaning("Bathrooms", "whole", "bathroomstotalinteger baths bath totalbaths"),
    "living_area": Meaning("Living area (sq ft)", "whole", "sqft squarefeet squarefootage"),
    "lot_size_area": Meaning("Lot size (sq ft)", "whole", "lotsizesquarefeet lotsqft lotsquarefeet lotareasqft"),
    "lot_size_acres": Meaning("Lot size (acres)", "number", "acres acreage lotacres"),
    "year_built": Meaning("Year built", "whole", "built"),
    "year_built_details": Meaning("Year built details", "text"),
    "garage_spaces": Meaning("Garage spaces", "number", "garage"),
    "fireplaces_total": Meaning("Fireplaces", "whole"),
    "zoning": Meaning("Zoning", "text"),
    "zoning_description": Meaning("Zoning description", "text"),
    "tax_annual_amount": Meaning("Annual tax", "money", "annualtaxes taxes tax"),
    "association_fee": Meaning("Association fee", "money", "hoa hoafee hoadues"),
    "architectural_style": Meaning("Architectural style", "list", "style"),
    "levels": Meaning("Levels", "list"),
    "heating": Meaning("Heating", "list", "heat"),
    "cooling": Meaning("Cooling", "list"),
    "parking_features": Meaning("Parking", "list"),
    "basement": Meaning("Basement", "list"),
    "exterior_features": Meaning("Exterior features", "list"),
    "patio_and_porch_features": Meaning("Patio and porch", "list", "patio porch"),
    "lot_features": Meaning("Lot features", "list"),
    "fencing": Meaning("Fencing", "list", "fence"),
    "construction_materials": Meaning("Construction materials", "list", "construction"),
    "roof": Meaning("Roof", "parts"),
    "foundation_details": Meaning("Foundation", "list"),
    "public_remarks": Meaning("Public remarks", "text", "remarks description propertydescription"),
    "private_remarks": Meaning("Private remarks", "text", "agentremarks"),
    "showing_instructions": Meaning("Showing instructions", "text"),
    "internet_display": Meaning("Show on the internet", "flag", "internetentirelistingdisplayyn"),
    "internet_address_display": Meaning("Show the address on the internet", "flag", "internetaddressdisplayyn"),
}
# Where another column says what they are measured in, these say nothing by themselves.
_MEASURED: Mapping[str, str] = {"lotsizearea": "lotsizeunits", "livingarea": "livingareaunits"}


def _plain(header: str) -> str:
    """The same for `ListPrice`, `list_price` and `List price`."""
    return re.sub(r"[\W_]+", "", header.casefold())


_MEANT: Mapping[str, str] = {
    word: name for name, field in FIELDS.items() for word in (_plain(name), _plain(field.label), *field.words.split())
}


def open_to(*, assigns: bool) -> list[Field]:
    """`assigns`: whether the caller says whose listings are."""
    return [Field(name=name, label=one.label) for name, one in FIELDS.items() if assigns or name != "list_agent"]


def guessed(headers: Sequence[str], offered: Sequence[Field]) -> list[str | None]:
    """A field for each header that clearly means one; of two that mean the same, the first has it."""
    plain, open_names = [_plain(header) for header in headers], {field.name for field in offered}
    found: list[str | None] = []
    for word in plain:
        field = None if _MEASURED.get(word) in plain else _MEANT.get(word)
        found.append(field if field in open_names and field not in found else None)
    return found
