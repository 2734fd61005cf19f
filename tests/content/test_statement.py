from __future__ import annotations

import pytest

from thinkllm_drill.content import statement
from thinkllm_drill.content.wrap import width, wrap
from thinkllm_drill.errors import ContentError


@pytest.mark.parametrize(
    ("lang", "title", "heading"), [("en", "Moving average", "Example"), ("zh", "滑动平均", "示例")]
)
def test_sections_in_order(library, lang, title, heading):
    loaded = statement.load(library.paths("moving-average").statement(lang), lang)
    assert loaded.title == title
    assert tuple(loaded.sections) == statement.HEADINGS[lang]
    assert loaded.section("Example") == loaded.sections[heading]
    assert statement.examples(loaded) == ">>> moving_average([1, 2, 3, 4], 2)\n[1.5, 2.5, 3.5]\n"


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("# Moving average\n", "\n", 3, "# Title"),
        ("## Cost", "## Costs", 27, "expected the section `## Cost`"),
        ("## Task", "Words.\n\n## Task", 3, "before `## Task`"),
        ("## Background", "## More\n\nx\n\n## Background", 31, "expected the section `## Background`"),
        ("O(n) time whatever the window.\n", "", 27, "nothing in `## Cost`"),
        ("\n## Background\n", "\n", 33, "the section `## Background` is missing"),
    ],
)
def test_a_wrong_section_names_the_line(library, old, new, line, message):
    path = library.paths("moving-average").statement("en")
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ContentError, match=message) as caught:
        statement.load(path, "en")
    assert abs((caught.value.line or 0) - line) <= 1


def test_a_heading_inside_a_fence_is_code(library):
    path = library.paths("moving-average").statement("en")
    path.write_text(path.read_text(encoding="utf-8").replace(">>> mov", "## Task\n# Title\n>>> mov"), encoding="utf-8")
    assert "## Task" in statement.examples(statement.load(path, "en"))


def test_wrapping_counts_columns_and_respects_punctuation():
    lines = wrap("面试官爱先问它，因为三行的写法是错的：float32 下 logit 到 89 就溢出。" * 3, 30)
    assert all(width(line) <= 30 for line in lines)
    assert not any(line[0] in "，。：" for line in lines)
    assert "".join(lines).replace(" ", "") == ("面试官爱先问它，因为三行的写法是错的：float32下logit到89就溢出。" * 3)


def test_short_code_spans_stay_whole_and_long_words_overhang():
    assert wrap("see `a b c d` there", 11, indent="- ", hanging="  ") == ["- see", "  `a b c d`", "  there"]
    assert wrap("x " + "y" * 20, 10) == ["x", "y" * 20]
