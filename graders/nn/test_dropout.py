"""Grader of inverted dropout with given uniforms."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, case, check, fail, raises, title


class TestDropout(FunctionSuite):
    entry = "dropout"
    gradients = ("x",)
    cases = [
        case(en="the default p", zh="默认的 p", shape=(4, 5)),
        case(en="a small p", zh="较小的 p", shape=(6, 7), p=0.2),
        case(en="a large p", zh="较大的 p", shape=(7, 6), p=0.8),
        case(en="evaluation", zh="推理", shape=(4, 5), p=0.3, training=False),
        case(en="four dimensions", zh="四维", shape=(2, 3, 4, 5), p=0.4),
    ]
    edges = [
        case(en="p = 0", zh="p = 0", shape=(3, 5), p=0.0),
        case(en="p = 1, numbers near 1", zh="p = 1，随机数接近 1", shape=(3, 5), p=1.0, high=True),
        case(en="evaluation with p = 1", zh="p = 1 时推理", shape=(3, 5), p=1.0, training=False),
        case(en="numbers equal to p", zh="随机数恰好等于 p", shape=(4, 6), p=0.25, ties=True),
        case(en="no dimensions", zh="零维", shape=(), p=0.25),
        case(en="all dropped", zh="全部被丢弃", shape=(2, 3), p=0.75, low=True),
        case(en="bfloat16", zh="bfloat16", shape=(5, 7), p=0.3, dtype="bfloat16"),
        case(en="float16", zh="float16", shape=(5, 7), p=0.3, dtype="float16"),
        case(en="bfloat16 in evaluation", zh="bfloat16，推理", shape=(5, 7), p=0.3, training=False, dtype="bfloat16"),
    ]

    def inputs(self, rng, *, shape, p=None, training=None, ties=False, low=False, high=False):
        x, uniforms = rng.normal(shape), rng.uniform(shape)
        if ties:
            uniforms[..., ::2] = p
        if low:
            uniforms *= p
        if high:
            uniforms = 0.995 + 0.004 * uniforms
        given = {"p": p, "training": training}
        return {"x": x, "uniforms": uniforms} | {name: value for name, value in given.items() if value is not None}

    def prepared(self, rng, probe):
        """The uniforms stay float32."""
        given = super().prepared(rng, probe)
        if probe.case.dtype != "float32":
            given["uniforms"] = rng.uniform(given["x"].shape)
        return given

    @check("edges")
    @title(en="numbers just below p, beside half precision", zh="随机数略小于 p，输入为半精度")
    def test_float32_comparison(self, attempt, reference, rng):
        for dtype in (torch.bfloat16, torch.float16):
            x = 1 + rng.integers(0, 8, (6, 8)).to(dtype)
            uniforms = torch.where(rng.bernoulli((6, 8)), 0.5 - 2.0**-14, 0.5)
            kind = str(dtype).removeprefix("torch.")
            assert_close(
                attempt.dropout(x=x, uniforms=uniforms),
                reference.dropout(x=x, uniforms=uniforms),
                en=f"x {kind}, uniforms 0.5 and 0.5 − 2⁻¹⁴: compare them as they are; in {kind} both are 0.5",
                zh=f"x 为 {kind}，随机数为 0.5 与 0.5 − 2⁻¹⁴：应按原样比较；舍入成 {kind} 后两者都是 0.5",
            )

    @title(en="a p that is no probability", zh="不是概率的 p")
    def test_invalid_p(self, attempt, rng):
        x, uniforms = rng.normal((2, 3)), rng.uniform((2, 3))
        for p in (-0.1, 1.1):
            for training in (True, False):
                raises(
                    lambda p=p, training=training: attempt.dropout(x=x, uniforms=uniforms, p=p, training=training),
                    "ValueError",
                    en=f"p = {p}, training={training}: raise ValueError",
                    zh=f"p = {p}、training={training}：应抛出 ValueError",
                )

    @check("gradients")
    @title(en="gradients at p = 0 and p = 1", zh="p = 0 与 p = 1 处的梯度")
    def test_gradients_at_the_ends(self, attempt, reference, rng):
        for p in (0.0, 1.0):
            inputs = {"x": rng.normal((3, 4)), "uniforms": rng.uniform((3, 4)), "p": p}
            cotangent = {0: rng.normal((3, 4))}
            _, found = attempt.vjp(attempt.dropout, inputs, ("x",), cotangent)
            _, right = reference.vjp(reference.dropout, inputs, ("x",), cotangent)
            assert_close(found["x"], right["x"], en=f"p = {p:g}: the gradient of x", zh=f"p = {p:g}：x 的梯度")

    @check("cost")
    @title(en="one byte an entry for the backward pass", zh="反向只为每个元素保留一个字节")
    def test_saved(self, attempt, rng):
        x, uniforms = rng.normal((64, 64)), rng.uniform((64, 64))
        saved = attempt.profile("dropout", saved=True, x=x, uniforms=uniforms, p=0.25).saved_bytes
        if saved > 1.25 * x.numel():
            fail(
                en=f"for {x.numel()} entries the graph keeps {saved} bytes: a mask of floats, or a second tensor. Keep the "
                "bool mask alone, a byte an entry: torch.where(keep, …), masked_fill, or x * keep with a bool keep.",
                zh=f"{x.numel()} 个元素，计算图却保留了 {saved} 字节：float 掩码，或另存了一个张量。只需保留 bool 掩码，"
                "每个元素一字节：torch.where(keep, …)、masked_fill，或 x * keep（keep 为 bool）。",
            )

    @check("cost")
    @title(en="no Python loop over entries or rows", zh="不在 Python 里逐元素或逐行循环")
    def test_no_loop(self, attempt, rng):
        costs = [attempt.profile("dropout", x=rng.normal((n, n)), uniforms=rng.uniform((n, n))) for n in (4, 32)]
        assert_growth(
            *costs,
            "operations",
            at_most=2,
            en="From (4, 4) to (32, 32) your torch calls grow in number: you loop over entries or rows in Python.",
            zh="从 (4, 4) 到 (32, 32)，你调用 torch 的次数变多了：你在 Python 里逐元素或逐行循环。",
        )
