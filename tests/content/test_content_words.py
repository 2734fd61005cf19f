from __future__ import annotations

import re

from thinkllm_drill import locale


def test_both_languages_say_the_same_with_the_same_placeholders():
    english, chinese = locale.area("content", "en"), locale.area("content", "zh")
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", chinese[key])), key
