"""Grader of softmax and log-softmax."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_equal, assert_growth, case, check, fail, title

HALF_PRECISION = (  # 8 + 1/256 and 8 + 1/32 lie halfway between neighbours of their dtype
    (torch.float16, -1 / 256, 256, "a float16 logit of 8 and 255 of −1/256", "一个为 8、255 个为 −1/256 的 float16 logit"),
    (torch.bfloat16, -1 / 32, 256, "a bfloat16 logit of 8 and 255 of −1/32", "一个为 8、255 个为 −1/32 的 bfloat16 logit"),
    (torch.float16, 0.0, 65536, "65536 equal float16 logits", "65536 个相等的 float16 logit"),
)  # fmt: skip
ALL_WITHIN = "lambda f, x, right, part: bool(((f(x=x) - right).abs() <= part * right.abs()).all())"
"""Whether each entry, however small, is right to a part of itself."""


class SoftmaxSuite(FunctionSuite):
    """What softmax and log-softmax have in common."""

    gradients = ("x",)
    cases = [
        case(en="a small matrix", zh="小矩阵", shape=(2, 3)),
        case(en="a square matrix", zh="方阵", shape=(4, 4)),
        case(en="the first of two dims", zh="两维中的第一维", shape=(4, 4), dim=0),
        case(en="the middle dim of three", zh="三维中的中间一维", shape=(3, 5, 4), dim=1),
        case(en="a negative dim", zh="负的 dim", shape=(2, 7, 3), dim=-2),
        case(en="the second of four dims", zh="四维中的第二维", shape=(2, 3, 4, 5), dim=1),
        case(en="a negative dim of five", zh="五维中的负 dim", shape=(2, 6, 2, 1, 3), dim=-4),
        case(en="a long row", zh="长行", shape=(2, 1027), reduction=1027),
    ]
    edges = [
        case(en="one entry", zh="只有一项", shape=(3, 1), factor=4),
        case(en="one entry, one row −inf", zh="只有一项，一行为 −inf", shape=(3, 1), dead=True),
        case(en="no dimensions", zh="零维", shape=()),
        case(en="one dimension", zh="一维输入", shape=(17,)),
        case(en="one row near 0, one near −10000", zh="一行在 0 附近，一行在 −10000 附近", shape=(2, 6), apart=1e4),
        case(en="some entries −inf", zh="部分项为 −inf", shape=(4, 8), masked=True),
        case(en="one row all −inf", zh="一行全为 −inf", shape=(3, 5), dead=True),
        case(en="ties at the maximum", zh="最大值并列", shape=(3, 6), ties=True),
        case(en="bfloat16", zh="bfloat16", shape=(4, 33), dtype="bfloat16"),
        case(en="float16", zh="float16", shape=(4, 33), dtype="float16"),
    ]  # fmt: skip

    def inputs(self, rng, *, shape, dim=None, scale=1.0, apart=0.0, masked=False, dead=False, ties=False):
        x = rng.normal(shape) * scale
        if apart:
            x[1:] -= apart
        if masked:
            x[..., 1::3] = -torch.inf
        if dead:
            x[1] = -torch.inf
        if ties:
            x[..., ::2] = 3.0
        return {"x": x} if dim is None else {"x": x, "dim": dim}

    @title(en="adding a constant to every logit", zh="每个 logit 加同一个常数")
    def test_shift_invariance(self, attempt, rng):
        x = rng.integers(-64, 64, (5, 11)) / 8  # exact in float32, also after the shift
        call = getattr(attempt, self.entry)
        assert_close(
            call(x=x + 8.0),
            call(x=x),
            en="the same logits plus 8 must give the same answer",
            zh="所有 logit 加 8 后答案应当不变",
        )

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, reference, rng):
        wrong = []
        for dtype, logit, n, en, zh in HALF_PRECISION:
            x = torch.full((n,), logit, dtype=dtype)
            x[rng.randint(0, n)] = 8.0 if logit else 0.0
            right, part = reference[self.entry](x=x), 1.5 * torch.finfo(dtype).eps
            if not attempt.local(ALL_WITHIN)(attempt[self.entry], x, right, part):
                wrong.append((en, zh))
        if wrong:
            en, zh = (words.join(each) for words, each in zip(("; ", "；"), zip(*wrong, strict=True), strict=True))
            fail(
                en="Convert to float32 before anything is computed, and back at the end. Entries are off by more than "
                f"rounding for: {en}.",
                zh=f"应先转 float32 再做任何计算，最后才转回。以下输入有些项的误差超出了舍入误差：{zh}。",
            )

    @check("gradients")
    @title(en="gradients at ±10000", zh="±10000 处的梯度")
    def test_large_logits(self, attempt, reference, rng):
        x = rng.integers(-3, 4, (6, 5)) * 2500.0
        x[:, 0], x[:, 1] = 1e4, -1e4
        x[3:] /= 1e4  # the gradients of these rows give the scale
        cotangent = {0: rng.normal(x.shape)}
        _, found = attempt.vjp(attempt[self.entry], {"x": x}, ("x",), cotangent)
        _, right = reference.vjp(reference[self.entry], {"x": x}, ("x",), cotangent)
        assert_close(
            found["x"].flatten(),
            right["x"].flatten(),
            en="the gradient must be right and free of NaN also for logits of ±10000 (rows 0 to 2)",
            zh="logit 为 ±10000 时（第 0 到 2 行），梯度也必须正确且没有 NaN",
            reduction=1024,  # 64 roundoffs: honest answers were measured at 12
        )

    @check("cost")
    @title(en="no Python loop over entries or rows", zh="不在 Python 里逐元素或逐行循环")
    def test_no_loop(self, attempt, rng):
        small, large = (attempt.profile(self.entry, x=rng.normal((n, n)), dim=1) for n in (8, 64))
        assert_growth(
            small,
            large,
            "operations",
            at_most=2,
            en="From (8, 8) to (64, 64) your torch calls grow in number: you loop over entries or rows in Python.",
            zh="从 (8, 8) 到 (64, 64)，你调用 torch 的次数变多了：你在 Python 里逐元素或逐行循环。",
        )


class TestSoftmax(SoftmaxSuite):
    entry = "softmax"
    edges = [  # exp(x − logsumexp(x)) loses what a roundoff of 10⁴ is
        *SoftmaxSuite.edges,
        case(en="logits of ±10000", zh="±10000 的 logit", shape=(4, 9), scale=1e4, factor=32768),
    ]

    @title(en="−inf gets exactly 0", zh="−inf 的概率恰好为 0")
    def test_masked_is_zero(self, attempt, rng):
        x = rng.normal((4, 9))
        x[:, 1::3] = -torch.inf
        assert_equal(
            attempt.softmax(x=x)[:, 1::3],
            torch.zeros(4, 3),
            en="an entry of −inf must get probability 0 exactly, not a very small one",
            zh="值为 −inf 的项概率必须恰好为 0，而不是一个很小的数",
        )


class TestLogSoftmax(SoftmaxSuite):
    entry = "log_softmax"
    edges = [*SoftmaxSuite.edges, case(en="logits of ±10000", zh="±10000 的 logit", shape=(4, 9), scale=1e4, factor=4)]
