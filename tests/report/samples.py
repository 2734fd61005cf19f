"""Interviews that never were, for the tests of the report and for looking at it.

`python tests/report/samples.py FOLDER` writes each of them in both languages.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from thinkllm_drill import locale
from thinkllm_drill.interview.result import (
    Advice,
    Earlier,
    Moment,
    Part,
    ProblemResult,
    QuestionResult,
    Result,
)
from thinkllm_drill.verdict import Cause, Check, Diagnosis, Frame, Verdict

_SOLUTIONS = Path(__file__).resolve().parents[2] / "solutions"
_START = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
EVIL = "</code></pre></td><script>alert(1)</script><!-- \x1b[31m\x00\ud800 \u202e & \"'"
"""What an attempt may hold: markup, an escape sequence, a null, a lone surrogate, a change of writing direction."""


def reference(name: str) -> str:
    """The reference of an exercise without the marks of its blanks."""
    lines = (_SOLUTIONS / f"{name}.py").read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.strip().startswith(("# region", "# endregion")))


def _say(en: str, zh: str) -> str:
    return zh if locale.current() == "zh" else en


def _moments(
    *rows: tuple[float, str] | tuple[float, str, bool | None] | tuple[float, str, bool | None, bool],
) -> tuple[Moment, ...]:
    return tuple(Moment(60 * row[0], *row[1:]) for row in rows)  # type: ignore[arg-type]


def _passed(slug: str) -> Verdict:
    checks = tuple(
        Check(kind, title, kind, "passed", 0.1)
        for kind, title in (
            ("defined", "defined"),
            ("contract", _say("form of the answer, inputs untouched", "答案的形式，输入不变")),
            ("values", _say("values against the reference", "数值与参考实现一致")),
            ("gradients", _say("gradients", "梯度")),
        )
    )
    return Verdict(slug, f"{slug}.py", "passed", "51df", 0.4, checks=checks)


def _softmax(runs: int = 1) -> ProblemResult:
    code = reference("functions/softmax")
    return ProblemResult(
        slug="softmax",
        title=_say("Softmax and log-softmax, stable", "数值稳定的 softmax 与 log-softmax"),
        difficulty="easy",
        minutes=10,
        outcome="passed",
        share=1.0,
        seconds=432.0,
        runs=runs,
        source=code.replace("weights = logits.exp()", "weights = torch.exp(logits)").replace(
            ", exact also where the probability underflows", ""
        ),
        reference=code,
        verdict=_passed("softmax"),
        submitted=True,
        questions=(
            QuestionResult(
                _say(
                    "By how much does log-softmax change when 3.5 is added to every logit of a row?",
                    "一行的每个 logit 都加 3.5，log-softmax 改变多少？",
                ),
                _say(
                    "Both the shifted logits and the maximum move by 3.5; the difference stays.",
                    "logit 与最大值同时移动 3.5，差不变。softmax 只取决于 logit 之差。",
                ),
                "0",
                "0",
                True,
            ),
        ),
        moments=_moments(
            (0, "focus"),
            (3.1, "save"),
            (4.2, "save"),
            (6.4, "save"),
            (6.5, "run", True),
            (7.2, "submit", True),
            (7.9, "answer", True),
        ),
    )


def _gqa() -> ProblemResult:
    code = reference("attention/gqa")
    probe = Cause(
        message=_say("2 of 4 numbers are off, the largest by 0.0757", "4 个数中有 2 个不对，最大相差 0.0757"),
        case="batch 1, seq_len 2, heads 1, kv_heads 1, head_dim 2",
        expected="[[ 0.314, -1.540],\n [ 0.276, -1.258]]",
        actual="[[ 0.314, -1.540],\n [ 0.286, -1.334]]",
        where=_say(
            "The first row is right, every later one is not. The first intermediate that differs is `weights`.",
            "第一行是对的，后面各行都不对。第一个不同的中间量是 `weights`。",
        ),
        inputs="x = [[[0.8478, 2.207], [-0.5781, 0.4823]]]",
        rerun="two-query-heads-a-group",
    )
    raised = Cause(
        message="RuntimeError: The expanded size of the tensor (4) must match the existing size (2)",
        case="batch 2, seq_len 3, heads 4, kv_heads 2, head_dim 4",
        frames=(
            Frame(41, "forward", "        k = self.k_proj(x).view(B, T, G, D).transpose(1, 2)"),
            Frame(58, "_expand", "    return k.expand(B, G * R, T, D)"),
        ),
    )
    verdict = Verdict(
        "gqa",
        "gqa.py",
        "failed",
        "51dfac0270716d18",
        0.9,
        checks=(
            Check("defined", "defined", "defined", "passed"),
            Check(
                "contract", _say("form of the answer, inputs untouched", "答案的形式，输入不变"), "contract", "passed"
            ),
            Check("values", _say("values against the reference", "数值与参考实现一致"), "values", "wrong", cause=probe),
            Check(
                "properties.causality",
                _say("a token does not see later ones", "一个 token 看不到后面的 token"),
                "properties",
                "error",
                cause=raised,
            ),
            Check("edges", _say("extreme sizes and values", "极端的大小与数值"), "edges", "skipped"),
            Check("cost.no_key_is_copied", _say("no key is copied", "不复制键"), "cost", "skipped"),
        ),
        diagnosis=Diagnosis(
            "no-scale",
            _say(
                "This is what comes out when the scores are not divided by √head_dim.",
                "这是分数没有除以 √head_dim 的结果。",
            ),
        ),
        stdout="\n".join(f"scores {number}: torch.Size([1, 2, 2])" for number in range(4)),
    )
    return ProblemResult(
        slug="gqa",
        title=_say("Grouped-query attention", "分组查询注意力 GQA"),
        difficulty="medium",
        minutes=20,
        outcome="partly",
        share=0.343,
        seconds=1502.0,
        runs=3,
        source=code.replace(" / math.sqrt(D)", "")
        .replace(
            "scores.masked_fill(~allowed, -torch.inf).softmax(dim=-1)",
            "torch.softmax(scores.masked_fill(~allowed, -torch.inf), dim=-1)",
        )
        .replace("import math\n\n", ""),
        reference=code,
        verdict=verdict,
        late_source=code,
        late_verdict=_passed("gqa"),
        follows="softmax",
        questions=(
            QuestionResult(
                _say(
                    "KV-cache bytes for 80 layers, 8 kv heads, head_dim 128, 8192 tokens, bf16, batch 1?",
                    "80 层、8 个键值头、head_dim 128、8192 个 token、bf16、batch 为 1，KV 缓存多少字节？",
                ),
                _say(
                    "2 (k and v) · 80 · 8 · 128 · 8192 · 2 bytes = 2.5 GiB. With 64 kv heads (MHA) it would be 20 GiB.",
                    "2（k 与 v）· 80 · 8 · 128 · 8192 · 2 字节 = 2.5 GiB。若是 64 个键值头（MHA），则为 20 GiB。",
                ),
                "2,684,354,560",
                "1342177280",
                False,
            ),
            QuestionResult(
                _say("How do you turn an MHA checkpoint into a GQA one?", "如何把 MHA 的 checkpoint 转成 GQA？"),
                _say(
                    "Mean-pool the key and the value projection matrices of the heads of each group, then uptrain.",
                    "把每组内各头的键、值投影矩阵做平均，再继续训练一段。",
                ),
                None,
                _say("average the heads of a group, then train a little", "组内的头取平均，再训练一小段"),
                None,
            ),
            QuestionResult(
                _say("What does `repeat_interleave` cost here?", "这里的 `repeat_interleave` 代价是什么？"),
                _say("A copy of keys and values for every query head.", "为每个查询头复制一份键和值。"),
                None,
                None,
                None,
            ),
        ),
        moments=_moments(
            (7.2, "focus"),
            (12.3, "save"),
            (14.0, "save"),
            (15.1, "run", False),
            (18.2, "save"),
            (19.5, "save"),
            (19.7, "run", False),
            (30.4, "focus"),
            (38, "save"),
            (40, "run", False),
            (41, "answer", False),
            (41.8, "answer", None),
            (46.5, "save", None, True),
            (49.2, "save", None, True),
        ),
    )


def _llama() -> ProblemResult:
    code = (
        reference("model/transformer_llama")
        if (_SOLUTIONS / "model/transformer_llama.py").exists()
        else reference(str(next(_SOLUTIONS.rglob("transformer_llama.py")).relative_to(_SOLUTIONS).with_suffix("")))
    )
    lines = code.splitlines(keepends=True)
    source = "".join(line for number, line in enumerate(lines) if number < 30 or number % 5).replace("eps", "epsilon")
    error = Cause(
        message="AttributeError: 'Attention' object has no attribute 'rope'",
        frames=(Frame(88, "forward", "q, k = self.rope(q), self.rope(k)"),),
    )
    verdict = Verdict(
        "transformer-llama",
        "transformer_llama.py",
        "failed",
        "51df",
        0.3,
        checks=(
            Check("contract", "contract", "contract", "error", cause=error),
            Check("values", "values", "values", "skipped"),
        ),
    )
    return ProblemResult(
        slug="transformer-llama",
        title=_say("Decoder-only Transformer in the manner of Llama", "Llama 式 decoder-only Transformer"),
        difficulty="hard",
        minutes=30,
        outcome="failed",
        share=0.0,
        seconds=640.0,
        runs=2,
        source=source,
        reference=code,
        verdict=verdict,
        moments=_moments((19.7, "focus"), (25, "save"), (26.2, "run", None), (29.5, "save"), (30, "run", False)),
    )


def _untouched() -> ProblemResult:
    return ProblemResult(
        slug="top-p",
        title=_say("Top-p sampling", "Top-p 采样"),
        difficulty="easy",
        minutes=12,
        outcome="untouched",
        share=0.0,
        seconds=75.0,
        runs=0,
        source=None,
        reference=reference("decoding/top_p") if (_SOLUTIONS / "decoding/top_p.py").exists() else "def top_p(): ...\n",
        verdict=None,
        moments=_moments((41.9, "focus")),
    )


def all_passed() -> Result:
    """Everything passed early, the first interview."""
    first, second = (
        _softmax(),
        replace(
            _softmax(runs=2),
            slug="gelu",
            title="GELU",
            seconds=340.0,
            questions=(),
            source=reference("functions/gelu"),
            reference=reference("functions/gelu"),
            moments=_moments(
                (7.2, "focus"),
                (10, "save"),
                (10.1, "run", False),
                (12, "save"),
                (12.6, "run", True),
                (12.9, "submit", True),
            ),
        ),
    )
    return Result(
        id="20260312-1",
        started_at=_START,
        ended_at=_START + timedelta(minutes=12.9),
        minutes=20,
        reason="submitted",
        seed="7f3a",
        profile=None,
        runs=5,
        problems=(first, second),
        parts=(Part("correctness", 70, 70), Part("time", 10, 10), Part("runs", 8.8, 10), Part("questions", 10, 10)),
        score=98.8,
        advice=(
            Advice(
                _say("Everything passed. Take harder problems.", "全部通过，可以试试更难的题。"),
                "thinkllm mock start --difficulty hard",
            ),
        ),
    )


def mixed() -> Result:
    """One passed, its follow-up partly right and finished late, a long one failed, one not begun."""
    earlier = tuple(
        Earlier(f"2026030{number}-1", _START - timedelta(days=9 - number), 45, score)
        for number, score in enumerate((31.0, 44.5, 40.0, 58.0, 52.4, 61.0, 66.0, 63.5), 1)
    )
    return Result(
        id="20260312-1",
        started_at=_START,
        ended_at=_START + timedelta(minutes=45),
        minutes=45,
        reason="deadline",
        seed="51dfac0270716d18",
        profile=_say("LLM core", "大模型核心"),
        runs=5,
        problems=(_softmax(), _gqa(), _llama(), _untouched()),
        parts=(
            Part("correctness", 25.9, 70),
            Part("time", 3.3, 10),
            Part("runs", 3.3, 10),
            Part("questions", 5, 10),
            Part("extra", 1.7, 0),
        ),
        score=39.2,
        advice=(
            Advice(
                _say(
                    "Grouped-query attention is nearly right: the scores are not divided by √head_dim.",
                    "分组查询注意力只差一步：分数没有除以 √head_dim。",
                ),
                "thinkllm drill gqa",
            ),
            Advice(_say("You did not begin Top-p sampling.", "Top-p 采样没有动笔。"), "thinkllm drill top-p"),
            Advice(
                _say("Go through the questions of Grouped-query attention again.", "再做一遍分组查询注意力的追问。"),
                "thinkllm quiz gqa",
            ),
        ),
        earlier=earlier,
        clock_back=184.0,
    )


def nothing() -> Result:
    """Nothing was written at all, and it was ended early."""
    first = replace(_untouched(), moments=_moments((0, "focus")), seconds=95.0)
    return Result(
        id="20260312-2",
        started_at=_START,
        ended_at=_START + timedelta(seconds=95),
        minutes=30,
        reason="ended",
        seed="9",
        profile=None,
        runs=5,
        problems=(first, replace(_untouched(), slug="gelu", title="GELU", moments=(), seconds=0.0)),
        parts=(Part("correctness", 0, 70), Part("time", 0, 10), Part("runs", 0, 10), Part("questions", 0, 0)),
        score=0.0,
        advice=(Advice(_say("You did not begin Top-p sampling.", "Top-p 采样没有动笔。"), "thinkllm drill top-p"),),
        earlier=(Earlier("20260301-1", _START - timedelta(days=11), 30, 48.0),),
    )


def hostile() -> Result:
    """An interview in which everything that can come from an attempt or a file is hostile."""
    cause = Cause(EVIL, EVIL, EVIL, EVIL, EVIL, (Frame(1, EVIL, EVIL),), EVIL, EVIL)
    check = Check("values", EVIL, "values", "wrong", cause=cause, detail=EVIL)
    verdict = Verdict(
        "gqa", EVIL, "failed", "1", 0.1, checks=(check,), diagnosis=Diagnosis("x", EVIL), stdout=EVIL, note=f"!{EVIL}"
    )
    problem = replace(
        _gqa(),
        title=EVIL,
        source=f"x = 1\n{EVIL}\n" + "y" * 5000,
        reference=f"x = 2\n{EVIL}",
        verdict=verdict,
        late_source=EVIL,
        late_verdict=verdict,
        follows=EVIL,
        questions=(QuestionResult(EVIL, EVIL, EVIL, EVIL, False),),
    )
    return replace(mixed(), problems=(problem,), profile=EVIL, advice=(Advice(EVIL, EVIL),), id=EVIL, seed=EVIL)


SAMPLES = {"all_passed": all_passed, "mixed": mixed, "nothing": nothing, "hostile": hostile}

if __name__ == "__main__":
    from thinkllm_drill.report.html import render

    for lang in locale.LANGUAGES:
        locale.use(lang)
        for name, make in SAMPLES.items():
            (Path(sys.argv[1]) / f"{name}.{lang}.html").write_text(render(make()), encoding="utf-8")
