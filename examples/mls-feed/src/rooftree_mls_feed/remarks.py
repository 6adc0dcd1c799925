"""The public remarks of a listing, written from its own facts and nothing else."""

from __future__ import annotations

from typing import Any

NUMBERS = ("no", "one", "two", "three", "four", "five")


def build_remarks(record: dict[str, Any]) -> str:
    sentences = [_opening(record), _size(record), _comfort(record), _parking(record), _outside(record)]
    return " ".join(sentence for sentence in sentences if sentence)


def _opening(record: dict[str, Any]) -> str:
    style = record["ArchitecturalStyle"][0].lower()
    words = f"new {style}" if record["NewConstructionYN"] else style
    remodel = f", {record['YearBuiltDetails'].lower()}" if record["YearBuiltDetails"] else ""
    place = f"{record['PropertySubType'].lower()} in {record['SubdivisionName']}"
    return f"{words.capitalize()} {place}, built in {record['YearBuilt']}{remodel}."


def _size(record: dict[str, Any]) -> str:
    beds, full, half = record["BedroomsTotal"], record["BathroomsFull"], record["BathroomsHalf"]
    rooms = [_count(beds, "bedroom"), _count(full, "full bath")]
    if half:
        rooms.append(_count(half, "half bath"))
    area = f"in {record['LivingArea']:,} square feet above ground, on a lot of {record['LotSizeAcres']} acres"
    return f"{_joined(rooms)} {area}."


def _comfort(record: dict[str, Any]) -> str:
    parts = [f"{record['Heating'][0].lower()} heating"]
    if record["Cooling"] == ["Central Air"]:
        parts.append("central air conditioning")
    if record["FireplacesTotal"]:
        parts.append(_count(record["FireplacesTotal"], "fireplace"))
    if record["Basement"][0] != "None":
        parts.append(_basement(record["Basement"]))
    return f"{_joined(parts)}."


def _basement(words: list[str]) -> str:
    text = ", ".join(words[::-1]).lower().replace("walk-out access", "walk-out")
    return f"{'an' if text[0] in 'aeiou' else 'a'} {text} basement"


def _parking(record: dict[str, Any]) -> str:
    if record["GarageYN"]:
        place = "Attached" if record["AttachedGarageYN"] else "Separate"
        return f"{place} garage for {_count(int(record['GarageSpaces']), 'car')}."
    return "Carport." if record["CarportSpaces"] else ""


def _outside(record: dict[str, Any]) -> str:
    names: dict[str, str] = {
        "Enclosed": "enclosed porch",
        "Screened": "screened porch",
        "Three Season": "three-season porch",
    }
    parts: list[str] = [names.get(name) or name.lower() for name in record["PatioAndPorchFeatures"]]
    if record["PoolPrivateYN"]:
        parts.append("swimming pool")
    if "Privacy" in record["Fencing"]:
        parts.append("privacy fence")
    return f"{_joined(parts)}." if parts else ""


def _count(number: int, noun: str) -> str:
    word = NUMBERS[number] if number < len(NUMBERS) else str(number)
    return f"{word} {noun}{'' if number == 1 else 's'}"


def _joined(parts: list[str]) -> str:
    text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"{text[0].upper()}{text[1:]}"
