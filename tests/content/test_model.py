from __future__ import annotations

from pathlib import Path

import pytest

from thinkllm_drill import locale
from thinkllm_drill.content import model
from thinkllm_drill.content.library import Library
from thinkllm_drill.errors import ContentError


def changed(library: Library, old: str, new: str) -> Path:
    path = library.paths("moving-average").toml
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_keys_of_the_file_and_the_place_of_the_folder(library):
    exercise = library.exercise("ring-buffer")
    assert (exercise.slug, exercise.topic, exercise.minutes) == ("ring-buffer", "lists", 10)
    assert exercise.requires == ("moving-average",)
    assert exercise.needs == ("triton",)
    assert exercise.kernel
    assert exercise.seconds == 2.5
    assert exercise.source[0].link.startswith("https://")
    assert [follow_up.answer for follow_up in exercise.follow_up] == [True, ("new", "old")]


def test_texts_speak_the_language_of_the_process(library):
    title = library.exercise("moving-average").title
    assert title.here == "Moving average"
    locale.use("zh")
    assert title.here == "滑动平均"


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("minutes = 5", 'minutes = 5\nhardness = "x"', 5, "unknown key `hardness`"),
        ('leads_to = ["ring-buffer", "ewma"]', 'leads_to = ["Ring_Buffer"]', 7, "leads_to"),
        ('difficulty = "easy"', 'difficulty = "simple"', 3, "allowed: easy, medium, hard"),
        ("minutes = 5", "minutes = 0", 4, "`minutes`"),
        ("minutes = 5", 'minutes = "5"', 4, "`minutes`"),
        ("format = 1", "format = 2", 1, "allowed: 1"),
        ("format = 1", 'format = 1\nslug = "x"', 2, "the folder says it"),
        ('asked = "sometimes"', "", 1, "the key `asked` is missing"),
        ('title = { en = "Moving average", zh = "滑动平均" }', 'title = { en = "Moving average" }', 2, "the key `zh`"),
        ('zh = "滑动平均" }', 'zh = " " }', 2, "the translation `zh` is empty"),
        ('zh = "加上进入窗口的项，减去离开窗口的项。"', 'zh = ""', 23, "the translation `zh` is empty"),
        ('zh = "维护一个累加和，再除以窗口大小。"', 'cn = "…"', 27, "unknown key `cn` in `hint.2`"),
        ('url = "https', 'link = "https', 15, "unknown key `link` in `source.0`"),
        ('url = "https://en.wikipedia.org/wiki/Moving_average"', "", 13, "needs `arxiv` or `url`"),
        ("answer = 8", 'answer = "8"', 32, "`tolerance` without a number"),
        ('api = ["moving_average"]', "api = []", 5, "`api`"),
        ("minutes = 5", "minutes = ", 4, "not valid TOML"),
    ],
)
def test_an_error_names_file_line_and_key(library, old, new, line, message):
    path = changed(library, old, new)
    with pytest.raises(ContentError) as caught:
        model.load(path)
    assert caught.value.file == path
    assert caught.value.line == line
    assert message in caught.value.message
    assert caught.value.message.startswith(f"{path}:{line}: ")


def test_a_file_that_is_not_utf8_names_the_line(library):
    path = library.paths("moving-average").toml
    path.write_bytes(b"format = 1\n\xff\n")
    with pytest.raises(ContentError, match="not UTF-8") as caught:
        model.load(path)
    assert caught.value.line == 2
