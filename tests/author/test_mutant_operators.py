from __future__ import annotations

import pytest

from thinkllm_drill.author.mutants import OPERATORS, mutants

HEAD = "import math\n\nimport torch\nimport triton.language as tl\nfrom torch.nn import functional as F\n\n\n"


def changes(body: str, operator: str, *, head: str = "def f(x, y):") -> set[tuple[str, str]]:
    """What an operator makes of the body of a function: pairs of was and now."""
    source = HEAD + head + "\n" + "".join(f"    {line}\n" for line in body.splitlines())
    return {(mutant.was, mutant.now) for mutant in mutants(source) if mutant.operator == operator}


# operator, body, what it becomes among other things
CASES = [
    ("constant", "return x * 3", ["x * 4", "x * 2", "x * 6", "x * -3"]),
    ("constant", "return x * 0.5", ["x * 1.0", "x * 0.25", "x * -0.5", "x * 0.0"]),
    ("constant", "return g(x, flag=True)", ["flag=False"]),
    ("arithmetic", "return x - y", ["x + y", "y - x", "x", "y"]),
    ("arithmetic", "return x / math.sqrt(y)", ["x * math.sqrt(y)", "math.sqrt(y) / x", "x"]),
    ("arithmetic", "return x // y", ["x / y", "x * y", "y // x", "x"]),
    ("arithmetic", "return x & y", ["x | y", "x", "y"]),
    ("arithmetic", "return x @ y", ["x * y", "y @ x", "x", "y"]),
    ("arithmetic", "return x ** y", ["x * y", "y ** x", "x"]),
    ("arithmetic", "return [x] + [y]", ["[y] + [x]", "[x]", "[y]"]),
    ("sign", "return -x * y", ["x"]),
    ("comparison", "return x < y", ["x <= y", "x > y", "x < y - 1"]),
    ("comparison", "return x >= y + 1", ["x > y + 1", "x <= y + 1", "x >= y"]),
    ("comparison", "return x == y", ["x != y"]),
    ("comparison", "return x is not None", ["x is None"]),
    ("comparison", "return x in y", ["x not in y"]),
    ("logic", "return x and y", ["x or y", "x", "y"]),
    ("logic", "return not x", ["x"]),
    ("logic", "return g(~x)", ["x"]),
    ("eps", "return (x + 1e-6).sqrt()", ["x.sqrt() + 1e-6", "1e-6 * 1000"]),
    ("eps", "return y / (x.sqrt() + eps)", ["(x + eps).sqrt()", "eps * 1000"]),
    ("eps", "return torch.rsqrt(x + eps)", ["1 / (1 / torch.rsqrt(x) + eps)"]),
    ("dim", "return x.sum(dim=-1)", ["dim=-2", "dim=0", "x.sum()"]),
    ("dim", "return x.amax(1, keepdim=True)", ["x.amax(0, keepdim=True)", "x.amax(2, keepdim=True)", "x.amax()"]),
    ("dim", "return torch.cat((x, y), 0)", ["torch.cat((x, y), 1)", "torch.cat((x, y), -1)"]),
    ("dim", "return x.unsqueeze(1)", ["x.unsqueeze(0)", "x.unsqueeze(2)"]),
    ("dim", "return torch.softmax(x, 1)", ["torch.softmax(x, 0)"]),
    ("layout", "return x.mT", ["x"]),
    ("layout", "return x.transpose(1, 2)", ["x", "x.transpose(0, 2)", "x.transpose(1, 3)"]),
    ("layout", "return x.permute(0, 2, 1)", ["x", "x.permute(2, 0, 1)", "x.permute(0, 1, 2)"]),
    ("layout", "return x.permute((0, 2, 1))", ["(2, 0, 1)", "(0, 1, 2)"]),
    ("layout", "return x.movedim(0, -1)", ["x", "x.movedim(-1, 0)"]),
    ("layout", "return x.repeat_interleave(y, dim=1)", ["torch.cat([x] * y, dim=1)"]),
    ("layout", "return x.repeat(1, y, 1)", ["x.repeat_interleave(y, dim=-2)"]),
    ("einsum", "return torch.einsum('bij,bjk->bik', x, y)", ["'bij,bjk->ibk'", "'bij,bjk->bki'", "'bji,bjk->bik'"]),
    ("reduction", "return x.sum()", ["x.mean()", "x.amax()"]),
    ("reduction", "return x.var(-1)", ["x.std(-1)", "x.var(-1, correction=0)"]),
    ("reduction", "return F.mse_loss(x, y, reduction='mean')", ["'sum'"]),
    ("reduction", "return x.std(correction=0)", ["correction=1"]),
    ("reduction", "return max(x, key=y)", ["min(x, key=y)"]),
    ("reduction", "return tl.sum(x, 0)", ["tl.max(x, 0)"]),
    ("mask", "return x.tril()", ["x.triu()", "x.tril(-1)", "x.tril(1)"]),
    ("mask", "return torch.triu(x, diagonal=1)", ["diagonal=0", "diagonal=2", "torch.tril(x, diagonal=1)"]),
    (
        "mask",
        "return x.masked_fill(y, -torch.inf)",
        ["x", "~y", "0.0", "-1000000000.0", "torch.finfo(torch.float32).min"],
    ),
    ("mask", "return torch.where(x > 0, y, 0.0)", ["~(x > 0)", "y"]),
    ("mask", "return -float('inf')", ["0.0", "-1000000000.0"]),
    ("clamp", "return x.clamp(0, 1)", ["x", "x.clamp(None, 1)", "x.clamp(0)", "x.clamp(1, 0)"]),
    ("clamp", "return x.clamp(min=0)", ["x", "max=0"]),
    ("clamp", "return torch.minimum(x, y)", ["x", "y"]),
    ("dtype", "return x.float()", ["x"]),
    ("dtype", "return x.to(torch.float32)", ["x", "torch.float16", "torch.bfloat16"]),
    ("dtype", "return torch.zeros(3, dtype=torch.promote_types(x.dtype, torch.float32))", ["x.dtype"]),
    ("gradient", "return x.detach()", ["x"]),
    ("gradient", "with torch.no_grad():\n    return x", ["torch.enable_grad"]),
    ("kernel", "return tl.load(x, mask=y, other=0.0)", ["other=float('nan')"]),
    ("kernel", "return tl.load(x, mask=y)", ["tl.load(x, mask=y, other=0.0)"]),
    ("argument", "return tl.load(x, mask=y, other=0.0)", ["tl.load(x, other=0.0)", "tl.load(x, mask=y)"]),
    ("argument", "return torch.where(x, y, 0)", ["torch.where(x, 0, y)"]),
    ("argument", "return g(x, y)", ["g(y, x)"]),
    ("argument", "return g(gamma=x, lam=y)", ["g(gamma=y, lam=x)"]),
    ("argument", "return x.add_(y, alpha=2)", ["x.add_(y)"]),
    ("function", "return x.log()", ["x.log2()", "x.log1p()", "x"]),
    ("function", "return torch.exp(x)", ["torch.exp2(x)", "x"]),
    ("function", "return sorted(x)", ["list(x)"]),
    ("order", "return sorted(x, key=y)", ["sorted(x, key=y, reverse=True)", "sorted(x)"]),
    ("order", "return x.get(y, 0)", ["x.get(y, 1)"]),
    ("order", "return x.get(y, [])", ["x.get(y)"]),
    ("tuple", "return x, y", ["(y, x)"]),
    ("tuple", "return min(x, key=lambda k: (-y[k], k))", ["(k, -y[k])", "(-y[k],)", "(k,)"]),
    ("copy", "return x.clone()", ["x"]),
    ("copy", "return list(x)", ["x"]),
    ("copy", "x.add_(y)", ["x.add(y)"]),
    ("copy", "return x.masked_fill(y, 0)", ["x.masked_fill_(y, 0)"]),
    ("copy", "x = x - y\nreturn x", ["x -= y"]),
    ("statement", "x += y\nreturn x", ["pass"]),
    ("statement", "x = g(x)\nreturn x", ["pass"]),
    ("statement", "if x:\n    return y\nreturn x", ["pass"]),
    ("statement", "for k in x:\n    continue", ["pass", "break"]),
    ("condition", "if x:\n    y = 1\nreturn y", ["True", "False", "not x"]),
    ("condition", "return x if y else 0", ["x", "0"]),
    ("condition", "return [k for k in x if k]", ["True", "False"]),
    ("augmented", "x += y\nreturn x", ["x -= y", "x = y"]),
    ("exception", "raise ValueError('a text')", ["RuntimeError"]),
    ("exception", "try:\n    x()\nexcept KeyError:\n    pass", ["ValueError", "Exception"]),
    ("name", "a, b = g()\nreturn a", ["b"]),
    ("index", "return x[0]", ["x[-1]", "x[1]"]),
    ("index", "return x[i]", ["x[i - 1]"]),
    ("slice", "return x[1:]", ["x[:]", "x[2:]", "x[1:-1]", "x[:1]"]),
    ("slice", "return x[:-1]", ["x[:]", "x[:-2]", "x[1:-1]", "x[-1:]"]),
    ("slice", "return x[::-1]", ["x[:]"]),
    ("slice", "return x[:]", ["x"]),
    ("range", "return range(x)", ["range(1, x)", "range(x - 1)", "range(x + 1)"]),
    ("range", "return torch.arange(0, x, 2)", ["torch.arange(1, x, 2)", "torch.arange(0, x, 3)"]),
    ("range", "return enumerate(x)", ["enumerate(x, 1)"]),
]


