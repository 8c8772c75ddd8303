"""What a file is, by its first bytes and never by its ending."""

from __future__ import annotations

from pathlib import Path

from delineate.core.errors import UnknownFormatError, UnreadableFileError

DICOM_ENDINGS = frozenset({".dcm", ".dicom", ".dic", ".ima"})
IMAGE_ENDINGS = DICOM_ENDINGS | {".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"}
READABLE = "PNG, TIFF, JPEG, BMP, GIF, WebP or DICOM"
HEAD_BYTES = 512
DICOM_DIRECTORY = "1.2.840.10008.1.3.10"

# First bytes -> format. Order does not matter: none begins with another.
_IMAGES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"II+\x00": "TIFF",
    b"MM\x00+": "TIFF",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
}
_STRANGERS = {
    b"\x93NUMPY": "a NumPy array",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip file (perhaps NIfTI)",
    b"\x89HDF": "an HDF5 file",
    b"\x00\x00\x00\x0cjP": "a JPEG 2000 image",
    b"\xff\x4f\xff\x51": "a JPEG 2000 image",
    b"8BPS": "a Photoshop document",
    b"version https://git-lfs": "a Git LFS pointer (run git lfs pull)",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
    b"<?xml": "XML",
}


def format_of(head: bytes) -> str | None:
    """The image format that a file's first bytes announce, or None.

    Examples:
        >>> format_of(b"GIF89a")
        'GIF'
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if _is_dicom(head):
        return "DICOM"
    return next((name for magic, name in _IMAGES.items() if head.startswith(magic)), None)


def _is_dicom(head: bytes) -> bool:
    if head[128:132] == b"DICM":
        return True
    # Old files begin without the preamble, with an element of group 8: its length and, where it
    # is spelt out, its type.
    for order in ("little", "big"):
        group, element = (int.from_bytes(head[at : at + 2], order) for at in (0, 2))
        if group == 8 and element <= 0x18 and len(head) > 132:
            is_explicit = head[4:6] in (b"UL", b"CS", b"UI", b"DA", b"TM")
            return is_explicit or int.from_bytes(head[4:8], order) <= 64
    return False


def describe_stranger(head: bytes) -> str:
    """What a file that is no image seems to be, in a few words."""
    if not head:
        return "the file is empty"
    for magic, name in _STRANGERS.items():
        if head.startswith(magic):
            return f"the content is {name}, not an image that can be read here"
    if not head.strip(b"\x00"):
        return "the content is all zero bytes (perhaps an interrupted copy)"
    try:
        # A character cut in two by the end of the head is no sign against text.
        head[: max(1, len(head) - 3)].decode("utf-8")
    except UnicodeDecodeError:
        return "the content is not an image of a known format"
    if b"\x00" in head:
        return "the content is not an image of a known format"
    return "the content is plain text, not an image"


def is_dicom_by_content(path: Path) -> bool:
    """Whether a file whose name says nothing holds a DICOM file that is no mere directory.

    Examples:
        >>> is_dicom_by_content(Path("gone"))
        False
    """
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return False
    return _is_dicom(head) and DICOM_DIRECTORY.encode() not in head


def read_head(path: Path) -> bytes:
    """The first bytes of a file.

    Raises:
        UnreadableFileError: if it is missing, a folder, or may not be read.
    """
    return read_content(path, HEAD_BYTES)


def read_content(path: Path, limit: int = -1) -> bytes:
    """The bytes of a file, or the first `limit` of them.

    Raises:
        UnreadableFileError: if it is missing, a folder, a device, or may not be read.
    """
    try:
        # Opening a pipe would wait for ever, hence the question before.
        if path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "a device or pipe"
            raise UnreadableFileError(f"{path}: expected an image file, found {kind}")
        with path.open("rb") as file:
            return file.read(limit)
    except FileNotFoundError as error:
        raise UnreadableFileError(f"{path}: no such file; check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableFileError(f"{path}: cannot be opened: {reason}") from error


def require_format(path: Path, head: bytes) -> str:
    """The image format of a file.

    Raises:
        UnknownFormatError: saying what the file seems to be instead.
    """
    found = format_of(head)
    if found is None:
        raise UnknownFormatError(
            f"{path}: expected an image ({READABLE}), but {describe_stranger(head)}; "
            "export it anew or remove it"
        )
    return found
