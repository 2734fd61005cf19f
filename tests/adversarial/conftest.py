"""Hostile attempts as files, the services that grade them, and the proof that nothing of them is left behind."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from thinkllm_drill import locale
from thinkllm_drill.judge import client, daemon
from thinkllm_drill.packages import missing
from thinkllm_drill.verdict import Check, CheckRequest, Verdict

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
OUTSIDE = (Path(tempfile.gettempdir()), *map(Path, ("/tmp", "/var/tmp", "/dev/shm")), Path.home(), CHECKOUT)
PATHS = ("fork", "spawn", "open")
KEYS = {"exercise", "verdict", "check", "says", "needs", "seconds", "also", "awaits", "coding"}
CONTROL = "test_the_service_still_knows_right_from_wrong"
LABEL = "adversary"
"""Whatever a case leaves outside its scratch folder has this in its name; where the name is a number, 0x7ad5."""


@dataclass(frozen=True)
class Hostile:
    """An attempt and the verdict that it must get.

    The first lines of the file say so, one comment each: `exercise`, `verdict` and `check` (the status of the first
    check that did not pass, or several of which any will do), and where wanted `says` (words of its message), `needs`
    (linux, sandbox, triton), `seconds` (what a call may take, 10 if absent), `also` (paths besides fork that it is run
    on without --every-path) and `awaits` (what must be mended before the case can pass).
    """

    path: Path
    exercise: str
    verdict: str
    check: tuple[str, ...] = ()
    says: str = ""
    needs: tuple[str, ...] = ()
    seconds: float | None = None
    also: tuple[str, ...] = ()
    awaits: str = ""

    @property
    def name(self) -> str:
        """Group and file name."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @classmethod
    def read(cls, path: Path) -> Hostile:
        """The attempt in a file."""
        lines = path.read_bytes().decode("utf-8-sig", errors="replace").splitlines()
        said: dict[str, str] = {}
        for line in lines:
            found = re.fullmatch(r"# (?:-\*- )?([a-z]+): (.*?)(?: -\*-)?", line)
            if found is None:
                break
            assert found[1] in KEYS, f"{path}: {line}"
            said[found[1]] = found[2]
        several = {key: tuple(said.get(key, "").replace(",", " ").split()) for key in ("check", "needs", "also")}
        seconds = float(said["seconds"]) if "seconds" in said else None
        words = {key: said.get(key, "") for key in ("says", "awaits")}
        return cls(path, said["exercise"], said["verdict"], seconds=seconds, **words, **several)


HOSTILE = [Hostile.read(path) for path in sorted(HERE.glob("[0-9][0-9]_*/*.py"))]


class Silent:
    """Listens to nothing."""

    def on_status(self, text: str) -> None:
        """Nothing to do."""

    def on_plan(self, checks: list[Check]) -> None:
        """Nothing to do."""

    def on_check(self, check: Check) -> None:
        """Nothing to do."""


