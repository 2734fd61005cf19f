from __future__ import annotations

import ast

import pytest

from thinkllm_drill.author.check import check
from thinkllm_drill.author.new import create
from thinkllm_drill.author.render import render
from thinkllm_drill.content.library import Library
from thinkllm_drill.errors import UsageError


@pytest.mark.parametrize("kind", ["function", "module", "object", "kernel"])
def test_a_skeleton_lacks_nothing_but_the_authors_words(library, kind):
    files = create(library, "long-context", "sliding-Window", 'A "sliding" window', "滑动窗口", kind)
    assert library.root / "exercises/long_context/sliding_window/sliding_window.py" in files
    fresh = Library(library.root)
    report = check(fresh, "sliding-window")
    assert report.mistakes[1] == 1
    assert report.honest[1] == 2
    assert report.problems
    assert {problem.message.split(":")[0] for problem in report.problems} == {"left to do"}
    exercise = fresh.exercise("sliding-window")
    assert (exercise.title.en, exercise.topic) == ('A "sliding" window', "long-context")
    assert exercise.kernel == (kind == "kernel")
    ast.parse(fresh.paths("sliding-window").grader.read_text(encoding="utf-8"))


def test_nothing_is_overwritten(library):
    with pytest.raises(UsageError, match="ring-buffer is there already"):
        create(library, "lists", "ring_buffer", "x", "x", "object")
    taken = library.root / "graders/lists/test_median.py"
    taken.write_text("mine\n")
    with pytest.raises(UsageError, match=r"test_median\.py is there already"):
        create(library, "lists", "median", "x", "x", "function")
    assert taken.read_text() == "mine\n"
    assert not (library.root / "exercises/lists/median").exists()


@pytest.mark.parametrize(
    ("topic", "slug", "title", "kind"),
    [
        ("../up", "x", "X", "function"),
        ("lists", "no/slash", "X", "function"),
        ("lists", "4-bit", "X", "function"),
        ("lists", "", "X", "function"),
        ("lists", "median", " ", "function"),
        ("lists", "median", "X", "poem"),
    ],
)
def test_bad_arguments(library, topic, slug, title, kind):
    with pytest.raises(UsageError):
        create(library, topic, slug, title, "题", kind)


def test_rendering_mends_what_drifted_and_nothing_else(library, paths):
    expected = paths.stub.read_bytes()
    other = library.paths("ring-buffer").stub
    before = other.stat().st_mtime_ns
    paths.stub.write_text("drifted\n")
    assert render(library, library.slugs(), check_only=True) == [paths.stub]
    assert paths.stub.read_text() == "drifted\n"
    assert render(library, library.slugs()) == [paths.stub]
    assert paths.stub.read_bytes() == expected
    assert render(library, library.slugs()) == []
    assert other.stat().st_mtime_ns == before
    paths.stub.unlink()
    assert render(library, ["moving-average"]) == [paths.stub]
