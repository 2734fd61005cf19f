"""Grader of the Triton cross-entropy; the truth is the loss of plain torch in fp64 and its gradient, written in place."""

import torch

from thinkllm_drill.grading import KernelSuite, assert_no_tensor, assert_rounded_once, case, check, fail, speed, title
from thinkllm_drill.grading.kernels import explained

CALL_AND_SHOW = "lambda f, **given: (f(**given), given['logits'])"
VOCAB = 128256


class TestCrossEntropy(KernelSuite):
    entry = "cross_entropy"
    mutates = ("logits",)
    layouts = False
    cases = [
        case(en="rows of one block", zh="一行恰好一个块", n=2, vocab=16, block=16),
        case(en="rows of several blocks, the last one partly filled", zh="一行占多个块，最后一块不满", n=2, vocab=37, block=16),
        case(en="ignored rows", zh="有被忽略的行", n=4, vocab=7, block=16, ignored=2, scale=0.5),
        case(en="the maximum rises in every block", zh="最大值逐块上升", n=1, vocab=41, block=16, slope=8.0),
        case(en="more rows than a block holds", zh="行数多于一个块", n=18, vocab=3, block=16, late=15, scale=0.5),
        case(en="the defaults", zh="默认值", n=2, vocab=9, ignored=1, defaults=True),
    ]  # fmt: skip
    edges = [
        case(en="one class", zh="只有一个类", n=1, vocab=1, block=16),
        case(en="one class more than the block", zh="比块多一个类", n=2, vocab=33, block=32, ignored=1),
        case(en="all rows ignored", zh="所有行都被忽略", n=2, vocab=5, block=16, ignored=2),
        case(en="ignore_index is a class", zh="ignore_index 是某个类", n=3, vocab=5, block=16, ignored=1, ignore_index=2, scale=0.5),
        case(en="ignore_index beyond the classes", zh="ignore_index 超出类别范围", n=3, vocab=5, block=16, ignored=2, ignore_index=255, scale=0.5),
        case(en="ignore_index beyond int32", zh="ignore_index 超出 int32", n=3, vocab=5, block=16, ends=True, ignore_index=2**32, scale=0.5),
        case(en="targets at both ends", zh="目标在首尾", n=2, vocab=17, block=16, ends=True),
        case(en="logits of ±10000", zh="±10000 的 logit", n=2, vocab=21, block=16, scale=1e4),
        case(en="rows near −10000", zh="各行在 −10000 附近", n=1, vocab=21, block=16, offset=-10008.0),
        case(en="a row near −10¹⁰", zh="一行在 −10¹⁰ 附近", n=1, vocab=21, block=16, scale=1e9, offset=-1e10),
        case(en="a target that the maximum is far from", zh="最大值远离目标", n=1, vocab=37, block=16, slope=-64.0),
        case(en="the first block all −inf", zh="第一块全为 −inf", n=1, vocab=37, block=16, banned="first"),
        case(en="some classes −inf", zh="部分类为 −inf", n=1, vocab=37, block=16, banned="some"),
        case(en="rows of a padded vocabulary", zh="词表有填充的行", n=2, vocab=21, block=16, padded=11),
        case(en="equal bfloat16 logits", zh="相等的 bfloat16 logit", n=2, vocab=21, block=16, scale=0.0, dtype="bfloat16"),
        case(en="bfloat16", zh="bfloat16", n=2, vocab=21, block=16, dtype="bfloat16"),
        case(en="float16", zh="float16", n=2, vocab=21, block=16, dtype="float16"),
        case(en="70001 equal float16 logits", zh="70001 个相等的 float16 logit", n=1, vocab=70001, block=8192, scale=0.0, dtype="float16"),
    ]  # fmt: skip
    speeds = (
        speed(en="8192 tokens, a vocabulary of 128256", zh="8192 个 token，词表 128256", bytes=3 * 8192 * VOCAB * 2, n=8192, vocab=VOCAB, defaults=True),
        speed(en="4096 tokens, a vocabulary of 50257", zh="4096 个 token，词表 50257", bytes=3 * 4096 * 50257 * 2, n=4096, vocab=50257, defaults=True),
    )  # fmt: skip

    def inputs(
        self, rng, *, n, vocab, block=None, ignored=0, ignore_index=-100, scale=1.0, offset=0.0, slope=0.0, banned="",
        padded=0, ends=False, late=0, defaults=False,
    ):  # fmt: skip
        wide = rng.normal((n, vocab + padded)) * scale + offset + slope * torch.arange(vocab + padded) / 16
        logits = wide[:, :vocab]
        target = rng.integers(0, vocab, (n,))
        if ends:
            target[0], target[1] = 0, vocab - 1
        if banned:
            logits[:, :16] = -torch.inf if banned == "first" else logits[:, :16]
            logits[:, 1::3] = -torch.inf if banned == "some" else logits[:, 1::3]
            target = 18 + 3 * rng.integers(0, (vocab - 18) // 3, (n,))
        target[target == ignore_index] = vocab - 1
        target[rng.permutation(n)[:ignored]] = ignore_index
        target[:late] = ignore_index
        given = {"logits": logits, "target": target}
        if not defaults:
            given["ignore_index"] = ignore_index
        return given if block is None else given | {"block": block}

    def expected(self, *, logits, target, ignore_index=-100, block=4096):
        counted = target != ignore_index
        index = target.masked_fill(~counted, 0)[:, None]
        count = counted.sum().clamp(min=1)
        wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
        logprobs = torch.log_softmax(wide, -1)
        loss = -(logprobs.gather(1, index)[:, 0].masked_fill(~counted, 0)).sum() / count
        grad = logprobs.exp_().scatter_add_(1, index, -torch.ones_like(index, dtype=wide.dtype))
        logits.copy_(grad.masked_fill_(~counted[:, None], 0).div_(count))
        return loss

    def valid(self, *, n, vocab, block=4096, ignored=0, ignore_index=-100, banned="", ends=False, **_):
        right = block >= 16 and block & (block - 1) == 0 and ignored <= n
        return right and (not banned or vocab > 20) and (not ends or n > 1) and ignore_index != vocab - 1

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, rng):
        x = rng.integers(-255, 256, (3, 40)) / 1024  # less the maximum it takes more digits than bfloat16 has
        x[2] = 0.0  # each softmax lies midway between two numbers of bfloat16, far from any when divided by 3
        x[:, 5] = 7.5625
        x, target = x.bfloat16(), torch.tensor([7, 20, 31])
        right = x.double()
        loss = self.expected(logits=right, target=target)
        with explained():
            answer, grad = attempt.local(CALL_AND_SHOW)(attempt[self.entry], logits=x, target=target, block=64)
        en, zh = (
            "Convert to float32 before anything is computed, keep the sums and the loss in float32; the gradient is rounded "
            "once, when it is stored.",
            "应先转 float32 再做任何计算，累加与损失都用 float32；梯度只在 store 时舍入一次。",
        )
        near = float(answer.double() - loss)
        if not abs(near) <= 1e-5 * float(loss):
            fail(en=f"{en} The loss is off by {near:.3g}.", zh=f"{zh}损失差了 {near:.3g}。")
        assert_rounded_once(grad, right, x.dtype, spacings=0.6, beside=2.0**-25, en=en, zh=zh)

    @check("cost")
    @title(en="two reads and one write per logit", zh="每个 logit 读两次、写一次")
    def test_traffic(self, attempt, rng):
        work, inputs = self.work(attempt, rng, n=2, vocab=120, block=64)
        logits = inputs["logits"]
        moved = (work.traffic(at_least=logits.nbytes) - 4 * len(logits)) / logits.numel()
        if moved > 3:
            fail(
                en=f"Your kernels move {moved:.3g} elements for each logit; two reads and one write are enough: maximum and "
                "sum in one pass, the gradient in a second.",
                zh=f"平均每个 logit，你的 kernel 搬运了 {moved:.3g} 个元素；读两次、写一次就够了：一遍求最大值与和，第二遍写梯度。",
            )

    @check("cost")
    @title(en="an ignored row is not read", zh="被忽略的行不读取")
    def test_ignored_rows(self, attempt, rng):
        work, inputs = self.work(attempt, rng, n=2, vocab=120, block=64, ignored=2)
        logits = inputs["logits"]
        moved = (work.traffic(at_least=logits.nbytes) - 4 * len(logits)) / logits.numel()
        if moved > 1:
            fail(
                en=f"Where all rows are ignored your kernels still move {moved:.3g} elements for each logit: such a row is "
                "only overwritten by zeros.",
                zh=f"所有行都被忽略时，平均每个 logit 你的 kernel 仍搬运 {moved:.3g} 个元素：这样的行只需写零。",
            )

    @check("cost")
    @title(en="no second tensor of the size of the logits", zh="不创建与 logits 一样大的张量")
    def test_memory(self, attempt, rng):
        given = self.inputs(rng, n=2, vocab=200, block=256)
        with explained():
            cost = attempt.profile(self.entry, **given)
        assert_no_tensor(
            cost,
            given["logits"].nbytes // 2,
            en="The gradient goes into the memory of the logits: a tensor of half their size or more was made beside them.",
            zh="梯度应写进 logits 的内存：你另外创建了至少有它一半大的张量。",
        )

    @check("cost")
    @title(en="no load or store is wider than block", zh="每次 load 与 store 都不宽于 block")
    def test_width(self, attempt, rng):
        work, inputs = self.work(attempt, rng, n=18, vocab=20, block=16, ignored=17)
        if work.widest > inputs["block"]:
            fail(
                en=f"With block = 16, line {work.widest_line} touches {work.widest} elements at once: rows and targets that "
                "are longer than the block must be read block by block.",
                zh=f"block = 16 时，第 {work.widest_line} 行一次访问了 {work.widest} 个元素：比块长的行与目标要逐块读取。",
            )


