"""Numbers as people type them: `2.5 GiB`, `1,024`, `2^31`, `√2 / 2`, `12.5 %`, `4.2M`, `1.3 亿`.

A text is turned into tokens, and these are worked out by precedence climbing, in floats and with every size bounded,
so that nothing that can be typed raises, is executed or takes long.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Dimension = Literal["count", "bytes", "time", "share", "information"]
Reason = Literal["empty", "syntax", "unit", "value"]

MAX_LENGTH = 200
_MAX_DEPTH = 20
_GROUPED = r"\d{1,3}(?:[ ']\d{3})+(?!\d)(?:\.\d+)?|[1-9]\d{0,2}(?:,\d{3})+(?!\d)(?:\.\d+)?"
_PLAIN = r"\d+(?:_\d+)*(?:[.,]\d*)?|\.\d+"
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>(?:{_GROUPED}|{_PLAIN})(?:e[+-]?\d+(?![\w.]))?)"
    r"|(?P<word>log(?:2|10)(?=\s*\()|[^\W\d_]+|%|∞)"
    r"|(?P<mark>\*\*|[-+*/^()√]))"
)
_MARKS = str.maketrans({"×": "*", "·": "*", "⋅": "*", "∙": "*", "÷": "/", "⁄": "/", "−": "-", "–": "-", "’": "'"})
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_ABOUT = re.compile(r"^(?:about|approximately|approx\.?|roughly|circa|ca\.|大约|大概|约|≈|~|=)\s*", re.IGNORECASE)

_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "√": math.sqrt,
    "sqrt": math.sqrt,
    "log": math.log,
    "ln": math.log,
    "exp": math.exp,
}
_FUNCTIONS |= {"log2": math.log2, "log10": math.log10}
_CONSTANTS = {"pi": math.pi, "π": math.pi, "inf": math.inf, "infinity": math.inf, "∞": math.inf, "无穷": math.inf}
_CONSTANTS |= {"无穷大": math.inf, "e": math.e}
_PREFIXES = {"k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_ENGLISH = {
    "thousand": 3,
    "mn": 6,
    "mln": 6,
    "mio": 6,
    "million": 6,
    "millions": 6,
    "bn": 9,
    "billion": 9,
    "billions": 9,
}
_ENGLISH |= {"trillion": 12, "trillions": 12}
_CHINESE = {"百": 2, "千": 3, "万": 4, "百万": 6, "千万": 7, "亿": 8, "十亿": 9, "百亿": 10, "千亿": 11, "万亿": 12}
_COUNTED = """
x times fold token tokens parameter parameters param params position positions step steps pass passes merge merges
head heads group groups number numbers entry entries pair pairs path paths symbol symbols flop flops row rows
倍 个 次 步 头 组 参数 个参数 个头 个token 次flops
"""
"""What is counted, which people write behind a number."""


@dataclass(frozen=True)
class Unit:
    """A unit as it is typed: what it measures, and how much of it in bytes, seconds, shares of one or nats."""

    dimension: Dimension | None
    scale: float = 1.0
    prefix: int = 0
    """The power of a thousand behind an SI prefix that people also use for powers of 1024."""


@dataclass(frozen=True)
class Number:
    """What was typed, in bytes, seconds, shares of one or nats where it had such a unit."""

    value: float
    dimension: Dimension | None = None
    """What its unit measures; None where it had none."""
    binary: float | None = None
    """The value with K, M, G and T taken as powers of 1024, where that makes a difference."""
    step: float = 0.0
    """The worth of the last digit, where it was typed with a fraction, an exponent or a unit."""
    digits: int = 0
    """How many significant digits were typed, where there is a `step`."""

    @property
    def readings(self) -> tuple[float, ...]:
        """Every value that can be meant."""
        return (self.value,) if self.binary is None else (self.value, self.binary)


@dataclass(frozen=True)
class Unreadable:
    """A text that is no number, and why: nothing there, no arithmetic, a unit that does not fit, no finite value."""

    reason: Reason


class _NoNumber(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def _units() -> dict[str, Unit]:
    units = {name: Unit("count", 10.0**power) for name, power in {**_ENGLISH, **_CHINESE}.items()}
    for name, power in _PREFIXES.items():
        units[name] = Unit("count", 1000.0**power, prefix=power)
        units[f"{name}i"] = Unit("count", 1024.0**power)
        units[f"{name}b"] = units[f"{name}byte"] = units[f"{name}bytes"] = Unit("bytes", 1000.0**power, prefix=power)
        units[f"{name}ib"] = Unit("bytes", 1024.0**power)
        units[f"{name}flop"] = units[f"{name}flops"] = Unit("count", 1000.0**power)
    for name, power in (("kibi", 1), ("mebi", 2), ("gibi", 3), ("tebi", 4)):
        units[f"{name}byte"] = units[f"{name}bytes"] = Unit("bytes", 1024.0**power)
    for name, power in (("kilo", 1), ("mega", 2), ("giga", 3), ("tera", 4)):
        units[f"{name}byte"] = units[f"{name}bytes"] = Unit("bytes", 1000.0**power, prefix=power)
    del units["pi"]  # the number
    units |= dict.fromkeys(("byte", "bytes", "字节"), Unit("bytes"))
    units |= {f"{name}字节": Unit("bytes", 10.0**power) for name, power in _CHINESE.items()}
    for scale, names in (
        (1.0, "s sec second seconds 秒"),
        (1e-3, "ms millisecond milliseconds 毫秒"),
        (1e-6, "us μs microsecond microseconds 微秒"),
        (1e-9, "ns nanosecond nanoseconds 纳秒"),
    ):
        units |= dict.fromkeys(names.split(), Unit("time", scale))
    units |= dict.fromkeys(("%", "percent", "pct"), Unit("share", 0.01))
    units |= dict.fromkeys(("nat", "nats", "纳特", "奈特"), Unit("information"))
    units |= dict.fromkeys(("bit", "bits", "比特"), Unit("information", math.log(2)))
    return units | dict.fromkeys(_COUNTED.split(), Unit(None))


UNITS = _units()


def parse(text: str, dimension: Dimension = "count") -> Number | Unreadable:
    """The number that was typed, or why there is none; never raises.

    Args:
        text: what was typed.
        dimension: what is asked for; it decides whether `4B` is four bytes or four billion.
    """
    try:
        tokens = _tokens(text)
        units = [_unit(token, dimension) for token in tokens]
        measured = {unit.dimension for unit in units if unit is not None and unit.dimension is not None}
        if "count" in measured and len(measured) > 1:
            measured.remove("count")
        if len(measured) > 1:
            raise _NoNumber("unit")
        value = _Reader(tokens, units, 1000).value()
        binary = _Reader(tokens, units, 1024).value() if any(unit and unit.prefix for unit in units) else None
        digits, step = _precision(tokens, units)
    except _NoNumber as error:
        return Unreadable(error.reason)
    except (ArithmeticError, ValueError):  # overflow, division by zero, a root or logarithm of what has none
        return Unreadable("value")
    if math.isnan(value) or (binary is not None and math.isnan(binary)):
        return Unreadable("value")
    return Number(value, next(iter(measured), None), binary if binary != value else None, step, digits)


def _tokens(text: str) -> list[str]:
    """The numbers, words and signs of a text, in one way of writing each."""
    text = text.strip()
    if len(text) > MAX_LENGTH:
        raise _NoNumber("syntax")
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+", lambda found: f"^({found[0].translate(_RAISED)})", text)
    text = re.sub(r"(\d?)([¼-¾⅐-⅞])", lambda found: f"{found[1]}{'+' if found[1] else ''}({found[2]})", text)
    text = unicodedata.normalize("NFKC", text).translate(_MARKS).lower().strip()
    text = _ABOUT.sub("", text).rstrip(" .。!;")
    if not text:
        raise _NoNumber("empty")
    tokens, place = [], 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise _NoNumber("syntax")
        tokens.append(found[0].strip())
        place = found.end()
    return tokens


def _unit(token: str, dimension: Dimension) -> Unit | None:
    if token == "b":
        return Unit("bytes") if dimension == "bytes" else Unit("count", 1e9)
    return UNITS.get(token)


def _precision(tokens: Sequence[str], units: Sequence[Unit | None]) -> tuple[int, float]:
    """Significant digits and the worth of the last one, of a lone number that looks rounded; (0, 0.0) of others."""
    numbers = [token for token in tokens if _is_number(token)]
    extra = {"-", "+", *numbers}
    if len(numbers) != 1 or any(token not in extra and unit is None for token, unit in zip(tokens, units, strict=True)):
        return 0, 0.0
    mantissa, _, exponent = numbers[0].partition("e")
    whole, point, fraction = _decimal(mantissa).partition(".")
    scale = math.prod(unit.scale for unit in units if unit is not None)
    if not (point or exponent or scale > 1) or len(exponent) > 5:
        return 0, 0.0
    return len((whole + fraction).lstrip("0")), scale * 10.0 ** (int(exponent or 0) - len(fraction))


def _is_number(token: str) -> bool:
    return token[0].isdigit() or token[0] == "."


def _decimal(token: str) -> str:
    """A number as Python writes it: without separators of thousands, with a point."""
    if re.fullmatch(r"\d+,\d*(?:e.*)?", token) and not re.fullmatch(r"[1-9]\d{0,2},\d{3}(?:e.*)?", token):
        token = token.replace(",", ".")
    return re.sub(r"[ ',_]", "", token)


class _Reader:
    """Works out the tokens of one expression."""

    def __init__(self, tokens: Sequence[str], units: Sequence[Unit | None], thousand: int) -> None:
        self._tokens, self._units = tokens, units
        self._thousand = thousand
        self._place = 0
        self._depth = 0
        ends = next((index for index in range(len(tokens), 0, -1) if units[index - 1] is None), 0)
        self._end = len(tokens) if any(unit is not None for unit in units[:ends]) else ends

    def value(self) -> float:
        """The value of the whole; units that stand at its end only are of all of it."""
        value = self._sum()
        if self._place != self._end:
            raise _NoNumber("unit" if self._next().isalpha() else "syntax")
        self._end = len(self._tokens)
        return self._measured(value)

    def _next(self) -> str:
        return self._tokens[self._place] if self._place < self._end else ""

    def _sum(self) -> float:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _NoNumber("syntax")
        value = self._product()
        while (sign := self._next()) in ("+", "-"):
            self._place += 1
            value = value + self._product() if sign == "+" else value - self._product()
        self._depth -= 1
        return value

    def _product(self) -> float:
        value = self._signed()
        while (sign := self._next()) in ("*", "/", "x"):
            self._place += 1
            value = value / self._signed() if sign == "/" else value * self._signed()
        return value

    def _signed(self) -> float:
        sign = 1.0
        while self._next() in ("+", "-"):
            sign = -sign if self._next() == "-" else sign
            self._place += 1
        return sign * self._power()

    def _power(self) -> float:
        bases = [self._atom()]
        signs = []
        while self._next() in ("^", "**"):
            self._place += 1
            sign = 1.0
            while self._next() in ("+", "-"):
                sign = -sign if self._next() == "-" else sign
                self._place += 1
            signs.append(sign)
            bases.append(self._atom())
        value = bases.pop()
        while bases:
            value = math.pow(bases.pop(), signs.pop() * value)
        return value

    def _atom(self) -> float:
        token = self._next()
        self._place += 1
        if token and _is_number(token):
            return self._measured(float(_decimal(token)))
        if token == "(":
            value = self._sum()
            if self._next() != ")":
                raise _NoNumber("syntax")
            self._place += 1
            return self._measured(value)
        if token in _CONSTANTS:
            return _CONSTANTS[token]
        if token in _FUNCTIONS:
            self._depth += 1
            if self._depth > _MAX_DEPTH:
                raise _NoNumber("syntax")
            value = _FUNCTIONS[token](self._atom())
            self._depth -= 1
            return value
        raise _NoNumber("syntax")

    def _measured(self, value: float) -> float:
        """The value times the units that follow it."""
        while self._place < self._end and (unit := self._units[self._place]) is not None:
            if self._tokens[self._place] == "x" and self._place + 1 < self._end:
                break  # a sign of multiplication
            self._place += 1
            value *= float(self._thousand) ** unit.prefix if unit.prefix else unit.scale
        return value
