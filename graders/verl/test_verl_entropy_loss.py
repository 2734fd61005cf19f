"""Grader of verl's entropy loss."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_no_tensor, case, check, fail, title

TOKEN, SUM, MEAN = "token-mean", "seq-mean-token-sum", "seq-mean-token-mean"


class TestEntropyLoss(FunctionSuite):
    entry = "compute_entropy_loss"
    gradients = ("logits",)
    cases = [
        case(en="responses of different lengths", zh="长短不一的回复", batch=3, length=5, vocab=7, factor=24),
        case(en="chunks that do not divide the rows", zh="行数不能被 chunk_size 整除", batch=2, length=5, vocab=4, chunk_size=3, factor=24),
        case(en="seq-mean-token-mean", zh="seq-mean-token-mean", batch=3, length=6, vocab=5, mode=MEAN, factor=24),
        case(en="seq-mean-token-sum, in chunks", zh="seq-mean-token-sum，分块", batch=3, length=4, vocab=6, mode=SUM, chunk_size=4, factor=24),
        case(en="peaked distributions", zh="尖锐的分布", batch=2, length=4, vocab=9, scale=6.0, factor=64),
        case(en="a large vocabulary", zh="大词表", batch=2, length=3, vocab=1027, reduction=4096),
    ]  # fmt: skip
    edges = [
        case(en="logits of ±1000", zh="±1000 的 logit", batch=2, length=3, vocab=6, scale=1000.0, equal=True, factor=8192),
        case(en="logits near 10000", zh="10000 附近的 logit", batch=2, length=3, vocab=6, offset=10000.0, factor=32768),
        case(en="banned tokens", zh="有被禁用的 token", batch=2, length=4, vocab=6, banned=True, factor=24),
        case(en="banned tokens, in chunks", zh="有被禁用的 token，分块", batch=2, length=4, vocab=6, banned=True, chunk_size=1, factor=24),
        case(en="chunks larger than the batch", zh="chunk_size 大于行数", batch=2, length=3, vocab=4, chunk_size=100, factor=24),
        case(en="no token at all", zh="没有任何 token", batch=2, length=3, vocab=4, mask="none", factor=24),
        case(en="a response without tokens", zh="有一条回复没有 token", batch=3, length=4, vocab=5, mode=MEAN, mask="empty", factor=24),
        case(en="equal logits", zh="logit 全相等", batch=2, length=3, vocab=8, scale=0.0, factor=24),
        case(en="bfloat16", zh="bfloat16", batch=2, length=4, vocab=33, dtype="bfloat16"),
    ]  # fmt: skip

    def inputs(
        self, rng, *, batch, length, vocab, mode=None, mask="", chunk_size=None, scale=1.5, offset=0.0, banned=False, equal=False,
    ):  # fmt: skip
        logits = (rng.integers(-256, 257, (batch, length, vocab)) / 128) * scale + offset
        if equal:  # two tokens share the top, so that there is an entropy left
            logits[..., 0] = logits[..., 1] = 3 * scale
        if banned:
            logits[:, :, 1::2] = -torch.inf
        if mask == "none":
            counted = torch.zeros(batch, length, dtype=torch.int64)
        else:
            counted = rng.bernoulli((batch, length), 0.6).long()
            counted[:, 0] = counted[:, -1] = 1
            counted[0] = int(mask != "empty")
        given = {"loss_agg_mode": mode, "chunk_size": chunk_size}
        options = {name: value for name, value in given.items() if value is not None}
        return {"logits": logits, "response_mask": counted} | options

    def valid(self, *, batch, length, vocab, chunk_size=None, **_):
        return batch > 0 and length > 0 and vocab > 0 and chunk_size != 0

    @title(en="a constant added to every logit", zh="每个 logit 加同一个常数")
    def test_shift(self, attempt, rng):
        inputs = self.inputs(rng, batch=2, length=3, vocab=5)
        assert_close(
            attempt.compute_entropy_loss(**inputs | {"logits": inputs["logits"] + 8.0}),
            attempt.compute_entropy_loss(**inputs),
            en="adding 8 to every logit must not change the entropy",
            zh="每个 logit 加 8 不应改变熵",
        )

    @check("gradients")
    @title(en="gradients of banned and of hopeless tokens", zh="被禁用与概率下溢的 token 的梯度")
    def test_gradients_far_out(self, attempt, reference, rng):
        banned = self.inputs(rng, batch=2, length=3, vocab=6, banned=True)
        # two equal logits 1000 above the others: an entropy of ln 2, at its largest, so that every gradient is 0
        peaked = self.inputs(rng, batch=2, length=3, vocab=6, scale=1000.0, equal=True)
        one = {0: torch.ones(())}
        (_, found), (_, far) = (
            attempt.vjp(attempt.compute_entropy_loss, inputs, ("logits",), one) for inputs in (banned, peaked)
        )  # both before any verdict: which of them are NaN tells mistakes apart
        _, right = reference.vjp(reference.compute_entropy_loss, banned, ("logits",), one)
        assert_close(
            found["logits"].flatten(),
            right["logits"].flatten(),
            en="logits of −inf: the gradient must be finite, and 0 there",
            zh="logit 为 −inf：梯度必须有限，且那里为 0",
        )
        if not bool((far["logits"].abs() < 1e-4).all()):
            fail(
                en="Two equal logits and others 1000 below them: every gradient is 0; yours is not, or it is NaN.",
                zh="两个相等的 logit，其余都低 1000：每个梯度都应为 0；你的不是 0，或者是 NaN。",
            )

    @check("cost")
    @title(en="no tensor is larger than a chunk", zh="没有比一个分块更大的张量")
    def test_memory(self, attempt, rng):
        inputs = self.inputs(rng, batch=4, length=16, vocab=64, chunk_size=4)
        for dtype in (torch.float32, torch.bfloat16):  # to convert all logits takes a tensor of bfloat16 ones only
            kind = str(dtype).removeprefix("torch.")
            assert_no_tensor(
                attempt.profile("compute_entropy_loss", **inputs | {"logits": inputs["logits"].to(dtype)}),
                2 * 4 * 64 * 4,
                en=f"With {kind} logits, chunk_size 4 and 64 tokens in the vocabulary a tensor of the size of two chunks or "
                "more was made: the point of a chunk is that softmax and logarithms of all rows never exist together, nor "
                "all rows in float32. Cut first.",
                zh=f"logits 为 {kind}、chunk_size 为 4、词表为 64 时，出现了两个分块以上大小的张量：分块就是为了不让所有行的 "
                "softmax 与对数同时存在，也不让所有行同时转成 float32。应先切块。",
            )
