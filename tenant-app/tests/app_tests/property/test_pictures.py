"""Pictures that people send: what they are by their header, and what is left of them when renditions are made."""

import io
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from rooftree.contracts.property.api import NotAPicture, PictureRefused
from rooftree.kernel.errors import UnsupportedMediaType
from rooftree.kernel.workers import Workers, environment
from rooftree.modules.property import renditions as module
from rooftree.modules.property.pictures import KINDS, MAX_PIXELS, Kind, inspect, require_kind, sniff
from rooftree.modules.property.renditions import RenditionMaker, Unusable

FORMATS: dict[str, Kind] = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
ORIENTATION, GPS, MAKER = 0x0112, 0x8825, 0x010F
CANARIES = (b"Canarycam", b"canary-comment", b"41.9", b"N\x00", b"canary-xmp")


def picture(form: str = "JPEG", size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, (200, 30, 30, 128)[: len(mode)] if mode != "L" else 90).save(out, form, **options)
    return out.getvalue()


def located(size: tuple[int, int] = (64, 48), orientation: int = 1, form: str = "JPEG") -> bytes:
    """A picture that tells where and with what it was taken."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = orientation, "Canarycam"
    exif.get_ifd(GPS).update({1: "N", 2: (41.9, 1.0, 2.0), 3: "W", 4: (93.0, 2.0, 3.0)})
    more: dict[str, Any] = {"comment": b"canary-comment"} if form == "JPEG" else {}
    return picture(form, size, exif=exif, xmp=b"<x>canary-xmp</x>", **more)


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises a flood of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"progressive": True}, {"exif": b"Exif\0\0" + b"\0" * 40}])
def test_kind_and_size_are_read_from_the_header(form: str, options: dict[str, Any]) -> None:
    found = inspect(picture(form, (641, 480), **options), FORMATS[form])
    assert (found.kind, found.width, found.height) == (FORMATS[form], 641, 480)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_webp_with_and_without_transparency_is_read(mode: str) -> None:
    found = inspect(picture("WEBP", (300, 17), mode), "image/webp")
    assert (found.width, found.height) == (300, 17)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"%PDF-1.7", b"<svg/>", b"RIFF\0\0\0\0WAVE", b"\xff\xd8"])
def test_what_is_no_picture_is_told_so(content: bytes) -> None:
    assert sniff(content) is None
    with pytest.raises(NotAPicture, match="no picture"):
        inspect(content, "image/jpeg")


def test_a_picture_of_another_kind_than_promised_is_refused() -> None:
    with pytest.raises(NotAPicture, match="image/png, not image/jpeg"):
        inspect(picture("PNG"), "image/jpeg")


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 1), (40_000, 200), (MAX_PIXELS // 6_000 + 1, 6_000)])
def test_a_flood_of_pixels_is_refused_before_anything_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(PictureRefused, match="pixels"):
        inspect(claiming(*size), "image/png")


def test_a_picture_that_shows_nothing_is_refused() -> None:
    with pytest.raises(PictureRefused, match="it needs 16"):
        inspect(picture(size=(15, 400)), "image/jpeg")


@pytest.mark.parametrize("form", FORMATS)
def test_a_header_that_was_cut_off_is_refused(form: str) -> None:
    with pytest.raises(PictureRefused, match="cut off"):
        inspect(picture(form)[:20], FORMATS[form])


@given(st.sampled_from(KINDS), st.binary(max_size=200))
def test_any_bytes_get_an_answer(kind: Kind, rest: bytes) -> None:
    beginning = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF0000WEBP"}[kind]
    try:
        inspect(beginning + rest, kind)
    except PictureRefused:
        return


@pytest.mark.parametrize("content_type", ["image/jpeg", "IMAGE/JPEG; q=1"])
def test_a_content_type_is_read_without_its_parameters(content_type: str) -> None:
    assert require_kind(content_type) == "image/jpeg"


@pytest.mark.parametrize("content_type", ["", "image/gif", "image/svg+xml", "text/html", "image/*"])
def test_other_content_types_are_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        require_kind(content_type)


def opened(content: bytes) -> Image.Image:
    found = Image.open(io.BytesIO(content))
    found.load()
    return found


@pytest.mark.parametrize("form", FORMATS)
async def test_renditions_hold_pixels_and_nothing_else(form: str) -> None:
    original = located((2400, 1800), form=form)
    assert any(canary in original for canary in CANARIES)
    made = await RenditionMaker(Workers()).make(original)
    assert (made.width, made.height) == (2400, 1800)
    for name, size in (("small", (320, 240)), ("medium", (960, 720)), ("large", (1920, 1440))):
        content = made.files[name]  # type: ignore[index]
        found = opened(content)
        assert (found.format, found.size) == ("JPEG", size)
        assert dict(found.getexif()) == {}
        assert set(found.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
        assert [canary for canary in CANARIES if canary in content] == []


async def test_a_picture_is_turned_the_right_way_up() -> None:
    wide = Image.new("RGB", (800, 600), "blue")
    wide.paste("red", (0, 0, 800, 300))
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # to be turned clockwise by 90 degrees
    out = io.BytesIO()
    wide.save(out, "JPEG", exif=exif)
    made = await RenditionMaker(Workers()).make(out.getvalue())
    assert (made.width, made.height) == (600, 800)
    found = opened(made.files["large"])
    assert found.size == (600, 800)
    (red, _, blue), (other_red, _, other_blue) = found.getpixel((550, 400)), found.getpixel((50, 400))  # type: ignore[misc]
    assert red > 200 > blue
    assert other_blue > 200 > other_red


async def test_a_small_picture_is_never_made_larger() -> None:
    made = await RenditionMaker(Workers()).make(picture(size=(500, 400)))
    assert {name: opened(content).size for name, content in made.files.items()} == {
        "small": (320, 256),
        "medium": (500, 400),
        "large": (500, 400),
    }


@pytest.mark.parametrize(
    ("form", "mode"), [("PNG", "RGBA"), ("PNG", "L"), ("PNG", "LA"), ("JPEG", "CMYK"), ("PNG", "P")]
)
async def test_all_kinds_of_pixels_become_a_jpeg_on_white(form: str, mode: str) -> None:
    if mode == "P":
        out = io.BytesIO()
        Image.new("P", (64, 48)).save(out, "PNG", transparency=0)
        content = out.getvalue()
    else:
        content = picture(form, mode=mode)
    found = opened((await RenditionMaker(Workers()).make(content)).files["small"])
    assert found.mode == "RGB"
    if mode == "P":
        assert found.getpixel((5, 5)) == (255, 255, 255)


async def test_colours_stay_when_their_profile_goes() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = opened((await RenditionMaker(Workers()).make(picture(icc_profile=profile))).files["small"])
    assert "icc_profile" not in found.info
    red, green, _ = found.getpixel((5, 5))  # type: ignore[misc]
    assert red > 180
    assert green < 60


async def test_what_cannot_be_decoded_is_unusable() -> None:
    whole = picture(size=(400, 300))
    for content in (whole[:200], b"\xff\xd8\xff" + b"\0" * 100, claiming(5000, 5000), b""):
        with pytest.raises(Unusable, match="unreadable"):
            await RenditionMaker(Workers()).make(content)


async def test_a_flood_that_got_past_the_header_is_stopped_by_the_workers_limits() -> None:
    flood = Image.new("RGB", (9_000, 5_600))
    out = io.BytesIO()
    flood.save(out, "PNG", compress_level=1)
    with pytest.raises(Unusable, match="too-large"):
        await RenditionMaker(Workers()).make(out.getvalue())
    with pytest.raises(Unusable, match="unreadable"):
        await RenditionMaker(Workers()).make(claiming(60_000, 60_000))


async def test_a_large_photograph_fits_into_the_limits() -> None:
    out = io.BytesIO()
    Image.new("RGB", (8_192, 5_464), "green").save(out, "JPEG")
    made = await RenditionMaker(Workers()).make(out.getvalue())
    assert opened(made.files["large"]).size == (1920, 1281)


async def test_a_worker_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMITS", replace(module.LIMITS, seconds=0.01))
    with pytest.raises(Unusable, match="too long"):
        await RenditionMaker(Workers()).make(picture())


async def test_a_worker_that_breaks_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORKER", "rooftree.no_such_module")
    with pytest.raises(Unusable, match="ended with 1"):
        await RenditionMaker(Workers()).make(picture())


def test_no_picture_library_loads_into_the_process_that_asks_for_renditions() -> None:
    program = (
        "import asyncio, sys; from rooftree.kernel.workers import Workers;"
        "from rooftree.modules.property.renditions import RenditionMaker;"
        "made = asyncio.run(RenditionMaker(Workers()).make(sys.stdin.buffer.read()));"
        "print(len(made.files), 'PIL' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], input=picture(), capture_output=True, check=True)
    assert done.stdout.split() == [b"3", b"False"]


def test_the_worker_knows_nothing_of_its_parents_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "a secret")
    told = environment()
    assert set(told) == {"PYTHONPATH", "PYTHONSAFEPATH", "ROOFTREE_ACTOR"}
    assert "a secret" not in str(told)
