"""What kind of picture some bytes are and how large, by their header alone: nothing is decoded here. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rooftree.contracts.property.api import NotAPicture, PictureRefused
from rooftree.kernel.errors import UnsupportedMediaType

Kind = Literal["image/jpeg", "image/png", "image/webp"]
KINDS: tuple[Kind, ...] = ("image/jpeg", "image/png", "image/webp")
MAX_BYTES = 20 * 1024 * 1024  # a camera's best JPEG has some 15 MiB
# 8,688 x 5,792 is the largest of photographers' cameras in wide use; a flood has thousands of millions.
MAX_PIXELS = 51_000_000
MAX_SIDE = 30_000
MIN_SIDE = 16
# Start-of-frame markers of JPEG: all of C0 to CF but tables (C4), extensions (C8) and conditioning (CC).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, slots=True)
class Header:
    kind: Kind
    width: int
    height: int


def require_kind(content_type: str) -> Kind:
    """What a Content-Type promises. Raises UnsupportedMediaType."""
    name = content_type.partition(";")[0].strip().lower()
    for kind in KINDS:
        if name == kind:
            return kind
    raise UnsupportedMediaType(f"Send {', '.join(KINDS[:-1])} or {KINDS[-1]}.")


def inspect(content: bytes, promised: Kind) -> Header:
    """Raises NotAPicture for something else than was promised, PictureRefused for what cannot be used."""
    found = sniff(content)
    if found is None or found != promised:
        raise NotAPicture(f"These bytes are {'no picture' if found is None else found}, not {promised}.")
    try:
        width, height = _SIZES[found](content)
    except (IndexError, ValueError):
        raise PictureRefused("The picture's header cannot be read; it is damaged or cut off.") from None
    if min(width, height) < MIN_SIDE:
        raise PictureRefused(f"The picture is {width} x {height} pixels; it needs {MIN_SIDE} each way.")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise PictureRefused(f"The picture is {width:,} x {height:,} pixels; {MAX_PIXELS:,} in all are the most.")
    return Header(found, width, height)


def sniff(content: bytes) -> Kind | None:
    """By how such files begin."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    return "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


def _number(content: bytes, at: int, size: int, order: Literal["big", "little"] = "big") -> int:
    part = content[at : at + size]
    if len(part) < size:
        raise ValueError("cut off")
    return int.from_bytes(part, order)


def _jpeg(content: bytes) -> tuple[int, int]:
    at = 2
    while True:
        if content[at] != 0xFF:
            raise ValueError("not a marker")
        while content[at] == 0xFF:
            at += 1
        marker, at = content[at], at + 1
        if marker in _FRAMES:
            return _number(content, at + 5, 2), _number(content, at + 3, 2)
        if marker not in _ALONE:
            at += max(2, _number(content, at, 2))


def _png(content: bytes) -> tuple[int, int]:
    if content[12:16] != b"IHDR":
        raise ValueError("no header")
    return _number(content, 16, 4), _number(content, 20, 4)


def _webp(content: bytes) -> tuple[int, int]:
    form = content[12:16]
    if form == b"VP8X":
        return 1 + _number(content, 24, 3, "little"), 1 + _number(content, 27, 3, "little")
    if form == b"VP8L":
        bits = _number(content, 21, 4, "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if form == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        return _number(content, 26, 2, "little") & 0x3FFF, _number(content, 28, 2, "little") & 0x3FFF
    raise ValueError("an unknown form")


_SIZES: dict[Kind, Callable[[bytes], tuple[int, int]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
}
