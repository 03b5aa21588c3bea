"""The smallest dataset of chips and the smallest network for them."""

import numpy as np
import torch


class Chips:
    """Targets of ten chips, as a dataset gives them."""

    dense, augment, task = True, None, "regression"

    def __len__(self):
        return 10

    def __getitem__(self, rows):
        X = torch.zeros(len(rows), 1, 1, 4, 4)
        return X, torch.ones(len(rows), 4, 4)

    def arrays(self):
        return tuple(part.numpy() for part in self[np.arange(10)])

    def column(self, name):
        return {"block": np.arange(10).astype(str), "group": np.full(10, "")}.get(
            name, np.arange(10.0)
        )


class OneNumber(torch.nn.Module):
    """A single weight, added to the only band."""

    std = 1.0

    def __init__(self):
        super().__init__()
        self.value = torch.nn.Parameter(torch.zeros(1))

    def forward(self, X):
        return self.value + X[:, 0, 0]
