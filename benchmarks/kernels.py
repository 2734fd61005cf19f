"""Every reference kernel on this GPU, measured as a learner's file is, beside eager, torch.compile and Liger-Kernel.

python benchmarks/kernels.py --all                 every kernel, 10 runs each, into benchmarks/kernels.<device>.json
python benchmarks/kernels.py [--runs N] SLUG …     some of them; what is in the file of the others stays
python benchmarks/kernels.py --all --resume        those that are not in the file yet

For each: one full check (right on the GPU, compiled), then the runs. A reference must pass all of them; each
graders/kernels/<name>.slow.<how>.py, a right and needlessly slow variant, must be refused in all of them; the shares
of the runs may spread by 2 %. graders/kernels/<name>.liger.py gives the same entry point by Liger-Kernel. Ends with 1
if something is not as it should be.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from thinkllm_drill.content.library import Library  # noqa: E402
from thinkllm_drill.gpu import facts  # noqa: E402
from thinkllm_drill.gpu.check import BASELINES, Ruler, processes  # noqa: E402
from thinkllm_drill.gpu.processes import BenchFailed, alone  # noqa: E402
from thinkllm_drill.grading.plugin import make_session  # noqa: E402
from thinkllm_drill.grading.session import load_module  # noqa: E402
from thinkllm_drill.judge import client  # noqa: E402
from thinkllm_drill.judge.failures import GradeFailure  # noqa: E402
from thinkllm_drill.judge.kernels import import_interpreted  # noqa: E402
from thinkllm_drill.judge.launch import SpawnLauncher  # noqa: E402
from thinkllm_drill.judge.limits import MEMORY_BYTES  # noqa: E402
from thinkllm_drill.verdict import Check, CheckRequest  # noqa: E402

RUNS = 10
SPREAD = 0.02
COPY_SHARE = 0.8
PEER_SHARES = {"triton-flash-attention": 0.6}
"""What a reference is to reach of its peer, where that is not what passes."""


class Told:
    """Prints what a check says while it runs."""

    def on_status(self, text: str) -> None:
        pass

    def on_plan(self, checks: list[Check]) -> None:
        pass

    def on_check(self, check: Check) -> None:
        if check.status != "passed":
            print(f"  {check.kind}: {check.status} {check.detail or (check.cause.message if check.cause else '')}")


def timed(library: Library) -> dict[str, list[str]]:
    """The exercises with something to time, and the suites that say what."""
    found = {}
    for entry in library.entries():
        if "triton" in entry.needs:
            grader = library.paths(entry.slug).grader.read_text(encoding="utf-8")
            names = re.findall(r"^class (\w+)\(.*?(?=^class |\Z)", grader, re.MULTILINE | re.DOTALL)
            blocks = dict(zip(names, re.split(r"^class \w+", grader, flags=re.MULTILINE)[1:], strict=True))
            suites = [name for name, block in blocks.items() if re.search(r"^    speeds\b", block, re.MULTILINE)]
            if suites:
                found[entry.slug] = suites
    return found


def measure(library: Library, slug: str, suites: Sequence[str], runs: int, baselines: bool) -> dict[str, Any]:
    """What one exercise gives: whether its reference is right, its shapes, its slow variants."""
    paths = library.paths(slug)
    source = paths.solution.read_bytes()
    print(f"\n== {slug}", flush=True)
    request = CheckRequest(slug, str(paths.solution), source, str(library.root), device="cuda")
    verdict = client.check(request, Told(), service=False)
    print(f"  check: {verdict.status} in {verdict.seconds:.0f} s", flush=True)
    held: dict[str, Any] = {"status": verdict.status, "shapes": [], "slow": {}}
    for row in played(library, slug, suites, source, runs, baselines=baselines):
        held["shapes"].append(row)
        print(f"  {told(row)}", flush=True)
    for path in sorted(paths.grader.parent.glob(f"{paths.solution.stem}.slow.*.py")):
        rows = list(played(library, slug, suites, path.read_bytes(), runs, baselines=False))
        refused = [any(row["outcomes"][run] == "slow" for row in rows) for run in range(runs)]
        shares = [row["share"]["value"] for row in rows]
        held["slow"][path.name] = {"refused": sum(refused), "runs": runs, "shares": shares}
        shown = ", ".join(f"{100 * share:.0f} %" for share in shares)
        print(f"  {path.name}: refused {sum(refused)} of {runs} ({shown})", flush=True)
    return held


def played(
    library: Library, slug: str, suites: Sequence[str], source: bytes, runs: int, *, baselines: bool
) -> Iterator[dict[str, Any]]:
    """Each shape of an exercise, measured again and again; the baselines play along in the first run."""
    launcher = SpawnLauncher(MEMORY_BYTES, spares=0)
    session = make_session(library, slug, source, "attempt.py", launcher, device="cuda")
    module = load_module(session.paths.grader, f"timed_{session.paths.solution.stem}")
    with alone(), processes(session) as (attempt, bench):
        about = bench.facts()
        for name in suites:
            kind = getattr(module, name)
            kind.graded, suite = session, kind()
            liger = bench.open(session.paths.grader, session.paths.solution, name)
            others = (*BASELINES, "liger") if liger else BASELINES
            for speed in suite.speeds:
                figures = []
                for run in range(runs):
                    timed_along = others if baselines and run == 0 else ()
                    ruler = Ruler(session.paths.grader, suite, bench, about, baselines=timed_along)
                    figures.append(ruler.measure(speed, attempt.player(suite.entry)).to_json())
                    attempt.player(suite.entry).leave()
                yield summed(figures, len(suites) > 1 and name)


def summed(figures: Sequence[dict[str, Any]], suite: str | bool) -> dict[str, Any]:
    """The runs of a shape in one row: the first run's figures, the shares and outcomes of all."""
    shares = [each["share"]["value"] for each in figures]
    middle = statistics.median(shares)
    spread = statistics.stdev(shares) / statistics.fmean(shares) if len(shares) > 1 else 0.0
    row = {**figures[0], "run_shares": shares, "outcomes": [each["outcome"] for each in figures], "spread": spread}
    row["reasons"] = sorted({each["reason"] for each in figures if each["reason"]})
    return row | {"median_share": middle, "suite": suite or None}


