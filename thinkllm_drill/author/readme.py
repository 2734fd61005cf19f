"""The tables in README.md and README.zh.md: the exercises, from the content, and the figures of the benchmarks."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from thinkllm_drill import locale
from thinkllm_drill.author import kernel_speed, speed
from thinkllm_drill.author.sections import Section
from thinkllm_drill.content import strength
from thinkllm_drill.content.index import Entry
from thinkllm_drill.content.library import Library
from thinkllm_drill.content.strength import Strength
from thinkllm_drill.errors import ContentError

PLACE = Section("<!-- exercises: written by `thinkllm dev render` -->\n", "<!-- end of exercises -->\n")
FILES = {"en": "README.md", "zh": "README.zh.md"}
_HEADS = {
    "en": ("exercise", "", "minutes", "known mistakes rejected", "mutants rejected", "honest verdicts"),
    "zh": ("练习", "", "分钟", "已知错误被拒", "变异体被拒", "正确变体被收"),
}


def tables(library: Library) -> dict[Path, str]:
    """Each README beside the content, with its table as it should be; empty where there is none, as in a wheel.

    Raises:
        ContentError: a README has no place for the table.
    """
    found: dict[Path, str] = {}
    for lang, name in FILES.items():
        path = library.root / name
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            if not PLACE.is_in(text):
                raise ContentError(f"no place for the exercises: {PLACE}", file=path, line=1)
            written = speed.section(library.root, PLACE.put(text, _table(library, lang)), lang, path)
            found[path] = kernel_speed.section(library.root, written, lang)
    return found


def _table(library: Library, lang: str) -> str:
    heads = _HEADS[lang]
    lines = [f"| {' | '.join(heads)} |", f"| {' | '.join(['---', '---', *['---:'] * (len(heads) - 2)])} |"]
    for topic, entries in groupby(library.entries(), key=lambda entry: entry.topic):
        lines.append(f"| **{_topic(topic, lang)}** |" + " |" * (len(heads) - 1))
        lines += [_row(entry, strength.read(library.paths(entry.slug).strength), lang) for entry in entries]
    return "\n".join(lines) + "\n"


def _topic(topic: str, lang: str) -> str:
    return str(locale.area("cli", lang).get(f"topic.{topic}", topic))


def _row(entry: Entry, measured: Strength | None, lang: str) -> str:
    figures = ["", "", ""]
    if measured is not None:
        figures = [f"{right}/{every}" for right, every in (measured.mistakes, measured.mutants, measured.honest)]
    return f"| {' | '.join([f'`{entry.slug}`', entry.title[lang], str(entry.minutes), *figures])} |"
