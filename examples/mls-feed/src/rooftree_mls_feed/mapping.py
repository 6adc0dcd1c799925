"""One row of the Ames data set -> one RESO Property record. Pure: the same row gives the same record, for ever.

What is real: every physical fact, the price and the month of the sale. What is made up, because the data set has none
of it: address, agent, office, days, photos count and, for one record in five, that the home is still for sale. Made-up
choices come from a hash of the listing's key, never from a random generator. The sample's world ends on SNAPSHOT.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from rooftree_mls_feed import vocabulary as words
from rooftree_mls_feed.remarks import build_remarks

if TYPE_CHECKING:
    from collections.abc import Mapping

Record = dict[str, Any]

SNAPSHOT = date(2010, 7, 31)  # the data set's last month of sales
SQUARE_FEET_PER_ACRE = 43_560
CITY, STATE, POSTAL_CODE = "Ames", "IA", "50010"

# Degrees of 55 m to the north and, at 42° of latitude, 58 m to the east; taken in a thousand steps each way.
MOST_NORTH, MOST_EAST, STEPS = 0.0005, 0.0007, 1000

STREETS = (
    "Sample", "Example", "Specimen", "Placeholder", "Imaginary", "Invented", "Pretend", "Fictional", "Storybook",
    "Prototype", "Fixture", "Mockup", "Template", "Nowhere", "Anyplace", "Make Believe", "Paper", "Sketch",
)  # fmt: skip
SUFFIXES = ("Street", "Avenue", "Lane", "Drive", "Court", "Circle")
AGENTS = (
    "Avery", "Blake", "Casey", "Dana", "Emery", "Finley", "Gray", "Harper", "Indigo", "Jordan", "Kendall", "Logan",
)  # fmt: skip
OFFICES = ("Example Realty", "Sample Homes", "Specimen & Partners", "Placeholder Properties")

# Percentages, added up: 11 % Active, 3 % Active Under Contract, 4 % Pending, 2 % Coming Soon, the rest Closed.
STATUS_STEPS = ((11, "Active"), (14, "Active Under Contract"), (18, "Pending"), (20, "Coming Soon"))


def choose(key: str, purpose: str, size: int) -> int:
    """A number in [0, size) that depends on nothing but its arguments."""
    digest = blake2b(f"{key}/{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % size


def build_record(row: Mapping[str, Any]) -> Record:
    """The RESO record of one row of `modeldata::ames` (keys are that data set's column names)."""
    number = int(row["rownames"])
    key = f"AMES-{number:05d}"
    record: Record = {
        "ListingKey": key,
        "ListingId": f"{100_000 + number}",
        "OriginatingSystemName": "Ames Sample MLS",
    }
    record |= _kind(row)
    record |= _address(key, number, row)
    record |= _place(key, row)
    record |= _lot(row)
    record |= _rooms(row)
    record |= _building(row)
    record |= _systems(row)
    record |= _parking(row)
    record |= _outside(row)
    record |= _market(key, row)
    record |= _people(key)
    record["PublicRemarks"] = build_remarks(record)
    return record


def _kind(row: Mapping[str, Any]) -> Record:
    level = row["House_Style"]
    style = words.STYLE_BY_CLASS.get(row["MS_SubClass"], words.STYLE_BY_LEVEL[level])
    return {
        "PropertyType": "Residential",
        "PropertySubType": words.PROPERTY_SUB_TYPE[row["Bldg_Type"]],
        "Levels": [words.LEVELS[level]],
        "ArchitecturalStyle": [style],
    }


def _address(key: str, number: int, row: Mapping[str, Any]) -> Record:
    subdivision = words.SUBDIVISION.get(row["Neighborhood"], row["Neighborhood"].replace("_", " "))
    street = STREETS[choose(key, "street", len(STREETS))]
    suffix = SUFFIXES[choose(key, "suffix", len(SUFFIXES))]
    # The house number repeats the row's number, so that no two listings share an address.
    house = f"{1000 + number}"
    return {
        "UnparsedAddress": f"{house} {street} {suffix}, {CITY}, {STATE} {POSTAL_CODE}",
        "StreetNumber": house,
        "StreetName": street,
        "StreetSuffix": suffix,
        "City": CITY,
        "CountyOrParish": "Story",
        "StateOrProvince": STATE,
        "PostalCode": POSTAL_CODE,
        "Country": "US",
        "SubdivisionName": subdivision,
    }


def _place(key: str, row: Mapping[str, Any]) -> Record:
    """The data set's place, moved by up to some 60 m: a real home's position must not hang on an invented address."""
    north, east = (choose(key, direction, 2 * STEPS + 1) - STEPS for direction in ("north", "east"))
    return {
        "Latitude": round(float(row["Latitude"]) + north * MOST_NORTH / STEPS, 5),
        "Longitude": round(float(row["Longitude"]) + east * MOST_EAST / STEPS, 5),
    }


def _lot(row: Mapping[str, Any]) -> Record:
    code, description = words.ZONING[row["MS_Zoning"]]
    area, frontage = int(row["Lot_Area"]), int(row["Lot_Frontage"])
    features = [words.LOT_FEATURES.get(row[column]) for column in ("Lot_Config", "Land_Contour", "Land_Slope")]
    return {
        "Zoning": code,
        "ZoningDescription": description,
        "LotSizeSquareFeet": area,
        "LotSizeAcres": round(area / SQUARE_FEET_PER_ACRE, 2),
        "FrontageLength": f"{frontage} feet" if frontage else None,
        "LotFeatures": [feature for feature in features if feature],
        "RoadSurfaceType": [words.ROAD_SURFACE[row["Street"]]],
    }


def _rooms(row: Mapping[str, Any]) -> Record:
    full = int(row["Full_Bath"]) + int(row["Bsmt_Full_Bath"])
    half = int(row["Half_Bath"]) + int(row["Bsmt_Half_Bath"])
    above = int(row["Gr_Liv_Area"])
    return {
        "LivingArea": above,
        "LivingAreaUnits": "Square Feet",
        "AboveGradeFinishedArea": above,
        "BelowGradeFinishedArea": int(row["Total_Bsmt_SF"]) - int(row["Bsmt_Unf_SF"]),
        "BedroomsTotal": int(row["Bedroom_AbvGr"]),
        "BathroomsFull": full,
        "BathroomsHalf": half,
        "BathroomsTotalInteger": full + half,
        "RoomsTotal": int(row["TotRms_AbvGrd"]),
    }


def _building(row: Mapping[str, Any]) -> Record:
    built, remodelled = int(row["Year_Built"]), int(row["Year_Remod_Add"])
    materials = [words.CONSTRUCTION[row["Exterior_1st"]], words.CONSTRUCTION[row["Exterior_2nd"]]]
    if row["Mas_Vnr_Type"] in words.VENEER:
        materials.append(words.VENEER[row["Mas_Vnr_Type"]])
    return {
        "YearBuilt": built,
        "YearBuiltDetails": f"Remodeled in {remodelled}" if remodelled > built else None,
        "NewConstructionYN": row["Sale_Type"].strip() == "New",
        "Basement": _basement(row),
        "FoundationDetails": [words.FOUNDATION[row["Foundation"]]],
        "ConstructionMaterials": list(dict.fromkeys(materials)),
        "Roof": words.ROOF[row["Roof_Matl"]],
    }


def _basement(row: Mapping[str, Any]) -> list[str]:
    total, unfinished = int(row["Total_Bsmt_SF"]), int(row["Bsmt_Unf_SF"])
    if not total:
        return ["None"]
    finish = "Finished" if not unfinished else "Unfinished" if unfinished == total else "Partially Finished"
    exposure = words.BASEMENT_EXPOSURE.get(row["Bsmt_Exposure"])
    return [finish, exposure] if exposure else [finish]


def _systems(row: Mapping[str, Any]) -> Record:
    fireplaces = int(row["Fireplaces"])
    return {
        "Heating": words.HEATING[row["Heating"]],
        "Cooling": ["Central Air"] if row["Central_Air"] == "Y" else ["None"],
        "Electric": words.ELECTRIC.get(row["Electrical"], []),
        "Utilities": words.UTILITIES[row["Utilities"]],
        "FireplacesTotal": fireplaces,
        "FireplaceYN": fireplaces > 0,
    }


def _parking(row: Mapping[str, Any]) -> Record:
    spaces, kind = int(row["Garage_Cars"]), row["Garage_Type"]
    is_carport = kind == "CarPort"
    return {
        "GarageSpaces": 0 if is_carport else spaces,
        "GarageYN": spaces > 0 and not is_carport,
        "AttachedGarageYN": kind in {"Attchd", "BuiltIn", "Basment"},
        "CarportSpaces": spaces if is_carport else 0,
        "ParkingFeatures": [*words.PARKING.get(kind, []), words.DRIVEWAY[row["Paved_Drive"]]],
    }


def _outside(row: Mapping[str, Any]) -> Record:
    exterior = {
        "Private Yard": row["Fence"] == "Good_Privacy",
        "Storage": row["Misc_Feature"] == "Shed",
        "Tennis Court(s)": row["Misc_Feature"] == "TenC",
    }
    porches = {
        "Deck": row["Wood_Deck_SF"],
        "Porch": row["Open_Porch_SF"],
        "Enclosed": row["Enclosed_Porch"],
        "Screened": row["Screen_Porch"],
        "Three Season": row["Three_season_porch"],
    }
    return {
        "ExteriorFeatures": [name for name, present in exterior.items() if present],
        "PatioAndPorchFeatures": [name for name, area in porches.items() if int(area)],
        "Fencing": words.FENCING.get(row["Fence"], []),
        "PoolPrivateYN": int(row["Pool_Area"]) > 0,
    }


def _market(key: str, row: Mapping[str, Any]) -> Record:
    """Price, status and dates. The price of the sale is also the list price: the data set knows no other."""
    price, roll = int(row["Sale_Price"]), choose(key, "status", 100)
    status = next((name for step, name in STATUS_STEPS if roll < step), "Closed")
    to_contract, to_close = 3 + choose(key, "to contract", 90), 25 + choose(key, "to close", 30)
    closed = contracted = None
    if status == "Closed":
        closed = date(int(row["Year_Sold"]), int(row["Mo_Sold"]), 1 + choose(key, "close day", 28))
        contracted = closed - timedelta(days=to_close)
        changed = closed
    elif status in {"Pending", "Active Under Contract"}:
        contracted = changed = SNAPSHOT - timedelta(days=choose(key, "contract day", 25))
    else:
        window = 7 if status == "Coming Soon" else 90
        changed = SNAPSHOT - timedelta(days=choose(key, "listing day", window))
    listed = contracted - timedelta(days=to_contract) if contracted else changed
    on_market = 0 if status == "Coming Soon" else ((contracted or SNAPSHOT) - listed).days
    noon = datetime.combine(changed, time(12), UTC) + timedelta(seconds=choose(key, "second", 8 * 3600))
    photos = 0 if choose(key, "without photos", 40) == 0 else 2 + choose(key, "photos", 4)
    return {
        "StandardStatus": status,
        "MlsStatus": status,
        "ListPrice": price,
        "ClosePrice": price if closed else None,
        "ListingContractDate": listed.isoformat(),
        "PurchaseContractDate": contracted.isoformat() if contracted else None,
        "CloseDate": closed.isoformat() if closed else None,
        "DaysOnMarket": on_market,
        "StatusChangeTimestamp": _instant(noon),
        "ModificationTimestamp": _instant(noon + timedelta(minutes=5)),
        "PhotosCount": photos,
        "PhotosChangeTimestamp": _instant(datetime.combine(listed, time(12), UTC)) if photos else None,
    }


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _people(key: str) -> Record:
    agent = choose(key, "agent", len(AGENTS))
    return {
        "ListAgentFullName": f"{AGENTS[agent]} Sample",
        "ListOfficeName": OFFICES[agent % len(OFFICES)],
        "InternetEntireListingDisplayYN": True,
        "InternetAddressDisplayYN": True,
    }
