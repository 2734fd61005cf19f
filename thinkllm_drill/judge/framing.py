"""Length-framed messages on a socket: a JSON tree and one block of bytes.

Nothing here knows what a message means, and nothing here imports torch.
"""

from __future__ import annotations

import socket
import struct

MAGIC = b"TLD1"
HEADER = struct.Struct(">4sIQ")
MAX_TREE = 64 << 20
MAX_BLOB = 1 << 30


class FrameError(Exception):
    """What arrived is not a message: bad magic, a length over the cap, or an end in the middle."""


class PeerGone(FrameError):
    """The other side closed the connection between two messages."""


def pack(tree: bytes, blob: bytes = b"") -> bytes:
    """One message, ready to be sent."""
    if len(tree) > MAX_TREE or len(blob) > MAX_BLOB:
        raise FrameError(f"a message of {len(tree) + len(blob)} bytes is over the limit")
    return HEADER.pack(MAGIC, len(tree), len(blob)) + tree + blob


class Reader:
    """Puts messages together from the pieces that a socket delivers."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._need = HEADER.size

    def feed(self, piece: bytes) -> None:
        """Take what has come."""
        self._buffer += piece

    def next(self) -> tuple[bytes, bytes] | None:
        """The next (tree, blob) if it is complete, else None; FrameError where it cannot be one."""
        if self._need == HEADER.size and len(self._buffer) >= HEADER.size:
            tree_length, blob_length = _lengths(self._buffer[: HEADER.size])
            self._need = HEADER.size + tree_length + blob_length
            self._tree_end = HEADER.size + tree_length
        if self._need == HEADER.size or len(self._buffer) < self._need:
            return None
        message = bytes(self._buffer[HEADER.size : self._tree_end]), bytes(self._buffer[self._tree_end : self._need])
        del self._buffer[: self._need]
        self._need = HEADER.size
        return message

    @property
    def empty(self) -> bool:
        """Whether nothing of a further message has arrived."""
        return not self._buffer


def receive(sock: socket.socket) -> tuple[bytes, bytes]:
    """Block until one whole message has arrived."""
    tree_length, blob_length = _lengths(_exactly(sock, HEADER.size, between=True))
    return _exactly(sock, tree_length), _exactly(sock, blob_length)


def _lengths(header: bytes | bytearray) -> tuple[int, int]:
    """The lengths of tree and blob; a tree is never empty."""
    magic, tree_length, blob_length = HEADER.unpack(header)
    if magic != MAGIC or not 0 < tree_length <= MAX_TREE or blob_length > MAX_BLOB:
        raise FrameError("malformed message header")
    return tree_length, blob_length


def _exactly(sock: socket.socket, count: int, *, between: bool = False) -> bytes:
    data = bytearray(count)
    view, done = memoryview(data), 0
    while done < count:
        got = sock.recv_into(view[done:], min(count - done, 1 << 20))
        if not got:
            raise PeerGone("closed") if between and not done else FrameError("the message ends in the middle")
        done += got
    return bytes(data)
