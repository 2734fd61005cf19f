"""Which follow-up questions to ask now, and what becomes of an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from thinkllm_drill.interview.questions import Graded, Question, grade
from thinkllm_drill.progress.reviews import Review

if TYPE_CHECKING:
    from thinkllm_drill.progress.store import Store

Judged = Literal["yes", "partly", "no"]
COUNT = 5
"""How many questions are asked where nothing else is said."""
_JUDGED: dict[str, Judged] = {
    **dict.fromkeys(("y", "yes", "是", "会", "知道"), "yes"),
    **dict.fromkeys(("p", "partly", "部分", "一部分"), "partly"),
    **dict.fromkeys(("n", "no", "否", "不会", "不知道"), "no"),
}


@dataclass(frozen=True)
class Answered:
    """A question with what was answered; `graded` says how a number or a word was, `judged` the learner of the rest."""

    question: Question
    given: str
    graded: Graded
    judged: Judged | None = None
    review: Review | None = None
    """When it comes back; None where nothing was recorded."""

    @property
    def known(self) -> bool | None:
        """Whether it was known; None where it was in part, or nobody can tell."""
        if self.graded.right is not None:
            return self.graded.right
        return {"yes": True, "no": False}.get(self.judged or "")

    @property
    def recorded(self) -> bool:
        """Whether there was something to record."""
        return self.graded.right is not None or self.judged is not None


def judgement(typed: str) -> Judged | None:
    """What a learner says of themselves: yes, partly or no."""
    return _JUDGED.get(typed.strip().casefold())


def pick(
    slugs: Iterable[str],
    questions_of: Callable[[str], list[Question]],
    reviews: Mapping[str, Review],
    today: date,
    *,
    count: int | None,
    due: bool = False,
) -> list[Question]:
    """The questions to ask: those that are due, the longest due first, then those that were never asked.

    Args:
        slugs: the exercises that may be asked about, in the order in which new questions are taken from them.
        questions_of: gives the questions of an exercise; called only as far as needed.
        reviews: what is scheduled, by slug or id of the question.
        today: the learner's day.
        count: how many at most.
        due: leave out what is new.
    """
    slugs = list(slugs)
    allowed = set(slugs)
    waiting = sorted(
        (review for review in reviews.values() if review.slug in allowed and review.key != review.slug),
        key=lambda review: (review.due, review.key),
    )
    picked = []
    for review in waiting:
        if review.day() <= today:
            picked += [each for each in questions_of(review.slug) if each.id == review.key]
    if not due:
        for slug in slugs:
            if count is not None and len(picked) >= count:
                break
            picked += [each for each in questions_of(slug) if each.id not in reviews]
    return picked[:count]


def record(store: Store, question: Question, given: str, judged: Judged | None = None) -> Answered:
    """The answer, graded, and recorded unless it cannot be read or is an open one that nobody judged."""
    answered = Answered(question, given, grade(question, given), judged if question.kind == "open" else None)
    if not answered.recorded:
        return answered
    payload = {"question": question.id, "given": given, "right": answered.graded.right, "self": answered.judged}
    store.record("answer", question.slug, payload)
    review = store.reviews().get(question.id)
    return Answered(question, given, answered.graded, answered.judged, review)
