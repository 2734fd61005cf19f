"""Grader of the Triton AdamW step; the truth is the same step in plain torch in fp64, in place."""

import math

import torch

from thinkllm_drill.grading import (
    KernelSuite,
    assert_close,
    assert_equal,
    assert_no_tensor,
    case,
    check,
    fail,
    speed,
    title,
)
from thinkllm_drill.grading.kernels import explained
from thinkllm_drill.grading.layouts import laid_out

SHAPES = {
    "one block": ((16,),),
    "tail": ((37,),),
    "three": ((5,), (3, 7), (40,)),
    "scalar": ((), (4,)),
    "empty": ((0, 4), (3,), (0,), (18,), (0,)),
    "full": ((32,), (16,), (48,)),
    "many": ((1,), *(40 * ((0,),)), (33,), *(40 * ((0,),)), (2,), (17,), (5,)),
    "large": ((5,), (2500,)),
    "two": ((200,), (300,)),
    "layers": (((2048, 2048), (2048,)) * 8),
    "vectors": ((50304, 2048), (2048,)),
}
CALL_AND_SHOW = "lambda f, **given: (f(**given), given)[1]"


class TestAdamW(KernelSuite):
    entry = "adamw_step"
    mutates = ("params", "exp_avgs", "exp_avg_sqs", "copies")
    layouts = False
    cases = [
        case(en="one tensor of one block", zh="一个张量，恰好一个块", shapes="one block", block=16, lr=0.1, weight_decay=0.0, beta2=0.95),
        case(en="three tensors, blocks that are partly filled", zh="三个张量，有不满的块", shapes="three", block=16, step=3, lr=0.1, weight_decay=0.5, beta2=0.95),
        case(en="a large eps", zh="很大的 eps", shapes="tail", block=32, step=2, lr=0.1, beta1=0.8, beta2=0.9, eps=0.5),
        case(en="the defaults", zh="默认值", shapes="tail", step=1, defaults=True),
        case(en="bfloat16 gradients and copies", zh="bfloat16 梯度与副本", shapes="three", block=16, step=4, lr=1.0, weight_decay=0.2, beta2=0.95, half="bfloat16", copies=True),
    ]  # fmt: skip
    edges = [
        case(en="a scalar among the tensors", zh="其中有标量", shapes="scalar", block=16, lr=0.1, beta2=0.95),
        case(en="tensors without elements", zh="没有元素的张量", shapes="empty", block=16, lr=0.1, step=2, beta2=0.95),
        case(en="tensors of full blocks only, float32 copies", zh="所有块都是满的，float32 副本", shapes="full", block=16, lr=0.1, step=2, weight_decay=0.3, beta2=0.95, copies=True),
        case(en="more tensors than a block has elements", zh="张量个数多于一块的元素个数", shapes="many", block=16, lr=0.1, step=2, beta2=0.95),
        case(en="parts of flat buffers", zh="来自展平缓冲区的视图", shapes="three", block=16, lr=0.1, step=5, beta2=0.95, flat=True, half="bfloat16", copies=True),
        case(en="float16 gradients around 400", zh="400 左右的 float16 梯度", shapes="tail", block=64, lr=0.1, beta2=0.95, half="float16", scale=400.0, copies=True),
        case(en="gradients of zero", zh="梯度为零", shapes="tail", block=64, lr=0.1, weight_decay=0.5, step=3, scale=0.0),
        case(en="gradients as small as eps", zh="与 eps 一样小的梯度", shapes="tail", block=64, lr=0.1, scale=1e-8, fresh=True),
        case(en="gradients as small as the default eps", zh="与默认 eps 一样小的梯度", shapes="tail", step=1, scale=1e-8, fresh=True, defaults=True),
        case(en="several blocks of the default size", zh="多个默认大小的块", shapes="large", step=3, defaults=True),
        case(en="no learning rate", zh="lr = 0", shapes="tail", block=64, lr=0.0, weight_decay=0.5, step=2),
        case(en="step 1 with the usual betas", zh="第 1 步，常用的 betas", shapes="tail", block=64, lr=1.0, fresh=True),
        case(en="step 20000", zh="第 20000 步", shapes="tail", block=16, lr=0.1, step=20000),
    ]  # fmt: skip
    speeds = (
        speed(en="16 tensors, 34 million numbers", zh="16 个张量，共 3400 万个数", bytes=28 * 8 * (2048 * 2049), dtype="float32", shapes="layers"),
        speed(en="an embedding, bfloat16 gradients and copies", zh="一个 embedding，bfloat16 梯度与副本", bytes=28 * (50304 * 2048 + 2048), dtype="float32", shapes="vectors", half="bfloat16", copies=True),
    )  # fmt: skip

    def inputs(
        self, rng, *, shapes, block=None, step=2, half="float32", copies=False, flat=False, scale=1.0, fresh=False,
        defaults=False, lr=1e-3, weight_decay=0.01, beta1=0.9, beta2=0.999, eps=1e-8,
    ):  # fmt: skip
        sizes = SHAPES[shapes]

        def drawn(make, dtype):
            tensors = [make(size).to(dtype) for size in sizes]
            if not flat:
                return tensors
            buffer = torch.cat(
                [torch.zeros(3, dtype=dtype), *(t.flatten() for t in tensors), torch.zeros(5, dtype=dtype)]
            )
            ends = torch.tensor([3, *(math.prod(size) for size in sizes)]).cumsum(0).tolist()
            return [buffer[a:b].view(size) for a, b, size in zip(ends, ends[1:], sizes, strict=False)]

        kept = 0.0 if fresh else 1.0
        given = {
            "params": drawn(rng.normal, torch.float32),
            "grads": drawn(lambda size: rng.normal(size) * scale, getattr(torch, half)),
            "exp_avgs": drawn(lambda size: rng.normal(size) * kept * scale, torch.float32),
            "exp_avg_sqs": drawn(lambda size: (rng.normal(size) * kept * scale).square(), torch.float32),
            "step": step,
        }
        if copies:
            given["copies"] = drawn(lambda size: torch.full(size, 7.0), getattr(torch, half))
        if block is not None:
            given["block"] = block
        if not defaults:
            given |= {"lr": lr, "weight_decay": weight_decay, "betas": (beta1, beta2), "eps": eps}
        return given

    def prepared(self, rng, probe):
        """The gradients and copies alone may be in half precision."""
        given = self.inputs(rng, **probe.case.params)
        return laid_out({}, probe.case.dtype, probe.layout) | given

    def expected(
        self, *, params, grads, exp_avgs, exp_avg_sqs, step, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01,
        copies=None, block=1024,
    ):  # fmt: skip
        for i, (p, g, m, v) in enumerate(zip(params, grads, exp_avgs, exp_avg_sqs, strict=True)):
            g = g.to(p.dtype)
            m.mul_(betas[0]).add_(g, alpha=1 - betas[0])
            v.mul_(betas[1]).addcmul_(g, g, value=1 - betas[1])
            denominator = (v / (1 - betas[1] ** step)).sqrt().add_(eps)
            p.mul_(1 - lr * weight_decay).addcdiv_(m, denominator, value=-lr / (1 - betas[0] ** step))
            if copies is not None:
                copies[i].copy_(p)

    def valid(self, *, step=1, block=1024, **_):
        return step >= 1 and block >= 16 and block & (block - 1) == 0

    @title(en="bias corrections in double precision", zh="偏差修正用双精度计算")
    def test_bias_correction(self, attempt, rng):
        """1 − β₂ᵗ is about 0.001 at the first step: in float32 it keeps four digits."""
        given = self.inputs(
            rng, shapes="tail", block=64, step=1, lr=1.0, weight_decay=0.0, beta2=0.9999, eps=1e-30, fresh=True
        )
        given["params"] = [torch.zeros(37)]
        right = {
            name: [t.double().clone() for t in given[name]] for name in ("params", "grads", "exp_avgs", "exp_avg_sqs")
        }
        self.expected(**given | right)
        with explained():
            shown = attempt.local(CALL_AND_SHOW)(attempt[self.entry], **given)
        for name in ("exp_avg_sqs", "params"):
            assert_close(
                shown[name],
                right[name],
                en=f"{name} after one step with β₂ = 0.9999: work out 1 − β and 1 − βᵗ on the host in Python's double "
                "precision; a kernel gets float32, in which 1 − 0.9999 has lost four of its seven digits",
                zh=f"β₂ = 0.9999 时走一步之后的 {name}：1 − β 与 1 − βᵗ 要在 host 端用 Python 的双精度算好；传进 kernel 的是 "
                "float32，那里的 1 − 0.9999 会丢掉七位有效数字中的四位",
            )

    @title(en="each copy is the new parameter, rounded once", zh="每个副本都是新参数舍入一次的结果")
    def test_copies(self, attempt, rng):
        for half in ("bfloat16", "float16", "float32"):
            given = self.inputs(rng, shapes="three", block=16, lr=1e-4, half=half, copies=True)
            with explained():
                shown = attempt.local(CALL_AND_SHOW)(attempt[self.entry], **given)
            assert_equal(
                shown["copies"],
                [p.to(getattr(torch, half)) for p in shown["params"]],
                en=f"a {half} copy must be the float32 parameter after the step, rounded to the nearest",
                zh=f"{half} 副本应是更新之后的 float32 参数四舍五入到最近的值",
            )

    @check("cost")
    @title(en="one launch for all tensors", zh="所有张量只启动一次")
    def test_launches(self, attempt, rng):
        work, inputs = self.work(attempt, rng, shapes="three", block=16)
        if work.launches != 1:
            fail(
                en=f"{len(inputs['params'])} tensors took {work.launches} launches. A launch costs microseconds, as much as "
                "updating a small tensor many times over: put the addresses into a table and launch once.",
                zh=f"{len(inputs['params'])} 个张量启动了 {work.launches} 次。一次启动要几微秒，足够把小张量更新许多遍："
                "应把地址放进一张表，只启动一次。",
            )

    @check("cost")
    @title(en="four reads and three writes per element", zh="每个元素读四次、写三次")
    def test_traffic(self, attempt, rng):
        for copies in (False, True):
            work, inputs = self.work(attempt, rng, shapes="tail", block=16, copies=copies)
            moved = work.traffic(at_least=inputs["params"][0].nbytes) / inputs["params"][0].numel()
            if moved > 7 + copies:
                fail(
                    en=f"Your kernel moves {moved:.3g} elements for each parameter{' with a copy' * copies}; {7 + copies} "
                    "are enough: p, g, m, v read once, p, m, v (and the copy) written once.",
                    zh=f"每个参数{'（带副本）' * copies}你的 kernel 搬运了 {moved:.3g} 个元素；{7 + copies} 个就够了："
                    "p、g、m、v 各读一次，p、m、v（及副本）各写一次。",
                )

    @check("cost")
    @title(en="no tensor of the size of a parameter is made", zh="不创建与参数一样大的张量")
    def test_memory(self, attempt, rng):
        given = self.inputs(rng, shapes="two", block=64)
        with explained():
            cost = attempt.profile(self.entry, **given)
        assert_no_tensor(
            cost,
            4 * 200,
            en="Work in the tensors that you are given: a tensor as large as a parameter was made beside them, and the "
            "optimizer state is what fills the memory.",
            zh="应直接在给定的张量里计算：你另外创建了与参数一样大的张量，而占满显存的正是优化器状态。",
        )

    @check("cost")
    @title(en="no load or store is wider than block", zh="每次 load 与 store 都不宽于 block")
    def test_width(self, attempt, rng):
        work, inputs = self.work(attempt, rng, shapes="tail", block=16)
        if work.widest > inputs["block"]:
            fail(
                en=f"With block = 16, line {work.widest_line} touches {work.widest} elements at once. A large tensor does not "
                "fit into one program: give each block of it a program.",
                zh=f"block = 16 时，第 {work.widest_line} 行一次访问了 {work.widest} 个元素。大张量放不进一个 program："
                "应让它的每个块各有一个 program。",
            )
