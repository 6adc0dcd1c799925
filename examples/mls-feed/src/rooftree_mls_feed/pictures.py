"""Pictures of the listings: a drawing of a house after the record's own facts, plainly marked as a placeholder.

The same record and number give the same picture. Drawing takes some 15 ms, so answers are kept.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw, ImageFont

from rooftree_mls_feed.mapping import choose

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH, HEIGHT = 800, 600
GROUND = 430  # y of the ground line
STOREYS = {"One": 1, "One and One Half": 2, "Two": 2, "Two and One Half": 3, "Multi/Split": 2}
WALLS = ("#d8c3a5", "#c9d6df", "#e2d4ba", "#b7c4a9", "#d5b9b2", "#cfcfd4", "#e6dcc3", "#a9bcc6")
ROOFS = ("#5b4b49", "#3f4a54", "#6b4f3a", "#4a4e3f", "#54474f")
DOORS = ("#8c2f39", "#2a4d69", "#30543a", "#5d3a6e", "#7a4b1f")
SKIES = (("#bcd9ee", "#eef6fb"), ("#a9c6e8", "#f6e7d8"), ("#9fb4cc", "#dfe6ea"), ("#c9ddf0", "#fdf6ec"))
GLASS, TRIM = "#f7f3d7", "#fbfaf7"


@lru_cache(maxsize=4)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def draw_picture(record: Mapping[str, Any], number: int) -> bytes:
    """The listing's picture as JPEG; `number` starts at 1 and changes the sky, the view and the caption."""
    key = str(record["ListingKey"])
    image = Image.new("RGB", (WIDTH, HEIGHT))
    pen = ImageDraw.Draw(image)
    _sky(pen, *SKIES[choose(key, f"sky {number}", len(SKIES))])
    pen.rectangle((0, GROUND, WIDTH, HEIGHT), fill="#8fae7c")
    _house(pen, record, key, shift=(number - 1) * 24)
    _tree(pen, 90 + choose(key, f"tree {number}", 60))
    _caption(pen, f"{key} · picture {number} of {record['PhotosCount']}")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def _sky(pen: ImageDraw.ImageDraw, top: str, bottom: str) -> None:
    start, end = _rgb(top), _rgb(bottom)
    for band in range(0, GROUND, 10):
        share = band / GROUND
        color = tuple(round(a + (b - a) * share) for a, b in zip(start, end, strict=True))
        pen.rectangle((0, band, WIDTH, band + 10), fill=color)


def _rgb(color: str) -> tuple[int, int, int]:
    return (int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16))


def _house(pen: ImageDraw.ImageDraw, record: Mapping[str, Any], key: str, shift: int) -> None:
    """Width follows the living area, height the storeys, roof and garage the listing's own features."""
    storeys = STOREYS.get(record["Levels"][0], 1)
    width = min(440, 230 + int(record["LivingArea"]) // storeys // 8)
    left = (WIDTH - width) // 2 + shift - 30
    top = GROUND - 105 * storeys
    wall = WALLS[choose(key, "wall", len(WALLS))]
    roof = ROOFS[choose(key, "roof", len(ROOFS))]
    if record.get("FireplaceYN"):
        pen.rectangle((left + width - 80, top - 95, left + width - 50, top), fill="#8a5a4a")
    pen.rectangle((left, top, left + width, GROUND), fill=wall)
    pen.polygon([(left - 24, top), (left + width // 2, top - 90), (left + width + 24, top)], fill=roof)
    for storey in range(storeys):
        _windows(pen, left, GROUND - 105 * (storey + 1) + 25, width, skip_door=storey == 0)
    door = left + width // 2 - 22
    pen.rectangle((door, GROUND - 82, door + 44, GROUND), fill=DOORS[choose(key, "door", len(DOORS))])
    pen.ellipse((door + 34, GROUND - 44, door + 39, GROUND - 39), fill="#e8d9a0")
    _garage(pen, left + width, int(record.get("GarageSpaces") or 0), wall, roof)


def _windows(pen: ImageDraw.ImageDraw, left: int, top: int, width: int, skip_door: bool) -> None:
    count = max(2, width // 95)
    for index in range(count):
        x = left + (index * 2 + 1) * width // (count * 2) - 24
        if skip_door and abs(x + 24 - (left + width // 2)) < 50:
            continue
        pen.rectangle((x - 4, top - 4, x + 52, top + 54), fill=TRIM)
        pen.rectangle((x, top, x + 48, top + 50), fill=GLASS)
        pen.line((x + 24, top, x + 24, top + 50), fill=TRIM, width=4)
        pen.line((x, top + 25, x + 48, top + 25), fill=TRIM, width=4)


def _garage(pen: ImageDraw.ImageDraw, left: int, spaces: int, wall: str, roof: str) -> None:
    if not spaces:
        return
    right = min(WIDTH - 10, left + 70 + 50 * min(spaces, 3))
    pen.rectangle((left, GROUND - 100, right, GROUND), fill=wall)
    pen.rectangle((left, GROUND - 116, right + 12, GROUND - 100), fill=roof)
    pen.rectangle((left + 18, GROUND - 76, right - 18, GROUND), fill=TRIM)
    for y in range(GROUND - 57, GROUND, 19):
        pen.line((left + 18, y, right - 18, y), fill="#d9d7d0", width=2)


def _tree(pen: ImageDraw.ImageDraw, x: int) -> None:
    pen.rectangle((x - 8, GROUND - 70, x + 8, GROUND + 12), fill="#6d5139")
    pen.ellipse((x - 58, GROUND - 190, x + 58, GROUND - 50), fill="#5f8657")


def _caption(pen: ImageDraw.ImageDraw, text: str) -> None:
    pen.rectangle((0, HEIGHT - 96, WIDTH, HEIGHT), fill="#24303a")
    pen.text((32, HEIGHT - 82), "Placeholder", font=_font(36), fill="#ffffff")
    pen.text((32, HEIGHT - 36), f"Drawn for the sample feed, not a photograph · {text}", font=_font(18), fill="#d7dee4")
