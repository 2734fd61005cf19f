"""The advantages of GRPO against pandas: group by id, transform by mean and by standard deviation.

pandas gives a group of one no standard deviation; that convention is verl's and is checked by itself.
"""

from __future__ import annotations

import pytest
import torch

DTYPES = [torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", ["std", "none", "batch"])
@pytest.mark.parametrize(("groups", "batch", "eps"), [(1, 8, 1e-6), (3, 12, 0.1), (16, 128, 1e-6)])
def test_against_pandas(solution, library, agree, conditioning, groups, batch, eps, scale, dtype):
    pandas = library("pandas")
    ids = torch.cat((torch.arange(groups), torch.arange(groups), torch.randint(0, groups, (batch,)))) * 977 - 5
    rewards = torch.randn(len(ids), dtype=dtype) + ids % 4
    table = pandas.DataFrame({"id": ids.numpy(), "reward": rewards.double().numpy()})
    by_group = table.groupby("id")["reward"]
    right = table["reward"] - by_group.transform("mean")
    if scale != "none":
        right = right / ((by_group.transform("std") if scale == "std" else table["reward"].std()) + eps)
    ours = lambda rewards: [solution("grpo_advantage").grpo_advantages(rewards, ids, eps, scale)]  # noqa: E731
    (scale_of,) = conditioning(ours, [rewards])
    agree(ours(rewards)[0], torch.from_numpy(right.to_numpy().copy()).to(dtype), scale_of)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_groups_of_one(solution, agree, dtype):
    rewards, ids = torch.tensor([3.0, 5.0, 1.0], dtype=dtype), torch.tensor([4, 9, -2])
    advantages = solution("grpo_advantage").grpo_advantages
    agree(advantages(rewards, ids, 0.25), rewards / 1.25, 5.0)
    agree(advantages(rewards, ids, scale="none"), rewards, 5.0)
    agree(advantages(rewards, ids, scale="batch"), rewards / (2 + 1e-6), 5.0)
    agree(advantages(rewards[:1], ids[:1], 0.25, "batch"), rewards[:1] / 1.25, 5.0)
