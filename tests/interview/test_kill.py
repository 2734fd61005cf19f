"""An interview whose process is killed at any moment loses no event and no file."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from thinkllm_drill.interview.picker import Wishes

HERE = Path(__file__).resolve().parent
KILLS = 20

LEARNER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from conftest import open_desk

desk = open_desk(Path(sys.argv[1]), lambda: datetime.now(UTC))
number = int(sys.argv[3])
print("ready", flush=True)
while True:
    number += 1
    interview = desk.running()
    Path(interview.problem("relu").file).write_text(f"half {number}", encoding="utf-8")
    desk.running()
    print("saved", number, flush=True)
    desk.focus("softmax" if number % 2 else "relu")
    print("focus", "softmax" if number % 2 else "relu", flush=True)
"""


def test_killed_at_twenty_random_moments(desk: Any, home: Path) -> None:
    from datetime import UTC, datetime

    desk.clock.time = datetime.now(UTC)
    first = desk.start(Wishes(minutes=60, exercises=("relu", "softmax")))
    chance = random.Random(5)
    number, saved = 0, set[int]()
    for _ in range(KILLS):
        learner = subprocess.Popen(
            [sys.executable, "-c", LEARNER, str(home), str(HERE), str(number)], stdout=subprocess.PIPE, text=True
        )
        assert learner.stdout is not None
        assert learner.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.0, 0.12))
        learner.kill()
        for line in learner.stdout.read().splitlines():
            match line.split():
                case ["saved", told]:
                    number = int(told)
                    saved.add(number)
        learner.stdout.close()
        learner.wait()
        desk.clock.time = datetime.now(UTC)
        interview = desk.running()
        problem = interview.problem("relu")
        kept = {desk.store.source(each.source).decode() for each in problem.saves}
        assert {f"half {each}" for each in saved} <= kept
        assert interview.deadline == first.deadline
        if Path(problem.file).read_text(encoding="utf-8"):  # the learner's own write may have been cut off
            number = max(number, int(Path(problem.file).read_text(encoding="utf-8").split()[1]))
    assert len(saved) > KILLS
    desk.store.rebuild()
    assert desk.grade_rest(desk.finish()).graded