@dataclass
class Place:
    """One way to run attempts: a folder that all of it lies in, and the services there."""

    path: str
    folder: Path
    environment: dict[str, str]
    service: daemon.ServiceStatus = field(default_factory=lambda: daemon.ServiceStatus(False))
    kernels: daemon.ServiceStatus = field(default_factory=lambda: daemon.ServiceStatus(False))
    descriptors: dict[int, int] = field(default_factory=dict)

    def grade(
        self, exercise: str, source: bytes, file: Path | str = "attempt.py", seconds: float | None = None
    ) -> Verdict:
        """The verdict of the service here."""
        options = {} if seconds is None else {"call_seconds": seconds}
        request = CheckRequest(exercise, str(file), source, str(CHECKOUT), diagnose=False, options=options)
        with self.at_home(), self.within(60):
            return client.check(request, Silent(), service=True)

    def start(self) -> None:
        """Warm the services up, that for kernels where Triton is installed, and note what they hold while idle."""
        warm = ["softmax"] if missing(["triton"]) else ["softmax", "triton-softmax"]
        for exercise in warm:
            with self.at_home():
                client.start_service_in_background(exercise, CHECKOUT, "en")
            assert self.grade(exercise, reference(exercise)).passed
        with self.at_home():
            self.service, self.kernels = daemon.service_status(), daemon.service_status(kernels=True)
        self.wait(lambda: not self.strangers(), tell=lambda: [(p, p.cmdline(), p.ppid()) for p in self.strangers()])
        self.descriptors = {pid: psutil.Process(pid).num_fds() for pid in self.services}

    @property
    def services(self) -> list[int]:
        """The processes of the services."""
        return [status.pid for status in (self.service, self.kernels) if status.pid is not None]

    def stop(self) -> None:
        """End the service; it leaves no process."""
        everybody = self.processes()
        with self.at_home():
            daemon.stop_service()
        _, alive = psutil.wait_procs(everybody, timeout=10)
        for process in alive:
            process.kill()
        assert not alive

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Fail after so many seconds, with a fresh service for those that come next."""
        if not hasattr(signal, "setitimer"):
            yield
            return

        def late(*_: object) -> None:
            raise AssertionError(f"no verdict within {seconds:g} s")

        before = signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        except AssertionError:
            self.start_again()
            raise
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def start_again(self) -> None:
        """Kill all that is here and start anew."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        everybody = self.processes()
        for process in everybody:
            process.kill()
        psutil.wait_procs(everybody, timeout=10)
        for path in (self.folder / "tmp").iterdir():
            subprocess.run(["rm", "-rf", str(path)], check=False)
        self.start()

    @contextlib.contextmanager
    def at_home(self) -> Iterator[None]:
        """The environment that the service is found and started in."""
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the service outlives the object that started it
            patch.setattr(daemon, "WATCHED", ())  # somebody may be editing the code while its tests run
            for name, value in self.environment.items():
                patch.setenv(name, value)
            yield

    # what may be left

    def processes(self) -> list[psutil.Process]:
        """Every process that was started with this folder in its environment."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                ours = process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE
                if ours and str(self.folder) in " ".join(process.environ().values()):
                    found.append(process)
        return found

    def strangers(self) -> list[psutil.Process]:
        """Processes beside the services and the one spare interpreter of each."""
        spares = len(self.services) if self.path == "spawn" else 0
        others = [process for process in self.processes() if process.pid not in self.services]
        return others if len(others) > spares else []

    def traces(self) -> list[str]:
        """What an attempt has left behind: processes, files, descriptors, shared memory."""
        left = [f"process {process}" for process in self.strangers()]
        known = {"learner", "run", "tmp", "user"}
        left += [str(path) for path in self.folder.iterdir() if path.name not in known]
        allowed = len(self.services) if self.path == "spawn" else 0
        scratch = list((self.folder / "tmp").iterdir())
        left += [str(path) for path in scratch if len(scratch) > allowed or not path.name.startswith("thinkllm-run-")]
        left += [str(path) for path in (self.folder / "user").iterdir()]
        sockets = list((self.folder / "run").glob("*.sock"))
        left += [f"{len(sockets)} sockets"] * (len(sockets) != len(self.services))
        unknown = {path.suffix for path in (self.folder / "run").iterdir()} - {".sock", ".log", ".lock"}
        left += [f"{self.folder}/run/*{suffix}" for suffix in unknown]
        for place in (
            Path(tempfile.gettempdir()),
            Path("/tmp"),
            Path("/var/tmp"),
            Path("/dev/shm"),
            Path.home(),
            CHECKOUT,
        ):
            left += [str(path) for path in place.glob(f"*{LABEL}*")]
        if sys.platform == "linux":
            left += [line for line in Path("/proc/sysvipc/shm").read_text().splitlines() if str(0x7AD5) in line.split()]
        for pid, before in self.descriptors.items():
            if (now := psutil.Process(pid).num_fds()) > before:
                left.append(f"{now} descriptors, {before} before")
        return left

    def assert_clean(self) -> None:
        """Nothing is left, soon after the verdict at the latest, and the services are the same."""
        self.wait(lambda: not self.traces(), tell=self.traces)
        with self.at_home():
            now = [daemon.service_status(kernels=kernels).pid for kernels in (False, True)]
        assert now == [self.service.pid, self.kernels.pid], "a service had to be replaced"

    @staticmethod
    def wait(happened: Callable[[], bool], tell: Callable[[], object] = lambda: "", seconds: float = 5.0) -> None:
        """Wait for something to be true."""
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, tell()
            time.sleep(0.02)


def reference(exercise: str) -> bytes:
    """The source of an exercise's reference."""
    (path,) = (CHECKOUT / "solutions").glob(f"*/{exercise.replace('-', '_')}.py")
    return path.read_bytes()


