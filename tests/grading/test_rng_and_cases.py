from __future__ import annotations

import torch

from thinkllm_drill import locale
from thinkllm_drill.grading import Rng, case, check, title
from thinkllm_drill.grading.layouts import LAYOUTS, laid_out


def draw(rng):
    return [
        rng.normal((2, 3)).tolist(),
        rng.uniform((4,), 2.0, 3.0).tolist(),
        rng.integers(-2, 3, (5,)).tolist(),
        rng.bernoulli((6,), 0.3).tolist(),
        rng.permutation(7).tolist(),
        rng.choice("abc"),
        rng.sample(range(9), 3),
        rng.shuffle(range(9)),
        rng.random(),
        rng.randint(0, 100),
        torch.rand(2, generator=rng.generator()).tolist(),
        rng.python().random(),
    ]


def test_the_same_key_draws_the_same():
    assert draw(Rng("seed", "softmax", "values", "a case", 0)) == draw(Rng("seed", "softmax", "values", "a case", 0))


def test_every_part_of_the_key_matters():
    key = ("seed", "softmax", "values", "a case", 0)
    for position in range(len(key)):
        other = [*key]
        other[position] = "other"
        assert Rng(*other).normal((3,)).tolist() != Rng(*key).normal((3,)).tolist()
    assert Rng("a", "bc").random() != Rng("ab", "c").random()


def test_draws_do_not_touch_the_global_generators():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    draw(Rng("x"))
    assert torch.equal(before, torch.get_rng_state())


def test_ranges_and_types():
    rng = Rng(1)
    assert rng.normal().shape == ()
    assert rng.normal((2,)).dtype == torch.float32
    numbers = rng.integers(-2, 3, (500,))
    assert numbers.dtype == torch.int64
    assert set(numbers.tolist()) == {-2, -1, 0, 1, 2}
    uniform = rng.uniform((500,), 2.0, 3.0)
    assert 2.0 <= float(uniform.min()) < float(uniform.max()) < 3.0
    assert rng.bernoulli((400,), 0.9).float().mean() > 0.7
    assert {rng.randint(0, 2) for _ in range(50)} == {0, 1}
    assert sorted(rng.permutation(5).tolist()) == [0, 1, 2, 3, 4]


def test_a_case_has_a_name_to_type_and_words_to_read():
    made = case(en="±10000, two Rows", zh="两行", dtype="bfloat16", reduction=9, rows=2, scale=1e4, shape=(2, 3))
    assert made.id == "plus-minus-10000-two-rows"
    assert made.params == {"rows": 2, "scale": 1e4, "shape": (2, 3)}
    assert made.describe() == "rows 2, scale 10000, shape (2, 3), bfloat16"
    assert made.words.here == "±10000, two Rows"
    locale.use("zh")
    assert made.words.here == "两行"
    smaller = made.with_params({"rows": 1})
    assert (smaller.id, smaller.dtype, smaller.reduction, smaller.params) == (made.id, "bfloat16", 9, {"rows": 1})


def test_own_tests_carry_their_kind_and_title():
    @check("cost")
    @title(en="one pass", zh="一遍")
    def test_once() -> None: ...

    assert test_once._kind == "cost"
    assert test_once._title.here == "one pass"


def test_layouts_keep_the_values_and_change_the_memory():
    inputs = {"x": torch.randn(3, 4), "ids": torch.arange(3), "scale": torch.tensor(2.0), "n": 3, "ws": [torch.ones(2)]}
    for layout in LAYOUTS:
        placed = laid_out(inputs, "float32", layout)
        assert placed["x"].shape == (3, 4)
        assert placed["ids"] is inputs["ids"]
        assert placed["n"] == 3
        expected = inputs["x"][:1].expand(3, 4) if layout == "expanded" else inputs["x"]
        assert torch.equal(placed["x"], expected)
    assert laid_out(inputs, "float32", "strided")["x"].stride() == (8, 2)
    assert laid_out(inputs, "float32", "offset")["x"].storage_offset() == 3
    assert laid_out(inputs, "float32", "expanded")["x"].stride() == (0, 1)


def test_layouts_of_empty_tensors():
    for layout in LAYOUTS:
        for shape in ((0, 3), (3, 0), (0,)):
            assert laid_out({"x": torch.zeros(shape)}, "float32", layout)["x"].shape == shape


def test_floats_are_rounded_to_the_dtype_of_the_case_and_nothing_else_is():
    made = laid_out({"x": torch.tensor([1.001]), "ids": torch.tensor([3]), "lr": 0.1}, "bfloat16")
    assert made["x"].dtype == torch.bfloat16
    assert made["ids"].dtype == torch.int64
    assert made["lr"] == 0.1
