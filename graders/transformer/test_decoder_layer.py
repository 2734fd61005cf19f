"""Grader of the Transformer decoder layer."""

import torch

from thinkllm_drill.grading import ModuleSuite, assert_close, case, fail, title

SILENCE = """def silence(layer, kept):
    torch.manual_seed(0)
    lasts = {"self-attention": ["self_attn.o_proj.weight"], "cross-attention": ["cross_attn.o_proj.weight"]}
    lasts["feed-forward"] = ["fc2.weight", "fc2.bias"]
    for sublayer, names in lasts.items():
        for name in names if sublayer != kept else ():
            layer.get_parameter(name).data.zero_()
"""
SUBLAYERS = {"self-attention": "自注意力", "cross-attention": "交叉注意力", "feed-forward": "前馈网络"}
SIZES = {"heads": 2, "head_dim": 4, "d_ff": 12}


class TestDecoderLayer(ModuleSuite):
    entry = "DecoderLayer"
    gradients = ("x", "memory", "parameters")
    cases = [
        case(en="post-norm", zh="post-norm", batch=2, tgt_len=4, src_len=6, heads=2, head_dim=4, d_ff=12, reduction=16384),
        case(en="pre-norm", zh="pre-norm", batch=2, tgt_len=5, src_len=3, heads=2, head_dim=4, d_ff=12, norm_first=True, reduction=256),
        case(en="post-norm, right padding", zh="post-norm，右填充", batch=3, tgt_len=5, src_len=7, heads=2, head_dim=4, d_ff=10, target="right", source="right", reduction=256),
        case(en="pre-norm, left padding", zh="pre-norm，左填充", batch=3, tgt_len=6, src_len=4, heads=2, head_dim=4, d_ff=10, norm_first=True, target="left", source="left", reduction=256),
        case(en="padding in the source only", zh="只有源端有填充", batch=3, tgt_len=3, src_len=5, heads=3, head_dim=4, d_ff=7, norm_first=True, source="right", reduction=256),
        case(en="padding in the target only", zh="只有目标端有填充", batch=4, tgt_len=6, src_len=5, heads=2, head_dim=4, d_ff=12, target="anywhere", reduction=256),
        case(en="source as long as the target", zh="源与目标等长", batch=2, tgt_len=5, src_len=5, heads=2, head_dim=4, d_ff=12, source="right", target="right", reduction=256),
        case(en="dropout 0.5 in eval mode", zh="eval 模式下 dropout 0.5", batch=2, tgt_len=4, src_len=6, heads=2, head_dim=4, d_ff=12, norm_first=True, dropout=0.5, reduction=256),
    ]  # fmt: skip
    edges = [
        case(en="one target token", zh="只有一个目标 token", batch=2, tgt_len=1, src_len=6, heads=2, head_dim=4, d_ff=12, reduction=256),
        case(en="one source token", zh="只有一个源 token", batch=2, tgt_len=4, src_len=1, heads=2, head_dim=4, d_ff=12, norm_first=True, reduction=256),
        case(en="a source of padding alone", zh="整个源序列都是填充", batch=2, tgt_len=4, src_len=3, heads=2, head_dim=4, d_ff=12, source="dead", reduction=256),
        case(en="pre-norm, a source of padding alone", zh="pre-norm，整个源序列都是填充", batch=2, tgt_len=4, src_len=3, heads=2, head_dim=4, d_ff=12, norm_first=True, source="dead", reduction=256),
        case(en="48 target tokens", zh="48 个目标 token", batch=1, tgt_len=48, src_len=9, heads=2, head_dim=4, d_ff=12, norm_first=True, reduction=256),
    ]  # fmt: skip

    def config(self, *, heads, head_dim, d_ff, norm_first=None, dropout=None, **_):
        config = {"d_model": heads * head_dim, "num_heads": heads, "d_ff": d_ff}
        given = {"norm_first": norm_first, "dropout": dropout}
        return config | {name: value for name, value in given.items() if value is not None}

    def inputs(self, rng, *, batch, tgt_len, src_len, heads, head_dim, target=None, source=None, **_):
        d_model = heads * head_dim
        inputs = {"x": rng.normal((batch, tgt_len, d_model)), "memory": rng.normal((batch, src_len, d_model))}
        for name, length, kind in (("padding_mask", tgt_len, target), ("memory_mask", src_len, source)):
            position, row = torch.arange(length), torch.arange(batch)[:, None]
            padded = row.clamp(max=length - 1)  # row b has b padded tokens, as far as one real token is left
            match kind:
                case "right":
                    inputs[name] = position < length - padded
                case "left":
                    inputs[name] = position >= padded
                case "anywhere":
                    inputs[name] = rng.bernoulli((batch, length), 0.6) | (position == row % length)
                case "dead":
                    inputs[name] = (position < length - 1) & (row != 1 % batch)
        return inputs

    @title(en="a token does not see later ones", zh="看不到后面的 token")
    def test_causality(self, attempt, rng):
        for norm_first in (False, True):
            layer = self.build(attempt, norm_first=norm_first, **SIZES)
            x, memory = rng.normal((1, 6, 8)), rng.normal((1, 6, 8))
            changed = torch.cat((x[:, :4], rng.normal((1, 2, 8))), dim=1)
            assert_close(
                layer(x=changed, memory=memory)[:, :4],
                layer(x=x, memory=memory)[:, :4],
                en="changing target tokens 4 and 5 must not change the outputs of target tokens 0 to 3",
                zh="改动目标 token 4 和 5 不应影响目标 token 0 到 3 的输出",
                reduction=1024,
            )

    @title(en="dropout 1 in training leaves the residual alone", zh="训练时 dropout 为 1，只剩残差")
    def test_dropout_of_one(self, attempt, reference, rng):
        for norm_first in (True, False):
            config = {**SIZES, "dropout": 1.0, "norm_first": norm_first}
            layer, right = (self.build(impl, training=True, **config) for impl in (attempt, reference))
            x, memory = rng.normal((2, 5, 8)), rng.normal((2, 3, 8))
            assert_close(
                layer(x=x, memory=memory),
                right(x=x, memory=memory),
                en="in training with dropout 1 all sublayers give 0 before the residual is added, so that "
                + ("x itself comes out of pre-norm" if norm_first else "norm3(norm2(norm1(x))) comes out of post-norm"),
                zh="训练时 dropout 为 1，各子层在加残差之前都变成 0，因此"
                + ("pre-norm 应原样输出 x" if norm_first else "post-norm 应输出 norm3(norm2(norm1(x)))"),
                reduction=1024,
            )

    @title(en="dropout acts on what a sublayer gives, nowhere else", zh="dropout 只作用于子层的输出")
    def test_dropout_of_half(self, attempt, rng):
        x, memory = rng.normal((2, 9, 8)), rng.normal((2, 7, 8))
        for sublayer, zh in SUBLAYERS.items():
            config = {**SIZES, "dropout": 0.5, "norm_first": True}
            trained, evaluated = (self.build(attempt, training=training, **config) for training in (True, False))
            for layer in (trained, evaluated):
                attempt.local(SILENCE)(layer, sublayer)
            out, doubled = trained(x=x, memory=memory), 2 * (evaluated(x=x, memory=memory) - x)
            kept = (out - x - doubled).abs() < (out - x).abs()
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
