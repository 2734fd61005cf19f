"""The tables of kernel speeds in the READMEs, one for each benchmarks/kernels.<device>.json; none without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from thinkllm_drill.author import speed
from thinkllm_drill.author.sections import Section
from thinkllm_drill.errors import ContentError

PLACE = Section(
    "<!-- kernels: written by `thinkllm dev render` from benchmarks/kernels.*.json -->\n",
    "<!-- end of kernels -->\n",
)
_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "head": "## How fast the reference kernels are",
        "columns": "kernel | shape | of the limit | limit | eager | torch.compile | Liger-Kernel",
        "copy": "copy bandwidth",
        "times": "{value} ×",
        "foot": "{device}; torch {torch}, Triton {triton}; {date}. Medians of {runs} runs "
        "by `python benchmarks/kernels.py --all`; “2 ×” means twice as fast as that.",
    },
    "zh": {
        "head": "## 参考 kernel 有多快",
        "columns": "kernel | 形状 | 达到上限的 | 上限 | eager | torch.compile | Liger-Kernel",
        "copy": "拷贝带宽",
        "times": "{value} 倍",
        "foot": "{device}；torch {torch}，Triton {triton}；{date}。由 `python benchmarks/kernels.py --all` "
        "运行 {runs} 次取中位数；“2 倍”指速度是它的两倍。",
    },
}
_OTHERS = ("eager", "compile", "liger")


def section(root: Path, text: str, lang: str) -> str:
    """A README's text with the tables as they should be; as it is where nothing was measured.

    They stand between their marks, or behind the figures of the commands where there are none yet.

    Raises:
        ContentError: a file of results cannot be read.
    """
    files = sorted((root / "benchmarks").glob("kernels.*.json"))
    if not files:
        return text
    if not PLACE.is_in(text):
        above = speed.PLACE.end
        if above not in text:
            return text
        text = text.replace(above, f"{above}\n{PLACE.begin}{PLACE.end}", 1)
    tables = []
    for path in files:
        try:
            tables.append(_table(json.loads(path.read_text(encoding="utf-8")), _WORDS[lang]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ContentError(f"not the results of benchmarks/kernels.py: {error!r}", file=path, line=1) from error
    return PLACE.put(text, "\n\n".join([_WORDS[lang]["head"], "\n".join(tables)]))


def _table(results: dict[str, Any], words: dict[str, str]) -> str:
    columns = words["columns"].split(" | ")
    lines = [f"| {' | '.join(columns)} |", "| --- | --- | ---: | --- | ---: | ---: | ---: |"]
    runs = 0
    for slug, held in results["kernels"].items():
        for number, row in enumerate(held["shapes"]):
            runs = max(runs, len(row["outcomes"]))
            cells = [f"`{slug}`" if number == 0 else "", row["case"], f"{100 * row['median_share']:.0f} %"]
            cells.append(words["copy"] if row["against"] == "copy" else row["against"])
            cells += [_times(row, name, words) for name in _OTHERS]
            lines.append(f"| {' | '.join(cells)} |")
    told = {"device": results["device"], "date": results["date"], "runs": runs}
    foot = words["foot"].format(**told, **{name: results["versions"][name] for name in ("torch", "triton")})
    return "\n".join([*lines, "", foot]) + "\n"


def _times(row: dict[str, Any], name: str, words: dict[str, str]) -> str:
    other = row["seconds"].get(name)
    return words["times"].format(value=f"{other / row['seconds']['attempt']:.2f}") if other else ""
