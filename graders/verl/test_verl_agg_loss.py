"""Grader of verl's aggregation of token losses."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, case, check, title

TOKEN, SUM, MEAN, NORM = "token-mean", "seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm"


class TestAggLoss(FunctionSuite):
    """Losses are well away from 0 and mostly of one sign: a sum in which they cancel would say nothing of a divisor."""

    entry = "agg_loss"
    gradients = ("loss_mat",)
    cases = [
        case(en="token-mean", zh="token-mean", batch=3, length=5, mode=TOKEN),
        case(en="seq-mean-token-mean", zh="seq-mean-token-mean", batch=3, length=5, mode=MEAN),
        case(en="seq-mean-token-sum", zh="seq-mean-token-sum", batch=3, length=5, mode=SUM),
        case(en="seq-mean-token-sum-norm", zh="seq-mean-token-sum-norm", batch=3, length=5, mode=NORM),
        case(en="seq-mean-token-sum-norm, loss_scale_factor 100", zh="seq-mean-token-sum-norm，loss_scale_factor 为 100", batch=2, length=6, mode=NORM, loss_scale_factor=100),
        case(en="token-mean, one of three ranks", zh="token-mean，三个 rank 之一", batch=2, length=6, mode=TOKEN, dp_size=3, batch_num_tokens=41),
        case(en="seq-mean-token-mean, one of three ranks", zh="seq-mean-token-mean，三个 rank 之一", batch=2, length=6, mode=MEAN, dp_size=3, global_batch_size=7),
        case(en="seq-mean-token-sum, one of two ranks", zh="seq-mean-token-sum，两个 rank 之一", batch=4, length=3, mode=SUM, dp_size=2, global_batch_size=9),
        case(en="seq-mean-token-sum-norm, one of two ranks", zh="seq-mean-token-sum-norm，两个 rank 之一", batch=4, length=3, mode=NORM, dp_size=2, global_batch_size=9, loss_scale_factor=32),
        case(en="a global number on one rank", zh="单 rank 也给了全局数量", batch=2, length=4, mode=TOKEN, batch_num_tokens=50),
    ]  # fmt: skip
    edges = [
        *(case(en=f"{mode}, a response without tokens", zh=f"{mode}，有一条回复没有 token", batch=4, length=5, mode=mode, empty=2) for mode in (TOKEN, SUM, MEAN, NORM)),
        *(case(en=f"{mode}, no token at all", zh=f"{mode}，没有任何 token", batch=2, length=3, mode=mode, empty=2) for mode in (TOKEN, SUM, MEAN, NORM)),
*(case(en=f"{mode}, {kind} outside the mask", zh=f"{mode}，掩码外为 {kind}", batch=3, length=6, mode=mode, garbage=kind) for mode, kind in ((TOKEN, "NaN"), (MEAN, "inf"), (SUM, "NaN"), (NORM, "inf"))),
        *(case(en=f"{mode}, one token in all", zh=f"{mode}，总共一个 token", batch=2, length=3, mode=mode, one=True) for mode in (TOKEN, MEAN)),
        case(en="several ranks, no batch_num_tokens", zh="多个 rank 而没有 batch_num_tokens", batch=2, length=3, mode=TOKEN, dp_size=2, global_batch_size=4),
        *(case(en=f"{mode}, several ranks, no global_batch_size", zh=f"{mode}，多个 rank 而没有 global_batch_size", batch=2, length=3, mode=mode, dp_size=2, batch_num_tokens=9) for mode in (SUM, MEAN, NORM)),
        case(en="an unknown mode", zh="未知的模式", batch=2, length=3, mode="seq-mean"),
        case(en="a long response", zh="长回复", batch=2, length=1027, mode=TOKEN, reduction=2054),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, length, mode, empty=0, garbage="", one=False, **options):
        mask = rng.bernoulli((batch, length), 0.6).long()
        mask[:, length // 2] = 1
        mask[0] = 1  # so that no two responses of a batch of several need be of one length
        mask[-1, : length // 2] = 0
        if length > 1:
            mask[1:, -1] = 0
        mask[:empty] = 0
        losses = rng.uniform((batch, length), low=0.5, high=2.0) + torch.arange(batch)[:, None]
        if one:
            mask = torch.arange(batch * length).view(batch, length).eq(1).long()
        if garbage:
            mask[0, 0] = 0
            losses[mask == 0] = float(garbage)
        return {"loss_mat": losses, "loss_mask": mask, "loss_agg_mode": mode} | options

    def valid(self, *, batch, length, **_):
        return batch > 0 and length > 0

    @title(en="ranks of unequal size average to the whole batch", zh="大小不等的各 rank 取平均等于整个 batch")
    def test_ranks(self, attempt, rng):
        for mode in (TOKEN, SUM, MEAN, NORM):
            given = self.inputs(rng, batch=5, length=4, mode=mode)
            losses, mask = given["loss_mat"], given["loss_mask"]
            whole = {"batch_num_tokens": int(mask.sum()), "global_batch_size": 5, "loss_scale_factor": 4}  # the width
            parts = [
                attempt.agg_loss(loss_mat=losses[rows], loss_mask=mask[rows], loss_agg_mode=mode, dp_size=2, **whole)
                for rows in (slice(0, 1), slice(1, 5))
            ]
            assert_close(
                (parts[0] + parts[1]) / 2,
                attempt.agg_loss(loss_mat=losses, loss_mask=mask, loss_agg_mode=mode),
                en=f"{mode}: a batch of five responses on two ranks, one and four: the mean of their losses must be that of "
                "the batch",
                zh=f"{mode}：五条回复分在两个 rank 上，一条和四条：两者损失的平均必须等于整个 batch 的损失",
            )

    @check("gradients")
    @title(en="gradients beside NaN", zh="NaN 旁边的梯度")
    def test_gradient_beside_nan(self, attempt, reference, rng):
        for mode in (TOKEN, MEAN, SUM, NORM):
            for options in ({"garbage": "NaN"}, {"garbage": "inf"}, {"empty": 3}):
                given = self.inputs(rng, batch=3, length=4, mode=mode, **options)
                _, found = attempt.vjp(attempt.agg_loss, given, ("loss_mat",), {0: torch.ones(())})
                _, right = reference.vjp(reference.agg_loss, given, ("loss_mat",), {0: torch.ones(())})
                assert_close(
                    found["loss_mat"],
                    right["loss_mat"],
                    en=f"{mode}, NaN outside the mask or nothing inside it: the gradient must be finite, and 0 outside",
                    zh=f"{mode}，掩码外为 NaN 或掩码全为 0：梯度必须有限，且掩码外为 0",
                )

    @check("cost")
    @title(en="no loop over tokens or responses", zh="不逐 token 或逐条回复循环")
    def test_no_loop(self, attempt, rng):
        for mode in (TOKEN, SUM, MEAN, NORM):
            small, large = (self.inputs(rng, batch=size, length=size, mode=mode) for size in (4, 16))
            assert_growth(
                attempt.profile("agg_loss", **small),
                attempt.profile("agg_loss", **large),
                "operations",
                at_most=1.5,
                en="From (4, 4) to (16, 16) your calls of torch grow in number: a Python loop over tokens or responses.",
                zh="从 (4, 4) 到 (16, 16)，torch 调用的次数也跟着增加：你用 Python 逐 token 或逐条回复循环。",
            )
