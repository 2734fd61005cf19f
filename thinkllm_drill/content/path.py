"""The learning path and the chains of follow-ups: `exercises/path.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from thinkllm_drill.errors import ContentError

LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Stage:
    """A stretch of the path: its title by language, its exercises in the order to do them."""

    title: Mapping[str, str]
    exercises: tuple[str, ...]


@dataclass(frozen=True)
class LearningPath:
    """The stages from first to last, and by name the chains in which an interviewer goes on: "good; now …"."""

    stages: tuple[Stage, ...] = ()
    chains: Mapping[str, tuple[str, ...]] | None = None

    @cached_property
    def place(self) -> dict[str, int]:
        """Where an exercise stands on the path, from 0."""
        slugs = [slug for stage in self.stages for slug in stage.exercises]
        return {slug: number for number, slug in enumerate(slugs)}


def file_of(root: Path) -> Path:
    """Where the path of a content root lies."""
    return root / "exercises" / "path.toml"


def read(root: Path) -> LearningPath:
    """The path of a content root; an empty one where it has none.

    Raises:
        ContentError: the file is broken.
    """
    path = file_of(root)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        stages = tuple(Stage(_title(stage["title"]), _slugs(stage["exercises"])) for stage in data["stage"])
        chains = {name: _slugs(slugs) for name, slugs in data["chains"].items()}
    except FileNotFoundError:
        return LearningPath()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ContentError(f"not a learning path: {type(error).__name__}: {error}", file=path, line=1) from None
    return LearningPath(stages, chains)


def _title(title: Any) -> dict[str, str]:
    return {lang: str(title[lang]) for lang in LANGUAGES}


def _slugs(slugs: Any) -> tuple[str, ...]:
    if not isinstance(slugs, list) or not all(isinstance(slug, str) for slug in slugs):
        raise TypeError("a list of exercises is wanted")
    return tuple(slugs)
