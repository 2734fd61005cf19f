"""The settings: a flag beats the environment, the environment beats config.toml, config.toml beats the default."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from thinkllm_drill.errors import EnvironmentProblem, ThinkLLMError, UsageError
from thinkllm_drill.folders import cache_dir as cache_dir
from thinkllm_drill.folders import runtime_dir as runtime_dir
from thinkllm_drill.locale import from_environment, text

_TRUE = ("on", "true", "yes", "1")
_FALSE = ("off", "false", "no", "0")


class Spec(NamedTuple):
    """One setting: its default, the values it takes (None: any text) and the environment variables that set it."""

    key: str
    default: str
    choices: tuple[str, ...] | None
    variables: tuple[str, ...]
    stored: bool = True
    """Whether config.toml may hold it."""
    flag: str = ""
    """The flag that sets it, where that is not `--key`."""

    @property
    def example(self) -> str:
        """A value that it takes."""
        return self.choices[0] if self.choices else "vim"


SPECS: Mapping[str, Spec] = {
    spec.key: spec
    for spec in (
        Spec("home", "~/thinkllm", None, ("THINKLLM_HOME",), stored=False),
        Spec("lang", "en", ("en", "zh"), ("THINKLLM_LANG",)),
        Spec("level", "cloze", ("cloze", "body", "blank"), ("THINKLLM_LEVEL",)),
        Spec("editor", "", None, ("THINKLLM_EDITOR", "VISUAL", "EDITOR")),
        Spec("pager", "auto", ("auto", "never", "always"), ("THINKLLM_PAGER",)),
        Spec("color", "auto", ("auto", "never", "always"), ("THINKLLM_COLOR",), flag="--no-color"),
        Spec("device", "auto", ("auto", "cpu", "cuda"), ("THINKLLM_DEVICE",)),
        Spec("service", "on", ("on", "off"), ("THINKLLM_SERVICE",), flag="--no-service"),
    )
}


class Origin(NamedTuple):
    """Where a value came from: `name` is the flag, the variable or the file; "" for a default."""

    kind: Literal["flag", "environment", "config", "default"]
    name: str = ""

    def __str__(self) -> str:
        return self.name or text("progress.settings.default")


class Described(NamedTuple):
    """One row of `thinkllm config list`."""

    key: str
    value: str
    origin: Origin
    choices: tuple[str, ...] | None
    about: str


@dataclass(frozen=True)
class Settings:
    """What holds for one command, and the places that follow from it."""

    home: Path
    lang: str = "en"
    level: str = "cloze"
    editor: str = ""
    pager: str = "auto"
    color: str = "auto"
    device: str = "auto"
    service: bool = True
    origins: Mapping[str, Origin] = field(default_factory=dict)
    problems: tuple[ThinkLLMError, ...] = ()
    """What is wrong with config.toml and the environment, where `load` was told to go on."""

    @property
    def attempts(self) -> Path:
        """The folder of the learner's files, one folder a topic."""
        return self.home / "attempts"

    @property
    def archive(self) -> Path:
        """The folder of attempts that a fresh one replaced."""
        return self.attempts / ".archive"

    @property
    def mock(self) -> Path:
        """The folder of the files of mock interviews, by their ids."""
        return self.home / "mock"

    @property
    def reports(self) -> Path:
        """The folder of HTML reports."""
        return self.home / "reports"

    @property
    def database(self) -> Path:
        """The progress database."""
        return self.home / "progress.db"

    @property
    def config_file(self) -> Path:
        """The file that `thinkllm config set` writes."""
        return self.home / "config.toml"

    def origin(self, key: str) -> Origin:
        """Where the value of `key` came from."""
        return self.origins.get(key, Origin("default"))

    def get(self, key: str) -> str:
        """The value of `key` as it is typed; UsageError where there is no such key."""
        value = getattr(self, _spec(key).key)
        return ("on" if value else "off") if isinstance(value, bool) else str(value)

    def describe(self) -> tuple[Described, ...]:
        """Every setting with its value and where that came from."""
        return tuple(
            Described(key, self.get(key), self.origin(key), spec.choices, text(f"progress.settings.about.{key}"))
            for key, spec in SPECS.items()
        )

    def ensure_home(self) -> Path:
        """The home, created if need be and known to be writable.

        Raises:
            EnvironmentProblem: it cannot be created or written.
        """
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise home_problem(self.home, error) from error
        if not os.access(self.home, os.W_OK | os.X_OK):
            raise home_problem(self.home, PermissionError(13, os.strerror(13)))
        return self.home


