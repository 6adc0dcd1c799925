"""Makes renditions of one picture, in a process of its own: `python -m rooftree.modules.property.rendition_worker`.

The picture comes in by standard input. Standard output begins with one line of JSON: the picture's size the right way
up and the lengths of the JPEG files that follow it, or `{"fault": …}`. What is written was made of pixels alone, so no
metadata (places, cameras, owners, comments, profiles) comes along. Pictures come from strangers and their decoders are
large: `kernel.workers` runs it within limits.
"""

import json
import sys
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

WIDTHS = {"small": 320, "medium": 960, "large": 1920}
QUALITY = 82
FORMATS = ("JPEG", "PNG", "WEBP")
ORIENTATION, TURNED = 0x0112, frozenset({5, 6, 7, 8})  # EXIF
TRANSPARENT = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
UNREADABLE, TOO_LARGE = "unreadable", "too-large"


def render(content: bytes, *, most_pixels: int) -> tuple[tuple[int, int], dict[str, bytes]]:
    """The picture's size the right way up and its renditions. Raises what Pillow raises, MemoryError among it."""
    from PIL import Image, ImageOps

    picture = Image.open(BytesIO(content), formats=FORMATS)
    width, height = picture.size
    if width * height > most_pixels:
        raise MemoryError
    size = (height, width) if picture.getexif().get(ORIENTATION) in TURNED else (width, height)
    # A JPEG is decoded at the smallest scale that is large enough; in full, a camera's best needs 150 MiB.
    picture.draft(None, (WIDTHS["large"], WIDTHS["large"]))
    picture.load()
    ImageOps.exif_transpose(picture, in_place=True)
    picture = _opaque(_in_srgb(picture))
    made: dict[str, bytes] = {}
    for name, wide in sorted(WIDTHS.items(), key=lambda item: -item[1]):
        if picture.width > wide:
            high = max(1, round(picture.height * wide / picture.width))
            picture = picture.resize((wide, high), Image.Resampling.LANCZOS, reducing_gap=3.0)
        out = BytesIO()
        picture.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
        made[name] = out.getvalue()
    return size, made


def _in_srgb(picture: "Image.Image") -> "Image.Image":
    """The profile is left out, so its colours are translated first."""
    from PIL import ImageCms

    profile = picture.info.get("icc_profile")
    if not profile or picture.mode != "RGB":
        return picture
    try:
        given, wanted = ImageCms.getOpenProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
        ImageCms.profileToProfile(picture, given, wanted, inPlace=True)
    except (ImageCms.PyCMSError, OSError):
        return picture  # a profile that nobody can read: screens show such pictures without it, too
    return picture


def _opaque(picture: "Image.Image") -> "Image.Image":
    """RGB on white, and free of all that came with the pixels."""
    from PIL import Image

    if picture.mode in TRANSPARENT or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.getchannel("A"))
        return ground
    picture = picture if picture.mode == "RGB" else picture.convert("RGB")
    picture.info.clear()
    return picture


def main() -> None:
    out = sys.stdout.buffer
    try:
        (width, height), made = render(sys.stdin.buffer.read(), most_pixels=int(sys.argv[1]))
    except MemoryError:
        out.write(json.dumps({"fault": TOO_LARGE}).encode() + b"\n")
    except Exception:
        out.write(json.dumps({"fault": UNREADABLE}).encode() + b"\n")
    else:
        lengths = {name: len(content) for name, content in made.items()}
        out.write(json.dumps({"width": width, "height": height, "lengths": lengths}).encode() + b"\n")
        out.writelines(made.values())
    out.flush()


if __name__ == "__main__":
    main()