class TestCrossEntropyBackward(KernelSuite):
    entry = "cross_entropy_backward"
    mutates = ("grad",)
    layouts = False
    elementwise = True
    cases = [
        case(en="one block", zh="一个块", n=1, vocab=16, block=16, factor_=0.37),
        case(en="rows of several blocks", zh="一行占多个块", n=2, vocab=41, block=16, factor_=-2.5),
        case(en="the default block", zh="默认的 block", n=2, vocab=21, factor_=65536.0),
    ]
    edges = [
        case(en="a factor of 1", zh="系数为 1", n=2, vocab=21, block=16, factor_=1.0),
        case(en="a factor just above 1", zh="系数略大于 1", n=2, vocab=21, block=16, factor_=1.00001),
        case(en="a factor of 0", zh="系数为 0", n=2, vocab=21, block=16, factor_=0.0),
        case(en="rows of a padded vocabulary", zh="词表有填充的行", n=2, vocab=21, block=16, padded=5, factor_=3.0),
        case(en="bfloat16", zh="bfloat16", n=2, vocab=21, block=16, factor_=1.0009765625, dtype="bfloat16"),
        case(en="float16, a factor of 100000", zh="float16，系数为 100000", n=2, vocab=21, block=16, factor_=1e5, scale=1e-3, dtype="float16"),
    ]  # fmt: skip
    speeds = (
        speed(
            en="a factor other than 1", zh="系数不为 1", bytes=2 * 8192 * VOCAB * 2, n=8192, vocab=VOCAB, factor_=0.5
        ),
    )

    def inputs(self, rng, *, n, vocab, block=None, factor_=1.0, scale=1.0, padded=0):
        grad = (rng.normal((n, vocab + padded)) * scale)[:, :vocab]
        given = {"grad_loss": torch.tensor(factor_), "grad": grad}
        return given if block is None else given | {"block": block}

    def prepared(self, rng, probe):
        """The factor is float32 whatever the logits are."""
        given = super().prepared(rng, probe)
        return given | {"grad_loss": self.inputs(rng, **{**probe.case.params, "n": 1, "vocab": 1})["grad_loss"]}

    def expected(self, *, grad_loss, grad, block=4096):
        grad.copy_(grad.to(grad_loss.dtype) * grad_loss)

    def valid(self, *, block=4096, **_):
        return block >= 16 and block & (block - 1) == 0

    @check("cost")
    @title(en="one read and one write, nothing for a factor of 1", zh="读写各一次；系数为 1 时不搬运")
    def test_traffic(self, attempt, rng):
        for factor, most in ((0.5, 2), (1.0, 0)):
            work, inputs = self.work(attempt, rng, n=3, vocab=40, block=16, factor_=factor)
            moved = work.traffic(at_least=inputs["grad"].nbytes) / inputs["grad"].numel()
            if moved > most:
                fail(
                    en=f"With a factor of {factor:g} your kernel moves {moved:.3g} elements for each of grad; {most} are "
                    "enough. The usual case, a loss that is differentiated itself, has a factor of 1: the kernel reads it "
                    "and leaves everything as it is.",
                    zh=f"系数为 {factor:g} 时，平均 grad 的每个元素你的 kernel 搬运了 {moved:.3g} 次；{most} 次就够了。"
                    "最常见的情形是直接对损失求导，系数为 1：kernel 读到它之后什么都不动。",
                )
