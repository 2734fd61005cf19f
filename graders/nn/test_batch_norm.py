"""Grader of batch normalization."""

import torch

from thinkllm_drill.grading import (
    ModuleSuite,
    assert_close,
    assert_equal,
    assert_growth,
    battery,
    case,
    check,
    raises,
    title,
)
from thinkllm_drill.grading.cases import Words
from thinkllm_drill.grading.layouts import laid_out

COARSE = (  # the middle of each pair is no number of the dtype; the square of 300 overflows float16
    (torch.bfloat16, (100.0, 100.5), "bfloat16 values of 100 and 100.5", "bfloat16 的 100 与 100.5"),
    (torch.float16, (1000.0, 1000.5), "float16 values of 1000 and 1000.5", "float16 的 1000 与 1000.5"),
    (torch.float16, (-300.0, 300.0), "float16 values of ±300", "float16 的 ±300"),
)
ROUNDING = 64  # roundoffs: 8 were measured, of two-pass variances in another order of summation
BUFFERS = """def buffers(module, evaluate=False):
    if evaluate:
        module.eval()
    return {name: tensor.detach().clone() for name, tensor in module.named_buffers()}
"""
IN_GRAPH = """def in_graph(module, x):
    for _ in range(2):
        module(x.clone().requires_grad_()).square().sum().backward()
    return module.running_mean.requires_grad or module.running_var.requires_grad
"""


