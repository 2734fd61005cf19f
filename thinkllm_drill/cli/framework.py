"""Verbs as typer commands: imported when called for, with shared options and help in the learner's language."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_params_convertors_ctx_param_name_from_function

from thinkllm_drill import __version__, locale
from thinkllm_drill.cli import COMPLETION, MODULES, PROGRAM
from thinkllm_drill.cli.screen import tame_streams
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import ThinkLLMError


def run(args: list[str]) -> int:
    """Run a command line; every error becomes a message and an exit code."""
    tame_streams()
    session = Session(args)
    try:
        _peek(args, session)
        root = root_command()
        with root.make_context(PROGRAM, args, obj=session) as ctx:
            code = root.invoke(ctx)
        return code if isinstance(code, int) else 0
    except typer.Exit as error:
        return error.exit_code
    except BaseException as error:
        from thinkllm_drill.cli.errors import report

        return report(error, session)
    finally:
        session.close()


def complete() -> int:
    """Answer a shell that asks for completions."""
    try:
        root_command(texts=False).main(prog_name=PROGRAM, complete_var=COMPLETION)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 0
    return 0


class Verb(TyperCommand):
    """A command with the options that every verb takes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_shared())

    def get_help_option(self, ctx: Any) -> Any:
        """The option --help, which shows our page."""
        return _with_our_page(super().get_help_option(ctx))


class VerbGroup(TyperGroup):
    """A verb with verbs of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_shared())

    def get_help_option(self, ctx: Any) -> Any:
        """The option --help, which shows our page."""
        return _with_our_page(super().get_help_option(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that is meant, and what is left of the arguments."""
        verbs = self.list_commands(ctx)
        if not ctx.resilient_parsing and not args[0].startswith("-") and args[0] not in verbs:
            from thinkllm_drill.cli.errors import unknown_verb

            raise unknown_verb(args[0], verbs, ctx.command_path.split(" [")[0])
        return super().resolve_command(ctx, args)


def verb_group() -> typer.Typer:
    """A verb with verbs of its own, that can also be called alone."""
    return typer.Typer(
        cls=VerbGroup,
        subcommand_metavar="[VERB …]",
        invoke_without_command=True,
        add_completion=False,
        rich_markup_mode=None,
    )


def _with_our_page(option: Any) -> Any:
    option.callback = _help
    return option


def _help(ctx: Any, param: Any, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from thinkllm_drill.cli.help import page

        Session.of(ctx).out.write(page(ctx.command, ctx))
        raise typer.Exit()


class _Root(VerbGroup):
    """`thinkllm` itself: knows its verbs by name and imports one when it is called for."""

    texts = True

    def list_commands(self, ctx: Any) -> list[str]:
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in MODULES:
            return None
        module = import_module(f"thinkllm_drill.cli.{MODULES[cmd_name]}")
        app = getattr(module, "app", None)
        if app is None:
            app = typer.Typer(add_completion=False, rich_markup_mode=None)
            app.command(cmd_name, cls=Verb)(module.command)
        command = get_command(app)
        command.name = cmd_name
        if self.texts:
            from thinkllm_drill.cli.help import translate

            translate(command, cmd_name)
        else:
            _silence(command)
        return command


def root_command(*, texts: bool = True) -> Any:
    """The command `thinkllm`; without texts nothing is read from disk, which is what completion wants."""
    app = typer.Typer(
        cls=_Root,
        subcommand_metavar="VERB …",
        invoke_without_command=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    root = get_command(app)
    assert isinstance(root, _Root)
    root.texts = texts
    if texts:
        from thinkllm_drill.cli.help import translate

        translate(root, "root")
    return root


def _silence(command: Any) -> None:
    """Take the help texts away: a shell that shows them would have typer import rich to strip their markup."""
    command.help = None
    for part in (*command.params, *getattr(command, "commands", {}).values()):
        part.help = None


def _root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", "-V", is_eager=True)] = False,
) -> int:
    if version:
        Session.of(ctx).out.write(f"thinkllm-drill {__version__}")
        raise typer.Exit()
    if ctx.invoked_subcommand is None:
        from thinkllm_drill.cli.today import command

        return command(ctx)
    return 0


def _set_lang(ctx: typer.Context, value: str | None) -> None:
    if value is not None and not ctx.resilient_parsing:
        Session.of(ctx).override("lang", value)


def _set_home(ctx: typer.Context, value: str | None) -> None:
    if value is not None and not ctx.resilient_parsing:
        Session.of(ctx).override("home", value)


def _set_no_color(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        Session.of(ctx).override("color", "never")


def _set_json(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        Session.of(ctx).json = True


def _shared_options(
    lang: Annotated[
        Literal["en", "zh"] | None, typer.Option("--lang", callback=_set_lang, expose_value=False, is_eager=True)
    ] = None,
    home: Annotated[
        str | None, typer.Option("--home", metavar="DIR", callback=_set_home, expose_value=False, is_eager=True)
    ] = None,
    no_color: Annotated[
        bool, typer.Option("--no-color", callback=_set_no_color, expose_value=False, is_eager=True)
    ] = False,
    json: Annotated[bool, typer.Option("--json", callback=_set_json, expose_value=False, is_eager=True)] = False,
) -> None:
    """The options that stand before the verb or after it."""


def _shared() -> list[Any]:
    return list(get_params_convertors_ctx_param_name_from_function(_shared_options)[0])


SHARED = ("lang", "home", "no_color", "json")


def _peek(args: list[str], session: Session) -> None:
    """Take the shared options before parsing: the help pages and the parser's messages need the language."""
    for index, arg in enumerate(args):
        name, equals, value = arg.partition("=")
        if name in ("--lang", "--home"):
            session.overrides[name[2:]] = value if equals else args[index + 1] if index + 1 < len(args) else ""
        elif name == "--no-color":
            session.overrides["color"] = "never"
        elif name == "--":
            break
    try:
        locale.use(session.lenient_settings.lang)
    except ThinkLLMError:
        locale.use(locale.from_environment(dict(session.environ)))
