"""The kinds of interview: `exercises/profiles.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thinkllm_drill import locale
from thinkllm_drill.content.index import Entry
from thinkllm_drill.errors import ContentError


@dataclass(frozen=True)
class Profile:
    """A kind of interview: title and description by language, and what it may ask."""

    name: str
    title: Mapping[str, str]
    about: Mapping[str, str]
    topics: tuple[str, ...] = ()
    exercises: tuple[str, ...] = ()

    @property
    def here(self) -> str:
        """The title in the language of this process."""
        return self.title[locale.current()]

    def asks(self, entry: Entry) -> bool:
        """Whether an exercise belongs to it."""
        return entry.topic in self.topics or entry.slug in self.exercises


def file_of(root: Path) -> Path:
    """Where the profiles of a content root lie."""
    return root / "exercises" / "profiles.toml"


def read(root: Path) -> dict[str, Profile]:
    """The profiles of a content root by name; none where it has no file.

    Raises:
        ContentError: the file is broken.
    """
    path = file_of(root)
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))["profile"]
        profiles = [_profile(row) for row in rows]
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ContentError(f"no profiles: {type(error).__name__}: {error}", file=path, line=1) from None
    return {profile.name: profile for profile in profiles}


def problems(profiles: Iterable[Profile], entries: Mapping[str, Entry]) -> list[str]:
    """What is wrong with the profiles: names that lead nowhere, profiles that ask nothing."""
    topics = {entry.topic for entry in entries.values()}
    found = []
    for profile in profiles:
        found += [f"{profile.name}: no such topic: {topic}" for topic in profile.topics if topic not in topics]
        found += [f"{profile.name}: no such exercise: {slug}" for slug in profile.exercises if slug not in entries]
        if not any(profile.asks(entry) for entry in entries.values()):
            found.append(f"{profile.name}: asks nothing")
    return found


def _profile(row: Mapping[str, Any]) -> Profile:
    unknown = row.keys() - {"name", "title", "about", "topics", "exercises"}
    if unknown:
        raise KeyError(f"unknown key {min(unknown)}")
    words = {key: {lang: str(row[key][lang]) for lang in locale.LANGUAGES} for key in ("title", "about")}
    return Profile(
        str(row["name"]), **words, topics=tuple(row.get("topics", ())), exercises=tuple(row.get("exercises", ()))
    )