@contextlib.contextmanager
def a_place(path: str) -> Iterator[Place]:
    """A folder and a warm service, and the proof at the end that both can go without a trace."""
    folder = Path(tempfile.mkdtemp(prefix="ta-"))
    for name in ("run", "tmp", "user", "learner"):
        (folder / name).mkdir(mode=0o700)
    environment = {
        "THINKLLM_RUNTIME_DIR": str(folder / "run"),
        "THINKLLM_HOME": str(folder / "user"),
        "THINKLLM_CACHE_DIR": str(folder / "user"),
        "HOME": str(folder / "user"),
        "TMPDIR": str(folder / "tmp"),
        "THINKLLM_PROCESSES": "spawn" if path == "spawn" else "",
        "THINKLLM_SANDBOX": "off" if path == "open" else "",
        "THINKLLM_STANDBY": "off",  # it waits, so it would be found where nothing may be left
    }
    place = Place(path, folder, environment)
    try:
        place.start()
        yield place
        place.stop()
        assert not list((folder / "tmp").iterdir())
    finally:
        for process in place.processes():
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-path", action="store_true", help="run every hostile attempt on every path")


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    before = locale.current()
    locale.use("en")
    yield
    locale.use(before)


@pytest.fixture(scope="session")
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Forks of a warm service; spawned interpreters; forks without Landlock and seccomp."""
    if request.param != "spawn" and sys.platform != "linux":
        pytest.skip("forks on Linux alone")
    with a_place(request.param) as ready:
        yield ready


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Path after path, each with one service; the control pair last on each."""
    ours = [index for index, item in enumerate(items) if "place" in getattr(item, "fixturenames", ())]
    ordered = sorted((items[index] for index in ours), key=_turn)
    for index, item in zip(ours, ordered, strict=True):
        items[index] = item


def _turn(item: Any) -> tuple[int, bool]:
    return PATHS.index(item.callspec.params["place"]), item.originalname == CONTROL


def marks(hostile: Hostile) -> list[pytest.MarkDecorator]:
    """How pytest is to take a case."""
    return [pytest.mark.xfail(reason=hostile.awaits, strict=True)] if hostile.awaits else []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Everything on the fork path; on the others the control pair and the attempts that ask for it, or all."""
    if "place" not in metafunc.fixturenames:
        return
    everything = metafunc.config.getoption("--every-path", False)
    if "hostile" not in metafunc.fixturenames:
        paths = PATHS if everything or metafunc.function.__name__ == CONTROL else PATHS[:1]
        metafunc.parametrize("place", paths, indirect=True, scope="session")
        return
    pairs = [
        pytest.param(path, hostile, id=f"{path}-{hostile.name}", marks=marks(hostile))
        for path in PATHS
        for hostile in HOSTILE
        if path == "fork" or everything or path in hostile.also
    ]
    metafunc.parametrize(("place", "hostile"), pairs, indirect=["place"], scope="session")


@pytest.fixture(scope="session")
def reference_of() -> Callable[[str], bytes]:
    """The source of an exercise's reference, by slug."""
    return reference


@pytest.fixture(scope="session")
def all_hostile() -> list[Hostile]:
    """Every hostile attempt."""
    return HOSTILE
