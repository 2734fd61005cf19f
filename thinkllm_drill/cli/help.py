"""Help pages in the learner's language, set for East Asian width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from thinkllm_drill.cli import VERBS
from thinkllm_drill.cli.cells import pad, width, wrap_text
from thinkllm_drill.cli.screen import Screen
from thinkllm_drill.cli.session import Session
from thinkllm_drill.locale import area, current, text

_GAP = 2
_WIDEST_NAME = 26


def translate(command: Any, path: str) -> None:
    """Give a command, its parameters and its own verbs the help texts of the current language.

    The text of a parameter is `options.<verb>.<name>`, else `options.shared.<name>`; a text in the code stays.
    """
    texts = area("cli", current())
    command.help = texts.get(f"verbs.{path}") or command.help
    for param in command.params:
        own, shared = f"options.{path}.{param.name}", f"options.shared.{param.name}"
        param.help = texts.get(own) or texts.get(shared) or getattr(param, "help", None)
    for name, inner in getattr(command, "commands", {}).items():
        translate(inner, f"{path}-{name}")


def page(command: Any, ctx: Any) -> str:
    """The help page of a command."""
    from thinkllm_drill.cli.framework import SHARED

    screen = Session.of(ctx).out
    params = [(param, _record(param, ctx)) for param in command.get_params(ctx)]
    own = [(param, record) for param, record in params if param.name not in SHARED]
    sections = {"arguments": [record for param, record in own if param.param_type_name == "argument"]}
    if ctx.parent is None:
        sections |= {name: [(verb, text(f"cli.verbs.{verb}")) for verb in verbs] for name, verbs in VERBS.items()}
    else:
        inner = getattr(command, "commands", {}).items()
        sections["verbs"] = [(name, (verb.help or "").split("\n")[0]) for name, verb in inner]
    sections["options"] = [record for param, record in own if param.param_type_name == "option"]
    sections["everywhere"] = [record for param, record in params if param.name in SHARED]
    usage = f"{text('cli.help.usage')} {ctx.command_path} {' '.join(command.collect_usage_pieces(ctx))}"
    lines = [usage, "", *wrap_text(command.help or "", screen.text_width)]
    typed = ("arguments", "options", "everywhere")
    for name, records in sections.items():
        alike = [other for other in sections if (other in typed) == (name in typed)]
        names = [width(left) for other in alike for left, _ in sections[other]]
        column = max((size for size in names if size <= min(_WIDEST_NAME, screen.text_width // 2)), default=0)
        lines += _section(screen, name, records, column)
    return "\n".join(lines)


def _record(param: Any, ctx: Any) -> tuple[str, str]:
    """The name of a parameter as it is typed, and what it does."""
    if param.param_type_name == "argument":
        name = param.make_metavar(ctx=ctx).strip("[]")
    else:
        name = ", ".join(sorted(param.opts, key=len))
        if not param.is_flag and not param.count:
            name += f" {param.make_metavar(ctx=ctx)}"
    if param.name == "help":
        return name, text("cli.help.help")
    return name, param.help or ""


def _section(screen: Screen, name: str, records: Sequence[tuple[str, str]], column: int) -> list[str]:
    if not records:
        return []
    lines = ["", screen.paint(text(f"cli.help.{name}"), "heading")]
    for left, right in records:
        if width(left) > column:
            lines.append(f"  {left}")
            left = ""
        for line in wrap_text(right, max(screen.text_width - column - 2 - _GAP, 20)) or [""]:
            lines.append(f"  {pad(left, column)}{' ' * _GAP}{line}".rstrip())
            left = ""
    return lines
