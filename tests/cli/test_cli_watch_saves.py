"""When a file counts as saved."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from thinkllm_drill.cli.saves import MISSING_SECONDS, SETTLE_SECONDS, Gone, Saved, SavedFile, Unreadable
from thinkllm_drill.errors import UsageError


class Clock:
    """A clock that stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def read(path: Path) -> bytes:
    data = path.read_bytes()
    if data == b"# unreadable":
        raise UsageError("unreadable")
    return data


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "gqa.py"
    path.write_bytes(b"x = 1\n")
    return path


@pytest.fixture
def file(path: Path, clock: Clock) -> SavedFile:
    """A watched file that was told of once."""
    file = SavedFile(path, read, clock)
    assert file.poll() == Saved(b"x = 1\n")
    assert file.poll() is None
    return file


def test_a_save_is_told_once(file: SavedFile, path: Path) -> None:
    path.write_bytes(b"x = 12\n")
    assert not file.is_current()
    assert file.poll() == Saved(b"x = 12\n")
    assert file.is_current()
    assert file.poll() is None


def test_a_save_without_a_change_counts_too(file: SavedFile, path: Path) -> None:
    os.utime(path, ns=(1, 1))
    assert file.poll() == Saved(b"x = 1\n")


def test_a_rename_over_the_file_is_a_save(file: SavedFile, path: Path) -> None:
    other = path.with_suffix(".swp")
    other.write_bytes(b"x = 2\n")
    other.replace(path)
    assert file.poll() == Saved(b"x = 2\n")


@pytest.mark.parametrize("half", [b"", b"\n", b"def f(", b"# unreadable"])
def test_what_looks_half_written_waits_for_the_rest(file: SavedFile, path: Path, clock: Clock, half: bytes) -> None:
    path.write_bytes(half)
    assert file.poll() is None
    clock.now += SETTLE_SECONDS / 2
    assert file.poll() is None
    path.write_bytes(b"x = 12\n")
    assert file.poll() == Saved(b"x = 12\n")


def test_what_stays_half_written_is_told(file: SavedFile, path: Path, clock: Clock) -> None:
    path.write_bytes(b"def f(")
    assert file.poll() is None
    clock.now += 2 * SETTLE_SECONDS
    assert file.poll() == Saved(b"def f(")
    path.write_bytes(b"# unreadable")
    assert file.poll() is None
    clock.now += 2 * SETTLE_SECONDS
    assert isinstance(file.poll(), Unreadable)
    assert file.poll() is None


def test_a_file_that_is_away_for_a_moment_was_saved(file: SavedFile, path: Path, clock: Clock) -> None:
    path.unlink()
    assert file.poll() is None
    clock.now += MISSING_SECONDS / 2
    assert file.poll() is None
    path.write_bytes(b"x = 1\n")
    assert file.poll() == Saved(b"x = 1\n")


def test_a_deleted_file_is_told_once_and_again_when_it_is_back(file: SavedFile, path: Path, clock: Clock) -> None:
    path.unlink()
    file.poll()
    clock.now += 2 * MISSING_SECONDS
    assert file.poll() == Gone()
    assert file.poll() is None
    path.write_bytes(b"x = 1\n")
    assert file.poll() == Saved(b"x = 1\n")


def test_a_save_that_the_clock_of_the_files_does_not_show(file: SavedFile, path: Path, clock: Clock) -> None:
    state = path.stat()
    path.write_bytes(b"x = 2\n")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert file.poll() is None
    clock.now += 0.3
    assert file.poll() == Saved(b"x = 2\n")


def test_a_file_that_changes_while_it_is_read_is_read_again(path: Path, clock: Clock) -> None:
    contents = [b"x = 12\n", b"x = 12\n"]

    def changing(path: Path) -> bytes:
        data = path.read_bytes()
        if contents:
            path.write_bytes(contents.pop() + b"#" * len(contents))
        return data

    file = SavedFile(path, changing, clock)
    polls: list[object] = [file.poll(), file.poll(), file.poll()]
    assert polls == [None, None, Saved(b"x = 12\n")]


def test_the_same_file_can_be_asked_for_again(file: SavedFile) -> None:
    file.again()
    assert file.poll() == Saved(b"x = 1\n")
