"""Export and quantisation: a model as one graph of plain operations, which runs without this package.

`export_program` makes PyTorch's own form of such a graph, `export_onnx` a file that onnxruntime and other programs
read. Both take any number of texts of any length. Labels, losses and the inside of the model stay behind.

`quantise_onnx` stores the weight matrices of such a file as whole numbers from -127 to 127, a quarter of the size
(dynamic int8). Each matrix w becomes round(w / step) and its step. The inputs of a matrix product are rounded in the
same way while the model runs ("dynamic"), so that nothing has to be measured beforehand; softmax, norms and
convolutions stay float32.
"""

import logging
import os
import warnings
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from convbert_edu.files import atomic_path
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.heads import ConvBertForMultipleChoice
from convbert_edu.models.outputs import INTERNALS

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
NEEDED = ("onnx", "onnxscript")
# What is rounded: matrix products, and looking up rows of the embedding matrix.
ROUNDED = ["MatMul", "Gemm", "Gather"]


def export_program(model: PretrainedModel) -> ExportedProgram:
    """Return the model's forward pass in eval mode, as torch.export draws it; save it with torch.export.save.

    `program.module()` takes `INPUTS`, in this order, each [batch, length] (multiple choice:
    [batch, choices, length]), and returns a tuple of what `exported_names(model)` says.
    Raises TypeError for what is no model of this package, ValueError for weights that are not float32.
    """
    _check_model(model)
    longest = model.config.max_position_embeddings
    axes = {axis: Dim(axis, max=longest if axis == "length" else None) for axis in _axes(model)}
    # The graph is drawn from one example. Any sizes do, but for 0 and 1, which PyTorch takes to be meant; and its
    # three tensors must be three: one tensor given three times would be taken for one input.
    ids = torch.ones([2, 3, 5][: len(axes)], dtype=torch.long, device=model.device)
    example = (ids, ids.clone(), torch.zeros_like(ids))
    was_training = model.training
    try:
        return torch.export.export(
            ScoresOnly(model, exported_names(model)).eval(),
            example,
            dynamic_shapes=(dict(enumerate(axes.values())),) * len(INPUTS),
        )
    finally:
        model.train(was_training)


def export_onnx(model: PretrainedModel, path: str | os.PathLike) -> None:
    """Write the model as an ONNX file; it appears whole or not at all.

    The file's inputs are `INPUTS`, int64, and its outputs `exported_names(model)`.
    Raises what `export_program` raises, ValueError for a model over 2 GB (ONNX keeps no more in one file),
    ModuleNotFoundError where onnx or onnxscript is missing, OSError where the file cannot be written.
    """
    _check_model(model)
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(
            f"writing ONNX needs {' and '.join(missing)}; install what is missing with "
            "pip install 'convbert-edu[onnx]'"
        )
    size = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    if size >= 2**31:
        raise ValueError(
            f"the model has {size / 2**30:.1f} GB of weights, but an ONNX file holds at most 2 GB; "
            "export a smaller model, or use export_program"
        )
    if Path(path).is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the name of the file to write, such as model.onnx")
    with warnings.catch_warnings(), atomic_path(path) as unfinished:
        # The exporter warns of its own insides, of axes that inputs share, and of packages that no model here needs.
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            export_program(model),
            dynamo=True,
            verbose=False,
            input_names=list(INPUTS),
            output_names=exported_names(model),
            # Only the names of the axes are used here.
            dynamic_shapes=(dict(enumerate(_axes(model))),) * len(INPUTS),
        )
        program.save(unfinished, external_data=False)


def exported_names(model: PretrainedModel) -> list[str]:
    """Return the names of what an exported model gives back: the fields of its output that hold scores."""
    return [field.name for field in fields(model.output_class) if field.name not in ("loss", *INTERNALS)]


def quantise_onnx(source: str | os.PathLike, target: str | os.PathLike) -> None:
    """Write `target`, an int8 form of the ONNX file `source`, with the same inputs and outputs; whole or not at all.

    Raises ModuleNotFoundError without onnxruntime, FileNotFoundError where there is no `source`.
    """
    if find_spec("onnxruntime") is None:
        raise ModuleNotFoundError("int8 needs onnxruntime; install it with pip install 'convbert-edu[onnx]'")
    if not Path(source).is_file():
        raise FileNotFoundError(
            f"{source} is not a file; write it first with export_onnx or convbert-edu export"
        )
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # It advises to rewrite the graph first; what PyTorch exports is rewritten already.
    logging.getLogger().addFilter(_no_advice)
    try:
        with atomic_path(target) as unfinished:
            quantize_dynamic(
                Path(source), unfinished, op_types_to_quantize=ROUNDED, weight_type=QuantType.QInt8
            )
    finally:
        logging.getLogger().removeFilter(_no_advice)


def _no_advice(record: logging.LogRecord) -> bool:
    return "pre-processing before quantization" not in record.getMessage()


class ScoresOnly(nn.Module):
    """A model that returns its scores in a tuple: graphs know neither our outputs nor arguments left out."""

    def __init__(self, model: PretrainedModel, names: list[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(
        self,
        input_ids: Int[Tensor, "batch *choices seq"],
        attention_mask: Int[Tensor, "batch *choices seq"],
        token_type_ids: Int[Tensor, "batch *choices seq"],
    ) -> tuple[Float[Tensor, "..."], ...]:
        """Return the scores alone."""
        result = self.model(input_ids, attention_mask, token_type_ids)
        return tuple(getattr(result, name) for name in self.names)


def _axes(model: PretrainedModel) -> list[str]:
    """The axes of the inputs."""
    choices = ["choices"] if isinstance(model, ConvBertForMultipleChoice) else []
    return ["batch", *choices, "length"]


def _check_model(model: PretrainedModel) -> None:
    if not isinstance(model, PretrainedModel):
        raise TypeError(f"model is a {type(model).__name__}; it must be a model of this package")
    if model.dtype != torch.float32:
        raise ValueError(
            f"the model's weights are {model.dtype}; export takes float32: call model.float() first"
        )
