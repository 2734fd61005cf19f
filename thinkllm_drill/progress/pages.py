"""The rows in the pages of a SQLite file, read without SQLite, for files that SQLite no longer opens.

Source: "Database File Format", https://www.sqlite.org/fileformat2.html, sections 1.3, 1.6, 2.1 and 4.1. Reads table
leaf pages one by one, from the database and from its write-ahead log, with their overflow chains; what makes no sense
is passed over. Which table a row was in is not known: callers tell by its shape.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

Row = tuple[int, list[Any]]
"""The rowid and the columns; an INTEGER PRIMARY KEY column is None and its value the rowid."""

_LEAF = 0x0D
_MAGIC = b"SQLite format 3\0"
_DEFAULT_PAGE = 4096
_DATABASE_HEADER = 100
_WAL_HEADER, _FRAME_HEADER = 32, 24


def rows(database: bytes, wal: bytes = b"") -> Iterator[Row]:
    """Every row that can be made out, older and newer images of a page alike."""
    size = _page_size(database, wal)
    pages = {n + 1: database[n * size : (n + 1) * size] for n in range(-(-len(database) // size))}
    frames = list(_frames(wal, size))
    newest = pages | dict(frames)
    for number, page in [*pages.items(), *frames]:
        yield from _leaf_rows(page, _DATABASE_HEADER if number == 1 else 0, newest, size)


def _page_size(database: bytes, wal: bytes) -> int:
    for given in (
        int.from_bytes(database[16:18]) if database.startswith(_MAGIC) else 0,
        int.from_bytes(wal[8:12]),
    ):
        size = 65536 if given == 1 else given
        if 512 <= size <= 65536 and size & (size - 1) == 0:
            return size
    return _DEFAULT_PAGE


def _frames(wal: bytes, size: int) -> Iterator[tuple[int, bytes]]:
    for start in range(_WAL_HEADER, len(wal) - _FRAME_HEADER - size + 1, _FRAME_HEADER + size):
        body = start + _FRAME_HEADER
        yield int.from_bytes(wal[start : start + 4]), wal[body : body + size]


def _leaf_rows(page: bytes, header: int, pages: dict[int, bytes], size: int) -> Iterator[Row]:
    if len(page) < header + 8 or page[header] != _LEAF:
        return
    (count,) = struct.unpack_from(">H", page, header + 3)
    for i in range(count):
        try:
            (cell,) = struct.unpack_from(">H", page, header + 8 + 2 * i)
            yield _cell(page, cell, pages, size)
        except (struct.error, IndexError, KeyError, ValueError):
            continue


def _cell(page: bytes, at: int, pages: dict[int, bytes], size: int) -> Row:
    length, at = _varint(page, at)
    rowid, at = _varint(page, at)
    if length > len(pages) * size:
        raise ValueError("longer than the file")
    most, least = size - 35, (size - 12) * 32 // 255 - 23
    local = length
    if length > most:
        local = least + (length - least) % (size - 4)
        local = local if local <= most else least
    record = page[at : at + local]
    if local < length:
        record += _overflow(int.from_bytes(page[at + local : at + local + 4]), length - local, pages, size)
    return rowid, _columns(record)


def _overflow(number: int, length: int, pages: dict[int, bytes], size: int) -> bytes:
    parts = []
    while length > 0:
        page = pages[number]
        parts.append(page[4 : 4 + min(length, size - 4)])
        length -= size - 4
        number = int.from_bytes(page[:4])
    return b"".join(parts)


def _columns(record: bytes) -> list[Any]:
    end, at = _varint(record, 0)
    body = end
    columns: list[Any] = []
    while at < end:
        kind, at = _varint(record, at)
        value, body = _value(record, kind, body)
        columns.append(value)
    if body != len(record):
        raise ValueError("not a record")
    return columns


def _value(record: bytes, kind: int, at: int) -> tuple[Any, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    width = (1, 2, 3, 4, 6, 8, 8)[kind - 1] if kind < 8 else (kind - 12) // 2
    data = record[at : at + width]
    if kind in (10, 11) or len(data) != width:
        raise ValueError("not a value")
    if kind == 7:
        return struct.unpack(">d", data)[0], at + width
    if kind < 7:
        return int.from_bytes(data, signed=True), at + width
    return (data.decode("utf-8") if kind % 2 else data), at + width


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(8):
        byte = data[at + i]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + i + 1
    return value << 8 | data[at + 8], at + 9
