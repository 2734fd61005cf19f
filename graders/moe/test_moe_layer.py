"""Grader of the sparse mixture-of-experts layer."""

from thinkllm_drill.grading import (  # fmt: skip
    ModuleSuite,
    assert_close,
    assert_enough_flops,
    assert_growth,
    assert_no_tensor,
    case,
    check,
    title,
)

CLEAR = 0.02
"""How far the last chosen logit is above the first one left out, so that rounding does not decide."""


class TestSparseMoE(ModuleSuite):
    entry = "SparseMoE"
    outputs = ("out", "router_logits")
    gradients = ("x", "parameters")
    cases = [
        case(en="two of four experts", zh="四个专家选两个", batch=2, seq_len=5, d_model=6, d_ff=8, experts=4, top_k=2),
        case(en="not renormalised", zh="不重新归一化", batch=2, seq_len=4, d_model=5, d_ff=7, experts=4, top_k=2, renormalize=False),
        case(en="one expert a token, not renormalised", zh="每个 token 一个专家，不归一化", batch=3, seq_len=4, d_model=6, d_ff=4, experts=5, top_k=1, renormalize=False),
        case(en="three of six experts", zh="六个专家选三个", batch=2, seq_len=7, d_model=4, d_ff=9, experts=6, top_k=3),
        case(en="all experts", zh="选全部专家", batch=2, seq_len=3, d_model=5, d_ff=6, experts=3, top_k=3),
        case(en="all experts, not renormalised", zh="选全部专家，不归一化", batch=2, seq_len=5, d_model=6, d_ff=5, experts=4, top_k=4, renormalize=False),
        case(en="one expert a token, renormalised", zh="每个 token 一个专家，重新归一化", batch=2, seq_len=4, d_model=6, d_ff=5, experts=4, top_k=1),
        case(en="all tokens choose the same experts", zh="所有 token 选同样的专家", batch=3, seq_len=6, d_model=6, d_ff=4, experts=8, top_k=2, same=True),
    ]  # fmt: skip
    edges = [
        case(en="one token", zh="只有一个 token", batch=1, seq_len=1, d_model=6, d_ff=4, experts=8, top_k=2),
        case(en="many experts, few tokens", zh="专家多、token 少", batch=1, seq_len=3, d_model=8, d_ff=3, experts=16, top_k=2, renormalize=False),
        case(en="one expert in all", zh="总共一个专家", batch=2, seq_len=3, d_model=5, d_ff=4, experts=1, top_k=1),
        case(en="large logits", zh="很大的 logit", batch=2, seq_len=4, d_model=6, d_ff=4, experts=5, top_k=2, scale=300.0),
        case(en="129 tokens", zh="129 个 token", batch=3, seq_len=43, d_model=4, d_ff=5, experts=4, top_k=2),
        case(en="d_model 1", zh="d_model 为 1", batch=2, seq_len=3, d_model=1, d_ff=4, experts=3, top_k=2),
    ]  # fmt: skip

    def config(self, *, d_model, d_ff, experts, top_k, renormalize=None, **_):
        config = {"d_model": d_model, "d_ff": d_ff, "num_experts": experts, "top_k": top_k}
        return config if renormalize is None else config | {"renormalize": renormalize}

    def weights(self, config, rng):
        drawn = super().weights(config, rng)
        self.router = drawn["gate.weight"]
        return drawn

    def inputs(self, rng, *, batch, seq_len, d_model, experts, top_k, same=False, scale=1.0, **_):
        """Tokens, of several drawn for each place, that the gate built last tells apart clearly."""
        drawn = rng.normal((12, batch * seq_len, d_model))
        if same:  # one token and small changes of it
            drawn = drawn[:, :1] + 0.01 * drawn
        logits = (drawn @ self.router.T).sort(dim=-1, descending=True).values
        if top_k < experts:
            gap = logits[..., top_k - 1] - logits[..., top_k]
            first = (gap > (0.5 if same else CLEAR)).int().argmax(dim=0)
            first = first[0].expand_as(first) if same else first
            drawn = drawn.gather(0, first.view(1, -1, 1).expand(1, -1, d_model))
        return {"x": drawn[0].reshape(batch, seq_len, d_model) * scale}

    def valid(self, *, batch, seq_len, d_model, d_ff, experts, top_k, **_):
        return min(batch, seq_len, d_model, d_ff) > 0 and 1 <= top_k <= experts

    @title(en="a token does not depend on the others", zh="token 之间互不影响")
    def test_token_by_token(self, attempt, rng):
        sizes = {"batch": 2, "seq_len": 6, "d_model": 5, "d_ff": 4, "experts": 4, "top_k": 2}
        layer = self.build(attempt, **sizes)
        x = self.inputs(rng, **sizes)["x"]
        whole, _ = layer(x=x)
        part, _ = layer(x=x[1:, 2:4])
        assert_close(
            part,
            whole[1:, 2:4],
            en="tokens 2 and 3 of row 1 must come out the same when they are passed alone: no capacity, no normalisation "
            "over tokens",
            zh="把第 1 行的 token 2、3 单独传入，结果应当相同：没有容量限制，也不在 token 之间归一化",
        )

    @check("gradients")
    @title(en="the gate learns from the output alone", zh="仅由输出也能训练 gate")
    def test_gate_learns(self, attempt, reference, rng):
        for renormalize in (True, False):
            sizes = {"batch": 2, "seq_len": 5, "d_model": 6, "d_ff": 4, "experts": 4, "top_k": 2}
            layer, right = (self.build(impl, renormalize=renormalize, **sizes) for impl in (attempt, reference))
            inputs = self.inputs(rng, **sizes)
            cotangent = {0: rng.normal(inputs["x"].shape)}
            _, found = layer.vjp(inputs, self.gradients, cotangent)
            _, truth = right.vjp(inputs, self.gradients, cotangent)
            assert_close(
                found["parameters.gate.weight"].flatten(),
                truth["parameters.gate.weight"].flatten(),
                en=f"renormalize={renormalize}: the gradient that reaches gate.weight from `out` is not right; it flows "
                "through the weights of the experts",
                zh=f"renormalize={renormalize}：由 `out` 传到 gate.weight 的梯度不对；它应经由各专家的权重传回",
                reduction=16384,  # 256 roundoffs: an honest sum that cancels was off by 94 on one of 200 seeds
            )

    @title(en="a call does not depend on the one before", zh="每次调用与前一次无关")
    def test_no_state(self, attempt, reference, rng):
        for experts, top_k, batch in ((4, 2, 2), (6, 3, 1), (4, 1, 3)):
            sizes = {"batch": batch, "seq_len": 4, "d_model": 6, "d_ff": 4, "experts": experts, "top_k": top_k}
            layer, right = (self.build(impl, **sizes) for impl in (attempt, reference))
            for _ in range(2):
                inputs = self.inputs(rng, **sizes)
                assert_close(
                    layer(**inputs)[0],
                    right(**inputs)[0],
                    en=f"several layers, one after the other, twice each: wrong for {experts} experts, top_k {top_k}",
                    zh=f"依次调用多个层，各两次：{experts} 个专家、top_k 为 {top_k} 时结果错误",
                    reduction=256,
                )

    @check("cost")
    @title(en="the chosen experts alone are run", zh="只运行被选中的专家")
    def test_flops(self, attempt, reference, rng):
        sizes = {"batch": 2, "seq_len": 32, "d_model": 16, "d_ff": 32, "experts": 8, "top_k": 2}
        layer, right = (self.build(impl, **sizes) for impl in (attempt, reference))
        x = self.inputs(rng, **sizes)["x"]
        mine, theirs = layer.profile(x=x), right.profile(x=x)
        assert_growth(
            theirs,
            mine,
            "flops",
            at_most=1.1,
            en="Your layer takes more FLOPs than top_k experts for each token and the gate: experts run on tokens that did "
            "not choose them, or on padding.",
            zh="你的 FLOPs 超过了每个 token 的 top_k 个专家加 gate：专家在没选它的 token 或填充上也运行了。",
        )
        assert_enough_flops(mine, theirs)

    @check("cost")
    @title(en="no Python loop over tokens", zh="不在 Python 里逐个 token 循环")
    def test_no_loop(self, attempt, rng):
        sizes = {"batch": 2, "d_model": 4, "d_ff": 4, "experts": 3, "top_k": 2}
        layer = self.build(attempt, **sizes)
        assert_growth(
            *(layer.profile(**self.inputs(rng, seq_len=seq_len, **sizes)) for seq_len in (16, 96)),
            "operations",
            at_most=1.6,
            en="From 32 to 192 tokens your torch calls grow in number: you loop over tokens in Python. Loop over experts.",
            zh="token 从 32 个增到 192 个，torch 调用的次数也增加了：你在 Python 里逐个 token 循环。应对专家循环。",
        )

    @check("cost")
    @title(en="weights are not copied for each token", zh="不为每个 token 复制权重")
    def test_no_copies_of_weights(self, attempt, rng):
        sizes = {"batch": 2, "seq_len": 32, "d_model": 16, "d_ff": 32, "experts": 4, "top_k": 2}
        layer = self.build(attempt, **sizes)
        x = self.inputs(rng, **sizes)["x"]
        assert_no_tensor(
            layer.profile(x=x),
            64 * 16 * 32 * 4,
            en="A tensor of tokens · d_model · d_ff numbers is made: the weights of an expert are copied for every token "
            "that chose it. Collect the tokens of an expert instead.",
            zh="生成了 tokens · d_model · d_ff 个数的张量：每个 token 都复制了一份所选专家的权重。应反过来把同一专家的 token 收集到一起。",
        )
