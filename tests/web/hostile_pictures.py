"""Files that pretend, break off, lie or grow: PNG, JPEG, GIF, BMP, WebP, and what is none of them.

Each goes from a name to its bytes and to the statuses that are right for it: 201 where it is an
odd but honest image.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image

Hostile = tuple[bytes, set[int]]

GOOD, NO_IMAGE, BROKEN, TOO_LARGE = {201}, {415}, {422}, {413}
ALL_OVER = 100_000


def saved(kind: str, size: tuple[int, int] = (64, 80), mode: str = "L", **options: object) -> bytes:
    """The bytes of such a picture."""
    rng = np.random.default_rng(5)
    if mode == "1":
        image = Image.fromarray(rng.integers(0, 2, size, np.uint8) * np.uint8(255)).convert("1")
    elif mode == "I;16":
        image = Image.fromarray(rng.integers(0, 1 << 16, size, np.uint16))
    else:
        bands = len(mode)
        image = Image.frombytes(mode, size[::-1], rng.bytes(size[0] * size[1] * bands))
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of PNG with its length and sum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png(
    height: int,
    width: int,
    rows: bytes,
    *,
    bits: int = 8,
    colour: int = 0,
    before: bytes = b"",
    interlaced: int = 0,
) -> bytes:
    """A PNG whose header may say anything about `rows`."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    body = before + chunk(b"IDAT", rows)
    return SIGNATURE + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def deflated_zeros(mebibytes: int, *, is_raw: bool = False) -> bytes:
    """What grows to so many MiB of zero bytes, a thousand times its size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # A full flush makes a piece that can be repeated.
    piece = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    grown = piece * mebibytes + packer.flush()
    if is_raw:
        return grown
    return b"\x78\xda" + grown + struct.pack(">HH", (mebibytes << 20) % 65521, 1)


ROWS = zlib.compress(bytes(64 * 81))
PLAIN_PNG = png(64, 80, ROWS)
BOMB = deflated_zeros(512)


def no_images() -> dict[str, Hostile]:
    """What is called an image and is none."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../evil.png", PLAIN_PNG)
    contents = {
        "nothing": b"",
        "one byte": b"\x89",
        "zero bytes": bytes(5000),
        "words": b"This is no image.\n" * 100,
        "a web page": b"<!DOCTYPE html><script>alert(1)</script>",
        "a web page after spaces": b"   \n<html><img src=x onerror=alert(1)>",
        "a drawing with a script": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "XML with entities": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>',
        "a ZIP archive": archive.getvalue(),
        "a volume": b"\x1f\x8b\x08\x00" + bytes(400),
        "a bare volume": struct.pack("<i", 348) + bytes(340) + b"n+1\x00" + bytes(100),
        "a PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
        "a program for Linux": b"\x7fELF\x02\x01\x01" + bytes(500),
        "a program for Windows": b"MZ\x90\x00\x03" + bytes(500),
        "a shell script": b"#!/bin/sh\nrm -rf /\n",
        "a pickle": b"\x80\x04\x95\x1f\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system",
        "an array": b"\x93NUMPY\x01\x00v\x00{'descr': '|O'}" + bytes(80),
        "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(300),
        "JPEG 2000": b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(300),
        "Photoshop": b"8BPS\x00\x01" + bytes(300),
        "an Encapsulated PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "a multipart body": b"--x\r\nContent-Disposition: form-data; name=image\r\n\r\n"
        + PLAIN_PNG,
        "a PNG with its line ends changed": PLAIN_PNG.replace(b"\r\n", b"\n"),
    }
    return {name: (content, NO_IMAGE) for name, content in contents.items()}


