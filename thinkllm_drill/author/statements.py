"""Checks of the statement: the same in both languages, with an example."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import zip_longest

from thinkllm_drill.author.report import Findings
from thinkllm_drill.content import statement
from thinkllm_drill.content.library import Paths
from thinkllm_drill.content.statement import HEADINGS, SECTIONS, Statement, fences, heading_line

_FENCED = re.compile(r"^(```|~~~).*?^\1\s*$", re.DOTALL | re.MULTILINE)
_NUMBER = re.compile(r"(?<![A-Za-z0-9_.])\d+(?:[.,]\d+)*")

_ENGLISH = {
    r"\bzeros?\b": "0",
    r"\b(one|once|first|single)\b": "1",
    r"\b(two|twice|second|both|half)\b": "2",
    r"\b(three|third|thirds)\b": "3",
    r"\b(four|fourth|quarter)\b": "4",
    **{rf"\b{word}\b": str(number) for number, word in enumerate(("five", "six", "seven", "eight", "nine", "ten"), 5)},
}
_CHINESE = {"两": "2", "半": "2", **{char: str(number) for number, char in enumerate("零一二三四五六七八九十")}}


def check(paths: Paths, found: Findings) -> None:
    """Look for sections, code or numbers that differ between the languages, and for the example."""
    loaded: dict[str, Statement] = {}
    for lang in HEADINGS:
        if paths.statement(lang).is_file():
            with found.guard(paths.statement(lang)):
                loaded[lang] = statement.load(paths.statement(lang), lang)
    for lang, words in loaded.items():
        if not statement.examples(words):
            line = heading_line(words.text, HEADINGS[lang][SECTIONS.index("Example")])
            found.add(paths.statement(lang), line, "the example has no code block with a `>>>` prompt")
    if len(loaded) == len(HEADINGS):
        for position, name in enumerate(SECTIONS):
            line = heading_line(loaded["zh"].text, HEADINGS["zh"][position])
            for offset, message in _differences(loaded["en"].section(name), loaded["zh"].section(name)):
                found.add(paths.statement("zh"), line + offset, message)


def _differences(english: str, chinese: str) -> list[tuple[int, str]]:
    """Lines below the heading, and how the Chinese section differs from the English one."""
    result: list[tuple[int, str]] = []
    for theirs, ours in zip_longest(fences(english), fences(chinese)):
        if theirs is None or ours is None:
            result.append((0, "not as many code blocks as in English"))
        elif (theirs.language, theirs.code) != (ours.language, ours.code):
            rows = zip_longest(theirs.code.splitlines(), ours.code.splitlines())
            row = next((row for row, (their, our) in enumerate(rows, start=1) if their != our), 0)
            result.append((1 + ours.line + row, "the code is not the one in English"))
    expected, actual = _numbers(english), _numbers(chinese)
    missing = [number for number in sorted((expected - actual).elements()) if number not in _spelt(chinese, _CHINESE)]
    extra = [number for number in sorted((actual - expected).elements()) if number not in _spelt(english, _ENGLISH)]
    if missing or extra:
        words = [f"missing {', '.join(missing)}"] * bool(missing) + [f"too many {', '.join(extra)}"] * bool(extra)
        result.append((0, f"the numbers are not those in English: {'; '.join(words)}"))
    return result


def _numbers(markdown: str) -> Counter[str]:
    """The numerals of a section outside its code blocks; those inside names, as in float32, do not count."""
    return Counter(number.replace(",", "") for number in _NUMBER.findall(_FENCED.sub("", markdown)))


def _spelt(markdown: str, words: Mapping[str, str]) -> set[str]:
    """The numerals that a section spells as words, which the other language need not."""
    return {number for pattern, number in words.items() if re.search(pattern, markdown, re.IGNORECASE)}
