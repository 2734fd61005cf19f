"""What an exercise's reference becomes at a level."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from thinkllm_drill.content import blanks as _blanks
from thinkllm_drill.content.blanks import Level, OpenBlank
from thinkllm_drill.content.library import Library, Paths
from thinkllm_drill.errors import UsageError


@dataclass(frozen=True)
class Stub:
    """The code that a learner starts from."""

    code: str
    level: Level
    blanks: tuple[OpenBlank, ...]
    mistake: str | None = None
    """The id of the mistake that "bughunt" planted."""


def render_stub(
    library: Library, slug: str, level: Level, *, seed: str | None = None, only: Collection[int] | None = None
) -> Stub:
    """The stub of an exercise at a level.

    Args:
        library: where the exercise is.
        slug: its name.
        level: how much is cut.
        seed: what chooses the mistake that "bughunt" plants, the first if None; and, if given, the blanks that "cloze"
            cuts, at least half of them.
        only: the numbers of the blanks that "cloze" cuts, whatever the seed.
    Raises:
        UsageError: "bughunt" of an exercise without a mistake that can be planted.
        ContentError: the exercise is broken.
    """
    paths = library.paths(slug)
    if level == "bughunt":
        return _planted(paths, slug, seed)
    source = library.reference(slug)
    if level == "cloze" and only is None and seed is not None:
        only = _some(_blanks.blanks(source, file=paths.solution), seed)
    code = _blanks.render(source, level, only=only, file=paths.solution)
    return Stub(code, level, _blanks.open_blanks(code))


def committed_stub(library: Library, slug: str) -> str:
    """The stub that lies beside the statement: level "body" under a line that says where it is from."""
    paths = library.paths(slug)
    origin = paths.solution.relative_to(library.root).as_posix()
    body = _blanks.render(library.reference(slug), "body", file=paths.solution)
    return f"# Generated from {origin}; do not edit. thinkllm dev render\n{body}"


def _planted(paths: Paths, slug: str, seed: str | None) -> Stub:
    from thinkllm_drill.content import mistakes
    from thinkllm_drill.locale import text

    candidates = [mistake for mistake in mistakes.load(paths) if mistake.plantable]
    if not candidates:
        hint = f"thinkllm drill {slug} --level cloze"
        raise UsageError(text("content.no_mistake", slug=slug), hint=hint)
    mistake = candidates[0] if seed is None else random.Random(seed).choice(candidates)
    return Stub(mistake.source, "bughunt", (), mistake.id)


def _some(all_blanks: Sequence[_blanks.Blank], seed: str) -> list[int]:
    chance = random.Random(seed)
    count = chance.randint((len(all_blanks) + 1) // 2, len(all_blanks)) if all_blanks else 0
    return sorted(chance.sample([blank.number for blank in all_blanks], count))
