"""A device that is not the processor, for machines without one: real numbers, a device's manners.

Tensors that are moved to it say so. They refuse to be computed with tensors that are not there, to
become arrays before they are brought back, and, as an Apple GPU does, to hold 64 bits. What it
computes, the processor computes: the numbers are those of a device, its speed is not.
"""

import contextlib

import torch
from torch._tensor import _convert
from torch.overrides import TorchFunctionMode, get_default_nowrap_functions

CPU = torch.device("cpu")
MEET = {"copy_", "__set__", "__getitem__", "_has_compatible_shallow_copy_type"}  # both are allowed


class OnDevice(torch.Tensor):
    """A tensor that lies on the device, as does what is computed of it."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        with torch._C.DisableTorchFunctionSubclass():
            made = func(*args, **(kwargs or {}))
        return made if func in get_default_nowrap_functions() else _convert(made, OnDevice)

    def __deepcopy__(self, memo):
        out = self.detach().clone().requires_grad_(self.requires_grad)
        out.__class__ = type(self)
        memo[id(self)] = out
        return out


class ParameterOnDevice(OnDevice, torch.nn.Parameter):
    """A parameter that was moved: it stays the object that an optimiser may already know."""


def there(tensor):
    """The same numbers on the device."""
    return tensor.as_subclass(OnDevice)


def here(tensor):
    """The same numbers on the processor."""
    return tensor.as_subclass(torch.Tensor)


def tensors_in(values):
    """Every tensor among arguments."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from tensors_in(value)


class Device(TorchFunctionMode):
    """The device of one name, as long as the block lasts; what is asked of it is written down."""

    def __init__(self, name: str):
        super().__init__()
        self.device = torch.device(name)
        self.pinned = 0  # arrays that were pinned on their way
        self.in_16_bits = 0  # times that 16 bits were allowed
        self.fused = 0  # steps of an optimiser in one piece
        self.moved = 0  # arrays that came to lie on the device

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if func == torch.Tensor.device.__get__:
            return self.device if isinstance(args[0], OnDevice) else func(*args)
        if func == torch.Tensor.grad.__get__:
            found = func(*args)
            return there(found) if found is not None and isinstance(args[0], OnDevice) else found
        if func == torch.Tensor.data.__set__:
            func(*args)
            if isinstance(args[0], torch.nn.Parameter):
                on_device = isinstance(args[1], OnDevice)
                args[0].__class__ = ParameterOnDevice if on_device else torch.nn.Parameter
            return None
        if name == "pin_memory":
            assert not isinstance(args[0], OnDevice), "what is on the device is not pinned"
            self.pinned += 1
            return args[0]
        if name == "numpy" and isinstance(args[0], OnDevice):
            raise TypeError(f"can't convert {self.device.type} device type tensor to numpy")
        if name == "cpu":
            return here(args[0])
        if name == "to":
            return self._moved(func, args, kwargs)
        if "device" in kwargs:
            return self._made(func, args, kwargs)
        given = list(tensors_in([*args, *kwargs.values()]))
        lying = {isinstance(t, OnDevice) for t in given if t.ndim or isinstance(t, OnDevice)}
        if len(lying) == 2 and name not in MEET:
            raise RuntimeError(
                f"Expected all tensors to be on the same device: {name} of {self.device} and cpu"
            )
        self.fused += "_fused_" in name
        made = func(*args, **kwargs)
        if isinstance(made, OnDevice):
            self._check_bits(made)
        return made

    def _moved(self, func, args, kwargs):
        "`tensor.to(...)`, where it names a device."
        asked = [*args[1:], *kwargs.values()]
        devices = [torch.device(a) for a in asked if isinstance(a, (str, torch.device))]
        if not devices:
            return func(*args, **kwargs)
        rest = [a for a in args if not isinstance(a, (str, torch.device))]
        kwargs.pop("device", None)
        kwargs.pop("non_blocking", None)
        rest = [a for a in rest if not isinstance(a, bool)]
        moved = func(*rest, **kwargs) if len(rest) > 1 or kwargs else rest[0]
        return self._placed(moved, devices[0])

    def _made(self, func, args, kwargs):
        "A tensor that is made where it is wanted."
        device = torch.device(kwargs.pop("device") or CPU)
        return self._placed(func(*args, **kwargs), device)

    def _placed(self, tensor, device):
        "The tensor on one of the two."
        if device.type == "cpu":
            return here(tensor)
        assert device.type == self.device.type, f"{device} is not {self.device}"
        self._check_bits(tensor)
        self.moved += 1
        return there(tensor)

    def _check_bits(self, tensor):
        "TypeError of 64 bits on an Apple GPU."
        if self.device.type == "mps" and tensor.dtype == torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")


@contextlib.contextmanager
def device(name: str, monkeypatch):
    """Work with the device in a block; `cuda` computes in 16 bits where that is allowed."""
    before = torch.autocast

    def autocast(kind, dtype, enabled):
        fake.in_16_bits += enabled and kind == "cuda"
        return before("cpu", dtype, enabled=enabled)

    with monkeypatch.context() as patch, Device(name) as fake:
        patch.setattr(torch, "autocast", autocast)
        yield fake
