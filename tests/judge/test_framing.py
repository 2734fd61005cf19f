"""Messages on a socket arrive whole, in whatever pieces, or not at all."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkllm_drill.judge import framing


def feed_all(data: bytes, size: int) -> tuple[bytes, bytes] | None:
    """What a reader makes of the data in pieces of `size` bytes."""
    reader, message = framing.Reader(), None
    for start in range(0, len(data), size):
        reader.feed(data[start : start + size])
        message = reader.next()
    return message


@given(tree=st.binary(min_size=1, max_size=80), blob=st.binary(max_size=80), size=st.integers(1, 40))
def test_pieces_of_any_size_make_the_message(tree: bytes, blob: bytes, size: int) -> None:
    assert feed_all(framing.pack(tree, blob), size) == (tree, blob)


def test_a_reader_takes_one_message_after_the_other() -> None:
    reader = framing.Reader()
    reader.feed(framing.pack(b"1") + framing.pack(b"2", b"x"))
    assert reader.next() == (b"1", b"")
    assert not reader.empty
    assert reader.next() == (b"2", b"x")
    assert reader.empty
    assert reader.next() is None


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        framing.HEADER.pack(b"TLD2", 1, 0) + b"1",
        framing.HEADER.pack(framing.MAGIC, framing.MAX_TREE + 1, 0),
        framing.HEADER.pack(framing.MAGIC, 1, framing.MAX_BLOB + 1),
        framing.HEADER.pack(framing.MAGIC, 0, 0),
    ],
    ids=["text", "magic", "tree-too-long", "blob-too-long", "empty"],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    reader = framing.Reader()
    reader.feed(data)
    with pytest.raises(framing.FrameError):
        reader.next()


@given(data=st.binary(max_size=60), size=st.integers(1, 20))
def test_random_bytes_are_refused_or_incomplete(data: bytes, size: int) -> None:
    with contextlib.suppress(framing.FrameError):
        assert feed_all(data, size) is None


def test_a_message_over_the_limit_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_TREE", 10)
    with pytest.raises(framing.FrameError):
        framing.pack(b"x" * 11)


def test_a_large_message_crosses_a_socket() -> None:
    left, right = socket.socketpair()
    blob = bytes(range(256)) * 20_000
    with left, right:
        sender = threading.Thread(target=left.sendall, args=(framing.pack(b"[]", blob),))
        sender.start()
        assert framing.receive(right) == (b"[]", blob)
        sender.join()


def test_a_closed_connection_is_told_from_a_message_cut_short() -> None:
    left, right = socket.socketpair()
    with right:
        with left:
            left.sendall(framing.pack(b"1") + framing.pack(b"22")[:-1])
        assert framing.receive(right) == (b"1", b"")
        with pytest.raises(framing.FrameError) as cut:
            framing.receive(right)
        assert not isinstance(cut.value, framing.PeerGone)
        with pytest.raises(framing.PeerGone):
            framing.receive(right)


@pytest.mark.parametrize("header", [b"x" * framing.HEADER.size, framing.HEADER.pack(framing.MAGIC, 0, 5)])
def test_a_malformed_header_is_refused_by_the_blocking_side_too(header: bytes) -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(header)
        with pytest.raises(framing.FrameError):
            framing.receive(right)