def load(
    overrides: Mapping[str, str | None] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    lenient: bool = False,
) -> Settings:
    """The settings that hold for this command.

    Args:
        overrides: values given as flags, by key; None where the flag is absent.
        environ: the environment; that of the process unless given.
        lenient: fall back to the next source where a value is bad, and say so in `problems`, so that `thinkllm config`
            and `thinkllm doctor` can mend what is broken.

    Raises:
        UsageError: a value is not one of those allowed, or config.toml has an unknown key.
        EnvironmentProblem: config.toml cannot be read or is no TOML.
    """
    environ = os.environ if environ is None else environ
    overrides = overrides or {}
    problems: list[ThinkLLMError] = []
    home, origin = _home(overrides.get("home"), environ)
    config = _config(home / "config.toml", problems)
    values: dict[str, str] = {}
    origins = {"home": origin}
    for spec in SPECS.values():
        if spec.key != "home":
            values[spec.key], origins[spec.key] = _value(spec, overrides, environ, config, problems)
    if problems and not lenient:
        raise problems[0]
    return Settings(
        home=home,
        lang=values["lang"],
        level=values["level"],
        editor=values["editor"],
        pager=values["pager"],
        color=values["color"],
        device=values["device"],
        service=values["service"] == "on",
        origins=origins,
        problems=tuple(problems),
    )


def home_problem(path: Path, error: OSError) -> EnvironmentProblem:
    """The error to raise where `path`, in the home, cannot be created or written."""
    return EnvironmentProblem(
        text("progress.settings.home", path=path, reason=error.strerror or str(error)),
        hint=text("progress.settings.home_hint"),
    )


def set_value(home: Path, key: str, value: str) -> Path:
    """The config.toml of `home`, in which `key` is now `value`; every other line stays as it is.

    Raises:
        UsageError: no such key, or not a value that it takes.
        EnvironmentProblem: the file cannot be read, is no TOML, or cannot be written.
    """
    from thinkllm_drill.files import write_atomically

    spec = _spec(key)
    if not spec.stored:
        raise UsageError(text("progress.settings.not_stored", key=key), hint=text("progress.settings.not_stored_hint"))
    value = _checked(spec, value, key, f"thinkllm config set {key} {spec.example}")
    file = home / "config.toml"
    old = _read(file)
    new = _with_line(old, spec.key, value)
    if _parsed(new, file) != {**_parsed(old, file), spec.key: value}:
        raise EnvironmentProblem(
            text("progress.settings.by_hand", file=file),
            hint=text("progress.settings.by_hand_hint", key=key, value=value),
        )
    try:
        home.mkdir(parents=True, exist_ok=True)
        write_atomically(file, new)
    except OSError as error:
        raise home_problem(file, error) from error
    return file


@dataclass(frozen=True)
class _Config:
    """config.toml as it was read."""

    file: Path
    source: str
    values: Mapping[str, Any]

    def line(self, key: str) -> int:
        found = re.search(rf"^[ \t\[]*[\"']?{re.escape(key)}(?![\w-])", self.source, re.MULTILINE)
        return self.source.count("\n", 0, found.start()) + 1 if found else 1


def _home(flag: str | None, environ: Mapping[str, str]) -> tuple[Path, Origin]:
    if flag is not None:
        given, origin = flag, Origin("flag", "--home")
    elif environ.get("THINKLLM_HOME"):
        given, origin = environ["THINKLLM_HOME"], Origin("environment", "THINKLLM_HOME")
    else:
        given, origin = SPECS["home"].default, Origin("default")
    if not given or "\0" in given:
        raise UsageError(text("progress.settings.bad_home", origin=origin))
    if given.split("/")[0] == "~" and environ.get("HOME"):
        given = environ["HOME"] + given[1:]
    try:
        return Path(os.path.abspath(Path(given).expanduser())), origin  # noqa: PTH100 (keeps symbolic links)
    except RuntimeError as error:
        raise EnvironmentProblem(
            text("progress.settings.no_user_home", path=given), hint=text("progress.settings.home_hint")
        ) from error


def _value(
    spec: Spec,
    overrides: Mapping[str, str | None],
    environ: Mapping[str, str],
    config: _Config,
    problems: list[ThinkLLMError],
) -> tuple[str, Origin]:
    """The first value that is given and good, and where it came from."""
    for value, origin, place, hint in _candidates(spec, overrides, environ, config):
        try:
            return _checked(spec, value, place, hint), origin
        except UsageError as error:
            problems.append(error)
    if spec.key == "lang":
        name = next((name for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), None)
        origin = Origin("environment", name) if name else Origin("default")
        return from_environment(dict(environ)), origin
    return spec.default, Origin("default")