def pngs() -> dict[str, Hostile]:
    """PNG: cut, contradictory, growing, or with something behind."""
    frames = [Image.new("L", (20, 20), tone) for tone in (0, 90, 200)]
    animated = io.BytesIO()
    frames[0].save(animated, "PNG", save_all=True, append_images=frames[1:])
    texts = b"".join(chunk(b"tEXt", b"k%d\0v" % number) for number in range(5000))
    text_bomb = b"Comment\0\0" + BOMB
    deep = saved("PNG", mode="I;16")
    palette = chunk(b"PLTE", bytes(3 * 16))
    names = (b"IHDR", b"IDAT", b"IEND")
    cut = {f"PNG cut within {k.decode()}": PLAIN_PNG[: PLAIN_PNG.find(k) + 6] for k in names}
    behind = cut.pop("PNG cut within IEND")
    broken = {
        **cut,
        "PNG of a signature": SIGNATURE,
        "PNG cut in the middle": saved("PNG")[:2000],
        "PNG without pixels": SIGNATURE + PLAIN_PNG[8:33] + chunk(b"IEND", b""),
        "PNG with a wrong sum of its header": PLAIN_PNG[:29] + b"\0\0\0\0" + PLAIN_PNG[33:],
        "PNG with a wrong sum of its pixels": deep[:-20] + b"\0\0\0\0" + deep[-16:],
        "PNG of no pixels": png(0, 80, ROWS),
        "PNG of pixels that are no deflate": png(64, 80, b"\xff" * 500),
        "PNG of too few rows": png(640, 80, ROWS),
        "PNG of an unknown kind of colour": png(64, 80, ROWS, colour=5),
        "PNG of 3 bits": png(64, 80, ROWS, bits=3),
        "PNG of a palette without one": png(64, 80, ROWS, colour=3),
        "PNG with a comment that grows to 512 MB": png(
            64, 80, ROWS, before=chunk(b"zTXt", text_bomb)
        ),
        "PNG with a profile that grows to 512 MB": png(
            64, 80, ROWS, before=chunk(b"iCCP", b"p\0\0" + BOMB)
        ),
        "PNG of three frames": animated.getvalue(),
        "PNG of too few rows, interlaced": png(64, 80, zlib.compress(bytes(5000)), interlaced=1),
        "PNG whose first chunk has 2 GB": SIGNATURE + b"\x7f\xff\xff\xffIHDR" + bytes(60),
        "PNG whose chunk has a negative length": PLAIN_PNG[:33] + b"\xff\xff\xff\xffIDAT" + ROWS,
        "PNG of 16 bits cut in the middle": deep[: len(deep) // 2],
    }
    too_large = {
        "PNG of 100,000 pixels a side": png(ALL_OVER, ALL_OVER, ROWS),
        "PNG of 100,000 pixels in a row": png(100, ALL_OVER, ROWS),
        "PNG of 2 billion pixels a side": png((1 << 31) - 1, (1 << 31) - 1, ROWS),
        "PNG that grows to 4 GB": png(60_000, 70_000, BOMB, bits=8),
        "PNG that grows to 450 MB of one bit": png(60_000, 60_000, BOMB, bits=1),
    }
    honest = {
        "PNG cut behind its pixels": behind,
        "PNG of one pixel": png(1, 1, zlib.compress(bytes(2))),
        "PNG of one row": png(1, 3000, zlib.compress(bytes(3001))),
        "PNG whose pixels grow beyond its rows": png(64, 80, BOMB),
        "PNG with 5,000 comments": png(64, 80, ROWS, before=texts),
        "PNG of indices beyond its palette": png(
            64, 80, zlib.compress(b"\0" + b"\xee" * 80 + bytes(63 * 81)), colour=3, before=palette
        ),
        "PNG and ZIP in one": PLAIN_PNG + no_images()["a ZIP archive"][0],
        "PNG and web page in one": PLAIN_PNG + b"<html><script>alert(1)</script></html>",
        "PNG and program in one": PLAIN_PNG + no_images()["a program for Windows"][0],
        "PNG of one bit": saved("PNG", mode="1"),
        "PNG of grey and alpha": saved("PNG", mode="LA"),
    }
    return {
        **{name: (content, BROKEN) for name, content in broken.items()},
        **{name: (content, TOO_LARGE) for name, content in too_large.items()},
        **{name: (content, GOOD) for name, content in honest.items()},
    }


def resized_jpeg(height: int, width: int) -> bytes:
    """A JPEG whose header says another size than its scan has."""
    content = saved("JPEG")
    at = content.find(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


def jpegs() -> dict[str, Hostile]:
    """JPEG: cut at each part, contradictory, or with inks and odd notes."""
    whole = saved("JPEG", mode="RGB")
    markers = {"DQT": b"\xff\xdb", "SOF": b"\xff\xc0", "DHT": b"\xff\xc4", "SOS": b"\xff\xda"}
    cut = {f"JPEG cut within {k}": whole[: whole.find(v) + 7] for k, v in markers.items()}
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 0xFFFF) + bytes(40)
    loop = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 0x8769, 4, 1, 8, 8)
    orientation = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHII", 1, 274, 3, 1, 99) + bytes(4)
    broken = {
        **cut,
        "JPEG of a signature": b"\xff\xd8\xff",
        "JPEG cut in the middle of its scan": whole[: len(whole) // 2],
        "JPEG of no tables": whole[:2] + whole[whole.find(b"\xff\xc0") :],
        "JPEG of no rows": resized_jpeg(0, 80),
        "JPEG of five components": whole.replace(
            b"\x08\x00\x40\x00\x50\x03", b"\x08\0\x40\0\x50\x05"
        ),
        "JPEG of markers": b"\xff\xd8" + b"\xff\xe0\x00\x04ab" * 9000,
    }
    too_large = {"JPEG of 65,535 pixels a side": resized_jpeg(65535, 65535)}
    honest = {
        "JPEG of inks": saved("JPEG", mode="CMYK"),
        "JPEG in many scans": saved("JPEG", mode="RGB", progressive=True),
        "JPEG with notes that end nowhere": saved("JPEG", exif=exif),
        "JPEG with notes that lead to themselves": saved("JPEG", exif=loop),
        "JPEG turned by 99": saved("JPEG", exif=orientation),
        "JPEG and ZIP in one": whole + no_images()["a ZIP archive"][0],
    }
    return {
        **{name: (content, BROKEN) for name, content in broken.items()},
        **{name: (content, TOO_LARGE) for name, content in too_large.items()},
        **{name: (content, GOOD) for name, content in honest.items()},
    }


def others() -> dict[str, Hostile]:
    """GIF, BMP and WebP."""
    gif, bmp = saved("GIF"), saved("BMP")
    webp = saved("WEBP", mode="RGB")
    frames = [Image.new("RGB", (20, 20), (tone, 0, 0)) for tone in (0, 90, 200)]
    moving = {}
    for kind in ("GIF", "WEBP"):
        buffer = io.BytesIO()
        frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], duration=50)
        moving[kind] = buffer.getvalue()

    def bmp_of(height: int, width: int) -> bytes:
        return bmp[:18] + struct.pack("<ii", width, height) + bmp[26:]

    canvas = b"\0\0\0\0" + b"\xff\xff\xff" * 2
    vp8x = b"RIFF\xff\xff\0\0WEBPVP8X\x0a\0\0\0" + canvas + webp[12:]
    broken = {
        "GIF of a signature": b"GIF89a",
        "GIF cut in the middle": gif[: len(gif) // 2],
        "GIF of three frames": moving["GIF"],
        "GIF of broken codes": gif[:800] + b"\xff" * 600 + gif[1400:],
        "BMP of a signature": b"BM",
        "BMP cut in its header": bmp[:30],
        "BMP cut in the middle": bmp[: len(bmp) // 2],
        "BMP of no columns": bmp_of(64, 0),
        "BMP whose pixels begin beyond its end": bmp[:10] + b"\xff\xff\xff\x7f" + bmp[14:],
        "WebP of a signature": b"RIFF\x10\0\0\0WEBP",
        "WebP cut in the middle": webp[: len(webp) // 2],
        "WebP of three frames": moving["WEBP"],
        "WebP of broken pixels": webp[:40] + b"\xff" * (len(webp) - 40),
    }
    too_large = {
        "GIF of 65,535 pixels a side": gif[:6] + b"\xff\xff\xff\xff" + gif[10:],
        "BMP of 100,000 pixels a side": bmp_of(ALL_OVER, ALL_OVER),
        "WebP with a canvas of 16 million pixels a side": vp8x,
    }
    honest = {"BMP": bmp, "GIF": gif, "WebP": webp}
    return {
        **{name: (content, BROKEN) for name, content in broken.items()},
        **{name: (content, TOO_LARGE) for name, content in too_large.items()},
        **{name: (content, GOOD) for name, content in honest.items()},
    }
