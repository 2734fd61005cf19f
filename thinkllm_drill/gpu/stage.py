"""Answers the judge's questions about timing, in the attempt's process and in that of the baselines.

Questions are dictionaries with `do`; answers are plain data and tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from thinkllm_drill.gpu.device import Device
from thinkllm_drill.gpu.inputs import maker
from thinkllm_drill.gpu.player import Player
from thinkllm_drill.gpu.recipe import load


class Stage:
    """The players of one process.

    Args:
        device: where they play.
        find: the function of a player by its name.
    """

    def __init__(self, device: Device, find: Callable[[str], Callable[..., Any]]) -> None:
        self.device = device
        self._find = find
        self._players: dict[str, Player] = {}

    def answer(self, question: Mapping[str, Any]) -> Any:
        """The answer to one question."""
        match question["do"]:
            case "enter":
                make = maker(load(question["recipe"]), question["params"], question["dtype"], self.device.torch_device)
                call = self._find(question["who"])
                self._players[question["who"]] = Player(self.device, call, make, question["mutates"])
                return True
            case "leave":
                for player in self._players.values():
                    player.close()
                self._players.clear()
                self.device.release()
                return True
            case "warm_up":
                return self._player(question).warm_up(question["seeds"])
            case "block":
                block = self._player(question).block(question["seeds"], question["picks"])
                return {"seconds": list(block.seconds), "late": list(block.late)}
            case "samples":
                return self._player(question).samples(question["index"])
            case "prepare":
                return self._player(question).prepare(question["seeds"])
            case "stretch":
                return self._player(question).stretch(question["first"], question["count"], question["pick"])
        raise ValueError(f"unknown question {question['do']!r}")

    def _player(self, question: Mapping[str, Any]) -> Player:
        return self._players[question["who"]]


class Asked:
    """A player in another process, as the judge sees it.

    Args:
        ask: sends a question and returns its answer.
        who: its name there.
    """

    def __init__(self, ask: Callable[[dict[str, Any]], Any], who: str) -> None:
        self._ask, self._who = ask, who

    def enter(self, recipe: str, params: Mapping[str, Any], dtype: str, mutates: Any) -> None:
        """Get ready for a shape."""
        question = {"recipe": recipe, "params": dict(params), "dtype": dtype, "mutates": list(mutates)}
        self._question("enter", **question)

    def warm_up(self, seeds: Any) -> float:
        """See `player.Player`; so for the rest."""
        return float(self._question("warm_up", seeds=list(seeds)))

    def block(self, seeds: Any, picks: Any) -> Any:
        from thinkllm_drill.gpu.player import Block

        told = self._question("block", seeds=list(seeds), picks=list(picks))
        seconds, late = ([float(value) for value in told[name]] for name in ("seconds", "late"))
        if len(seconds) != len(seeds):
            raise ValueError("times are missing")
        return Block(tuple(seconds), tuple(late))

    def samples(self, index: int) -> list[Any]:
        return list(self._question("samples", index=index))

    def prepare(self, seeds: Any) -> int:
        return int(self._question("prepare", seeds=list(seeds)))

    def stretch(self, first: int, count: int, pick: int) -> list[Any]:
        return list(self._question("stretch", first=first, count=count, pick=pick))

    def leave(self) -> None:
        """Let go of the memory of all who play there."""
        self._question("leave")

    def _question(self, what: str, **more: Any) -> Any:
        return self._ask({"do": what, "who": self._who, **more})
