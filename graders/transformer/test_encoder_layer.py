"""Grader of the Transformer encoder layer."""

import torch

from thinkllm_drill.grading import ModuleSuite, assert_close, case, fail, title

SILENCE = """def silence(layer, names):
    torch.manual_seed(0)
    for name in names:
        layer.get_parameter(name).data.zero_()
"""
SUBLAYERS = {  # the parameters that make the other sublayer give 0
    "attention": ("fc2.weight", "fc2.bias"),
    "feed-forward": ("o_proj.weight",),
}


class TestEncoderLayer(ModuleSuite):
    entry = "EncoderLayer"
    gradients = ("x", "parameters")
    cases = [
        case(en="post-norm", zh="post-norm", batch=2, seq_len=5, heads=2, head_dim=4, d_ff=12, reduction=256),
        case(en="pre-norm", zh="pre-norm", batch=2, seq_len=4, heads=2, head_dim=4, d_ff=12, norm_first=True, reduction=256),
        case(en="post-norm, right padding", zh="post-norm，右填充", batch=3, seq_len=6, heads=2, head_dim=4, d_ff=10, mask="right", reduction=256),
        case(en="pre-norm, a sequence of padding alone", zh="pre-norm，整个序列都是填充", batch=3, seq_len=5, heads=2, head_dim=4, d_ff=10, norm_first=True, mask="dead", reduction=256),
        case(en="three heads", zh="三个头", batch=1, seq_len=7, heads=3, head_dim=4, d_ff=7, norm_first=True, reduction=256),
        case(en="as many heads as tokens", zh="头数等于 token 数", batch=3, seq_len=3, heads=3, head_dim=3, d_ff=8, mask="right", reduction=256),
        case(en="padding anywhere", zh="填充在任意位置", batch=4, seq_len=8, heads=2, head_dim=4, d_ff=12, norm_first=True, mask="anywhere", reduction=256),
        case(en="dropout 0.5 in eval mode", zh="eval 模式下 dropout 0.5", batch=2, seq_len=5, heads=2, head_dim=4, d_ff=12, norm_first=True, dropout=0.5, reduction=256),
    ]  # fmt: skip
    edges = [
        case(en="one token", zh="只有一个 token", batch=2, seq_len=1, heads=2, head_dim=4, d_ff=12, reduction=256),
        case(en="head_dim 1", zh="head_dim 为 1", batch=1, seq_len=4, heads=4, head_dim=1, d_ff=5, norm_first=True, reduction=256),
        case(en="left padding", zh="左填充", batch=3, seq_len=7, heads=2, head_dim=4, d_ff=12, mask="left", reduction=256),
        case(en="post-norm, a sequence of padding alone", zh="post-norm，整个序列都是填充", batch=3, seq_len=5, heads=2, head_dim=4, d_ff=10, mask="dead", reduction=256),
        case(en="a mask that allows everything", zh="全部为真的掩码", batch=2, seq_len=5, heads=2, head_dim=4, d_ff=12, mask="none", reduction=256),
        case(en="65 tokens", zh="65 个 token", batch=1, seq_len=65, heads=2, head_dim=4, d_ff=12, norm_first=True, reduction=256),
        case(en="very large inputs, one real token", zh="很大的输入，只有一个真实 token", batch=6, seq_len=4, heads=2, head_dim=4, d_ff=12, scale=200.0, mask="single", reduction=256),
        case(en="very large inputs", zh="很大的输入", batch=1, seq_len=6, heads=2, head_dim=4, d_ff=12, scale=200.0, reduction=256),
    ]  # fmt: skip

    def config(self, *, heads, head_dim, d_ff, norm_first=None, dropout=None, **_):
        config = {"d_model": heads * head_dim, "num_heads": heads, "d_ff": d_ff}
        given = {"norm_first": norm_first, "dropout": dropout}
        return config | {name: value for name, value in given.items() if value is not None}

    def inputs(self, rng, *, batch, seq_len, heads, head_dim, mask=None, scale=1.0, **_):
        inputs = {"x": rng.normal((batch, seq_len, heads * head_dim)) * scale}
        position, row = torch.arange(seq_len), torch.arange(batch)[:, None]
        match mask:
            case "right" | "left":  # row b has b padded tokens, as far as one real token is left
                padded = row.clamp(max=seq_len - 1)
                inputs["padding_mask"] = position < seq_len - padded if mask == "right" else position >= padded
            case "anywhere":
                inputs["padding_mask"] = rng.bernoulli((batch, seq_len), 0.6) | (position == row % seq_len)
            case "dead":
                inputs["padding_mask"] = (rng.bernoulli((batch, seq_len), 0.6) | (position == 0)) & (row != 1 % batch)
            case "single":
                inputs["padding_mask"] = (position == 0).repeat(batch, 1)
            case "none":
                inputs["padding_mask"] = torch.ones(batch, seq_len, dtype=torch.bool)
        return inputs

    @title(en="what stands in padding does not matter", zh="填充位置的内容无关紧要")
    def test_padding(self, attempt, rng):
        for norm_first in (False, True):
            layer = self.build(attempt, heads=2, head_dim=4, d_ff=12, norm_first=norm_first)
            x = rng.normal((1, 6, 8))
            real = torch.tensor([[True, False, True, True, False, True]])
            changed = torch.where(real[..., None], x, rng.normal(x.shape))
            seen = (layer(x=value, padding_mask=real)[:, real[0]] for value in (changed, x))
            assert_close(
                *seen,
                en="changing the padded tokens must not change the outputs of real ones",
                zh="改动填充位置的内容不应影响真实 token 的输出",
                reduction=1024,
            )

    @title(en="dropout 1 in training leaves the residual alone", zh="训练时 dropout 为 1，只剩残差")
    def test_dropout_of_one(self, attempt, reference, rng):
        for norm_first in (True, False):
            config = {"heads": 2, "head_dim": 4, "d_ff": 12, "dropout": 1.0, "norm_first": norm_first}
            layer, right = (self.build(impl, training=True, **config) for impl in (attempt, reference))
            x = rng.normal((2, 5, 8))
            assert_close(
                layer(x=x),
                right(x=x),
                en="in training with dropout 1 both sublayers give 0 before the residual is added, so that "
                + ("x itself comes out of pre-norm" if norm_first else "norm2(norm1(x)) comes out of post-norm"),
                zh="训练时 dropout 为 1，两个子层在加残差之前都变成 0，因此"
                + ("pre-norm 应原样输出 x" if norm_first else "post-norm 应输出 norm2(norm1(x))"),
                reduction=1024,
            )

    @title(en="dropout acts on what a sublayer gives, nowhere else", zh="dropout 只作用于子层的输出")
    def test_dropout_of_half(self, attempt, rng):
        x = rng.normal((2, 9, 8))
        for sublayer, names in SUBLAYERS.items():
            config = {"heads": 2, "head_dim": 4, "d_ff": 12, "dropout": 0.5, "norm_first": True}
            trained, evaluated = (self.build(attempt, training=training, **config) for training in (True, False))
            for layer in (trained, evaluated):
                attempt.local(SILENCE)(layer, list(names))
            out, doubled = trained(x=x), 2 * (evaluated(x=x) - x)
            kept = (out - x - doubled).abs() < (out - x).abs()
            zh = {"attention": "注意力", "feed-forward": "前馈网络"}[sublayer]
            assert_close(
                out,
                x + torch.where(kept, doubled, 0.0),
                en=f"pre-norm, dropout 0.5 in training: each element that the {sublayer} sublayer adds to x must be 0 "
                "or twice what it is in eval mode",
                zh=f"pre-norm、训练时 dropout 0.5：{zh}子层加到 x 上的每个元素应为 0，或 eval 模式下的两倍",
                reduction=1024,
            )
            if kept.all() or not kept.any():
                fail(
                    en=f"dropout 0.5 in training keeps all or nothing of the {sublayer} sublayer, in {kept.numel()} elements",
                    zh=f"训练时 dropout 0.5：{zh}子层的 {kept.numel()} 个元素全部保留或全部丢弃",
                )
