"""Follow-up questions: what people type is understood, and graded as an interviewer would."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkllm_drill import locale
from thinkllm_drill.content.library import Library
from thinkllm_drill.content.model import Text
from thinkllm_drill.interview.questions import (
    Answer,
    Number,
    Question,
    Unreadable,
    expected,
    grade,
    parse,
    question_id,
    questions_of,
)

ASK = Text(en="How many?", zh="多少？")
GQA = 2684354560


def question(answer: Answer | None, tolerance: float = 0.0, unit: str | None = None) -> Question:
    return Question("gqa", 0, ASK, ASK, answer, tolerance, unit)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("2684354560", GQA),
        ("2.5e9", 2.5e9),
        ("1E-3", 1e-3),
        ("2.68 GB", 2.68e9),
        ("2.5 GiB", GQA),
        ("2.5Gi", GQA),
        ("2.5gib", GQA),
        ("1/8", 0.125),
        ("½", 0.5),
        ("2½", 2.5),
        ("12.5%", 0.125),
        ("12.5 ％", 0.125),
        ("2^31", 2**31),
        ("2**31", 2**31),
        ("2³¹", 2**31),
        ("10⁻³", 1e-3),
        ("2^-3", 0.125),
        ("-2^2", -4),
        ("2^3^2", 512),
        ("1,024", 1024),
        ("1 024", 1024),
        ("1\u202f048\u00a0576", 1048576),
        ("1_024", 1024),
        ("1'024", 1024),
        ("1,234,567.5", 1234567.5),
        ("0,125", 0.125),
        ("2,5", 2.5),
        ("4.2M", 4.2e6),
        ("4.2 million", 4.2e6),
        ("45.1B", 45.1e9),
        ("420万", 4.2e6),
        ("4.2 百万", 4.2e6),
        ("1.3 亿", 1.3e8),
        ("８", 8),
        ("−1.5", -1.5),
        ("-1.5", -1.5),
        ("+3", 3),
        ("-inf", -math.inf),
        ("∞", math.inf),
        ("√2", math.sqrt(2)),
        ("√2/2", math.sqrt(2) / 2),
        ("sqrt(2)", math.sqrt(2)),
        ("2*sqrt(2)", 2 * math.sqrt(2)),
        ("ln 2", math.log(2)),
        ("log(2)", math.log(2)),
        ("-ln(1/2)", math.log(2)),
        ("log2(8)", 3),
        ("exp(-3)", math.exp(-3)),
        ("e^-3", math.exp(-3)),
        ("2π", None),
        ("2*pi", 2 * math.pi),
        ("2 · 32 · 128", 8192),
        ("2×3", 6),
        ("2 x 3", 6),
        ("3x", 3),
        ("(1 + 2) * 3", 9),
        ("7 - 2 - 1", 4),
        ("1/4/2", 0.125),
        ("~ 131 040", 131040),
        ("about 10", 10),
        ("约 10", 10),
        ("= 10.", 10),
        ("13600 tokens", 13600),
        ("16 个", 16),
        ("1/8 GiB", 2**27),
        ("2^30 bytes", 2**30),
        ("1 GiB + 512 MiB", 1.5 * 2**30),
        ("22.4 µs", 22.4e-6),
        ("22.4us", 22.4e-6),
        ("", None),
        ("   ", None),
        ("nan", None),
        ("gqa", None),
        ("1..2", None),
        ("1 2 3", None),
        ("2 +", None),
        ("(2", None),
        ("1/0", None),
        ("sqrt(-1)", None),
        ("9**9**9", None),
        ("9^9^9^9^9", None),
        ("exp(exp(exp(9)))", None),
        ("1e999", None),
        ("5 bananas", None),
        ("3 GiB + 2 seconds", None),
        ("__import__('os')", None),
        ("(" * 150 + "1" + ")" * 150, None),
        ("9" * 5000, None),
    ],
)
def test_what_is_typed_is_understood(typed: str, value: float | None) -> None:
    number = parse(typed)
    if value is None:
        assert isinstance(number, Unreadable)
    else:
        assert isinstance(number, Number)
        assert number.value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [("", "empty"), ("why", "syntax"), ("5 bananas", "unit"), ("1/0", "value"), ("1 GB + 1 s", "unit")],
)
def test_why_it_is_not_understood(typed: str, reason: str) -> None:
    assert parse(typed) == Unreadable(reason)  # type: ignore[arg-type]


def test_a_letter_means_what_is_asked_for() -> None:
    assert parse("4B", "bytes") == Number(4.0, "bytes")
    billions = parse("4B")
    assert isinstance(billions, Number)
    assert billions.value == 4e9


@settings(max_examples=300, deadline=10_000)
@given(
    st.one_of(
        st.text(max_size=300),
        st.text(alphabet="0123456789.,e+-*/^()√ %kKMGiBx_'", max_size=220),
        st.lists(
            st.sampled_from(["9", "^", "**", "exp(", "log(", ")", "(", "-", "1e308", "k", "GiB", "/", "½", "³"])
        ).map("".join),
    )
)
def test_nothing_that_is_typed_raises_or_hangs(typed: str) -> None:
    assert isinstance(parse(typed), (Number, Unreadable))
    for answer, unit in (
        (GQA, "bytes"),
        (0.5, "share"),
        (True, None),
        ("word", None),
        (("3", "2"), None),
        (None, None),
    ):
        assert grade(question(answer, 0.01 if unit else 0.0, unit), typed).right in (True, False, None)


@pytest.mark.parametrize(
    ("answer", "tolerance", "unit", "right", "wrong"),
    [
        (
            GQA,
            0.01,
            "bytes",
            ["2684354560", "2.68e9", "2.5 GiB", "2.5 GB", "2.5G", "2560 MiB", "2.68 GB"],
            ["1.25 GiB", "2.6"],
        ),
        (4, 0.0, "bytes", ["4", "4 B", "4 bytes", "4 字节"], ["8", "4.01"]),
        (19.9, 0.02, "GB", ["19.9", "19.9 GB", "18.5 GiB", "19914555392", "19.9e9 bytes"], ["18.5 GB", "18.5"]),
        (128, 0.0, "KiB", ["128", "128 KiB", "131072 bytes", "128 KB", "131072"], ["64", "131"]),
        (0.672, 0.01, "GiB", ["0.672", "688 MiB", "0.67", "0.72 GB"], ["1.34"]),
        (135.27, 0.005, "million", ["135.27", "135M", "135266304", "1.353亿", "135 million", "0.135B"], ["90", "180M"]),
        (8.03, 0.01, "billion", ["8.03", "8B", "80.3 亿", "8030M"], ["7", "7B"]),
        (22.4, 0.03, "microseconds", ["22.4", "22.4 µs", "2.24e-5", "0.0224 ms", "22 微秒"], ["11.2", "22.4 ms"]),
        (0.50390625, 0.001, "share", ["0.504", "50.4%", "50.4", "129/256", "0.50"], ["0.6", "51%"]),
        (0.0977, 0.01, "percent", ["0.0977", "0.098%", "100/1024"], ["1", "10%", "0.000977", "1/1024"]),
        (0.0081, 0.01, "share", ["0.0081", "0.81 %"], ["0.81"]),
        (11.7618, 0.001, "nats", ["11.76", "11.76 nats", "ln 128256", "16.968 bits", "11.8"], ["16.97", "11.6"]),
        (0.6412, 0.005, "bits", ["0.641", "0.6412 bits", "0.4444 nats"], ["0.4444", "2.885"]),
        (
            0.6931,
            0.001,
            None,
            ["ln 2", "0.693", "0.69", "log(2)", "69.3%", "0.693 nats", "1 bit"],
            ["0.7", "0.68", "1"],
        ),
        (67108864, 0.0, None, ["67108864", "4*4096^2", "67,108,864", "64M", "64Mi"], ["67.1M", "67000000"]),
        (16384, 0.01, None, ["16384", "16K", "16k tokens", "4 * 4096"], ["15000", "8K"]),
        (0, 0.0, None, ["0", "0.0", "-0", "0 %"], ["1e-3", "1"]),
        (-0.375, 0.001, None, ["-0.375", "-3/8", "−0.375", "-0.38"], ["0.375", "-0.4"]),
        (1.1, 0.001, None, ["1.1", "11/10"], ["1", "1.5"]),
        (99, 0.001, None, ["99"], ["1e2", "100"]),
    ],
)
def test_numbers_are_graded_as_they_are_meant(
    answer: float, tolerance: float, unit: str | None, right: list[str], wrong: list[str]
) -> None:
    asked = question(answer, tolerance, unit)
    assert {typed: grade(asked, typed).right for typed in right} == dict.fromkeys(right, True)
    assert {typed: grade(asked, typed).right for typed in wrong} == dict.fromkeys(wrong, False)


def test_a_unit_that_does_not_fit_is_not_wrong_but_unreadable() -> None:
    graded = grade(question(GQA, 0.01, "bytes"), "3 seconds")
    assert graded.right is None
    assert graded.unreadable == Unreadable("unit")


def test_the_value_is_told_in_the_unit_of_the_question() -> None:
    assert grade(question(19.9, 0.02, "GB"), "10 GiB").value == pytest.approx(10.737, rel=1e-3)


def test_answers_that_are_no_numbers() -> None:
    assert grade(question(("3", "2")), "3, 2").right
    assert grade(question(("3", "2")), "３ 和 2").right
    assert not grade(question(("3", "2")), "2, 3").right
    assert grade(question(True), "Yes").right
    assert grade(question(False), "不会").right
    assert grade(question(True), "perhaps").unreadable == Unreadable("syntax")
    assert grade(question("Exposure bias"), " exposure  BIAS. ").right


def test_an_open_question_is_not_graded() -> None:
    graded = grade(question(None), "because of the cache")
    assert (graded.right, graded.expected) == (None, None)


def test_the_right_answer_is_told_in_both_languages() -> None:
    assert expected(question(GQA, 0.01, "bytes")) == "2,684,354,560 bytes (2.5 GiB)"
    assert expected(question(0.6931, 0.001)) == "0.6931"
    locale.use("zh")
    try:
        assert expected(question(GQA, 0.01, "bytes")) == "2,684,354,560 字节 (2.5 GiB)"
    finally:
        locale.use("en")


def test_an_id_depends_on_the_words_of_the_question_alone() -> None:
    assert question_id("gqa", "How many bytes?") == question_id("gqa", "how many  bytes")
    assert question_id("gqa", "How many bytes?") != question_id("gqa", "How many bits?")


def test_a_share_where_percent_are_asked_for_is_told() -> None:
    asked = question(0.0977, 0.01, "percent")
    assert grade(asked, "0.000977").share
    for other in ("0.0977", "0.5", "10 %"):
        assert not grade(asked, other).share


def test_every_question_has_its_own_id_and_takes_its_own_answer() -> None:
    library = Library.open()
    questions = [each for entry in library.entries() for each in questions_of(library.exercise(entry.slug))]
    assert len({each.id for each in questions}) == len(questions)
    for each in questions:
        if each.answer is not None:
            told = ", ".join(each.answer) if isinstance(each.answer, tuple) else str(each.answer)
            assert grade(each, told).right, each.id
            if each.unit != "share":
                assert grade(each, str(expected(each)).split(" (")[0]).right, each.id
