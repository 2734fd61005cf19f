"""Texts that the learner reads, in English and Chinese.

A key is `area.name`; the area is the file `locale/<lang>/<area>.toml`, read when it is first needed. The language is
one per process: `use("zh")` sets it.
"""

from __future__ import annotations

import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "zh")

_current = "en"


def use(lang: str) -> None:
    """Make `lang` ("en" or "zh") the language of this process."""
    global _current
    if lang not in LANGUAGES:
        raise ValueError(f"unknown language {lang!r}")
    _current = lang


def current() -> str:
    """The language of this process: "en" or "zh"."""
    return _current


def from_environment(environ: dict[str, str] | os._Environ[str]) -> str:
    """The language that LC_ALL, LC_MESSAGES or LANG ask for; English unless one of them says Chinese."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environ.get(name):
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


@cache
def area(name: str, lang: str) -> dict[str, Any]:
    """The table of one area in one language, nested tables flattened to dotted keys."""
    with (Path(__file__).parent / lang / f"{name}.toml").open("rb") as file:
        return _flatten(tomllib.load(file))


def text(key: str, /, lang: str | None = None, **values: Any) -> str:
    """The text of `area.name` in the current language, with `{placeholders}` filled in."""
    name, _, rest = key.partition(".")
    template = area(name, lang or _current)[rest]
    return str(template.format(**values)) if values else str(template)


def _flatten(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
