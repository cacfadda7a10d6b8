"""Exercise 06.1: a tensor out of the bytes of a safetensors file (lesson 06, section 2)."""

import json
import struct

import numpy as np
import safetensors.torch
import torch

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def read_tensor(data, name):
    """Return one tensor of a safetensors file as float32. Raises KeyError for a name that is not in it."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    entry = header[name]
    start, end = entry["data_offsets"]
    kinds = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    numbers = bytearray(data[8 + length + start : 8 + length + end])
    return torch.frombuffer(numbers, dtype=kinds[entry["dtype"]]).reshape(entry["shape"]).float()


def with_struct(data, name):
    """struct unpacks the length; views of memory are cut, and no bytes are copied before the end."""
    (length,) = struct.unpack("<Q", data[:8])
    view = memoryview(data)
    about = json.loads(bytes(view[8 : length + 8]).decode("utf-8"))[name]
    body = view[length + 8 :][about["data_offsets"][0] : about["data_offsets"][1]]
    kind = {"F32": torch.float32, "F16": torch.half, "BF16": torch.bfloat16}[about["dtype"]]
    return torch.frombuffer(bytearray(body), dtype=kind).view(*about["shape"]).to(torch.float32)


def with_numpy(data, name):
    """NumPy has no bfloat16: its bits are the upper half of a float32."""
    length = int(np.frombuffer(data, dtype="<u8", count=1)[0])
    entry = json.loads(data[8 : 8 + length].decode())[name]
    start, end = (offset + 8 + length for offset in entry["data_offsets"])
    if entry["dtype"] == "BF16":
        bits = np.frombuffer(data[start:end], dtype="<u2").astype(np.uint32) << 16
        numbers = bits.view(np.float32)
    else:
        numbers = np.frombuffer(data[start:end], dtype={"F32": "<f4", "F16": "<f2"}[entry["dtype"]])
    return torch.from_numpy(numbers.astype(np.float32).reshape(entry["shape"]))


def with_the_library(data, name):
    """The library does it, too."""
    return safetensors.torch.load(bytes(data))[name].float()


def cases():
    """Files with several tensors of three kinds; a note in the header; a name that is not there."""
    tensors = {
        "layer.weight": torch.randn(3, 4),
        "layer.bias": torch.randn(5).half(),
        "table": torch.randn(2, 3, 2).to(torch.bfloat16),
        "last": torch.randn(2, 2),
    }
    data = safetensors.torch.save(tensors, metadata={"format": "pt"})
    for name in tensors:
        yield Case(f"the tensor {name!r}", (data, name))
    yield Case("a name that is not there", (data, "nothing"))


def shown(read_tensor):
    """Write a file with two tensors and read one of them."""
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4)}
    torch.testing.assert_close(read_tensor(safetensors.torch.save(tensors), "a"), tensors["a"])


EXERCISE = Exercise(
    number="06.1",
    title="A tensor out of bytes",
    difficulty="medium",
    minutes=20,
    task=r"""
Write `read_tensor(data, name)`. `data` holds the bytes of a safetensors file:

1. 8 bytes: a whole number, the length of the header, with the least significant byte first ("little");
2. the header, in JSON: a dictionary from names to dictionaries with `dtype`, `shape` and `data_offsets`, a start
   and an end. It may hold an entry `__metadata__`, which is no tensor;
3. the numbers of all tensors. The offsets count from the end of the header.

Return the tensor of that name in its shape, as float32. The types to expect are `F32`, `F16` and `BF16`. A name
that is not there raises `KeyError`.
""",
    solution=read_tensor,
    cases=cases,
    shown=shown,
    hints=[
        'int.from_bytes(data[:8], "little") reads a whole number, json.loads reads the header.',
        "The numbers begin after 8 bytes and the header: to both offsets 8 + length has to be added.",
        "torch.frombuffer reads numbers of a dtype from a bytearray; .reshape and .float do the rest.",
    ],
    mistakes=[
        Mistake(
            "the offsets count from the beginning of the file",
            [("data[8 + length + start : 8 + length + end]", "data[start:end]")],
            "Your bytes begin too early: the offsets count from the end of the header, not from the "
            "beginning of the file.",
        ),
        Mistake(
            "the first 8 bytes are forgotten",
            [("data[8 + length + start : 8 + length + end]", "data[length + start : length + end]")],
            "Your bytes begin 8 too early. What stands before the header?",
        ),
        Mistake(
            "the other order of bytes",
            [('"little"', '"big"')],
            "The length of the header is wrong: its least significant byte comes first.",
        ),
        Mistake(
            "everything is float32",
            [('kinds[entry["dtype"]]', "torch.float32")],
            "Some tensors have 16 bits for each number. Where does the header say so?",
        ),
        Mistake(
            "bfloat16 is taken for float16",
            [('"BF16": torch.bfloat16', '"BF16": torch.float16')],
            "F16 and BF16 both have 16 bits, but other numbers of bits for the exponent.",
        ),
        Mistake(
            "no shape",
            [('.reshape(entry["shape"])', "")],
            "Your tensor is flat. Where does the header say its shape?",
        ),
        Mistake(
            "the shape in reverse",
            [('.reshape(entry["shape"])', '.reshape(entry["shape"][::-1])')],
            "Your axes stand in reverse.",
        ),
        Mistake(
            "the dtype of the file",
            [('.reshape(entry["shape"]).float()', '.reshape(entry["shape"])')],
            "All results are asked for as float32, also where the file has 16 bits.",
        ),
        Mistake(
            "to the end of the file",
            [
                ("8 + length + start : 8 + length + end]", "8 + length + start :]"),
                ('.reshape(entry["shape"]).float()', "[: 12].float()"),
            ],
            "A tensor ends where its second offset says.",
        ),
        Mistake(
            "None for a name that is not there",
            [
                (
                    "entry = header[name]",
                    "entry = header.get(name)\n    if entry is None:\n        return None",
                )
            ],
            "A name that is not there should raise KeyError, not return None.",
        ),
    ],
    other_ways=[with_struct, with_numpy, with_the_library],
)
