"""The words of the Ames data set in the words of the RESO Data Dictionary.

Keys are the labels of `modeldata::ames`, values RESO lookup values; where RESO has none that says the same (hardboard,
split foyer, half storeys) the plain English term is used, which the Data Dictionary allows for open lookups.
"""

from __future__ import annotations

PROPERTY_SUB_TYPE = {
    "OneFam": "Single Family Residence",
    "TwnhsE": "Townhouse",
    "Twnhs": "Townhouse",
    "Duplex": "Duplex",
    "TwoFmCon": "Duplex",
}

ZONING = {
    "Residential_Low_Density": ("RL", "Residential, low density"),
    "Residential_Medium_Density": ("RM", "Residential, medium density"),
    "Residential_High_Density": ("RH", "Residential, high density"),
    "Floating_Village_Residential": ("FV", "Floating village residential"),
    "C_all": ("C", "Commercial"),
    "I_all": ("I", "Industrial"),
    "A_agr": ("A", "Agricultural"),
}

SUBDIVISION = {
    "Iowa_DOT_and_Rail_Road": "Iowa DOT and Rail Road",
    "South_and_West_of_Iowa_State_University": "South and West of Iowa State University",
}

LEVELS = {
    "One_Story": "One",
    "One_and_Half_Fin": "One and One Half",
    "One_and_Half_Unf": "One and One Half",
    "Two_Story": "Two",
    "Two_and_Half_Fin": "Two and One Half",
    "Two_and_Half_Unf": "Two and One Half",
    "SLvl": "Multi/Split",
    "SFoyer": "Multi/Split",
}

STYLE_BY_LEVEL = {
    "One_Story": "One Story",
    "One_and_Half_Fin": "One and One Half Story",
    "One_and_Half_Unf": "One and One Half Story",
    "Two_Story": "Two Story",
    "Two_and_Half_Fin": "Two and One Half Story",
    "Two_and_Half_Unf": "Two and One Half Story",
    "SLvl": "Split Level",
    "SFoyer": "Split Foyer",
}

STYLE_BY_CLASS = {
    "One_Story_1946_and_Newer_All_Styles": "Ranch",
    "One_Story_PUD_1946_and_Newer": "Ranch",
}

LOT_FEATURES = {
    "Corner": "Corner Lot",
    "CulDSac": "Cul-De-Sac",
    "FR2": "Frontage on Two Sides",
    "FR3": "Frontage on Three Sides",
    "Lvl": "Level",
    "HLS": "Hillside",
    "Bnk": "Banked",
    "Low": "Low Lying",
    "Mod": "Sloped",
    "Sev": "Steep Slope",
}

ROAD_SURFACE = {"Pave": "Paved", "Grvl": "Gravel"}

ROOF = {
    "CompShg": ["Composition", "Shingle"],
    "Tar&Grv": ["Tar/Gravel"],
    "WdShake": ["Shake", "Wood"],
    "WdShngl": ["Shingle", "Wood"],
    "Membran": ["Membrane"],
    "ClyTile": ["Clay", "Tile"],
    "Roll": ["Rolled/Hot Mop"],
    "Metal": ["Metal"],
}

CONSTRUCTION = {
    "VinylSd": "Vinyl Siding",
    "MetalSd": "Metal Siding",
    "HdBoard": "Hardboard",
    "Wd Sdng": "Wood Siding",
    "Plywood": "Plywood",
    "CemntBd": "Cement Siding",
    "CmentBd": "Cement Siding",
    "BrkFace": "Brick",
    "BrkComm": "Brick",
    "Brk Cmn": "Brick",
    "WdShing": "Shingle Siding",
    "Wd Shng": "Shingle Siding",
    "AsbShng": "Asbestos",
    "AsphShn": "Asphalt",
    "Stucco": "Stucco",
    "ImStucc": "Synthetic Stucco",
    "CBlock": "Block",
    "Stone": "Stone",
    "PreCast": "Concrete",
    "Other": "Other",
}

VENEER = {"BrkFace": "Brick Veneer", "BrkCmn": "Brick Veneer", "Stone": "Stone Veneer", "CBlock": "Block"}

FOUNDATION = {
    "PConc": "Concrete Perimeter",
    "CBlock": "Block",
    "BrkTil": "Brick/Mortar",
    "Slab": "Slab",
    "Stone": "Stone",
    "Wood": "Wood",
}

HEATING = {
    "GasA": ["Forced Air", "Natural Gas"],
    "GasW": ["Hot Water", "Natural Gas"],
    "Grav": ["Gravity"],
    "Wall": ["Wall Furnace"],
    "OthW": ["Hot Water"],
    "Floor": ["Floor Furnace"],
}

ELECTRIC = {
    "SBrkr": ["Circuit Breakers"],
    "FuseA": ["Fuses"],
    "FuseF": ["Fuses"],
    "FuseP": ["Fuses"],
    "Mix": ["Circuit Breakers", "Fuses"],
}

UTILITIES = {
    "AllPub": ["Electricity Connected", "Natural Gas Connected", "Sewer Connected", "Water Connected"],
    "NoSewr": ["Electricity Connected", "Natural Gas Connected", "Water Connected"],
    "NoSeWa": ["Electricity Connected", "Natural Gas Connected"],
}

PARKING = {
    "Attchd": ["Attached", "Garage"],
    "Detchd": ["Detached", "Garage"],
    "BuiltIn": ["Built In", "Garage"],
    "Basment": ["Basement", "Garage"],
    "More_Than_Two_Types": ["Attached", "Detached", "Garage"],
    "CarPort": ["Carport"],
}

DRIVEWAY = {"Paved": "Paved Driveway", "Partial_Pavement": "Partly Paved Driveway", "Dirt_Gravel": "Gravel Driveway"}

FENCING = {
    "Good_Privacy": ["Privacy"],
    "Minimum_Privacy": ["Partial"],
    "Good_Wood": ["Wood"],
    "Minimum_Wood_Wire": ["Wire", "Wood"],
}

BASEMENT_EXPOSURE = {"Gd": "Walk-Out Access", "Av": "Daylight", "Mn": "Daylight"}
