"""Grader of multi-head attention."""

import torch

from thinkllm_drill.grading import ModuleSuite, assert_close, assert_enough_flops, assert_growth, case, check, title

HEADS = {"batch": 2, "heads": 3, "head_dim": 4}


class TestMultiHeadAttention(ModuleSuite):
    """Every case in training and in eval mode; the gradients in training mode.

    They are graded without bias: that of k_proj has no effect, and the rounding around its gradient of 0 is no measure.
    """

    entry = "MultiHeadAttention"
    train = (True, False)
    gradients = ("x", "context", "parameters")
    intermediates = ("q", "k", "v", "weights")
    cases = [
        case(en="self-attention", zh="自注意力", **HEADS, q_len=5),
        case(en="cross-attention", zh="交叉注意力", **HEADS, q_len=5, kv_len=7),
        case(en="dropout", zh="dropout", **HEADS, q_len=4, kv_len=6, dropout=0.3),
        case(en="any mask", zh="任意掩码", **HEADS, q_len=4, kv_len=6, mask="any"),
        case(en="with bias", zh="带 bias", **HEADS, q_len=4, kv_len=5, mask="any", bias=True),
        case(en="uniforms equal to dropout", zh="uniforms 等于 dropout", **HEADS, q_len=4, dropout=0.25, grid=True),
        case(en="a context as long as x", zh="context 与 x 一样长", **HEADS, q_len=4, kv_len=4),
        case(en="a mask of the keys", zh="键掩码", batch=3, heads=2, head_dim=6, q_len=5, mask="keys"),
        case(en="one mask for the batch", zh="整个 batch 共用一个掩码", **HEADS, q_len=5, kv_len=5, mask="shared"),
        case(en="as many heads as tokens", zh="头数等于 token 数", batch=2, heads=4, head_dim=4, q_len=4, mask="causal", dropout=0.6),
    ]  # fmt: skip
    edges = [
        case(en="one head", zh="只有一个头", batch=2, heads=1, head_dim=6, q_len=3, kv_len=5),
        case(en="head_dim 1", zh="head_dim 为 1", batch=2, heads=5, head_dim=1, q_len=3),
        case(en="129 keys", zh="129 个键", batch=1, heads=2, head_dim=4, q_len=2, kv_len=129, reduction=129),
        case(en="queries that may attend to nothing, with bias", zh="没有可注意位置的查询，带 bias", **HEADS, q_len=4, kv_len=5, mask="dead", bias=True, dropout=0.2),
        case(en="a row whose context is all padding", zh="一整行 context 都是 padding", **HEADS, q_len=3, kv_len=4, mask="padded row", bias=True),
        case(en="very large inputs", zh="很大的输入", batch=1, heads=2, head_dim=8, q_len=5, size=300.0),
        case(en="very large inputs, only itself allowed", zh="很大的输入，只能注意自身", batch=3, heads=2, head_dim=8, q_len=6, size=300.0, mask="itself"),
    ]  # fmt: skip

    def config(self, *, heads, head_dim, dropout=None, bias=False, **_):
        given = {"d_model": heads * head_dim, "num_heads": heads, "bias": bias}
        return given if dropout is None else given | {"dropout": dropout}

    def inputs(
        self, rng, *, batch, heads, head_dim, q_len, kv_len=None, mask=None, dropout=None, grid=False, size=1.0, **_
    ):
        inputs = {"x": rng.normal((batch, q_len, heads * head_dim)) * size}
        if kv_len is not None:
            inputs["context"] = rng.normal((batch, kv_len, heads * head_dim))
        kv_len = kv_len or q_len
        if mask is not None:
            inputs["mask"] = self.mask(rng, mask, batch, q_len, kv_len)
        if dropout is not None:
            shape = (batch, heads, q_len, kv_len)
            inputs["uniforms"] = rng.integers(0, 8, shape) / 8 if grid else rng.uniform(shape)
        return inputs

    def mask(self, rng, mask, batch, q_len, kv_len):
        row = torch.arange(batch)[:, None, None, None]
        match mask:
            case "keys":  # row b lacks its last b keys
                return torch.arange(kv_len) < kv_len - row
            case "padded row":
                return ((row > 0) | torch.zeros(kv_len, dtype=torch.bool)).clone()
            case "causal":
                return torch.ones(1, 1, q_len, kv_len, dtype=torch.bool).tril()
            case "itself":
                return torch.eye(q_len, kv_len, dtype=torch.bool).expand(batch, 1, q_len, kv_len).clone()
        allowed = rng.bernoulli((1 if mask == "shared" else batch, 1, q_len, kv_len), 0.6)
        if mask == "dead":
            allowed[:, :, 1] = False
        else:
            allowed[..., 0] = True  # never an empty row
        return allowed

    @title(en="a call does not depend on the one before", zh="每次调用与前一次无关")
    def test_no_state(self, attempt, reference, rng):
        layer, right = (self.build(impl, heads=3, head_dim=4) for impl in (attempt, reference))
        for kv_len in (4, 4, None):
            inputs = self.inputs(rng, **HEADS, q_len=4, kv_len=kv_len)
            assert_close(
                layer(**inputs),
                right(**inputs),
                en="one layer is called with two contexts and then with none: a result is not that of its own inputs",
                zh="同一层先后用两个 context 调用，再不给 context 调用：有结果不是由它自己的输入得到的",
                reduction=1024,  # 64 roundoffs
            )

    @check("gradients")
    @title(en="gradients past queries without keys", zh="存在没有键的查询时的梯度")
    def test_gradients_of_empty_queries(self, attempt, reference, rng):
        config = {"heads": 2, "head_dim": 4}
        inputs = self.inputs(rng, batch=2, q_len=4, kv_len=5, mask="dead", **config)
        cotangent = {0: rng.normal(inputs["x"].shape)}
        layer, right = (self.build(impl, **config) for impl in (attempt, reference))
        _, found = layer.vjp(inputs, self.gradients, cotangent)
        _, truth = right.vjp(inputs, self.gradients, cotangent)
        for name in sorted(truth):
            assert_close(
                found[name].flatten(),
                truth[name].flatten(),
                en=f"query 1 may attend to nothing: the gradient of {name} must be finite and right all the same",
                zh=f"查询 1 没有可注意的位置，{name} 的梯度仍须有限且正确",
                reduction=1024,  # 64 roundoffs
            )

    @check("cost")
    @title(en="no loop in Python", zh="没有 Python 循环")
    def test_no_loop(self, attempt, rng):
        costs = []
        for batch, heads, length in ((1, 1, 2), (3, 4, 16)):
            layer = self.build(attempt, heads=heads, head_dim=4)
            inputs = self.inputs(rng, batch=batch, heads=heads, head_dim=4, q_len=length, kv_len=length, mask="any")
            costs.append(layer.profile(**inputs))
        assert_growth(
            *costs,
            "operations",
            at_most=1.5,
            en="From batch 1, 1 head, 2 tokens to batch 3, 4 heads, 16 tokens the number of torch calls grows: "
            "there is a Python loop. Give the heads an axis of their own.",
            zh="从 batch 1、1 个头、2 个 token 到 batch 3、4 个头、16 个 token，torch 调用次数增加了："
            "存在 Python 循环。应让头单独占一个轴。",
        )

    @check("cost")
    @title(en="projections computed once", zh="投影只算一次")
    def test_work(self, attempt, reference, rng):
        inputs = self.inputs(rng, batch=1, heads=4, head_dim=8, q_len=8, kv_len=8)
        layer, right = (self.build(impl, heads=4, head_dim=8) for impl in (attempt, reference))
        cost, own = layer.profile(**inputs), right.profile(**inputs)
        assert_enough_flops(cost, own)
        assert_growth(
            own,
            cost,
            "flops",
            at_most=1.2,
            en="More FLOPs than four projections, q · kᵀ and weights · v take: something is computed more than once.",
            zh="FLOPs 超过了四个投影、q · kᵀ 与 weights · v 所需：有东西被重复计算了。",
        )
