"""Grader of the stacks of Transformer layers."""

import torch

from thinkllm_drill.grading import ModuleSuite, assert_close, assert_equal, case, title

ALIKE = """def alike(stack):
    first, *others = [dict(layer.named_parameters()) for layer in stack.layers]
    matrices = [name for name, value in first.items() if value.dim() == 2]
    return [name for name in matrices for other in others if torch.equal(first[name], other[name])]
"""
SIZES = {"heads": 2, "head_dim": 4, "d_ff": 12}


class Stack(ModuleSuite):
    """What both stacks share."""

    outputs = ("output", "hidden_states")
    layouts = False  # nothing but the given layers touches the numbers

    def config(self, *, layers, heads, head_dim, d_ff, norm_first=None, **_):
        config = {"num_layers": layers, "d_model": heads * head_dim, "num_heads": heads, "d_ff": d_ff}
        return config if norm_first is None else config | {"norm_first": norm_first}

    def valid(self, *, layers, **_):
        return layers >= 1

    @staticmethod
    def real(rng, batch, length, kind):
        """A padding mask; with padding on one side, row b has b padded tokens, as far as one real token is left."""
        position, row = torch.arange(length), torch.arange(batch)[:, None]
        padded = row.clamp(max=length - 1)
        match kind:
            case "right":
                return position < length - padded
            case "left":
                return position >= padded
            case "anywhere":
                return rng.bernoulli((batch, length), 0.6) | (position == row % length)
            case "dead":
                return (position < length - 1) & (row != 1 % batch)

    @title(en="layers start from weights of their own", zh="各层的初始权重互不相同")
    def test_independent(self, attempt):
        for norm_first in (False, True):
            stack = getattr(attempt, self.entry)(**self.config(layers=3, norm_first=norm_first, **SIZES))
            assert_equal(
                attempt.local(ALIKE)(stack),
                [],
                en="these weight matrices of a new stack are equal in two layers: build every layer anew; one layer in "
                "several places shares its weights, and a deepcopy shares its initial values",
                zh="新建的堆叠中，这些权重矩阵在两层里相等：每一层都要重新构造；同一个层放在多处会共享权重，deepcopy 则共享初始值",
            )


class TestEncoder(Stack):
    entry = "Encoder"
    gradients = ("x", "parameters")
    cases = [
        case(en="two post-norm layers", zh="两层 post-norm", batch=2, seq_len=5, layers=2, heads=2, head_dim=4, d_ff=12, reduction=16384),
        case(en="two pre-norm layers", zh="两层 pre-norm", batch=2, seq_len=4, layers=2, heads=2, head_dim=4, d_ff=12, norm_first=True, reduction=1024),
        case(en="three layers, right padding", zh="三层，右填充", batch=3, seq_len=6, layers=3, heads=2, head_dim=4, d_ff=10, mask="right", reduction=1024),
        case(en="padding anywhere", zh="填充在任意位置", batch=3, seq_len=7, layers=2, heads=3, head_dim=4, d_ff=7, norm_first=True, mask="anywhere", reduction=1024),
    ]  # fmt: skip
    edges = [
        case(en="one layer", zh="只有一层", batch=2, seq_len=3, layers=1, heads=2, head_dim=4, d_ff=12, norm_first=True, reduction=1024),
        case(en="a sequence of padding alone", zh="整个序列都是填充", batch=2, seq_len=5, layers=2, heads=2, head_dim=4, d_ff=12, mask="dead", reduction=1024),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, seq_len, heads, head_dim, mask=None, **_):
        inputs = {"x": rng.normal((batch, seq_len, heads * head_dim))}
        return inputs | {"padding_mask": self.real(rng, batch, seq_len, mask)} if mask else inputs


class TestDecoder(Stack):
    entry = "Decoder"
    gradients = ("x", "memory", "parameters")
    cases = [
        case(en="two post-norm layers", zh="两层 post-norm", batch=2, tgt_len=4, src_len=6, layers=2, heads=2, head_dim=4, d_ff=12, reduction=16384),
        case(en="two pre-norm layers", zh="两层 pre-norm", batch=2, tgt_len=5, src_len=3, layers=2, heads=2, head_dim=4, d_ff=12, norm_first=True, reduction=1024),
        case(en="three layers, right padding", zh="三层，右填充", batch=3, tgt_len=5, src_len=7, layers=3, heads=2, head_dim=4, d_ff=10, target="right", source="right", factor=512),
        case(en="left padding", zh="左填充", batch=3, tgt_len=5, src_len=4, layers=2, heads=2, head_dim=4, d_ff=10, norm_first=True, target="left", source="left", reduction=1024),
        case(en="padding in the source only", zh="只有源端有填充", batch=3, tgt_len=3, src_len=5, layers=2, heads=3, head_dim=4, d_ff=7, source="anywhere", reduction=1024),
        case(en="padding in the target only", zh="只有目标端有填充", batch=3, tgt_len=6, src_len=5, layers=2, heads=2, head_dim=4, d_ff=12, target="anywhere", reduction=1024),
    ]  # fmt: skip
    edges = [
        case(en="one layer, one target token", zh="只有一层、一个目标 token", batch=2, tgt_len=1, src_len=3, layers=1, heads=2, head_dim=4, d_ff=12, norm_first=True, reduction=1024),
        case(en="source as long as the target", zh="源与目标等长", batch=2, tgt_len=5, src_len=5, layers=2, heads=2, head_dim=4, d_ff=12, source="right", target="right", reduction=1024),
        case(en="a source of padding alone", zh="整个源序列都是填充", batch=2, tgt_len=4, src_len=3, layers=2, heads=2, head_dim=4, d_ff=12, source="dead", reduction=1024),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, tgt_len, src_len, heads, head_dim, target=None, source=None, **_):
        inputs = {name: rng.normal((batch, n, heads * head_dim)) for name, n in (("x", tgt_len), ("memory", src_len))}
        for name, length, kind in (("padding_mask", tgt_len, target), ("memory_mask", src_len, source)):
            if kind:
                inputs[name] = self.real(rng, batch, length, kind)
        return inputs

    @title(en="a token does not see later ones", zh="看不到后面的 token")
    def test_causality(self, attempt, rng):
        stack = self.build(attempt, layers=2, norm_first=True, **SIZES)
        x, memory = rng.normal((1, 6, 8)), rng.normal((1, 6, 8))
        changed = torch.cat((x[:, :4], rng.normal((1, 2, 8))), dim=1)
        seen = (stack(x=value, memory=memory)[0][:, :4] for value in (changed, x))
        assert_close(
            *seen,
            en="changing target tokens 4 and 5 must not change the outputs of target tokens 0 to 3",
            zh="改动目标 token 4 和 5 不应影响目标 token 0 到 3 的输出",
            reduction=1024,
        )
