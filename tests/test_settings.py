"""Settings: where each value comes from, and config.toml."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from thinkllm_drill.errors import EnvironmentProblem, UsageError
from thinkllm_drill.folders import cache_dir, runtime_dir
from thinkllm_drill.settings import SPECS, load, set_value


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def config(home: Path, content: str) -> Path:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(content, encoding="utf-8", newline="")
    return home / "config.toml"


def test_defaults_need_nothing_on_disk(home: Path) -> None:
    settings = load({"home": str(home)}, {})
    assert (settings.lang, settings.level, settings.pager, settings.service) == ("en", "cloze", "auto", True)
    assert not home.exists()
    assert settings.origin("lang").kind == "default"


def test_home_is_flag_then_environment_then_user_home(tmp_path: Path) -> None:
    environ = {"THINKLLM_HOME": str(tmp_path / "b"), "HOME": str(tmp_path)}
    assert load({"home": str(tmp_path / "a")}, environ).home == tmp_path / "a"
    assert load({"home": None}, environ).home == tmp_path / "b"
    assert load({}, {"HOME": str(tmp_path)}).home == tmp_path / "thinkllm"


def test_relative_home_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load({"home": "here"}, {}).home == tmp_path / "here"


def test_places_follow_from_the_home(home: Path) -> None:
    settings = load({"home": str(home)}, {})
    assert settings.attempts == home / "attempts"
    assert settings.archive == home / "attempts" / ".archive"
    assert settings.database == home / "progress.db"


def test_flag_beats_environment_beats_config_beats_locale(home: Path) -> None:
    flag = {"home": str(home), "lang": "en"}
    environ = {"THINKLLM_LANG": "zh", "LANG": "en_US.UTF-8"}
    config(home, 'lang = "zh"\n')
    assert load(flag, environ).lang == "en"
    assert load(flag, environ).origin("lang").name == "--lang"
    assert load({"home": str(home)}, environ).origin("lang").name == "THINKLLM_LANG"
    from_config = load({"home": str(home)}, {"LANG": "en_US.UTF-8"})
    assert (from_config.lang, from_config.origin("lang").kind) == ("zh", "config")
    (home / "config.toml").unlink()
    from_locale = load({"home": str(home)}, {"LANG": "zh_CN.UTF-8"})
    assert (from_locale.lang, from_locale.origin("lang").name) == ("zh", "LANG")


def test_editor_of_the_environment(home: Path) -> None:
    environ = {"EDITOR": "nano", "VISUAL": "code --wait"}
    assert load({"home": str(home)}, environ).editor == "code --wait"
    assert load({"home": str(home)}, {"EDITOR": "nano"}).origin("editor").name == "EDITOR"


@pytest.mark.parametrize(("given", "service"), [("off", False), ("0", False), ("FALSE", False), ("on", True)])
def test_service_takes_the_usual_words(home: Path, given: str, service: bool) -> None:
    assert load({"home": str(home)}, {"THINKLLM_SERVICE": given}).service is service


def test_config_may_say_true_and_false(home: Path) -> None:
    config(home, "service = false\n")
    settings = load({"home": str(home)}, {})
    assert not settings.service
    assert settings.get("service") == "off"


def test_no_color(home: Path) -> None:
    assert load({"home": str(home)}, {"NO_COLOR": "1"}).color == "never"
    assert load({"home": str(home)}, {"NO_COLOR": ""}).color == "auto"


def test_bad_values_name_their_place_and_what_is_allowed(home: Path) -> None:
    with pytest.raises(UsageError, match="--lang") as flag:
        load({"home": str(home), "lang": "fr"}, {})
    assert "en, zh" in flag.value.message
    with pytest.raises(UsageError, match="THINKLLM_LEVEL"):
        load({"home": str(home)}, {"THINKLLM_LEVEL": "easy"})
    file = config(home, '# mine\nlang = "en"\npager = 3\n')
    with pytest.raises(UsageError) as stored:
        load({"home": str(home)}, {})
    assert f"{file}:3: pager" in stored.value.message
    assert stored.value.hint == "thinkllm config set pager auto"


def test_unknown_key_in_config_names_the_line(home: Path) -> None:
    file = config(home, 'lang = "en"\n\nlanguage = "zh"\n')
    with pytest.raises(UsageError) as error:
        load({"home": str(home)}, {})
    assert f"{file}:3" in error.value.message
    assert "language" in error.value.message


@pytest.mark.parametrize(
    ("content", "line"), [(b'lang = "en"\nlevel = \n', 2), (b'lang = "en\n', 1), (b"# a\n\n# \xff\n", 3)]
)
def test_broken_config_names_file_and_line(home: Path, content: bytes, line: int) -> None:
    home.mkdir()
    (home / "config.toml").write_bytes(content)
    with pytest.raises(EnvironmentProblem) as error:
        load({"home": str(home)}, {})
    assert f"config.toml:{line}:" in error.value.message
    assert error.value.hint
    with pytest.raises(EnvironmentProblem):
        set_value(home, "lang", "zh")
    assert (home / "config.toml").read_bytes() == content


def test_lenient_goes_on_and_tells(home: Path) -> None:
    config(home, 'lang = "fr"\nlevel = "body"\nshoe = 1\n')
    settings = load({"home": str(home)}, {}, lenient=True)
    assert (settings.lang, settings.level) == ("en", "body")
    assert len(settings.problems) == 2


def test_get_and_describe(home: Path) -> None:
    settings = load({"home": str(home), "level": "body"}, {})
    assert settings.get("level") == "body"
    assert [row.key for row in settings.describe()] == list(SPECS)
    with pytest.raises(UsageError, match="colour") as error:
        settings.get("colour")
    assert "pager" in error.value.message


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'lang = "zh"\n'),
        ("# mine\n", '# mine\nlang = "zh"\n'),
        ('lang = "en"  # why\nlevel = "body"\n', 'lang = "zh"  # why\nlevel = "body"\n'),
        ("level='body' # keep # this\nlang='en'", "level='body' # keep # this\nlang = \"zh\"\n"),
        ('"lang" = "a # b" # c\r\n# d\r\n', 'lang = "zh" # c\r\n# d\r\n'),
        ('level = "body"', 'level = "body"\nlang = "zh"\n'),
        ('# a\n\n[table]\nlang = "x"\n', '# a\nlang = "zh"\n\n[table]\nlang = "x"\n'),
    ],
)
def test_set_value_changes_one_line(home: Path, before: str, after: str) -> None:
    file = config(home, before)
    set_value(home, "lang", "zh")
    assert file.read_text(encoding="utf-8") == after.replace("\r\n", "\n")
    assert ("\r\n" in before) == (b"\r\n" in file.read_bytes())
    assert [path.name for path in home.iterdir()] == ["config.toml"]


def test_set_value_leaves_what_it_cannot_change_safely(home: Path) -> None:
    content = 'editor = """\nlang = "en"\n"""\n'
    file = config(home, content)
    with pytest.raises(EnvironmentProblem) as error:
        set_value(home, "lang", "zh")
    assert error.value.hint is not None
    assert 'lang = "zh"' in error.value.hint
    assert file.read_text() == content


def test_set_value_creates_the_home_and_is_read_back(home: Path) -> None:
    set_value(home, "editor", 'emacs -nw "中文"')
    set_value(home, "service", "false")
    settings = load({"home": str(home)}, {})
    assert settings.editor == 'emacs -nw "中文"'
    assert not settings.service


def test_set_value_refuses(home: Path) -> None:
    with pytest.raises(UsageError, match="cloze, body, blank"):
        set_value(home, "level", "bughunt")
    with pytest.raises(UsageError):
        set_value(home, "nothing", "1")
    with pytest.raises(UsageError) as error:
        set_value(home, "home", "/tmp")
    assert "THINKLLM_HOME" in str(error.value.hint)
    with pytest.raises(UsageError):
        set_value(home, "editor", "a\nb")


def test_set_value_follows_a_link_and_keeps_the_mode(home: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text('lang = "en"\n')
    real.chmod(0o600)
    home.mkdir()
    (home / "config.toml").symlink_to(real)
    set_value(home, "lang", "zh")
    assert (home / "config.toml").is_symlink()
    assert real.read_text() == 'lang = "zh"\n'
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


def test_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentProblem) as error:
        load({"home": str(tmp_path / "file" / "home")}, {}).ensure_home()
    assert "THINKLLM_HOME" in str(error.value.hint)


def test_home_is_created(home: Path) -> None:
    assert load({"home": str(home / "deep")}, {}).ensure_home().is_dir()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose path leaves room for a socket's, and which is the temporary one."""
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def test_runtime_dir_is_private(short: Path) -> None:
    made = runtime_dir({"THINKLLM_RUNTIME_DIR": str(short / "run")})
    assert made == short / "run"
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert runtime_dir({"THINKLLM_RUNTIME_DIR": str(short / "run")}) == made


