"""What `exercise.toml` holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from thinkllm_drill import locale
from thinkllm_drill.content import tables
from thinkllm_drill.content.names import SLUG, to_slug
from thinkllm_drill.errors import ContentError

Difficulty = Literal["easy", "medium", "hard"]
Asked = Literal["often", "sometimes", "rarely"]
Need = Literal["triton"]
Unit = Literal[
    "share", "percent", "bytes", "KiB", "MiB", "GiB", "MB", "GB", "million", "billion", "microseconds", "nats", "bits"
]
Slug = Annotated[str, Meta(pattern=SLUG)]
Identifier = Annotated[str, Meta(pattern=r"^[A-Za-z_]\w*$")]
Words = Annotated[str, Meta(pattern=r"\S")]

CHOICES = {
    "format": (1,),
    "difficulty": get_args(Difficulty),
    "asked": get_args(Asked),
    "needs.0": get_args(Need),
    "follow_up.0.unit": get_args(Unit),
}
_COMPUTED = ("slug", "topic")


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """A text in both languages; neither may be empty."""

    en: str
    zh: str

    def __post_init__(self) -> None:
        for lang in locale.LANGUAGES:
            if not getattr(self, lang).strip():
                raise ValueError(f"the translation `{lang}` is empty")

    @property
    def here(self) -> str:
        """The text in the language of this process."""
        return str(getattr(self, locale.current()))


class Hint(Text, frozen=True, forbid_unknown_fields=True):
    """One of the three hints, from a nudge to nearly the answer."""


class Source(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the algorithm is from: a paper by its arXiv id, or anything by its URL."""

    title: Words
    arxiv: Annotated[str, Meta(pattern=r"^(\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7})$")] | None = None
    url: Annotated[str, Meta(pattern=r"^https?://\S+$")] | None = None
    section: Words | None = None

    def __post_init__(self) -> None:
        if self.arxiv is None and self.url is None:
            raise ValueError("needs `arxiv` or `url`")

    @property
    def link(self) -> str:
        """The URL to read it at."""
        return self.url or f"https://arxiv.org/abs/{self.arxiv}"


class FollowUp(Struct, frozen=True, forbid_unknown_fields=True):
    """A question an interviewer asks next; graded where it has an answer.

    `tolerance` is relative; only numbers have one, and a unit. Answers in other units are converted, and one without is
    understood: `share` is a fraction of 1, which people also give in percent.
    """

    ask: Text
    because: Text
    answer: bool | int | float | str | tuple[str, ...] | None = None
    tolerance: Annotated[float, Meta(ge=0)] | None = None
    unit: Unit | None = None

    def __post_init__(self) -> None:
        number = isinstance(self.answer, (int, float)) and not isinstance(self.answer, bool)
        for name in ("tolerance", "unit"):
            if getattr(self, name) is not None and not number:
                raise ValueError(f"`{name}` without a number in `answer`")


class Exercise(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The facts of one exercise; the fields are the keys of `exercise.toml`, plus `slug` and `topic` of the folder."""

    slug: str
    topic: str
    format: Literal[1]
    title: Text
    difficulty: Difficulty
    minutes: Annotated[int, Meta(gt=0)]
    api: Annotated[tuple[Identifier, ...], Meta(min_length=1)]
    asked: Asked
    requires: tuple[Slug, ...] = ()
    leads_to: tuple[Slug, ...] = ()
    aliases: tuple[Slug, ...] = ()
    tags: tuple[Words, ...] = ()
    forbid: tuple[Words, ...] = ()
    covers: tuple[Words, ...] = ()
    needs: tuple[Need, ...] = ()
    seconds: Annotated[float, Meta(gt=0)] | None = None
    source: tuple[Source, ...] = ()
    hint: tuple[Hint, ...] = ()
    follow_up: tuple[FollowUp, ...] = ()

    @property
    def kernel(self) -> bool:
        """Whether it is a fused-kernel exercise."""
        return "triton" in self.needs


def load(path: Path) -> Exercise:
    """The exercise that the `exercise.toml` at path describes.

    Raises:
        ContentError: names the file, the line and the key.
    """
    text, data = tables.read_table(path)
    for key in _COMPUTED:
        if key in data:
            message = f"unknown key `{key}`: the folder says it"
            raise ContentError(message, file=path, line=tables.line_of(text, [key]))
    folder = path.absolute().parent
    computed = {"slug": to_slug(folder.name), "topic": to_slug(folder.parent.name)}
    return tables.convert({**data, **computed}, Exercise, text=text, file=path, choices=CHOICES)
