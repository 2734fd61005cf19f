"""The follow-up questions of an exercise, and the grading of what people answer."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from thinkllm_drill.content.model import Exercise, FollowUp, Text
from thinkllm_drill.interview.numbers import UNITS, Dimension, Number, Unit, Unreadable, parse
from thinkllm_drill.locale import text

__all__ = ["Graded", "Number", "Question", "Unreadable", "expected", "grade", "parse", "question_id", "questions_of"]

Kind = Literal["number", "list", "words", "yes_no", "open"]
Answer = bool | int | float | str | tuple[str, ...]

_EXACT = 1e-9
"""What rounding in the arithmetic of an exact answer may cost, relative to it."""
_ROUNDED = 2
"""A rounded answer needs this many significant digits."""
_YES = ("y", "yes", "true", "是", "对", "会", "能", "正确")
_NO = ("n", "no", "false", "否", "不", "不是", "不对", "不会", "不能", "错", "错误")


@dataclass(frozen=True)
class Question:
    """One follow-up question; `ask` and `because` are in both languages."""

    slug: str
    index: int
    """Its place among those of the exercise, from 0."""
    ask: Text
    because: Text
    answer: Answer | None = None
    """None for an open question."""
    tolerance: float = 0.0
    """Relative."""
    unit: str | None = None
    """The unit of the answer, a name in `content.model.Unit`."""

    @property
    def id(self) -> str:
        """A name that changes with the English wording of this question, and with nothing else."""
        return question_id(self.slug, self.ask.en)

    @property
    def kind(self) -> Kind:
        """What is to be answered."""
        if self.answer is None:
            return "open"
        if isinstance(self.answer, bool):
            return "yes_no"
        if isinstance(self.answer, tuple):
            return "list"
        return "words" if isinstance(self.answer, str) else "number"

    @property
    def exact(self) -> bool:
        """Whether only the exact number is right."""
        return self.kind == "number" and self.tolerance == 0


@dataclass(frozen=True)
class Graded:
    """What an answer was worth."""

    right: bool | None
    """None where it cannot be told: an open question, or an answer that cannot be read."""
    value: float | None = None
    """The number that was read, in the unit of the question; of several readings the one nearest to the answer."""
    expected: str | None = None
    """The right answer in words; None for an open question."""
    unreadable: Unreadable | None = None
    """Why the answer cannot be read."""
    share: bool = False
    """Whether the answer is wrong only in that it is a share of one, where the question asks for percent."""


def question_id(slug: str, ask: str) -> str:
    """The id of the question of an exercise that asks this, in English."""
    from hashlib import sha256

    words = "".join(char for char in ask.casefold() if char.isalnum())
    return f"{slug}.{sha256(words.encode()).hexdigest()[:6]}"


def questions_of(exercise: Exercise) -> list[Question]:
    """The questions of an exercise, in their order."""
    return [_question(exercise.slug, index, each) for index, each in enumerate(exercise.follow_up)]


def grade(question: Question, given: str) -> Graded:
    """What was answered, compared with what is right; never raises, whatever was typed.

    A number is right within the question's relative tolerance, or, where the question has one, if it is the answer
    rounded to the digits that were typed, two or more.
    """
    answer = question.answer
    if answer is None:
        return Graded(None)
    told = expected(question)
    if not given.strip():
        return Graded(None, expected=told, unreadable=Unreadable("empty"))
    if isinstance(answer, bool):
        said = _plain(given)
        if said not in (*_YES, *_NO):
            return Graded(None, expected=told, unreadable=Unreadable("syntax"))
        return Graded((said in _YES) == answer, expected=told)
    if isinstance(answer, tuple):
        return Graded(_same_list(given, answer), expected=told)
    if isinstance(answer, str):
        return Graded(_same_words(given, answer), expected=told)
    return _grade_number(question, float(answer), given, told)


def expected(question: Question) -> str | None:
    """The right answer in words, in the language of this process; None for an open question."""
    answer = question.answer
    if answer is None:
        return None
    if isinstance(answer, bool):
        return text("quiz.yes" if answer else "quiz.no")
    if isinstance(answer, tuple):
        return ", ".join(answer)
    if isinstance(answer, str):
        return answer
    number = f"{answer:,}" if isinstance(answer, int) else f"{answer:,.6g}"
    if question.unit in (None, "share"):
        return number
    told = text(f"quiz.unit.{question.unit}", number=number)
    binary = _in_binary(float(answer)) if question.unit == "bytes" else None
    return told if binary is None else f"{told} ({binary})"


def _question(slug: str, index: int, each: FollowUp) -> Question:
    return Question(slug, index, each.ask, each.because, each.answer, each.tolerance or 0.0, each.unit)


def _grade_number(question: Question, answer: float, given: str, told: str | None) -> Graded:
    unit = _unit_of(question)
    dimension: Dimension = unit.dimension or "count"
    number = parse(given, dimension)
    if isinstance(number, Unreadable):
        return Graded(None, expected=told, unreadable=number)
    if not _fits(number.dimension, dimension):
        return Graded(None, expected=told, unreadable=Unreadable("unit"))
    scales = _scales(number, unit, dimension)
    values = (number.value,) if unit.prefix else number.readings
    readings = [(value * scale, number.step * scale) for value in values for scale in scales]
    right = answer * unit.scale
    near = min(readings, key=lambda reading: abs(reading[0] - right))
    good = any(_near(*reading, number.digits, right, question.tolerance) for reading in readings)
    bare = [(value, number.step) for value in values] if question.unit == "percent" and number.dimension is None else []
    share = not good and any(_near(*reading, number.digits, right, question.tolerance) for reading in bare)
    return Graded(good, near[0] / unit.scale, told, share=share)


def _fits(typed: Dimension | None, asked: Dimension) -> bool:
    return typed in (None, "count", asked) or (asked == "count" and typed in ("share", "information"))


def _scales(number: Number, unit: Unit, dimension: Dimension) -> set[float]:
    """What a number may have to be multiplied by: one without a unit can be in the question's or in the basic one.

    Where percent are asked for it is in percent; of a share of one, which is never above 1, a larger number is percent.
    """
    if dimension == "information":
        return {1.0} if number.dimension == dimension else {unit.scale}
    if number.dimension is not None:
        return {1.0}
    if dimension == "share":
        return {unit.scale, 0.01} if abs(number.value) > 1 else {unit.scale}
    return {unit.scale, 1.0}


def _unit_of(question: Question) -> Unit:
    if question.unit is None:
        return Unit("count")
    return Unit("share") if question.unit == "share" else UNITS[question.unit.lower()]


def _near(value: float, step: float, digits: int, right: float, tolerance: float) -> bool:
    if not math.isfinite(value) or not math.isfinite(right):
        return value == right
    off = abs(value - right)
    if off <= max(tolerance * abs(right), _EXACT * max(abs(right), 1e-3)):
        return True
    return tolerance > 0 and digits >= _ROUNDED and off <= step / 2 * (1 + _EXACT)


def _same_list(given: str, answer: tuple[str, ...]) -> bool:
    said = [part for part in re.split(r"[\s,，、;；]+|\band\b|和", given) if part]
    return len(said) == len(answer) and all(_same_words(*pair) for pair in zip(said, answer, strict=True))


def _same_words(given: str, answer: str) -> bool:
    said, right = parse(given), parse(answer)
    if isinstance(said, Number) and isinstance(right, Number):
        return _near(said.value, 0.0, 0, right.value, 0.0)
    return _plain(given) == _plain(answer)


def _plain(words: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", words).casefold().strip(" .。!`'\"").split())


def _in_binary(count: float) -> str | None:
    """So many bytes in KiB, MiB, …, where there are that many."""
    for power, name in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if count >= 1024**power:
            return f"{count / 1024**power:.4g} {name}"
    return None
