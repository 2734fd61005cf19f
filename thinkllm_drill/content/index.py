"""Light rows of the catalogue, from a cache that is valid as long as no `exercise.toml` changed.

Parsing a few hundred TOML files takes longer than a command may; with a fresh cache neither tomllib nor msgspec is
imported. A cache that is broken or cannot be written costs time and nothing else.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from thinkllm_drill import __version__
from thinkllm_drill.content.names import to_disk, to_slug
from thinkllm_drill.errors import ContentError

FORMAT = f"1:{__version__}"


@dataclass(frozen=True)
class Entry:
    """One row of the catalogue."""

    slug: str
    topic: str
    title: Mapping[str, str]
    difficulty: str
    minutes: int
    asked: str
    tags: tuple[str, ...]
    aliases: tuple[str, ...]
    requires: tuple[str, ...]
    leads_to: tuple[str, ...]
    needs: tuple[str, ...]
    kernel: bool

    @property
    def here(self) -> str:
        """The title in the language of this process."""
        from thinkllm_drill import locale

        return self.title[locale.current()]


@dataclass(frozen=True)
class Folder:
    """One exercise's folder, and what tells whether its `exercise.toml` changed."""

    slug: str
    topic: str
    toml: str
    stamp: tuple[int, int]

    @property
    def key(self) -> str:
        """The name that the cache knows it by."""
        return f"{self.topic}/{self.slug}"


def folders(root: Path) -> list[Folder]:
    """The folders of all exercises, by topic and slug.

    Raises:
        ContentError: one exercise lies in two topics.
    """
    found: dict[str, Folder] = {}
    for topic, topic_folder in _subfolders(str(root / "exercises")):
        for slug, folder in _subfolders(topic_folder):
            toml = f"{folder}{os.sep}exercise.toml"
            with suppress(OSError):
                stat = os.stat(toml)  # noqa: PTH116 - building hundreds of paths takes longer than asking for the files
                if slug in found:
                    raise ContentError(f"the exercise {slug} is also in {found[slug].toml}", file=toml, line=1)
                found[slug] = Folder(slug, topic, toml, (stat.st_mtime_ns, stat.st_size))
    return list(found.values())


def entries(root: Path, cache: Path | None = None) -> list[Entry]:
    """The rows of all exercises under root, by topic and slug.

    Args:
        root: the content root.
        cache: the folder of the cache; the user's cache folder if None.
    Raises:
        ContentError: an `exercise.toml` that is not in the cache is broken.
    """
    path = (cache or cache_folder()) / f"index-{zlib.crc32(os.fsencode(root.absolute())):08x}.json"
    known = _read(path, root)
    present = folders(root)
    rows = {folder: known.get((folder.key, folder.stamp)) for folder in present}
    stale = len(known) != len(present) or None in rows.values()
    complete = [(folder, row or _load(folder)) for folder, row in rows.items()]
    if stale:
        _write(path, root, complete)
    return [row for _, row in complete]


def cache_folder() -> Path:
    """The folder for files that can be made again."""
    if chosen := os.environ.get("THINKLLM_CACHE_DIR"):
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("thinkllm", appauthor=False))


def _subfolders(folder: str) -> list[tuple[str, str]]:
    """Name as a slug, and path, of the folders whose names are spelt as on disk."""
    try:
        with os.scandir(folder) as children:
            named = [(child.name, child.path) for child in children if child.name == to_disk(child.name)]
    except OSError:
        return []
    return [(to_slug(name), path) for name, path in sorted(named) if name[0] not in "._"]


def _load(folder: Folder) -> Entry:
    from thinkllm_drill.content import model

    exercise = model.load(Path(folder.toml))
    row = {field.name: getattr(exercise, field.name) for field in fields(Entry)}
    return Entry(**{**row, "title": {"en": exercise.title.en, "zh": exercise.title.zh}})


def _read(path: Path, root: Path) -> dict[tuple[str, tuple[int, int]], Entry]:
    try:
        data: dict[str, Any] = json.loads(path.read_bytes())
        if data["format"] != FORMAT or data["root"] != str(root.absolute()):
            return {}
        return {(row["key"], tuple(row["stamp"])): _entry(row["entry"]) for row in data["rows"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _entry(row: Mapping[str, Any]) -> Entry:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Entry(**values)


def _write(path: Path, root: Path, rows: list[tuple[Folder, Entry]]) -> None:
    data = {
        "format": FORMAT,
        "root": str(root.absolute()),
        "rows": [{"key": folder.key, "stamp": folder.stamp, "entry": asdict(row)} for folder, row in rows],
    }
    from thinkllm_drill.files import write_atomically

    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(data, ensure_ascii=False, separators=(",", ":")))
