"""What is told of a device, from what its driver says."""

from __future__ import annotations

import pytest

from thinkllm_drill.gpu import facts, look
from thinkllm_drill.judge.facts import device_rows

H100 = {
    "name": "NVIDIA H100 80GB HBM3",
    "memory": 85_000_000_000,
    "processors": 132,
    "capability": "9.0",
    "peak_bandwidth": 3.352e12,
    "bandwidth": 2.93e12,
}


@pytest.mark.parametrize(
    ("line", "held"),
    [
        ("1980, 1980, 41, 122.53, 0x0000000000000000", ()),
        ("345, 1980, 33, 70.12, 0x0000000000000001", ()),
        ("1410, 1980, 84, 699.10, 0x0000000000000024", ("sw_power_cap", "sw_thermal_slowdown")),
    ],
)
def test_clocks_as_nvidia_smi_tells_them(line: str, held: tuple[str, ...]) -> None:
    assert facts.parsed(line).held == held


@pytest.mark.parametrize("line", ["", "1980, 1980", "[N/A], 1980, 41, 122.5, 0x0"])
def test_what_is_no_clock_state_is_none(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        facts.parsed(line)


def test_doctor_rows_of_a_device() -> None:
    rows = device_rows(H100, facts.parsed("1410, 1980, 84, 699.10, 0x24"))
    assert [(row.name, row.ok) for row in rows] == [("gpu", True), ("gpu bandwidth", True), ("gpu clocks", None)]
    assert rows[0].value == "NVIDIA H100 80GB HBM3, 79 GiB, 132 SMs, compute capability 9.0"
    assert rows[1].value == "2.93 TB/s measured in a copy, 3.35 TB/s by its data sheet"
    assert "1410 of 1980 MHz" in rows[2].value
    assert device_rows({**H100, "peak_bandwidth": None}, None)[1].value == "2.93 TB/s measured in a copy"


def test_a_name_finds_its_own_row_of_the_data_sheets() -> None:
    peaks = {
        name: facts.peak_flops(name, "bfloat16") for name in ("NVIDIA H100 PCIe", "NVIDIA H100 80GB HBM3", "GT 710")
    }
    assert peaks == {"NVIDIA H100 PCIe": 756e12, "NVIDIA H100 80GB HBM3": 989e12, "GT 710": None}


def test_the_bandwidth_of_a_copy_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINKLLM_GPU", "simulated")
    assert 1e6 < look.look()["bandwidth"] < 1e13
