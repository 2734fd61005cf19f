"""Texts of all areas in both languages: the same keys, the same placeholders, and none that the code does not find."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import thinkllm_drill
from thinkllm_drill import locale

PACKAGE = Path(thinkllm_drill.__file__).parent
AREAS = sorted({path.stem for lang in locale.LANGUAGES for path in (PACKAGE / "locale" / lang).glob("*.toml")})


def placeholders(template):
    return {name for _, name, _, _ in string.Formatter().parse(str(template)) if name is not None}


@pytest.mark.parametrize("area", AREAS)
def test_both_languages_have_the_same_texts(area):
    english, chinese = (locale.area(area, lang) for lang in ("en", "zh"))
    assert set(english) == set(chinese)
    for key, template in english.items():
        assert isinstance(template, str)
        assert template.strip()
        assert str(chinese[key]).strip(), key
        assert placeholders(template) == placeholders(chinese[key]), key


def test_the_chinese_texts_of_grading_are_chinese():
    for key, template in locale.area("grading", "zh").items():
        assert re.search(r"[\u4e00-\u9fff]", template) or key in ("fact.install", "named_case", "rounded_once"), key


def used_keys():
    for path in PACKAGE.rglob("*.py"):
        for key in re.findall(r'\btext\(\s*"(grading\.[\w.]+)"', path.read_text(encoding="utf-8")):
            yield path.name, key


def test_the_code_asks_for_texts_that_there_are():
    known = locale.area("grading", "en")
    assert not [(file, key) for file, key in used_keys() if key.removeprefix("grading.") not in known]


def test_every_text_of_grading_is_used():
    whole = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    computed = ("check.", "cost.", "layout.", "not_a_")
    unused = [
        key for key in locale.area("grading", "en") if not key.startswith(computed) and f'"grading.{key}"' not in whole
    ]
    assert unused == []
