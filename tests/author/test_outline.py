"""The learning path, the outlines, and the page that tells what is covered."""

from __future__ import annotations

import pytest

from thinkllm_drill.author import outline
from thinkllm_drill.content import path as learning_path
from thinkllm_drill.errors import ContentError

OUTLINE = """
[[outline]]
title = "Lists"
complete = true
lines = [["X.1", "Means", "moving average"]]

[[outline]]
title = "More"
complete = false
lines = [["Y.1", "Sums", "prefix sums"]]
"""
PATH = """
[[stage]]
title = { en = "First", zh = "第一" }
exercises = ["moving-average"]

[[stage]]
title = { en = "Then", zh = "然后" }
exercises = [%s]

[chains]
lists = ["moving-average"]
"""


@pytest.fixture
def others(library):
    """The exercises beside the moving average, as TOML."""
    return ", ".join(f'"{slug}"' for slug in library.slugs() if slug != "moving-average")


@pytest.fixture
def write(library):
    def write(outlines=OUTLINE, path=None):
        outline.file_of(library.root).parent.mkdir(exist_ok=True)
        outline.file_of(library.root).write_text(outlines, encoding="utf-8")
        if path is not None:
            learning_path.file_of(library.root).write_text(path, encoding="utf-8")
        return [problem.message for problem in outline.check(library).problems]

    return write


def test_nothing_is_asked_of_content_without_path_and_outlines(library):
    assert outline.check(library).problems == ()
    assert outline.page(library) == {}
    assert learning_path.read(library.root).place == {}


def test_a_line_of_a_complete_outline_needs_an_exercise(write, paths, edit):
    assert write() == []
    edit(paths.toml, 'covers = ["X.1"]', "covers = []")
    assert write() == ["no exercise covers X.1: moving average"]
    edit(paths.toml, "covers = []", 'covers = ["X.1", "Z.9"]')
    assert write() == ["`covers` names Z.9, which is no line of an outline"]


def test_the_page_tells_what_is_covered(library, write):
    write()
    (page,) = outline.page(library).values()
    assert "| X.1 | moving average | `moving-average` |" in page
    assert "| Y.1 | prefix sums | not yet |" in page
    assert "1 of 1 lines" in page
    assert "0 of 1 lines" in page


def test_the_path_names_every_exercise_once(library, write, others):
    assert write(path=PATH % others) == []
    place = learning_path.read(library.root).place
    assert place["moving-average"] == 0
    assert set(place) == set(library.slugs())
    assert "there is no exercise gone" in write(path=PATH % (others + ', "gone"'))
    assert "moving-average is on the path twice" in write(path=PATH % (others + ', "moving-average"'))
    assert f"{others.split(',')[0].strip(chr(34))} is not on the path" in write(path=PATH % "")
    problem = next(p for p in outline.check(library).problems if "not on" in p.message)
    assert problem.file.name == "path.toml"


@pytest.mark.parametrize("text", ["", "[chains]", "x = ", "[[stage]]\ntitle = 3\nexercises = 4\n[chains]"])
def test_a_broken_path_is_an_error_with_its_file(library, write, text):
    assert write(path=text)
    with pytest.raises(ContentError) as caught:
        learning_path.read(library.root)
    assert caught.value.file == learning_path.file_of(library.root)


@pytest.mark.parametrize("text", ["", "[[outline]]", "x = "])
def test_a_broken_outline_is_a_problem(write, text):
    assert len(write(text)) == 1
