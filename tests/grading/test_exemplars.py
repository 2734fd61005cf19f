"""Softmax and GQA, the exercises that others are modelled on: a known mistake is known for what it is.

One mistake for each check that catches some; `thinkllm dev check` grades them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from thinkllm_drill.content.library import Library
from thinkllm_drill.content.mistakes import Mistake, load

CHECKOUT = Path(__file__).resolve().parents[2]
LIBRARY = Library(CHECKOUT)
SLUGS = ("softmax", "gqa")


def _one_a_check() -> Iterator[tuple[str, Mistake]]:
    for slug in SLUGS:
        taken: Counter[str] = Counter()
        for mistake in load(LIBRARY.paths(slug)):
            taken[mistake.caught_by] += 1
            if taken[mistake.caught_by] <= 1:
                yield slug, mistake


MISTAKES = list(_one_a_check())
HONEST = [(slug, file) for slug in SLUGS for file in LIBRARY.paths(slug).honest_files]


@pytest.fixture(scope="module")
def verdicts(judge):
    """All mistakes and honest answers graded, two at a time."""
    sources = {(slug, mistake.id): mistake.source for slug, mistake in MISTAKES}
    sources |= {(slug, file.name): file.read_text("utf-8") for slug, file in HONEST}
    graded = {}
    for slug in SLUGS:
        graded |= judge.each(slug, [s for key, s in sources.items() if key[0] == slug], options={"patient": True})
    return {key: graded[source] for key, source in sources.items()}


@pytest.mark.parametrize(("slug", "mistake"), MISTAKES, ids=[f"{slug} {m.id}" for slug, m in MISTAKES])
def test_each_mistake_is_caught_where_it_says_and_diagnosed_as_itself(verdicts, say, slug, mistake):
    verdict = verdicts[slug, mistake.id]
    assert verdict.status == "failed"
    check = verdict.failure
    assert mistake.caught_by in (check.id, check.id.rsplit(".", 1)[0], check.kind)
    assert len(say.failed(verdict)) == 1
    assert verdict.diagnosis is not None
    assert verdict.diagnosis.mistake == mistake.id
    assert verdict.diagnosis.says == mistake.says.en


@pytest.mark.parametrize(("slug", "file"), HONEST, ids=[file.name for _, file in HONEST])
def test_honest_answers_pass(verdicts, say, slug, file):
    assert say.failed(verdicts[slug, file.name]) == {}
    assert verdicts[slug, file.name].passed


def test_a_diagnosis_is_in_the_learners_language_and_fast(judge):
    mistake = next(m for m in load(LIBRARY.paths("gqa")) if m.id == "no-scale")
    verdict = judge("gqa", mistake.source, lang="zh")
    assert verdict.diagnosis.says == mistake.says.zh
    assert verdict.seconds < 10


@pytest.mark.parametrize(("first", "second"), [("no-scale", "never-causal"), ("scaled-by-head-dim", "mask-inverted")])
def test_a_doubly_wrong_answer_is_diagnosed_as_nothing_else(judge, first, second):
    """Both edits are made; where one of them shows by itself in several cases it may be named, another never."""
    paths = LIBRARY.paths("gqa")
    source = paths.solution.read_text("utf-8")
    for name in (first, second):
        source = _edited(source, paths.mistakes, name)
    verdict = judge("gqa", source)
    assert verdict.status == "failed"
    assert verdict.diagnosis is None or verdict.diagnosis.mistake in (first, second)


def test_a_wrong_answer_that_nobody_foresaw_is_not_diagnosed(judge):
    source = LIBRARY.paths("gqa").solution.read_text("utf-8").replace("/ math.sqrt(D)", "/ math.sqrt(D + 1)")
    verdict = judge("gqa", source)
    assert verdict.status == "failed"
    assert verdict.diagnosis is None


def test_a_mistake_that_is_written_differently_is_recognised(judge):
    source = LIBRARY.paths("gqa").solution.read_text("utf-8")
    scores = 'torch.einsum("bgrtd,bgsd->bgrts", q, k) / math.sqrt(D)'
    assert source.count(scores) == 1
    verdict = judge("gqa", source.replace(scores, "q @ k.unsqueeze(2).mT"))
    assert verdict.diagnosis is not None
    assert verdict.diagnosis.mistake == "no-scale"


def _edited(source: str, table: Path, name: str) -> str:
    import tomllib

    rows = tomllib.loads(table.read_text("utf-8"))["mistake"]
    row = next(row for row in rows if row["id"] == name)
    for old, new in [row["swap"]] if "swap" in row else row["swaps"]:
        assert source.count(old) == 1
        source = source.replace(old, new)
    return source