@pytest.mark.parametrize(("operator", "body", "expected"), CASES, ids=[f"{case[0]}: {case[1]}" for case in CASES])
def test_operator(operator, body, expected):
    found = {" ".join(now.split()) for _, now in changes(body, operator)}
    missing = [piece for piece in expected if not any(piece == now or piece in now for now in found)]
    assert not missing, found


def test_every_operator_is_tried():
    assert {case[0] for case in CASES} | {"default"} == OPERATORS.keys()


def test_default_values():
    head = "def f(x, eps: float = 1e-6, block=64, n=3, flag=True, dtype=torch.float32):"
    now = {now for _, now in changes("return x", "default", head=head)}
    assert now == {"1e-05", "1e-07", "128", "32", "4", "2", "False", "torch.bfloat16"}


def test_parameters_of_a_kind_are_taken_for_each_other():
    head = "def gae(rewards: Tensor, gamma: float, lam: float) -> Tensor:"
    assert changes("return gamma * rewards", "name", head=head) == {("gamma", "lam")}
    assert changes("return gamma * rewards", "sign", head=head) == {("gamma * rewards", "-(gamma * rewards)")}


def test_parts_of_an_object_are_taken_for_each_other():
    source = (
        "class A:\n    def __init__(self):\n        self.k_proj = f()\n        self.v_proj = f()\n\n"
        "    def forward(self, x):\n        return self.k_proj(x)\n"
    )
    assert "self.v_proj" in {m.now.partition("(")[0] for m in mutants(source) if m.operator == "name"}