def told(row: dict[str, Any]) -> str:
    """A shape in a line."""
    passed = sum(outcome in ("passed", "star") for outcome in row["outcomes"])
    others = [f"{name} {1e6 * seconds:.0f} µs" for name, seconds in row["seconds"].items() if name != "attempt"]
    line = f"{row['case']}: {100 * row['median_share']:.1f} % of {row['against']}, ± {100 * row['spread']:.1f} %"
    line += f", passed {passed} of {len(row['outcomes'])}; {1e6 * row['seconds']['attempt']:.0f} µs"
    return "; ".join([line, ", ".join(others), *row["reasons"]])


def shortcomings(slug: str, held: dict[str, Any]) -> Iterator[str]:
    """What is not as it should be."""
    if held.get("error"):
        yield held["error"]
    if held["status"] not in ("passed", "passed_speed_unmeasured"):
        yield f"the check of the reference: {held['status']}"
    for row in held["shapes"]:
        passed = sum(outcome in ("passed", "star") for outcome in row["outcomes"])
        if passed < len(row["outcomes"]):
            yield f"{row['case']}: passed {passed} of {len(row['outcomes'])}"
        wanted = COPY_SHARE if row["against"] == "copy" else PEER_SHARES.get(slug, row["at_least"])
        if row["median_share"] < wanted:
            reached = f"{100 * row['median_share']:.1f} % of {row['against']}"
            yield f"{row['case']}: {reached}, {100 * wanted:.0f} % is wanted"
        if row["spread"] > SPREAD:
            yield f"{row['case']}: spreads by {100 * row['spread']:.1f} %"
        compiled = row["seconds"].get("compile")
        if compiled is not None and compiled < row["seconds"]["attempt"]:
            yield f"{row['case']}: torch.compile is {row['seconds']['attempt'] / compiled:.2f} times as fast"
    for name, slow in held["slow"].items():
        if slow["refused"] < slow["runs"]:
            yield f"{name}: refused {slow['refused']} of {slow['runs']}"


def versions() -> dict[str, str | None]:
    """What the figures depend on beside the device."""

    def version(name: str) -> str | None:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return None

    found = {name: version(name) for name in ("torch", "triton", "liger-kernel")}
    return {"python": platform.python_version(), **found}


def device_name() -> str:
    """The name of the device, asked in a process of its own: this one stays without a context."""
    from thinkllm_drill.gpu.processes import BenchProcess, launcher

    starter = launcher("bench")
    bench = BenchProcess(starter)
    try:
        return str(bench.facts()["name"])
    finally:
        bench.close()
        starter.close()


def main() -> int:
    """Measure; 1 if something is not as it should be, 2 without a device."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("slugs", nargs="*")
    parser.add_argument("--all", action="store_true", help="every kernel")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--resume", action="store_true", help="leave out what is in the file")
    parser.add_argument("--no-baselines", action="store_true", help="without eager, torch.compile and Liger-Kernel")
    parser.add_argument("--content", type=Path, default=ROOT, help="another content tree")
    parser.add_argument("--output", type=Path, default=None)
    options = parser.parse_args()
    if not facts.present():
        print("There is no CUDA device here.", file=sys.stderr)
        return 2
    os.environ["TRITON_INTERPRET"] = "1"  # for this process, which judges; what runs on the GPU is compiled
    import_interpreted()
    library = Library(options.content)
    known = timed(library)
    slugs = options.slugs or (list(known) if options.all else [])
    if not slugs or (unknown := [slug for slug in slugs if slug not in known]):
        print(f"Nothing to time: {', '.join(unknown) if slugs else 'name some, or --all'}.", file=sys.stderr)
        return 2
    name = device_name()
    path = options.output or ROOT / "benchmarks" / f"kernels.{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.json"
    held = json.loads(path.read_text()) if path.exists() else {"kernels": {}}
    held |= {"device": name, "versions": versions(), "date": time.strftime("%Y-%m-%d")}
    for slug in slugs:
        if options.resume and slug in held["kernels"] and not held["kernels"][slug].get("error"):
            continue
        try:
            found = measure(library, slug, known[slug], options.runs, not options.no_baselines)
        except (GradeFailure, BenchFailed) as failure:
            found = {"status": "internal", "shapes": [], "slow": {}, "error": str(failure)}
        held["kernels"][slug] = found
        path.write_text(json.dumps(held, indent=1, ensure_ascii=False) + "\n")
    missed = [f"{slug}: {what}" for slug in slugs for what in shortcomings(slug, held["kernels"][slug])]
    print(f"\nWrote {path}. {len(missed)} of what is asked for is missed.")
    print("\n".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
