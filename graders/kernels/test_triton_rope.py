"""Grader of the Triton RoPE; the truth is the rotation in plain torch, in fp64."""

import torch

from thinkllm_drill.grading import (
    KernelSuite,
    assert_close,
    assert_no_tensor,
    assert_rounded_once,
    case,
    check,
    fail,
    title,
)
from thinkllm_drill.grading.battery import Probe
from thinkllm_drill.grading.kernels import explained
from thinkllm_drill.grading.speed import speed

PACKED = """
def packed(f, qkv, heads, kv_heads, cos, sin):
    q, k, v = qkv.split([heads, kv_heads, kv_heads], dim=2)
    f(q=q.transpose(1, 2), k=k.transpose(1, 2), cos=cos, sin=sin)
    return qkv
"""
"""Turns q and k where a fused projection has left them, beside v."""
IN_PLACE = "lambda f, **given: (f(**given), given['q'], given['k'])"


class TestRope(KernelSuite):
    entry = "rope_"
    mutates = ("q", "k")
    layouts = False  # in place: an expanded q cannot be turned
    elementwise = True
    cases = [
        case(
            en="two query heads, one key head",
            zh="两个查询头，一个键头",
            batch=2,
            heads=2,
            kv_heads=1,
            seq_len=3,
            head_dim=8,
        ),
        case(
            en="as many key heads as query heads",
            zh="键头与查询头一样多",
            batch=1,
            heads=4,
            kv_heads=4,
            seq_len=2,
            head_dim=16,
        ),
        case(
            en="three query heads, three key heads",
            zh="三个查询头，三个键头",
            batch=2,
            heads=3,
            kv_heads=3,
            seq_len=2,
            head_dim=8,
        ),
        case(en="head_dim 12", zh="head_dim 为 12", batch=1, heads=6, kv_heads=3, seq_len=2, head_dim=12),
        case(en="backward", zh="反向", batch=2, heads=2, kv_heads=1, seq_len=3, head_dim=8, backward=True),
        case(
            en="far positions, head_dim 80",
            zh="位置很大，head_dim 为 80",
            batch=1,
            heads=2,
            kv_heads=1,
            seq_len=3,
            head_dim=80,
            start=4000,
        ),
        case(
            en="more tokens than a block of 64",
            zh="token 数超过 64",
            batch=1,
            heads=1,
            kv_heads=1,
            seq_len=67,
            head_dim=4,
        ),
    ]
    edges = [
        case(en="20 query heads, 10 key heads", zh="20 个查询头，10 个键头", batch=1, heads=20, kv_heads=10, seq_len=2, head_dim=4),
        case(en="head_dim 256", zh="head_dim 为 256", batch=1, heads=2, kv_heads=1, seq_len=2, head_dim=256),
        case(en="one pair of features", zh="只有一对特征", batch=2, heads=3, kv_heads=3, seq_len=2, head_dim=2),
        case(en="tokens before heads in memory", zh="内存中 token 维在头维之前", batch=2, heads=3, kv_heads=2, seq_len=3, head_dim=8, memory="tokens"),
        case(en="every other feature in memory", zh="内存中特征隔一个取一个", batch=2, heads=3, kv_heads=2, seq_len=2, head_dim=8, memory="strided"),
        case(en="cos and sin as slices of larger tables", zh="cos 与 sin 是更大的表的切片", batch=2, heads=2, kv_heads=1, seq_len=3, head_dim=12, memory="tables"),
        case(en="large numbers beside small ones", zh="大数与小数并存", batch=1, heads=2, kv_heads=1, seq_len=2, head_dim=8, scale=1e4),
        case(en="bfloat16", zh="bfloat16", batch=2, heads=3, kv_heads=1, seq_len=3, head_dim=12, dtype="bfloat16"),
        case(en="float16, backward", zh="float16，反向", batch=1, heads=2, kv_heads=2, seq_len=3, head_dim=8, backward=True, dtype="float16"),
    ]  # fmt: skip
    speeds = (
        speed(
            en="bfloat16, 4 × 8192 tokens as the projection leaves them",
            zh="bfloat16，4 × 8192 个 token，内存布局与投影的输出相同",
            bytes=4 * 8192 * (32 + 8) * 128 * 2 * 2 + 2 * 8192 * 64 * 2,
            **dict(batch=4, heads=32, kv_heads=8, seq_len=8192, head_dim=128, memory="tokens"),
        ),
        speed(
            en="bfloat16, 4 × 8192 tokens, heads first in memory",
            zh="bfloat16，4 × 8192 个 token，内存中头维在前",
            bytes=4 * 8192 * (32 + 8) * 128 * 2 * 2 + 2 * 8192 * 64 * 2,
            **dict(batch=4, heads=32, kv_heads=8, seq_len=8192, head_dim=128),
        ),
    )

    def inputs(self, rng, *, batch, heads, kv_heads, seq_len, head_dim, start=0, scale=1.0, backward=None, memory=""):
        q, k = (rng.normal((batch, count, seq_len, head_dim)) for count in (heads, kv_heads))
        angles = (start + torch.arange(seq_len))[:, None] * 10000.0 ** (-torch.arange(0, head_dim, 2) / head_dim)
        angles = torch.cat((angles, angles), dim=-1) + 0.5
        given = {"q": q * scale, "k": k, "cos": angles.cos(), "sin": angles.sin()}
        return given if backward is None else given | {"backward": backward}

    def prepared(self, rng, probe):
        """q and k where a model would have them; cos and sin in the dtype of q."""
        given, memory = super().prepared(rng, probe), probe.case.params.get("memory", "")
        match memory:
            case "tokens":
                placed = {name: given[name].transpose(1, 2).contiguous().transpose(1, 2) for name in ("q", "k")}
            case "strided":
                placed = {name: torch.stack((given[name], given[name]), -1)[..., 0] for name in ("q", "k")}
            case "tables":
                tables = (("cos", 2), ("sin", 3))
                placed = {name: torch.stack([given[name]] * width, -1)[..., 0] for name, width in tables}
            case _:
                placed = {}
        return given | placed

    def expected(self, *, q, k, cos, sin, backward=False):
        for x in (q, k):
            x.copy_(rotated(x, cos, -sin if backward else sin))

    def valid(self, *, head_dim, **sizes):
        return head_dim % 2 == 0 and head_dim > 0

    @title(en="what lies beside q and k stays as it is", zh="q、k 旁边的数据保持不变")
    def test_neighbours(self, attempt, rng):
        """q and k are views of one buffer, which holds v too."""
        turned = 4  # heads of q and k
        given = self.inputs(rng, batch=1, heads=3, kv_heads=1, seq_len=3, head_dim=12)
        cos, sin = given["cos"], given["sin"]
        qkv = rng.normal((2, 3, turned + 1, 12))
        with explained():
            after = attempt.local(PACKED)(attempt[self.entry], qkv, 3, 1, cos, sin)
        if not torch.equal(after[:, :, turned:], qkv[:, :, turned:]):
            fail(
                en="q, k and v are slices of one buffer, as a fused projection leaves them, and v was changed.",
                zh="q、k、v 是同一块缓冲区的切片（融合投影的输出就是这样），而 v 被改了。",
            )
        assert_close(
            after[:, :, :turned],
            rotated(qkv[:, :, :turned].transpose(1, 2).double(), cos.double(), sin.double()).transpose(1, 2),
            en="q, k and v are slices of one buffer, as a fused projection leaves them: q or k is not right.",
            zh="q、k、v 是同一块缓冲区的切片（融合投影的输出就是这样）：q 或 k 的结果不对。",
        )

    @title(en="half precision is computed in float32", zh="半精度输入用 float32 计算")
    def test_half_precision(self, attempt, rng):
        """With cosines and sines in float32, rounding happens once, at the end."""
        for dtype in (torch.bfloat16, torch.float16):
            given = self.inputs(rng, batch=2, heads=2, kv_heads=1, seq_len=3, head_dim=16)
            given |= {name: given[name].to(dtype) for name in ("q", "k")}
            cos, sin = given["cos"].double(), given["sin"].double()
            with explained():
                _, *after = attempt.local(IN_PLACE)(attempt[self.entry], **given)
            for name, turned in zip(("q", "k"), after, strict=True):
                assert_rounded_once(
                    turned,
                    rotated(given[name].double(), cos, sin),
                    dtype,
                    beside=2.0**-21 * float(given[name].abs().max()),
                    en=f"Convert {name} to float32 right after loading, multiply by the float32 cosines and sines, round "
                    "when storing. Some numbers are off by more than this one rounding.",
                    zh=f"{name} 应在 load 之后立即转为 float32，与 float32 的 cos、sin 相乘，store 时才舍入。有些数的误差超出了这一次舍入。",
                )

    @check("cost")
    @title(en="each number of q and k is loaded once and stored once", zh="q、k 的每个数只读一次、写一次")
    def test_traffic(self, attempt, rng):
        for memory in ("", "tokens"):
            work, given = self.work(attempt, rng, batch=2, heads=8, kv_heads=4, seq_len=3, head_dim=16, memory=memory)
            turned = given["q"].numel() + given["k"].numel()
            moved = work.traffic(at_least=given["k"].nbytes)
            if moved > 2 * turned:
                fail(
                    en=f"Your kernels move {moved / turned:.3g} numbers for each number of q and k; one load and one store "
                    "are enough if the two features of a pair are in hand together. Loading a partner again is also a race "
                    "with the store of another lane, for no barrier stands between them.",
                    zh=f"平均 q、k 的每个数，你的 kernel 搬运了 {moved / turned:.3g} 次；一对特征同时在手时，读一次、写一次就够了。"
                    "另外再读一次配对的特征，还会与别的 lane 的 store 竞争：二者之间没有屏障。",
                )
            angles = sum(work.moved.values()) - moved
            rows = 2 * 3 * given["cos"].shape[-1]  # of one table, once for each token of the batch
            if angles > 4 * rows:
                fail(
                    en=f"Each row of cos and sin is loaded {angles / (2 * rows):.3g} times per token; it serves all heads of q and "
                    "k, so load it once per token, or once for q and once for k.",
                    zh=f"每个 token 把 cos 与 sin 的行各读了 {angles / (2 * rows):.3g} 遍；它对 q、k 的所有头都一样，"
                    "每个 token 读一遍即可，或者 q、k 各读一遍。",
                )

    @check("cost")
    @title(en="no second q or k", zh="不另建 q 或 k 大小的张量")
    def test_in_place(self, attempt, rng):
        for memory in ("", "tokens"):
            probe = Probe(case(en="", zh="", batch=2, heads=2, kv_heads=2, seq_len=5, head_dim=64, memory=memory))
            given = self.prepared(rng, probe)
            assert_no_tensor(
                attempt.profile(self.entry, **given),
                given["k"].nbytes,
                en="A tensor as large as q or k is made. Let the kernel overwrite q and k where they are, by their strides.",
                zh="创建了与 q 或 k 一样大的张量。应让 kernel 按 q、k 的 stride 原地覆盖。",
            )


def rotated(x, cos, sin):
    """x, (…, S, D), with each pair (i, i + D / 2) turned."""
    first, second = x.chunk(2, dim=-1)
    return (x * cos + torch.cat((-second, first), dim=-1) * sin).to(x.dtype)
