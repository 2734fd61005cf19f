from __future__ import annotations

import pytest

from thinkllm_drill.author.check import check


@pytest.fixture
def problems(library):
    def of(slug: str = "moving-average") -> list[str]:
        report = check(library, slug)
        assert report.ok == (not report.problems)
        return [str(problem) for problem in report.problems]

    return of


EXERCISE = "exercises/lists/moving_average"


def test_the_sample_has_no_problem(library):
    first, second = (check(library, slug) for slug in library.slugs())
    assert (first.slug, first.problems, first.mistakes, first.honest) == ("moving-average", (), (0, 3), (0, 2))
    assert (second.slug, second.problems, second.mistakes, second.honest) == ("ring-buffer", (), (0, 1), (0, 2))


def test_unknown_key(paths, edit, problems):
    edit(paths.toml, "minutes = 5", "minutes = 5\nhardness = 3")
    assert problems() == [f"{EXERCISE}/exercise.toml:5: unknown key `hardness`"]


def test_missing_translation(paths, edit, problems):
    edit(paths.toml, 'zh = "滑动平均" }', 'zh = "" }')
    assert problems() == [f"{EXERCISE}/exercise.toml:2: `title`: the translation `zh` is empty"]


def test_drifted_stub(paths, edit, problems):
    edit(paths.solution, "at least 1.\n", "at least one.\n")
    assert problems() == [
        f"{EXERCISE}/moving_average.py:13: differs from its reference from here on; "
        "run: thinkllm dev render moving-average"
    ]


def test_stray_files(paths, problems):
    (paths.folder / "notes.txt").write_text("x\n")
    (paths.grader.parent / "moving_average.honest.py").write_text("x\n")
    (paths.grader.parent / "test_moving_averages.py").write_text("x\n")
    (paths.solution.parent / "median.py").write_text("x\n")
    (paths.solution.parent / "__pycache__").mkdir()
    (paths.root / "graders" / "trees").mkdir()
    (paths.root / "graders" / "trees" / "test_heap.py").write_text("x\n")
    (paths.root / "exercises" / "lists" / "empty").mkdir()
    (paths.root / "exercises" / "profiles.toml").write_text("")
    assert problems() == [
        "exercises/lists/empty:1: an exercise without exercise.toml",
        f"{EXERCISE}/notes.txt:1: no file of an exercise has this name",
        "graders/lists/moving_average.honest.py:1: no file of an exercise has this name",
        "graders/lists/test_moving_averages.py:1: there is no exercise that this file belongs to",
        "graders/trees:1: a topic without an exercise",
        "solutions/lists/median.py:1: there is no exercise that this file belongs to",
    ]
    assert problems("ring-buffer") == [], "a stray file is told once"


def test_a_mistake_that_no_longer_applies(paths, edit, problems):
    edit(paths.mistakes, "means.append(total / window)", "means.append(total / width)")
    assert problems() == [
        "graders/lists/moving_average.mistakes.toml:3: sum-not-mean: the reference has this text 0 times, not once: "
        "means.append(total / width)"
    ]


def test_missing_files(paths, problems):
    for path in (paths.statement("zh"), paths.grader, paths.mistakes, paths.solution, paths.stub):
        path.unlink()
    assert [line.split(": ")[0] for line in problems()] == [
        f"{EXERCISE}/moving_average.py:1",
        f"{EXERCISE}/statement.zh.md:1",
        "graders/lists/moving_average.mistakes.toml:1",
        "graders/lists/test_moving_average.py:1",
        "solutions/lists/moving_average.py:1",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("## 代价", "## 成本", "27: expected the section `## 代价`, not `## 成本`"),
        ("([1, 2, 3, 4], 2)", "([1, 2, 3, 5], 2)", "23: the code is not the one in English"),
        ("[1.5, 2.5, 3.5]\n```", "[1.5, 2.5, 3.5]\n```\n\n```\nx\n```", "20: not as many code blocks as in English"),
        ("至少为 1", "至少为 2", "9: the numbers are not those in English: missing 1; too many 2"),
        (
            "训练曲线都这样平滑。",
            "训练曲线在 2024 年都这样平滑。",
            "31: the numbers are not those in English: too many 2024",
        ),
    ],
)
def test_languages_that_differ(paths, edit, problems, old, new, expected):
    edit(paths.statement("zh"), old, new)
    assert problems() == [f"{EXERCISE}/statement.zh.md:{expected}"]


def test_a_number_may_be_spelt_in_the_other_language(paths, edit, problems):
    edit(paths.statement("en"), "at least 1", "at least one")
    assert problems() == []
    edit(paths.statement("en"), "at least one", "positive")
    assert len(problems()) == 1


def test_digits_in_names_do_not_count(paths, edit, problems):
    edit(paths.statement("en"), "O(n) time", "O(n) float32 time, 10,000 values")
    edit(paths.statement("zh"), "时间 O(n)", "10000 个值的时间 O(n)")
    assert problems() == []


