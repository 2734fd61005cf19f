"""What every report shares: the Jinja environment, in which all text is escaped, and its filters."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinkllm_drill import __version__
from thinkllm_drill.locale import current, text
from thinkllm_drill.visible import visible

if TYPE_CHECKING:
    from markupsafe import Markup

_TEMPLATES = Path(__file__).parent / "templates"
_HTML_LANG = {"en": "en", "zh": "zh-CN"}
_CODE = re.compile(r"`([^`\n]+)`")


def page(template: str, **values: Any) -> str:
    """The page of a template, in the language of this process; every value in it is escaped and made visible."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clock": clock, "day": day, "moment": moment, "number": number, "prose": prose}
    environment.globals |= {"lang": _HTML_LANG[current()], "say": say, "count": count, "version": __version__}
    return environment.get_template(template).render(**values)


def say(key: str, /, **values: Any) -> str:
    """A text of the area `report`."""
    return text(f"report.{key}", **values)


def count(name: str, number: int) -> str:
    """A number with its noun, in the form that the number asks for."""
    form = {0: "none", 1: "one"}.get(number, "many")
    return say(f"count.{name}.{form}", count=number)


def clock(seconds: float) -> str:
    """A stretch of time as 4:07 or 1:04:07."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def day(at: datetime) -> str:
    """A date in words, in the time zone of this machine."""
    here = at.astimezone()
    return say("date", day=here.day, month=say(f"month.{here.month}"), year=here.year)


def moment(at: datetime) -> str:
    """A date with the time of day, in the time zone of this machine."""
    return f"{day(at)} {at.astimezone():%H:%M}"


def number(value: float) -> str:
    """Points with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def prose(words: str) -> Markup:
    """Escaped text in which what stands between backticks is code."""
    from markupsafe import Markup

    plain = _CODE.split(visible(words))
    pieces = (Markup("<code>{}</code>" if index % 2 else "{}").format(piece) for index, piece in enumerate(plain))
    return Markup("").join(pieces)


def _finalize(value: Any) -> Any:
    """What a template puts out: markup as it is, other text with no character that acts on a screen."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