@pytest.mark.parametrize(
    "source",
    [
        '"""Text with 1 + 1."""\n',
        "import math\nfrom a import b\n",
        '__all__ = ["a", "b"]\n',
        "def f(x: Tensor[1, 2]) -> list[0]:\n    '''Return 1 + 1.'''\n    return x\n",
        "def f(x):\n    # region keep\n    x = x + 1\n    # endregion\n    return x\n",
        "def f(x):\n    return f'{x + 1} and {x[0]}'\n",
        "@decorated(1 + 1)\ndef f(x):\n    return x\n",
        "class A(B, n=1):\n    x: int\n",
    ],
)
def test_nothing_to_mutate(source):
    assert mutants(source) == ()


def test_of_a_raised_exception_only_the_type_is_changed():
    found = mutants("def f(x):\n    raise ValueError(f'{x}', x + 1)\n")
    assert [(mutant.operator, mutant.was, mutant.now) for mutant in found] == [
        ("statement", "raise ValueError(f'{x}', x + 1)", "pass"),
        ("exception", "ValueError", "RuntimeError"),
    ]


def test_parentheses_keep_the_meaning():
    source = "def f(a, b, c):\n    return (a + b) * c\n"
    now = {mutant.source.splitlines()[1].strip() for mutant in mutants(source)}
    assert {"return (a + b) / c", "return (a * b) * c", "return (a) * c"} <= now
    dropped = "def f(x):\n    return 2 * (-(x + 1)).exp()\n"
    assert any("return 2 * -(x + 1)\n" in mutant.source for mutant in mutants(dropped))


def test_an_assignment_of_itself_is_left_to_the_deletion_of_the_statement():
    now = [mutant.now for mutant in mutants("def f(x, y):\n    x = x - y\n    return x\n")]
    assert "pass" in now
    assert "x" not in now


def test_only_what_the_caller_gave_is_changed_in_place():
    found = mutants("def f(x, y):\n    z = g(x)\n    return x.exp() + z.exp()\n")
    assert [mutant.now for mutant in found if mutant.operator == "copy"] == ["x.exp_()"]


def test_the_text_around_the_piece_stays():
    source = "def f(x):\n    y = (  # 说明\n        x\n        +  1\n    )\n    return  y   # twice\n"
    mutant = next(mutant for mutant in mutants(source) if mutant.now == "x - 1")
    assert mutant.line == 3
    assert mutant.source == source.replace("x\n        +  1", "x - 1")


def test_wide_characters_before_the_piece():
    mutant = next(m for m in mutants("def f(x):\n    return g('注意力', x + 1)\n") if m.now == "x - 1")
    assert mutant.source == "def f(x):\n    return g('注意力', x - 1)\n"


def test_the_same_change_twice_has_two_ids():
    found = [m for m in mutants("def f(x):\n    return g(x + y, x + y)\n") if m.now == "x - y"]
    assert [m.id.rpartition("/")[2].partition("-")[2] for m in found] == ["", "2"]
    assert found[0].id == found[1].id.removesuffix("-2")
