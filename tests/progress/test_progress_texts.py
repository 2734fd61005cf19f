"""Both languages say the same, and every text that the code asks for is there."""

from __future__ import annotations

import re
import string
from pathlib import Path

import thinkllm_drill
from thinkllm_drill.locale import area


def placeholders(template: object) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(str(template)) if name}


def test_same_keys_and_placeholders() -> None:
    english, chinese = area("progress", "en"), area("progress", "zh")
    assert english.keys() == chinese.keys()
    for key in english:
        assert placeholders(english[key]) == placeholders(chinese[key]), key
        assert str(chinese[key]).strip()


def test_every_text_is_asked_for_and_there() -> None:
    package = Path(thinkllm_drill.__file__).parent
    files = [*(package / "progress").glob("*.py"), *(package / f"{name}.py" for name in ("settings", "workspace"))]
    files += [package / f"{name}.py" for name in ("editors", "folders")]
    code = "\n".join(file.read_text(encoding="utf-8") for file in files)
    asked = set(re.findall(r'text\(f?"progress\.([\w.{}]+)"', code))
    exact = {key for key in asked if "{" not in key}
    prefixes = tuple(key.split("{")[0] for key in asked if "{" in key)
    assert exact <= area("progress", "en").keys()
    assert all(key in exact or key.startswith(prefixes) for key in area("progress", "en"))