def test_runtime_dir_never_changes_the_mode_of_a_folder(short: Path) -> None:
    (short / "open").mkdir(mode=0o755)
    made = runtime_dir({"THINKLLM_RUNTIME_DIR": str(short / "open")})
    assert made != short / "open"
    assert stat.S_IMODE((short / "open").stat().st_mode) == 0o755
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_runtime_dir_too_long_or_impossible_moves_to_the_temporary_folder(short: Path) -> None:
    long, other = short / ("x" * 90), short / ("y" * 90)
    made = [runtime_dir({"THINKLLM_RUNTIME_DIR": str(path)}) for path in (long, long, other)]
    assert made[0] == made[1] != made[2]
    assert all(len(os.fsencode(path)) <= 70 and path.is_dir() for path in made)
    (short / "file").write_text("")
    impossible = runtime_dir({"THINKLLM_RUNTIME_DIR": str(short / "file")})
    assert impossible.is_dir()
    assert impossible.parent == made[0].parent == short


def test_runtime_dir_of_somebody_else_is_not_used(short: Path) -> None:
    target = short / "theirs"
    target.mkdir(mode=0o700)
    (short / "link").symlink_to(target)
    made = runtime_dir({"THINKLLM_RUNTIME_DIR": str(short / "link")})
    assert not made.is_symlink()


def test_runtime_dir_of_the_platform_warns_nobody() -> None:
    assert runtime_dir({}).is_dir()


def test_cache_dir(tmp_path: Path) -> None:
    assert cache_dir({"THINKLLM_CACHE_DIR": str(tmp_path)}) == tmp_path
    assert cache_dir({}).name == "thinkllm"
