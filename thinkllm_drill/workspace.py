"""The learner's files: created once, read as they are, archived, never overwritten."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Container
from datetime import datetime
from pathlib import Path

from thinkllm_drill.content.names import to_disk, to_slug
from thinkllm_drill.errors import UsageError
from thinkllm_drill.files import claim, write_exclusively
from thinkllm_drill.folders import short_path
from thinkllm_drill.locale import text
from thinkllm_drill.settings import Settings, home_problem

MAX_BYTES = 1 << 20
"""The size of the largest attempt that is read."""

_HEADER = re.compile(rb"^(?:\xef\xbb\xbf)?# thinkllm-drill ([a-z0-9][a-z0-9-]*)(?: \xc2\xb7|\s*$)", re.MULTILINE)
_STAMP = re.compile(r"-\d{8}-\d{6}(?:-\d+)?$")


class Workspace:
    """The files under `attempts/` of one home."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def attempt_path(self, topic: str, slug: str) -> Path:
        """Where the attempt at `slug` is, or would be."""
        return self.settings.attempts / to_disk(topic) / f"{to_disk(slug)}.py"

    def write_new(self, path: Path, content: str) -> Path:
        """`path`, created as a whole.

        Raises:
            UsageError: there is a file already, which is left as it is.
            EnvironmentProblem: the folder cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return write_exclusively(path, content)
        except FileExistsError as error:
            if path.is_symlink() or path.exists():
                hint = f"thinkllm drill {to_slug(path.stem)} --fresh"
                raise UsageError(text("progress.workspace.exists", path=short_path(path)), hint=hint) from error
            raise home_problem(path, error) from error
        except OSError as error:
            raise home_problem(path, error) from error

    def archive(self, path: Path, now: datetime) -> Path:
        """The new place of `path`, under `attempts/.archive/`, with the time in its name; nothing is replaced.

        Args:
            path: an attempt.
            now: the time; one with a zone is written as local time.

        Raises:
            UsageError: there is no such file.
            EnvironmentProblem: it cannot be moved.
        """
        if not path.is_symlink() and not path.is_file():
            raise self._unreadable(path)
        local = now if now.tzinfo is None else now.astimezone()
        stem = f"{to_slug(path.stem)}-{local:%Y%m%d-%H%M%S}"
        folder = self.settings.archive / path.parent.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            target = _claimed(folder, stem)
        except OSError as error:
            raise home_problem(folder, error) from error
        try:
            return path.replace(target)
        except OSError as error:
            with contextlib.suppress(OSError):
                target.unlink()
            raise home_problem(path, error) from error

    def read(self, path: Path) -> bytes:
        """The bytes of an attempt.

        Raises:
            UsageError: it is missing, no ordinary file, not readable, or larger than MAX_BYTES.
        """
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise self._unreadable(path)
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            raise self._unreadable(path, error) from error
        if len(data) > MAX_BYTES:
            raise UsageError(text("progress.workspace.too_large", path=short_path(path)), hint=_fresh_hint(path))
        return data

    def find_by_file(self, path: Path, known: Container[str] | None = None) -> str | None:
        """The slug of the exercise that `path` attempts: by its place, else its header line, else its name.

        Args:
            path: a file, which need not exist.
            known: the slugs that there are; without it, any name is taken for a slug.
        """
        for slug in (self._by_place(path), _by_header(path), _by_name(path)):
            if slug is not None and (known is None or slug in known):
                return slug
        return None

    def prepare_editor_settings(self, interpreter: str) -> list[Path]:
        """The files written so that an editor opened on the home resolves the imports of an attempt.

        Raises:
            EnvironmentProblem: the home cannot be created or written.
        """
        from thinkllm_drill.editors import prepare

        return prepare(self.settings.ensure_home(), interpreter)

    def _by_place(self, path: Path) -> str | None:
        here = Path(os.path.realpath(path.parent)) / path.name
        try:
            parts = here.relative_to(os.path.realpath(self.settings.attempts)).parts
        except ValueError:
            return None
        if path.suffix != ".py" or not parts:
            return None
        if len(parts) == 3 and parts[0] == self.settings.archive.name:
            return to_slug(_STAMP.sub("", path.stem))
        return to_slug(path.stem) if len(parts) == 2 else None

    def _unreadable(self, path: Path, error: Exception | None = None) -> UsageError:
        """The error that says why `path` cannot be read as an attempt."""
        if path.is_dir():
            return UsageError(text("progress.workspace.folder", path=short_path(path)), hint="thinkllm check SLUG")
        if isinstance(error, FileNotFoundError | NotADirectoryError | ValueError) or not path.exists():
            return UsageError(text("progress.workspace.missing", path=short_path(path)), hint=_drill_hint(path))
        if error is None:
            return UsageError(text("progress.workspace.special", path=short_path(path)), hint="thinkllm check SLUG")
        reason = getattr(error, "strerror", None) or str(error)
        return UsageError(
            text("progress.workspace.unreadable", path=short_path(path), reason=reason),
            hint=text("progress.workspace.unreadable_hint", path=short_path(path)),
        )


def _claimed(folder: Path, stem: str) -> Path:
    """A new empty file in `folder`, to be replaced by the one that is archived."""
    number = 1
    while True:
        target = folder / (f"{stem}.py" if number == 1 else f"{stem}-{number}.py")
        try:
            claim(target)
        except FileExistsError:
            number += 1
        else:
            return target


def _by_header(path: Path) -> str | None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as file:
            found = _HEADER.search(file.read(4096))
    except (OSError, ValueError):
        return None
    return found[1].decode("ascii") if found else None


def _by_name(path: Path) -> str | None:
    stem = _STAMP.sub("", path.stem)
    return to_slug(stem) if stem and path.suffix in (".py", "") else None


def _drill_hint(path: Path) -> str:
    return f"thinkllm drill {to_slug(path.stem)}" if path.suffix == ".py" else "thinkllm list"


def _fresh_hint(path: Path) -> str:
    return f"thinkllm drill {to_slug(path.stem)} --fresh"
