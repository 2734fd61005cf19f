"""What the repository says about itself is true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from thinkllm_drill.locale import LANGUAGES, area

ROOT = Path(__file__).resolve().parents[1]
AREAS = sorted(path.stem for path in (ROOT / "thinkllm_drill/locale/en").glob("*.toml"))


@pytest.mark.parametrize("name", AREAS)
def test_every_text_is_in_both_languages_with_the_same_placeholders(name: str) -> None:
    english, chinese = (area(name, lang) for lang in LANGUAGES)
    assert english.keys() == chinese.keys()
    for key, words in english.items():
        placeholders = [set(re.findall(r"(?<!{){(\w+)", str(text))) for text in (words, chinese[key])]
        assert placeholders[0] == placeholders[1], key
        assert str(chinese[key]).strip(), key


def test_both_readmes_print_the_same_commands() -> None:
    found = [
        re.findall(r"^pip install .*$", (ROOT / name).read_text(), re.MULTILINE)
        for name in ("README.md", "README.zh.md")
    ]
    assert found[0] == found[1]
    assert len(found[0]) == 2
    assert found[0][1].endswith("&& pytest")


def test_constraints_name_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *project["optional-dependencies"]["kernels"],
        *project["optional-dependencies"]["oracle"],
        *project["optional-dependencies"]["dev"],
    ]
    names = {re.split(r"[<>=; \[]", requirement)[0].lower() for requirement in wanted}
    pinned = set(re.findall(r"^([\w-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    assert names - {"editables"} <= pinned


def test_readme_names_every_exercise() -> None:
    readme = (ROOT / "README.md").read_text()
    for path in (ROOT / "exercises").glob("*/*/exercise.toml"):
        assert f"`{path.parent.name.replace('_', '-')}`" in readme


def test_modules_stay_small() -> None:
    long = {
        str(path): n
        for path in (ROOT / "thinkllm_drill").rglob("*.py")
        if (n := len(path.read_text().splitlines())) > 450
    }
    assert not long
