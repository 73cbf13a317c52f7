"""Pictures without any library: draws PPM files, shrinks them, writes PNG files."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

WIDTH, HEIGHT = 96, 64
HEADER = b"P6\n%d %d\n255\n"


class UnreadablePictureError(Exception):
    """The file is not one of our pictures."""


def draw(path: Path, *, seed: int) -> None:
    """Write a picture; each seed gives another."""
    pixels = bytes(
        (column * (seed + 2) + row * step) % 256
        for row in range(HEIGHT)
        for column in range(WIDTH)
        for step in (1, 3, 5)
    )
    path.write_bytes(HEADER % (WIDTH, HEIGHT) + pixels)


def shrunk_rows(path: Path, *, width: int) -> Iterator[bytes]:
    """Yield the rows of a picture shrunk to ``width``: red, green and blue of each pixel, one byte each."""
    content = path.read_bytes()
    header = HEADER % (WIDTH, HEIGHT)
    if not content.startswith(header) or len(content) != len(header) + 3 * WIDTH * HEIGHT:
        raise UnreadablePictureError(f"{path} is not a picture of {WIDTH} by {HEIGHT} pixels")
    pixels = content[len(header) :]
    for top in range(width * HEIGHT // WIDTH or 1):
        row = top * WIDTH // width
        starts = (3 * (row * WIDTH + left * WIDTH // width) for left in range(width))
        yield b"".join(pixels[start : start + 3] for start in starts)


def save_png(path: Path, rows: Sequence[bytes]) -> None:
    """Write rows as a PNG file (https://www.w3.org/TR/png-3/)."""
    size = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = (_chunk(b"IHDR", size), _chunk(b"IDAT", data), _chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