def _candidates(
    spec: Spec, overrides: Mapping[str, str | None], environ: Mapping[str, str], config: _Config
) -> Iterator[tuple[Any, Origin, str, str]]:
    """The values that are given, best first: value, origin, the place to name and the hint if the value is bad."""
    key, good = spec.key, spec.example
    if (flag := overrides.get(key)) is not None:
        name = spec.flag or f"--{key}"
        yield flag, Origin("flag", name), name, f"{name} {good}"
    for name in spec.variables:
        if environ.get(name):
            hint = text("progress.settings.variable_hint", name=name, value=good)
            yield environ[name], Origin("environment", name), name, hint
    if key == "color" and environ.get("NO_COLOR"):
        yield "never", Origin("environment", "NO_COLOR"), "NO_COLOR", ""
    if key in config.values:
        place = f"{config.file}:{config.line(key)}: {key}"
        yield config.values[key], Origin("config", str(config.file)), place, f"thinkllm config set {key} {good}"


def _spec(key: str) -> Spec:
    try:
        return SPECS[key.replace("-", "_")]
    except KeyError:
        raise UsageError(
            text("progress.settings.unknown_key", key=key, keys=", ".join(SPECS)), hint="thinkllm config list"
        ) from None


def _checked(spec: Spec, value: Any, place: str, hint: str) -> str:
    """`value` as it is stored; `place` and `hint` are for the error where it is bad."""
    if spec.choices == ("on", "off"):
        word = ("on" if value else "off") if isinstance(value, bool) else str(value).strip().lower()
        value = "on" if word in _TRUE else "off" if word in _FALSE else word
    if spec.key == "lang" and isinstance(value, str):
        value = re.split(r"[-_.]", value.strip().lower())[0]
    if spec.choices is None and isinstance(value, str) and value.strip() and value.isprintable():
        return value.strip()
    if spec.choices is not None and isinstance(value, str) and value in spec.choices:
        return value
    allowed = text("progress.settings.any_text") if spec.choices is None else ", ".join(spec.choices)
    message = text("progress.settings.bad_value", place=place, value=value, allowed=allowed)
    raise UsageError(message, hint=hint)


def _config(file: Path, problems: list[ThinkLLMError]) -> _Config:
    """config.toml, or as much of it as makes sense, with what is wrong appended to `problems`."""
    try:
        source = _read(file)
        config = _Config(file, source, _parsed(source, file))
    except EnvironmentProblem as error:
        problems.append(error)
        return _Config(file, "", {})
    keys = ", ".join(key for key, spec in SPECS.items() if spec.stored)
    for key in config.values:
        if key not in SPECS or not SPECS[key].stored:
            message = text("progress.settings.unknown_key", key=key, keys=keys)
            hint = text("progress.settings.edit_hint", file=file)
            problems.append(UsageError(f"{file}:{config.line(key)}: {message}", hint=hint))
    return config


def _read(file: Path) -> str:
    """The text of config.toml; "" where there is none."""
    try:
        data = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        message = text("progress.settings.unreadable", file=file, reason=error.strerror or str(error))
        raise EnvironmentProblem(message, hint=text("progress.settings.edit_hint", file=file)) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _broken(file, line, text("progress.settings.not_utf8")) from error


def _parsed(source: str, file: Path) -> dict[str, Any]:
    if not source:
        return {}
    import tomllib

    try:
        return tomllib.loads(source.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else source.count("\n") + 1
        raise _broken(file, line, re.sub(r" \(at .*\)$", "", str(error))) from error


def _broken(file: Path, line: int, reason: str) -> EnvironmentProblem:
    return EnvironmentProblem(
        text("progress.settings.broken", file=file, line=line, reason=reason),
        hint=text("progress.settings.edit_hint", file=file),
    )


def _with_line(source: str, key: str, value: str) -> str:
    """`source` with the top-level line of `key` set to `value`, and its trailing comment kept."""
    import json

    newline = "\r\n" if "\r\n" in source else "\n"
    assignment = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    lines = source.splitlines(keepends=True)
    end = next((i for i, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    for i, line in enumerate(lines[:end]):
        if re.match(rf"\s*(?P<quote>[\"']?){re.escape(key)}(?P=quote)\s*=", line):
            comment = re.search(r"""=\s*(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^"'#]*?)(\s*#.*?)?\s*$""", line)
            lines[i] = assignment + ((comment[1] or "") if comment else "") + newline
            return "".join(lines)
    while end < len(lines) and end and not lines[end - 1].strip():
        end -= 1
    if end and not lines[end - 1].endswith("\n"):
        lines[end - 1] += newline
    lines.insert(end, assignment + newline)
    return "".join(lines)
