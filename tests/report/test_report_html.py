"""The report of a mock interview: everything is on the page, as text, and nothing comes from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from report_samples import EVIL, SAMPLES, all_passed, hostile, mixed, nothing

from thinkllm_drill import locale
from thinkllm_drill.interview.result import Result
from thinkllm_drill.report.html import render

_VOID = frozenset({"meta", "link", "br", "img", "hr", "input"})
_FOREIGN_VOID = frozenset({"path", "circle", "rect", "line"})


class Page(HTMLParser):
    """The elements of a page in order, its text, and whether every element is closed where it should be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    @property
    def text(self) -> str:
        """What the page says."""
        return " ".join("".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self.open.append(tag)
        if tag in ("td", "th", "dt", "dd", "li", "p", "div"):
            self.words.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that closes itself, which only drawings may hold."""
        assert tag in _FOREIGN_VOID
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Close the element that is open."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text that is shown."""
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    locale.use("en")
    yield
    locale.use("en")


@pytest.mark.parametrize("lang", locale.LANGUAGES)
@pytest.mark.parametrize("name", SAMPLES)
def test_every_page_is_sound_and_whole(name: str, lang: str) -> None:
    locale.use(lang)
    html = render(SAMPLES[name]())
    page = Page(html)
    assert page.all("html")[0]["lang"] == {"en": "en", "zh": "zh-CN"}[lang]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for target in (attributes.get("href", "")[1:], *attributes.get("aria-labelledby", "").split()):
            assert not target or target in ids or attributes.get("href") == "data:,"
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all("scope" in attributes for attributes in page.all("th"))
    assert len(html.encode("utf-8")) < 300_000


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_comes_from_elsewhere_and_nothing_runs(name: str) -> None:
    html = render(SAMPLES[name]())
    page = Page(html)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "iframe", "img", "object", "embed", "form", "base", "foreignobject"}
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "srcset", "xlink:href")]
        assert attributes.get("href", "#").startswith(("#", "data:,"))
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_what_comes_from_an_attempt_is_text() -> None:
    html = render(hostile())
    assert "<script" not in html
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\u202e]", html)
    shown = "</code></pre></td><script>alert(1)</script><!-- \\x1b[31m\\x00\\ud800 \\u202e & \"'"
    everywhere = Page(html).text.count(shown)
    plain = render(replace(hostile(), problems=mixed().problems, profile=None, advice=(), id="1", seed="1"))
    assert everywhere > 30
    assert shown not in Page(plain).text
    assert EVIL not in html


def test_all_parts_are_there_in_order() -> None:
    text = Page(render(mixed())).text
    parts = (
        "39.2 of 100",
        "25.9 of 70",
        "1 passed, 1 not passed, 1 not started.",
        "thinkllm drill gqa",
        "Time line",
        "7:12 Softmax and log-softmax, stable handed in, passed",
        "49:12 Grouped-query attention saved, late",
        "Problem 2: Grouped-query attention Partly right 34.3 % of its points",
        "25:02 of 20:00",
        "the scores are not divided by √head_dim",
        "Your code Reference",
        "2 of 4 numbers are off",
        "batch 1, seq_len 2, heads 1, kv_heads 1, head_dim 2",
        "x = [[[0.8478, 2.207], [-0.5781, 0.4823]]]",
        "[[ 0.314, -1.540], [ 0.276, -1.258]]",
        "The first row is right, every later one is not.",
        "thinkllm check gqa.py --case two-query-heads-a-group --seed 51dfac0270716d18",
        "line 58 in _expand return k.expand(B, G * R, T, D)",
        "Late Saved after the end",
        "It passes",
        "1342177280 not right",
        "2,684,354,560",
        "With 64 kv heads (MHA) it would be 20 GiB.",
        "not answered",
        "Not started",
        "Nothing was written for this problem.",
        "Score over time",
        "this one",
    )
    place = 0
    for part in parts:
        place = text.find(part, place)
        assert place >= 0, part
    assert "This machine's clock was set back by 3:04" in text


def test_a_failing_case_is_run_again_on_the_file_of_the_interview(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = mixed().problems[1]
    assert problem.verdict is not None
    commands = []
    for file in ("/home/ada/thinkllm/mock/1/gqa.py", "/home/ada/my work/gqa.py"):
        monkeypatch.setenv("HOME", "/home/ada")
        verdict = replace(problem.verdict, file=file)
        html = render(replace(mixed(), problems=(replace(problem, verdict=verdict),)))
        commands += re.findall(r"thinkllm check (.*?) --case", html)
    assert commands == ["~/thinkllm/mock/1/gqa.py", "&#39;/home/ada/my work/gqa.py&#39;"]


def test_chinese_words() -> None:
    locale.use("zh")
    text = Page(render(mixed())).text
    for part in (
        "得分 39.2 满分 100",
        "第 2 题: 分组查询注意力 GQA 部分正确",
        "超时 结束后保存的版本",
        "2026 年 3 月 12 日",
    ):
        assert part in text


def test_differences_are_marked_in_the_line_and_not_by_colour_alone() -> None:
    html = render(mixed())
    assert re.search(r"<mark>[^/]*/\s*math", re.sub(r"</?span[^>]*>", "", html))
    assert "Only in “Your code”:" in html
    assert "--sign" in html


def test_an_interview_in_which_nothing_was_written() -> None:
    page = Page(render(nothing()))
    assert page.text.count("Not started") == 2
    assert "You ended it after 1:35 of 30 minutes." in page.text
    assert "not counted" in page.text
    assert not [attributes for attributes in page.all("table") if "diff" in attributes.get("class", "")]


def test_a_first_interview_that_was_passed() -> None:
    text = Page(render(all_passed())).text
    assert "This was your first interview." in text
    assert "What failed" not in text
    assert "late" not in text


def test_drawings_have_words() -> None:
    html = render(mixed())
    drawings = re.findall(r'<svg[^>]*role="img" aria-labelledby="([\w-]+) ([\w-]+)"', html)
    assert len(drawings) == 2
    for title, about in drawings:
        assert re.search(f'<title id="{title}">[^<]+</title>\\s*<desc id="{about}">[^<]+</desc>', html)
    lanes = re.findall(r'<svg class="lane".*?(?=<svg class="lane"|<ul class="legend")', html, re.DOTALL)
    assert len(lanes) == 4
    assert lanes[1].count("saved late") == 2
    assert lanes[1].count('class="focus"') == 2
    assert all(0 <= float(x) <= 100 for x in re.findall(r'x[12]?="([\d.-]+)%"', html))


def test_times_out_of_order_and_an_interview_of_no_length_are_drawn() -> None:
    odd = replace(mixed(), minutes=0, ended_at=mixed().started_at)
    assert Page(render(odd)).text
    reverse = tuple(
        replace(problem, moments=tuple(reversed(problem.moments)), verdict=None, reference="")
        for problem in mixed().problems
    )
    assert Page(render(replace(mixed(), problems=reverse, parts=(), earlier=()))).text


def test_a_source_of_any_length_is_cut() -> None:
    huge = replace(mixed().problems[0], source="x = 1\n" * 20_000, late_source="y" * 500_000)
    result: Result = replace(mixed(), problems=(huge,))
    html = render(result)
    assert "19000 more lines are left out." in html
    assert len(html) < 1_500_000


def test_jinja_is_loaded_only_to_render() -> None:
    code = "import sys, thinkllm_drill.report.html; print({'jinja2', 'pygments', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
