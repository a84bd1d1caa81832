"""PNG and JPEG files without the notes in them: comments, colour profiles, thumbnails.

Decoders refuse a file for notes that are damaged or long, though its pixels are whole.
"""

from __future__ import annotations

import struct
import zlib

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
_JPEG = b"\xff\xd8"
_JPEG_SCAN = 0xDA
_JPEG_EXIF, _JPEG_ADOBE, _JPEG_COMMENT = 0xE1, 0xEE, 0xFE


def without_notes(content: bytes, *, keep_exif: bool) -> bytes | None:
    """The same pixels and, with `keep_exif`, how they are to be turned; None of a file of another format."""
    if content.startswith(_PNG):
        return _bare_png(content, keep_exif)
    if content.startswith(_JPEG):
        return _bare_jpeg(content, keep_exif)
    return None


def _bare_png(content: bytes, keep_exif: bool) -> bytes:
    """Chunks of pixels as they are, checksums included; a chunk is length, name, that many bytes and a checksum."""
    kept = [_PNG]
    at = len(_PNG)
    while at + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        name = content[at + 4 : at + 8]
        end = at + 12 + length
        if name in _PNG_PIXELS:
            kept.append(content[at:end])
        elif name == b"eXIf" and keep_exif and end <= len(content):
            kept.append(_png_chunk(name, content[at + 8 : end - 4]))
        elif name == b"IEND":
            break
        at = end
    kept.append(_png_chunk(b"IEND", b""))
    return b"".join(kept)


def _png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _bare_jpeg(content: bytes, keep_exif: bool) -> bytes:
    """Segments before the first scan but applications' and comments; one is 0xFF, a mark, its length and the rest."""
    kept = [_JPEG]
    at = len(_JPEG)
    while at + 4 <= len(content) and content[at] == 0xFF:
        mark = content[at + 1]
        if mark == 0xFF:  # filling
            at += 1
            continue
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        is_note = 0xE0 <= mark <= 0xEF or mark == _JPEG_COMMENT
        if not is_note or mark == _JPEG_ADOBE or (mark == _JPEG_EXIF and keep_exif):
            kept.append(content[at:end])
        at = end
        if mark == _JPEG_SCAN:
            break
    kept.append(content[at:])
    return b"".join(kept)
