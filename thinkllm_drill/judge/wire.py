"""The values that travel between judge and runner: a JSON tree whose tensors point into one safetensors blob.

A closed list, and never pickle: None, bool, int, float, str, bytes, list, tuple, dict, set, frozenset, tensor, ndarray
and numpy scalar, dtype, device, `torch.Generator`, exception, record (dataclass or namedtuple), reference to an object
that stays where it is, callable that is called back, and callable shipped as source. Views that share a storage still
share it on the other side, with shape, stride and offset kept.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch

MAX_DEPTH = 64
MAX_DECODE_DEPTH = 2 * MAX_DEPTH
MAX_NODES = 2_000_000
MAX_ELEMENTS = 1 << 28
MAX_TENSOR_BYTES = 2 << 30
"""Of all tensors of one message, views counted in full: whoever copies them needs that much memory."""
SAFE_INT = 1 << 53
MAX_INT_BITS = 1 << 18
"""Beyond that Python takes long to print a number."""

_JSON = json.JSONEncoder(allow_nan=False, separators=(",", ":"), check_circular=False)

DTYPES: dict[str, torch.dtype] = {
    str(dtype).removeprefix("torch."): dtype for dtype in vars(torch).values() if isinstance(dtype, torch.dtype)
}
DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}
# the base's own methods: a subclass may print, iterate or convert itself as something else
_BASES: dict[type, Callable[[Any], Any]] = {
    int: int.__int__,
    float: float.__float__,
    str: str.__str__,
    list: lambda value: list(list.__iter__(value)),
    tuple: lambda value: tuple(tuple.__iter__(value)),
    set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
}


class WireError(Exception):
    """A value that is not on the closed list, or bytes that do not decode to one."""


class Record:
    """A dataclass or namedtuple of the other side, by type name and fields.

    Fields read as attributes. Two records are equal if their type names and fields are. `_record` holds the type name,
    the fields and whether it is a tuple.
    """

    _record: tuple[str, dict[str, Any], bool]

    def __init__(self, type_name: str, fields: Mapping[str, Any], *, is_tuple: bool = False) -> None:
        self.__dict__.update(fields)
        self.__dict__["_record"] = (type_name, dict(fields), is_tuple)

    def __repr__(self) -> str:
        name, fields, _ = self._record
        return f"{name}({', '.join(f'{key}={value!r}' for key, value in fields.items())})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self._record[:2] == other._record[:2]

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Any:
        name, fields, is_tuple = self._record
        if not is_tuple:
            raise TypeError(f"{name} is not iterable")
        return iter(fields.values())


@dataclasses.dataclass(frozen=True)
class Opaque:
    """A reference to an object that stays in the runner.

    `kind` is "callable", "iterator", "type" or "object"; `is_tensor` marks tensor subclasses and sparse tensors.
    """

    ref: int
    kind: str
    type_name: str
    is_tensor: bool = False


class Encoder:
    """Turns values into a tree and a blob.

    `special(value)` may return a JSON object for values of its own: callbacks on the judge's side, references on the
    runner's. It is asked first, so it also decides about values on the closed list, plain numbers and texts apart.
    """

    def __init__(self, special: Callable[[Any], dict[str, Any] | None] | None = None) -> None:
        self._special = special
        self._storages: dict[tuple[int, int], int] = {}
        self._blocks: list[torch.Tensor] = []
        self._nodes = self._bytes = 0

    def encode(self, value: Any) -> tuple[bytes, bytes]:
        """The tree as JSON and the blob as safetensors bytes (empty where there is no tensor)."""
        tree = self._encode(value, 0)
        return _JSON.encode(tree).encode(), _as_safetensors(self._blocks) if self._blocks else b""

    def _encode(self, value: Any, depth: int) -> Any:
        self._nodes += 1
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        parts = len(value) if kind in (list, tuple, dict, set, frozenset) else 0
        if depth > MAX_DEPTH or self._nodes + parts > MAX_NODES:
            raise WireError("the value is nested too deeply or has too many parts")
        if kind is int:
            return value if -SAFE_INT < value < SAFE_INT else _long(value)
        if kind is float:
            return value if math.isfinite(value) else {"$": "float", "v": repr(value)}
        if self._special is not None and (special := self._special(value)) is not None:
            return special
        if kind is list:
            return [self._encode(item, depth + 1) for item in value]
        if kind is tuple or kind is set or kind is frozenset:
            return {"$": kind.__name__, "v": [self._encode(item, depth + 1) for item in value]}
        if isinstance(value, dict):
            pairs = [[self._encode(k, depth + 1), self._encode(v, depth + 1)] for k, v in dict.items(value)]
            return {"$": "dict", "v": pairs}
        if kind is torch.Tensor or kind is torch.nn.Parameter:
            return self._tensor(value, kind is torch.nn.Parameter)
        return self._rare(value, depth)

    def _rare(self, value: Any, depth: int) -> Any:
        if type(value) in (bytes, bytearray):
            return {"$": type(value).__name__, "v": base64.b64encode(value).decode()}
        if isinstance(value, np.ndarray | np.generic):
            return self._array(value)
        if isinstance(value, torch.dtype):
            return {"$": "dtype", "v": DTYPE_NAMES[value]}
        if isinstance(value, torch.device):
            return {"$": "device", "v": str(value)}
        if isinstance(value, torch.Generator):
            return {"$": "generator", "v": self._tensor(value.get_state(), False), "device": str(value.device)}
        if isinstance(value, BaseException):
            return {"$": "exception", "type": type(value).__name__, "message": safe_str(value)}
        if (record := as_record(value)) is not None:
            name, fields, is_tuple = record._record
            pairs = {key: self._encode(item, depth + 1) for key, item in fields.items()}
            return {"$": "record", "type": name, "fields": pairs, "is_tuple": is_tuple}
        for base, plain in _BASES.items():  # a subclass: an IntEnum, torch.Size, …
            if isinstance(value, base):
                return self._encode(plain(value), depth + 1)
        raise WireError(f"a {type(value).__name__} cannot be sent")

    def _array(self, value: np.ndarray[Any, Any] | np.generic) -> dict[str, Any]:
        array = np.asarray(value)
        try:
            native = array.astype(array.dtype.newbyteorder("="), order="C")
            tensor = torch.from_numpy(native)
        except TypeError:
            raise WireError(f"a numpy array of dtype {array.dtype} cannot be sent") from None
        return {"$": "ndarray", "v": self._tensor(tensor, False), "scalar": isinstance(value, np.generic)}

    def _tensor(self, tensor: torch.Tensor, parameter: bool) -> dict[str, Any]:
        needs_grad = tensor.requires_grad
        tensor = tensor.detach()
        if tensor.layout is not torch.strided or tensor.device.type == "meta":
            raise WireError(f"a tensor with layout {tensor.layout} on {tensor.device} cannot be sent")
        if tensor.is_conj() or tensor.is_neg():
            tensor = tensor.resolve_conj().resolve_neg()
        device = "cpu" if tensor.device.type == "cpu" else str(tensor.device)
        storage = tensor.untyped_storage()
        used = tensor.numel() * tensor.element_size()
        self._bytes += used
        if self._bytes > MAX_TENSOR_BYTES:
            raise WireError(f"tensors of more than {MAX_TENSOR_BYTES >> 30} GiB cannot be sent")
        if tensor.device.type != "cpu" or storage.nbytes() > 4 * used + (1 << 20):
            tensor = tensor.cpu().clone(memory_format=torch.contiguous_format)
            storage = tensor.untyped_storage()
        # by address and size: arrays of numpy that begin at one address have storages of different length
        key = (storage.data_ptr() or -1 - len(self._blocks), storage.nbytes())
        if key not in self._storages:
            self._storages[key] = len(self._blocks)
            self._blocks.append(torch.empty(0, dtype=torch.uint8).set_(storage))
        return {
            "$": "tensor",
            "s": self._storages[key],
            "dtype": DTYPE_NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "stride": list(tensor.stride()),
            "offset": tensor.storage_offset(),
            "grad": needs_grad,
            "parameter": parameter,
            "device": device,
        }


def _long(value: int) -> dict[str, Any]:
    if value.bit_length() > MAX_INT_BITS:
        raise WireError(f"an int of {value.bit_length()} bits cannot be sent")
    return {"$": "int", "v": hex(value)}


def _as_safetensors(blocks: list[torch.Tensor]) -> bytes:
    """Blocks of bytes in the safetensors format, named s0, s1, …: `save` of the library takes five times as long."""
    data = [block.numpy().tobytes() for block in blocks]
    header, end = {}, 0
    for index, piece in enumerate(data):
        header[f"s{index}"] = {"dtype": "U8", "shape": [len(piece)], "data_offsets": [end, end + len(piece)]}
        end += len(piece)
    words = json.dumps(header).encode()
    words += b" " * (-len(words) % 8)
    return b"".join([len(words).to_bytes(8, "little"), words, *data])


class Decoder:
    """Turns a tree and a blob back into values.

    `special(kind, node, decode)` handles the kinds that only one side knows (references, callbacks, records); it
    returns NotImplemented for the others.
    """

    def __init__(self, special: Callable[[str, dict[str, Any], Callable[[Any], Any]], Any] | None = None) -> None:
        self._special = special
        self._blocks: dict[str, torch.Tensor] = {}
        self._bytes = self._depth = 0

    def decode(self, tree: bytes, blob: bytes) -> Any:
        """The value; WireError for anything malformed."""
        try:
            self._blocks = safetensors.torch.load(blob) if blob else {}
            return self._decode(json.loads(tree))
        except WireError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError, RuntimeError) as error:
            raise WireError(f"malformed message: {error}") from None
        except safetensors.SafetensorError as error:
            raise WireError(f"malformed tensors: {error}") from None

    def _decode(self, node: Any) -> Any:
        if not isinstance(node, list | dict):
            return node
        self._depth += 1
        if self._depth > MAX_DECODE_DEPTH:
            raise WireError("the value is nested too deeply")
        try:
            return [self._decode(item) for item in node] if isinstance(node, list) else self._decode_node(node)
        finally:
            self._depth -= 1

    def _decode_node(self, node: dict[str, Any]) -> Any:
        kind = node["$"]
        if self._special is not None and (special := self._special(kind, node, self._decode)) is not NotImplemented:
            return special
        decode = getattr(self, f"_decode_{kind}", None) if isinstance(kind, str) and kind.isidentifier() else None
        if decode is None:
            raise WireError(f"unknown kind of value {kind!r}")
        return decode(node)

    def _decode_int(self, node: dict[str, Any]) -> int:
        value = int(node["v"], 16)
        if value.bit_length() > MAX_INT_BITS:
            raise WireError(f"an int of {value.bit_length()} bits is over the limit")
        return value

    def _decode_float(self, node: dict[str, Any]) -> float:
        return float(node["v"])

    def _decode_bytes(self, node: dict[str, Any]) -> bytes:
        return base64.b64decode(node["v"], validate=True)

    def _decode_bytearray(self, node: dict[str, Any]) -> bytearray:
        return bytearray(self._decode_bytes(node))

    def _decode_tuple(self, node: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(self._decode(item) for item in node["v"])

    def _decode_set(self, node: dict[str, Any]) -> set[Any]:
        return {self._decode(item) for item in node["v"]}

    def _decode_frozenset(self, node: dict[str, Any]) -> frozenset[Any]:
        return frozenset(self._decode(item) for item in node["v"])

    def _decode_dict(self, node: dict[str, Any]) -> dict[Any, Any]:
        return {self._decode(key): self._decode(value) for key, value in node["v"]}

    def _decode_dtype(self, node: dict[str, Any]) -> torch.dtype:
        return DTYPES[node["v"]]

    def _decode_device(self, node: dict[str, Any]) -> torch.device:
        return torch.device(node["v"])

    def _decode_generator(self, node: dict[str, Any]) -> torch.Generator:
        generator = torch.Generator(device="cpu")
        generator.set_state(self._decode(node["v"]))
        return generator

    def _decode_exception(self, node: dict[str, Any]) -> BaseException:
        return builtin_exception(node["type"], node["message"])

    def _decode_record(self, node: dict[str, Any]) -> Record:
        fields = {str(key): self._decode(value) for key, value in node["fields"].items()}
        return Record(str(node["type"]), fields, is_tuple=bool(node["is_tuple"]))

    def _decode_ndarray(self, node: dict[str, Any]) -> Any:
        array = self._decode(node["v"]).numpy()
        return array[()] if node["scalar"] else array

    def _decode_tensor(self, node: dict[str, Any]) -> torch.Tensor:
        dtype, block = DTYPES[node["dtype"]], self._blocks[f"s{int(node['s'])}"]
        shape, stride, offset = node["shape"], node["stride"], node["offset"]
        if len(shape) != len(stride) or not all(type(n) is int and n >= 0 for n in (*shape, *stride, offset)):
            raise WireError("malformed tensor geometry")
        elements = math.prod(shape)
        if elements > max(MAX_ELEMENTS, block.nbytes // dtype.itemsize):
            raise WireError(f"an expanded tensor of {elements} elements is over the limit")
        self._bytes += elements * dtype.itemsize
        if self._bytes > MAX_TENSOR_BYTES:
            raise WireError(f"tensors of more than {MAX_TENSOR_BYTES >> 30} GiB are over the limit")
        last = offset + sum((n - 1) * s for n, s in zip(shape, stride, strict=True)) if elements else offset
        if elements and (last + 1) * dtype.itemsize > block.nbytes:
            raise WireError("a tensor reaches beyond its storage")
        tensor = torch.empty(0, dtype=dtype)
        tensor.set_(block.untyped_storage(), offset if elements else 0, shape, stride)
        if node["parameter"]:
            return torch.nn.Parameter(tensor, requires_grad=bool(node["grad"]))
        return tensor.requires_grad_(bool(node["grad"]))


def as_record(value: Any) -> Record | None:
    """The record of a dataclass instance or namedtuple, None for anything else; records pass through."""
    if isinstance(value, Record):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        try:
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        except AttributeError as error:
            raise WireError(f"a {type(value).__name__} cannot be sent: {error}") from None
        return Record(type(value).__name__, fields)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return Record(type(value).__name__, dict(zip(value._fields, value, strict=True)), is_tuple=True)
    return None


def builtin_exception(type_name: str, message: str) -> BaseException:
    """An exception of the built-in type of that name, a RuntimeError where there is none."""
    import builtins

    kind = getattr(builtins, type_name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(message)
        except TypeError:  # UnicodeDecodeError and its like take more arguments
            pass
    return RuntimeError(f"{type_name}: {message}")


def safe_str(value: object, limit: int = 4000) -> str:
    """str(value) cut to `limit` characters; also of objects whose __str__ fails."""
    try:
        text = str(value)
    except Exception as error:
        text = f"<{type(value).__name__} whose text cannot be made: {type(error).__name__}>"
    return text if len(text) <= limit else text[:limit] + " …"
