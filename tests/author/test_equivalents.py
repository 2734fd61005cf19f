from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from thinkllm_drill.author import equivalents
from thinkllm_drill.author.check import check
from thinkllm_drill.author.mutants import mutants
from thinkllm_drill.errors import ContentError


@pytest.fixture
def found(paths):
    return mutants(paths.solution.read_text(encoding="utf-8"))


def write(paths, text: str) -> None:
    paths.equivalents.write_text(text, encoding="utf-8")


def test_an_exercise_without_equivalents(paths):
    assert equivalents.load(paths) == ()
    assert equivalents.rows(()) == ""


def test_rows_of_survivors_are_read_back(paths, found):
    write(paths, equivalents.rows(found))
    loaded = equivalents.load(paths)
    assert [(row.id, row.was, row.now) for row in loaded] == [(mutant.id, mutant.was, mutant.now) for mutant in found]
    assert paths.equivalents.read_text(encoding="utf-8").splitlines()[loaded[1].line - 1].startswith("id = ")
    matched = equivalents.match(loaded, found)
    assert list(matched.known) == [mutant.id for mutant in found]
    assert matched.stale == ()


@pytest.mark.parametrize("piece", ['x["a"]', "x['a'] + \"b\"", r"re.split(r'\n', x)", r'"\d"', "x\t+ 1", "… −inf"])
def test_quoting(paths, found, piece):
    text = equivalents.rows([replace(found[0], was=piece, now=piece)])
    assert tomllib.loads(text)["mutant"][0]["was"] == piece


@pytest.mark.parametrize(
    ("row", "line", "message"),
    [
        ('id = "a"\nwas = "x"\nnow = "y"', 1, "the key `reason` is missing in `mutant.0`"),
        ('id = "a"\nwas = "x"\nnow = "y"\nreason = " "', 5, "`mutant.0.reason`"),
        ('id = "a"\nwas = "x"\nnow = "y"\nreason = "r"\nwhy = "r"', 6, "unknown key `why`"),
    ],
)
def test_wrong_rows(paths, row, line, message):
    write(paths, f"[[mutant]]\n{row}\n")
    with pytest.raises(ContentError) as error:
        equivalents.load(paths)
    assert error.value.file == paths.equivalents
    assert error.value.line == line
    assert message in error.value.problem


def test_twice(paths, found):
    write(paths, equivalents.rows([found[0]]) + "\n" + equivalents.rows([found[0]]))
    with pytest.raises(ContentError, match="is there twice"):
        equivalents.load(paths)


def test_check_reports_what_no_mutant_is(library, paths, found):
    kept, other = found[0], replace(found[1], now="something else")
    gone = replace(found[2], id="moving_average/constant/00000000")
    text = equivalents.rows([kept, other, gone]).replace(equivalents.OPEN, "It is the same.")
    write(paths, text)
    report = check(library, "moving-average")
    name = "graders/lists/moving_average.equivalent.toml"
    assert [str(problem) for problem in report.problems] == [
        f"{name}:8: {other.id} changes `{found[1].was}` to `{found[1].now}`, not `{found[1].was}` to `something else`",
        f"{name}:14: no mutant is called {gone.id}",
    ]


def test_check_asks_for_reasons_and_for_few(library, paths, found):
    write(paths, equivalents.rows(found))
    report = check(library, "moving-average")
    messages = [problem.message for problem in report.problems]
    assert f"{len(found)} of {len(found)} mutants are equivalent; at most {len(found) // 10}" in messages
    assert sum(message.startswith("left to do") for message in messages) == len(found)
