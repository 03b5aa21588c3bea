"""What a loader gives, as arrays."""

import torch


def whole(loader):
    """All batches of a loader as two arrays."""
    X, y = zip(*loader)
    return torch.cat([torch.as_tensor(v) for v in X]).numpy(), torch.cat(
        [torch.as_tensor(v) for v in y]
    ).numpy()
