"""The exercises of one content root: which there are, where their files lie, what they say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from thinkllm_drill.content import index
from thinkllm_drill.content.index import Entry
from thinkllm_drill.content.names import to_disk, to_slug
from thinkllm_drill.content.roots import find_root
from thinkllm_drill.errors import UsageError

if TYPE_CHECKING:
    from thinkllm_drill.content.model import Exercise

__all__ = ["Entry", "Library", "Paths"]


@dataclass(frozen=True)
class Paths:
    """The files of one exercise; those that are optional need not exist."""

    root: Path
    topic: str
    name: str
    """The exercise's name on disk."""

    @property
    def topic_folder(self) -> str:
        """The topic's name on disk."""
        return to_disk(self.topic)

    @property
    def folder(self) -> Path:
        """What the learner sees."""
        return self.root / "exercises" / self.topic_folder / self.name

    @property
    def toml(self) -> Path:
        """Facts and short words."""
        return self.folder / "exercise.toml"

    def statement(self, lang: str) -> Path:
        """The task in "en" or "zh"."""
        return self.folder / f"statement.{lang}.md"

    @property
    def stub(self) -> Path:
        """The committed stub."""
        return self.folder / f"{self.name}.py"

    @property
    def solution(self) -> Path:
        """The hidden reference."""
        return self.root / "solutions" / self.topic_folder / f"{self.name}.py"

    @property
    def grader(self) -> Path:
        """The grader suite."""
        return self._graders / f"test_{self.name}.py"

    @property
    def mistakes(self) -> Path:
        """The known mistakes."""
        return self._graders / f"{self.name}.mistakes.toml"

    @property
    def equivalents(self) -> Path:
        """The mutants that are no mistakes, with a reason each."""
        return self._graders / f"{self.name}.equivalent.toml"

    @property
    def strength(self) -> Path:
        """How strong the grader was measured to be."""
        return self._graders / f"{self.name}.strength.toml"

    @property
    def mistake_files(self) -> tuple[Path, ...]:
        """The mistakes that are whole files."""
        return tuple(sorted(self._graders.glob(f"{self.name}.mistake.*.py")))

    @property
    def honest_files(self) -> tuple[Path, ...]:
        """Right answers that are written differently."""
        return tuple(sorted(self._graders.glob(f"{self.name}.honest.*.py")))

    def existing(self) -> tuple[Path, ...]:
        """All files of the exercise that exist."""
        fixed = (self.toml, self.statement("en"), self.statement("zh"), self.stub, self.solution, self.grader)
        graders = (self.mistakes, self.equivalents, *self.mistake_files, *self.honest_files)
        return tuple(path for path in (*fixed, *graders) if path.is_file())

    @property
    def _graders(self) -> Path:
        return self.root / "graders" / self.topic_folder


class Library:
    """The exercises under one content root.

    Args:
        root: the folder that holds exercises/, solutions/ and graders/.
        cache: the folder of the index cache; the user's cache folder if None.
    """

    def __init__(self, root: Path, *, cache: Path | None = None) -> None:
        self.root = root
        self._cache = cache
        self._exercises: dict[Path, tuple[tuple[int, int], Exercise]] = {}

    @classmethod
    def open(cls) -> Library:
        """The library of this installation, or of THINKLLM_CONTENT."""
        return cls(find_root())

    def entries(self) -> list[Entry]:
        """Light rows of all exercises, by topic and slug."""
        return index.entries(self.root, self._cache)

    def slugs(self) -> list[str]:
        """The names of all exercises, read from the folders alone."""
        return list(self._topics)

    def resolve(self, name: str) -> str:
        """The slug that name means: hyphens or underscores, any case, an alias.

        Raises:
            UsageError: there is none; names the closest three.
        """
        slug = to_slug(name)
        if slug in self._topics:
            return slug
        aliases = {alias: entry.slug for entry in self.entries() for alias in entry.aliases}
        if slug in aliases:
            return aliases[slug]
        raise self._unknown(name, {slug: slug for slug in self._topics} | aliases)

    def exercise(self, slug: str) -> Exercise:
        """The facts of an exercise."""
        from thinkllm_drill.content import model

        file = self.paths(slug).toml
        known, state = self._exercises.get(file), _state(file)
        if known is None or known[0] != state:
            known = self._exercises[file] = state, model.load(file)
        return known[1]

    def paths(self, slug: str) -> Paths:
        """Where the files of an exercise lie."""
        slug = self.resolve(slug)
        return Paths(self.root, self._topics[slug], to_disk(slug))

    def reference(self, slug: str) -> str:
        """The source of the hidden reference, blank markers and all."""
        from thinkllm_drill.content.tables import read_text

        return read_text(self.paths(slug).solution)

    def version(self, slug: str) -> str:
        """A hash of all files of the exercise: 16 hex digits, stored with every graded attempt."""
        import hashlib

        digest = hashlib.sha256()
        for path in self.paths(slug).existing():
            name, content = path.relative_to(self.root).as_posix().encode(), path.read_bytes()
            digest.update(b"%d %d\n%b\n%b" % (len(name), len(content), name, content))
        return digest.hexdigest()[:16]

    @cached_property
    def _topics(self) -> dict[str, str]:
        return {folder.slug: folder.topic for folder in index.folders(self.root)}

    def _unknown(self, name: str, known: dict[str, str]) -> UsageError:
        from difflib import get_close_matches

        from thinkllm_drill.locale import text

        near = get_close_matches(to_slug(name), known, n=12, cutoff=0.0)
        closest = list(dict.fromkeys(known[match] for match in near))[:3]
        if not closest:
            return UsageError(text("content.unknown.alone", name=name), hint="thinkllm list")
        return UsageError(text("content.unknown.closest", name=name, closest=", ".join(closest)), hint="thinkllm list")


def _state(file: Path) -> tuple[int, int]:
    """What changes with a file's content."""
    try:
        state = file.stat()
    except OSError:  # whoever reads it says so
        return 0, 0
    return state.st_mtime_ns, state.st_size
