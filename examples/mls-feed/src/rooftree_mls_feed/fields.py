"""The fields of this MLS by their RESO Data Dictionary names, each with its OData type.

One table feeds `$metadata`, `$select`, `$filter` and the check of the generated data. `Collection(Edm.String)` is how
RESO's multi-value lookups travel when enumerations are strings.
"""

from __future__ import annotations

STRING = "Edm.String"
INTEGER = "Edm.Int64"
DECIMAL = "Edm.Decimal"
BOOLEAN = "Edm.Boolean"
DATE = "Edm.Date"
TIMESTAMP = "Edm.DateTimeOffset"
STRINGS = "Collection(Edm.String)"

PROPERTY: dict[str, str] = {
    "ListingKey": STRING,
    "ListingId": STRING,
    "OriginatingSystemName": STRING,
    "StandardStatus": STRING,
    "MlsStatus": STRING,
    "PropertyType": STRING,
    "PropertySubType": STRING,
    "UnparsedAddress": STRING,
    "StreetNumber": STRING,
    "StreetName": STRING,
    "StreetSuffix": STRING,
    "City": STRING,
    "CountyOrParish": STRING,
    "StateOrProvince": STRING,
    "PostalCode": STRING,
    "Country": STRING,
    "SubdivisionName": STRING,
    "Latitude": DECIMAL,
    "Longitude": DECIMAL,
    "Zoning": STRING,
    "ZoningDescription": STRING,
    "LotSizeSquareFeet": INTEGER,
    "LotSizeAcres": DECIMAL,
    "FrontageLength": STRING,
    "LotFeatures": STRINGS,
    "RoadSurfaceType": STRINGS,
    "LivingArea": INTEGER,
    "LivingAreaUnits": STRING,
    "AboveGradeFinishedArea": INTEGER,
    "BelowGradeFinishedArea": INTEGER,
    "BedroomsTotal": INTEGER,
    "BathroomsFull": INTEGER,
    "BathroomsHalf": INTEGER,
    "BathroomsTotalInteger": INTEGER,
    "RoomsTotal": INTEGER,
    "Levels": STRINGS,
    "ArchitecturalStyle": STRINGS,
    "YearBuilt": INTEGER,
    "YearBuiltDetails": STRING,
    "NewConstructionYN": BOOLEAN,
    "Basement": STRINGS,
    "FoundationDetails": STRINGS,
    "ConstructionMaterials": STRINGS,
    "Roof": STRINGS,
    "Heating": STRINGS,
    "Cooling": STRINGS,
    "Electric": STRINGS,
    "Utilities": STRINGS,
    "FireplacesTotal": INTEGER,
    "FireplaceYN": BOOLEAN,
    "GarageSpaces": DECIMAL,
    "GarageYN": BOOLEAN,
    "AttachedGarageYN": BOOLEAN,
    "CarportSpaces": DECIMAL,
    "ParkingFeatures": STRINGS,
    "ExteriorFeatures": STRINGS,
    "PatioAndPorchFeatures": STRINGS,
    "Fencing": STRINGS,
    "PoolPrivateYN": BOOLEAN,
    "ListPrice": DECIMAL,
    "ClosePrice": DECIMAL,
    "ListingContractDate": DATE,
    "PurchaseContractDate": DATE,
    "CloseDate": DATE,
    "DaysOnMarket": INTEGER,
    "StatusChangeTimestamp": TIMESTAMP,
    "ModificationTimestamp": TIMESTAMP,
    "PhotosCount": INTEGER,
    "PhotosChangeTimestamp": TIMESTAMP,
    "PublicRemarks": STRING,
    "ListAgentFullName": STRING,
    "ListOfficeName": STRING,
    "InternetEntireListingDisplayYN": BOOLEAN,
    "InternetAddressDisplayYN": BOOLEAN,
}

MEDIA: dict[str, str] = {
    "MediaKey": STRING,
    "ResourceRecordKey": STRING,
    "MediaURL": STRING,
    "MediaCategory": STRING,
    "MimeType": STRING,
    "Order": INTEGER,
    "ImageWidth": INTEGER,
    "ImageHeight": INTEGER,
    "ShortDescription": STRING,
    "ModificationTimestamp": TIMESTAMP,
}
