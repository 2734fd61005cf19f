"""The table of benchmark figures in the READMEs, written from benchmarks/results.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from thinkllm_drill.author.sections import Section
from thinkllm_drill.errors import ContentError

PLACE = Section(
    "<!-- figures: written by `thinkllm dev render` from benchmarks/results.json -->\n",
    "<!-- end of figures -->\n",
)
HEADS = {"en": "## How fast it is", "zh": "## 有多快"}
ROWS = {
    "first words, warm": ("first words of `thinkllm check`", "`thinkllm check` 的第一行输出"),
    "check, warm": ("`thinkllm check`, the whole process", "`thinkllm check`，整个进程"),
    "check, cold": ("`thinkllm check`, without a background process yet", "`thinkllm check`，后台进程尚未启动"),
    "watch, save to verdict": ("`thinkllm watch`, from a save to the verdict", "`thinkllm watch`，从保存到结果"),
    "check --all": ("`thinkllm check --all`, all references", "`thinkllm check --all`，全部参考实现"),
    "thinkllm --help": ("`thinkllm --help`", "`thinkllm --help`"),
}
"""The figures that are shown, in both languages."""
BASES = {
    "cold pytest": ("the same cases in a cold pytest", "冷启动 pytest 跑同样的用例"),
    "import torch": ("`python -c 'import torch'`", "`python -c 'import torch'`"),
    "the grader in a cold pytest": ("its grader in a cold pytest", "冷启动 pytest 跑它的评分文件"),
    "thinkllm check, one by one": ("checks one by one", "逐个 check"),
    "import typer, rich.console": ("importing typer and rich", "导入 typer 与 rich"),
}
_WORDS = {
    "en": (
        ("what", "median", "p95", "against"),
        "{ratio} × {base}",
        "Measured on {cores} cores, {date}, by `just bench`.",
    ),
    "zh": (("测什么", "中位数", "p95", "对比"), "{base}的 {ratio} 倍", "{cores} 核，{date}，由 `just bench` 测得。"),
}


def section(root: Path, text: str, lang: str, path: Path) -> str:
    """A README's text with the figures as they should be; as it is where nothing was measured.

    Raises:
        ContentError: the README has no place for them, or the results cannot be read.
    """
    results = root / "benchmarks" / "results.json"
    if not results.is_file():
        return text
    if not PLACE.is_in(text):
        raise ContentError(f"no place for the figures: {PLACE}", file=path, line=1)
    try:
        table = _table(json.loads(results.read_text(encoding="utf-8")), lang)
    except (ValueError, KeyError, TypeError) as error:
        raise ContentError(f"not the results of `just bench`: {error}", file=results, line=1) from error
    return PLACE.put(text, f"{HEADS[lang]}\n\n{table}")


def _table(results: dict[str, Any], lang: str) -> str:
    index = ("en", "zh").index(lang)
    heads, against, foot = _WORDS[lang]
    lines = [f"| {' | '.join(heads)} |", "| --- | ---: | ---: | --- |"]
    for name, words in ROWS.items():
        if (row := results["figures"].get(name)) is None:
            continue
        compared = ""
        if row["ratio"] is not None:
            base = BASES.get(row["against"], (row["against"],) * 2)[index]
            compared = against.format(ratio=f"{row['ratio']:.2g}", base=base)
        lines.append(f"| {words[index]} | {_seconds(row['median'])} | {_seconds(row['p95'])} | {compared} |")
    machine = results["machine"]
    return "\n".join([*lines, "", foot.format(cores=machine["cores"], date=machine["date"])]) + "\n"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 10 else f"{value:.2f} s" if value >= 0.1 else f"{1000 * value:.0f} ms"