class TestBatchNorm(ModuleSuite):
    entry = "BatchNorm"
    gradients = ("x", "parameters")
    cases = [
        case(en="one step", zh="一步", shape=(8, 3), steps=1, factor=ROUNDING),
        case(en="images", zh="图像", shape=(3, 4, 2, 5), steps=1, factor=ROUNDING),
        case(en="evaluation", zh="推理", shape=(5, 3), steps=0, factor=ROUNDING),
        case(en="sequences", zh="序列", shape=(4, 3, 5), steps=1, factor=ROUNDING),
        case(en="evaluation of images", zh="推理图像", shape=(2, 3, 4, 5), steps=0, factor=ROUNDING),
        case(en="three steps, another momentum", zh="三步，另一个 momentum", shape=(6, 3), steps=3, momentum=0.3, factor=ROUNDING),
        case(en="a large eps", zh="很大的 eps", shape=(7, 3), steps=2, eps=0.5, factor=ROUNDING),
        case(en="a spread as small as √eps", zh="标准差与 √eps 相当", shape=(7, 3), steps=1, scale=3e-3, factor=ROUNDING),
        case(en="all sizes alike", zh="各维大小相同", shape=(3, 3, 3, 3), steps=2, factor=ROUNDING),
    ]  # fmt: skip
    edges = [
        case(en="one sample, several positions", zh="一个样本，多个位置", shape=(1, 3, 2, 4), steps=1, factor=ROUNDING),
        case(en="two values a channel", zh="每个通道两个值", shape=(2, 5), steps=1, factor=ROUNDING),
        case(en="evaluation of one sample", zh="推理一个样本", shape=(1, 4), steps=0, factor=ROUNDING),
        case(en="a channel of equal values", zh="一个通道的值全部相等", shape=(6, 3), steps=1, equal=True, factor=ROUNDING),
        case(en="mean 10000, standard deviation 1", zh="均值 10000，标准差 1", shape=(33, 3), steps=1, offset=1e4, factor=ROUNDING),
        case(en="momentum 1", zh="momentum 为 1", shape=(5, 3), steps=2, momentum=1.0, factor=ROUNDING),
        case(en="1029 values a channel", zh="每个通道 1029 个值", shape=(3, 2, 343), steps=1, reduction=1029),
    ]  # fmt: skip

    def config(self, *, shape, eps=None, momentum=None, **_):
        given = {"eps": eps, "momentum": momentum}
        return {"num_features": shape[1]} | {name: value for name, value in given.items() if value is not None}

    def inputs(self, rng, *, shape, scale=1.0, offset=0.0, equal=False, **_):
        x = (rng.normal(shape) + rng.normal((shape[1], *[1] * (len(shape) - 2))) / 2) * scale + offset
        if equal:
            x[:, 1] = 3.25
        return {"x": x}

    def valid(self, *, shape, steps, **_):
        return min(shape) > 0 and steps >= 0 and len(shape) > 1

    def scenario(self, impl, rng, probe):
        """Training steps, then one evaluation; after each call what the buffers are."""
        params, buffers, x = probe.case.params, impl.local(BUFFERS), None
        steps = params["steps"]
        module = self.build(impl, rng=rng, dtype=probe.case.dtype, training=steps > 0, **params)
        for step in range(1, steps + 1):
            x = self.drawn(rng, probe)
            yield said(f"output of training step {step}", f"第 {step} 步训练的输出"), module(**x)
            found = buffers(module, evaluate=step == steps)
            yield said(f"buffers after training step {step}", f"第 {step} 步训练之后的缓冲区"), found
        if steps != 1:
            x = self.drawn(rng, probe)
        yield said("output in evaluation", "推理的输出"), module(**x)
        yield said("buffers after evaluation", "推理之后的缓冲区"), buffers(module)

    def gradient_scenario(self, impl, rng, probe):
        training = probe.case.params["steps"] > 0
        module = self.build(impl, rng=rng, dtype=probe.case.dtype, training=training, **probe.case.params)
        yield from battery.pullback(self, impl, module, self.drawn(rng, probe), rng, probe)

    def drawn(self, rng, probe):
        return laid_out(self.inputs(rng, **probe.case.params), probe.case.dtype, probe.layout)

    def arguments(self, rng, probe):
        return super().arguments(rng, probe) if probe.case.params["steps"] < 2 else None

    @title(en="one value a channel", zh="每个通道只有一个值")
    def test_single_value(self, attempt, reference, rng):
        for shape in ((1, 3), (1, 3, 1, 1)):
            yours, right = (self.build(impl, shape=shape, training=True) for impl in (attempt, reference))
            x = rng.normal(shape)
            raises(
                lambda module=yours, x=x: module(x=x),
                "ValueError",
                en=f"training on {shape}: one value has no variance, and every channel would come out as its bias",
                zh=f"在 {shape} 上训练：单个值没有方差，每个通道都会变成 bias",
            )
            for name in ("running_mean", "running_var"):
                assert_equal(
                    getattr(yours, name),
                    getattr(right, name).float(),
                    en=f"training on {shape} fails, so {name} must stay as it is: check before you update",
                    zh=f"在 {shape} 上训练失败，{name} 应保持不变：先检查，再更新",
                )

    @title(en="the buffers belong to no graph", zh="缓冲区不属于任何计算图")
    def test_no_graph(self, attempt, rng):
        module = self.build(attempt, shape=(5, 3), training=True)
        assert_equal(
            attempt.local(IN_GRAPH)(module, rng.normal((5, 3))),
            False,
            en="after a training step running_mean or running_var requires a gradient: every step's graph would be "
            "kept alive by the next one. Update them under torch.no_grad(), or from detached statistics.",
            zh="训练一步之后 running_mean 或 running_var 需要梯度：每一步的计算图都会被下一步拖住。"
            "应在 torch.no_grad() 下更新，或使用 detach 过的统计量。",
        )

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, reference, rng):
        answers = []
        for dtype, (low, high), en, zh in COARSE:
            x = torch.full((64, 2), low, dtype=dtype)
            x[rng.permutation(64)[:32]] = high
            kind = str(dtype).removeprefix("torch.")
            both = [self.build(impl, shape=(64, 2), training=True) for impl in (attempt, reference)]
            shown = [(module(x=x), module.running_mean, module.running_var) for module in both]
            answers.append((*shown, kind, en, zh))
        for (yours, *mine), (right, *truths), kind, en, zh in answers:
            assert_equal(
                str(yours.dtype).removeprefix("torch."),
                kind,
                en=f"the output for a {kind} input must be {kind}",
                zh=f"{kind} 输入的输出应为 {kind}",
            )
            for found, truth in zip((yours, *mine), (right, *truths), strict=True):
                assert_close(
                    found,
                    truth,
                    en=f"convert to float32 before anything is computed; output or buffers are wrong for {en}",
                    zh=f"应先转 float32 再做任何计算；输出或缓冲区出错的输入：{zh}",
                )

    @check("cost")
    @title(en="no Python loop over channels, samples or positions", zh="不在 Python 里逐通道、逐样本或逐位置循环")
    def test_no_loop(self, attempt, rng):
        costs = []
        for n in (2, 32):
            module = self.build(attempt, shape=(n, n, n), training=True)
            costs.append(module.profile(x=rng.normal((n, n, n))))
        assert_growth(
            *costs,
            "operations",
            at_most=2,
            en="From (2, 2, 2) to (32, 32, 32) your torch calls grow in number: you loop over channels, samples or "
            "positions in Python.",
            zh="从 (2, 2, 2) 到 (32, 32, 32)，你调用 torch 的次数变多了：你在 Python 里逐通道、逐样本或逐位置循环。",
        )


def said(en, zh):
    """A label in the learner's language."""
    return Words(en, zh).here
