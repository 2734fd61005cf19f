from __future__ import annotations

import pytest

from thinkllm_drill.content import mistakes
from thinkllm_drill.errors import ContentError


def test_edits_and_whole_files(library):
    paths = library.paths("moving-average")
    first, second, third = mistakes.load(paths)
    assert (first.id, first.caught_by, first.file, first.line) == ("sum-not-mean", "values", paths.mistakes, 3)
    assert "means.append(total)\n" in first.source
    assert "region" not in first.source
    assert "float(sum(" in second.source
    assert "total += values[end]\n" in second.source
    assert third.source.startswith('"""Stops one window too early."""')
    assert [mistake.plantable for mistake in (first, second, third)] == [True, True, False]
    assert second.says.zh == "离开窗口的值仍留在累加和里。"


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("total / window", "total / width", 3, "0 times"),
        (
            'swap = ["means.append(total / window)", "means.append(total)"]',
            'swap = ["total", "sum"]',
            3,
            "times, not once",
        ),
        ('swap = ["means.append(total / window)", "means.append(total)"]', "", 2, "needs `swap`"),
        ('"means.append(total)"', '"means.append(total"', 3, "not valid Python"),
        ('"means.append(total)"', '"means.append(total / window)"', 3, "changes nothing"),
        ('["sum(values[:window])', '["values[end] - values[end - window]', 9, "overlap"),
        ("caught_by", "caught", 4, "unknown key `caught`"),
        ('zh = "这是窗口的和，还要除以窗口大小。"', 'zh = ""', 5, "translation `zh` is empty"),
        ('id = "never-subtracts"', 'id = "sum-not-mean"', 9, "two mistakes"),
        (
            '["total += values[end] - values[end - window]", "total += values[end]"],\n'
            '    ["sum(values[:window])", "float(sum(values[:window]))"],',
            '["means.append(total / window)", "means.append(total)"],',
            9,
            "same program",
        ),
        ('id = "last-window-missing"', 'id = "last-window"', 1, "no mistake with this id"),
    ],
)
def test_errors_name_file_and_line(library, old, new, line, message):
    path = library.paths("moving-average").mistakes
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ContentError, match=message) as caught:
        mistakes.load(library.paths("moving-average"))
    assert caught.value.line == line
    assert caught.value.file is not None


def test_a_reference_that_moved_on_names_the_mistake(library):
    paths = library.paths("moving-average")
    paths.solution.write_text(paths.solution.read_text().replace("total / window", "total / n"))
    with pytest.raises(ContentError, match="sum-not-mean: the reference has this text 0 times") as caught:
        mistakes.load(paths)
    assert (caught.value.file, caught.value.line) == (paths.mistakes, 3)