def test_an_example_without_a_prompt(paths, edit, problems):
    for lang in ("en", "zh"):
        edit(paths.statement(lang), ">>> ", "")
    assert problems()[0] == f"{EXERCISE}/statement.en.md:20: the example has no code block with a `>>>` prompt"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("def moving_average", "import scipy\n\n\ndef moving_average", "imports scipy"),
        ("def moving_average", "from .ring_buffer import X\n\n\ndef moving_average", "nothing from its neighbours"),
        ("def moving_average", "def moving_mean", "does not define moving_average"),
        ("    # endregion\n", "", "a region inside the region"),
        ("total = sum(values[:window])", "total  = sum(values[:window])", "not as ruff formats it"),
        ("means = []", "means = [", "not valid Python"),
    ],
)
def test_wrong_references(paths, edit, problems, old, new, expected):
    edit(paths.solution, old, new)
    found = [line for line in problems() if expected in line]
    assert len(found) == 1
    assert found[0].startswith("solutions/lists/moving_average.py:")


def test_a_reference_without_blanks(paths, problems):
    lines = paths.solution.read_text().splitlines(keepends=True)
    paths.solution.write_text("".join(line for line in lines if "region" not in line))
    assert "solutions/lists/moving_average.py:1: no `# region blank: prompt`" in problems()


def test_triton_only_where_it_is_needed(library, paths, edit, problems):
    edit(paths.solution, "\n\n\ndef", "\n\nimport triton\n\n\ndef")
    assert any("imports triton" in line for line in problems())
    solution = library.paths("ring-buffer").solution
    edit(solution, "from dataclasses", "import triton  # noqa\nfrom dataclasses")
    assert not any("imports triton" in line for line in problems("ring-buffer"))


def test_a_helper_that_the_stub_needs(library, edit, problems):
    solution = library.paths("ring-buffer").solution
    edit(solution, "self.count = 0", "self.count = _filled([])")
    assert any("solutions/lists/ring_buffer.py:20: _filled is used" in line for line in problems("ring-buffer"))


def test_facts(paths, edit, problems):
    text = paths.toml.read_text(encoding="utf-8")
    text = text[: text.rindex("\n[[follow_up]]")].replace('aliases = ["running-mean"]', 'aliases = ["circular-buffer"]')
    start = text.index("[[hint]]")
    paths.toml.write_text(text[:start] + text[text.index("[[hint]]", start + 1) :], encoding="utf-8")
    edit(paths.toml, "requires = []", 'requires = ["moving-average"]')
    edit(paths.toml, '"ewma"', '"not-there-yet"')
    assert problems() == [
        f"{EXERCISE}/exercise.toml:6: `requires` names the exercise itself",
        f"{EXERCISE}/exercise.toml:8: the alias circular-buffer also means ring-buffer",
        f"{EXERCISE}/exercise.toml:17: 2 hints, not 3",
        f"{EXERCISE}/exercise.toml:25: 1 follow-ups; at least 2",
    ]


def test_an_alias_that_is_an_exercise(library, paths, edit, problems):
    edit(paths.toml, "running-mean", "ring-buffer")
    assert problems() == [f"{EXERCISE}/exercise.toml:8: the alias ring-buffer also means ring-buffer"]


def test_honest_variants(paths, edit, problems):
    first, second = paths.honest_files
    first.unlink()
    edit(second, "def moving_average", "def average")
    assert problems() == [
        "graders/lists/moving_average.honest.sums.py:1: does not define moving_average, which `api` names",
        "graders/lists/test_moving_average.py:1: 1 honest variants; at least 2: moving_average.honest.<id>.py",
    ]


def test_how_files_are_kept(paths, problems):
    paths.grader.write_bytes(b'"""Grader."""\n\tx = 1\n# TODO more\n' + b"# x\n" * 12000 + b"x = 1")
    shown = [line.removeprefix("graders/lists/test_moving_average.py:") for line in problems()]
    assert shown == [
        "1: 48038 bytes; at most 40000",
        "2: a tab; indent by spaces",
        "2: not valid Python: unexpected indent",
        "3: left to do: # TODO more",
        "12004: the last line has no newline",
    ]
    paths.grader.write_bytes(b'"""Grader."""\r\n\n')
    assert problems() == [
        "graders/lists/test_moving_average.py:1: a Windows line end",
        "graders/lists/test_moving_average.py:2: blank lines at the end",
    ]


def test_a_broken_neighbour_is_its_own_problem(library, edit, problems):
    edit(library.paths("ring-buffer").toml, "format = 1", "format = 3")
    assert problems() == []
    assert problems("ring-buffer") == [
        "exercises/lists/ring_buffer/exercise.toml:1: `format`: invalid enum value 3; allowed: 1"
    ]
