"""Export and quantisation: a model as one graph of plain operations, which runs without this package.

`export_program` makes PyTorch's own form of such a graph, `export_onnx` a file that onnxruntime and other programs
read. Both take any number of texts of any length. Labels, losses and the inside of the model stay behind.

`quantise_onnx` stores the weight matrices of such a file as whole numbers from -127 to 127, a quarter of the size
(dynamic int8). Each matrix w becomes round(w / step) and its step. The inputs of a matrix product are rounded in the
same way while the model runs ("dynamic"), so that nothing has to be measured beforehand; softmax, norms and
convolutions stay float32.

With `with_internals` the file gives attention maps and kernels as well, and takes two more inputs that switch heads
off. `shrink_onnx` stores the weights of such a file in 16 or 8 bits and still computes in float32. Both are made for
the page of web/explainer, which runs the model in a browser.
"""

import logging
import os
import warnings
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from convbert_edu.analysis.sentences import heads_multiplied
from convbert_edu.distillation.objective import MaskedLMWithDetector
from convbert_edu.files import atomic_path
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.encoder import ConvBertModel
from convbert_edu.models.heads import ConvBertForMultipleChoice
from convbert_edu.models.outputs import INTERNALS

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
# What comes after them with internals: a number for each layer and head by which the head's output is multiplied.
HEAD_INPUTS = ("attention_heads", "convolution_heads")
NEEDED = ("onnx", "onnxscript")
# What is rounded: matrix products, and looking up rows of the embedding matrix.
ROUNDED = ["MatMul", "Gemm", "Gather"]
# How `shrink_onnx` stores weights; in int8, tensors of fewer numbers than this, such as biases, stay as they are.
STORED_AS = ("float16", "int8")
SMALL = 4096


def export_program(model: PretrainedModel, with_internals: bool = False) -> ExportedProgram:
    """Return the model's forward pass in eval mode, as torch.export draws it; save it with torch.export.save.

    `program.module()` takes `INPUTS`, in this order, each [batch, length] (multiple choice:
    [batch, choices, length]), and returns a tuple of what `exported_names(model)` says.
    with_internals: the program also takes `HEAD_INPUTS`, each [layers, heads]: 1 leaves a head as it is, 0 switches
    it off. It then returns `exported_names(model, True)`: the attention maps [layers, batch, heads, length, length]
    and the kernels [layers, batch, heads, length, kernel] come last.
    Raises TypeError for what is no model of this package, ValueError for weights that are not float32, and for a
    model that has no kernels (attention_only) or several texts for each row (multiple choice) with internals.
    """
    _check_model(model, with_internals)
    longest = model.config.max_position_embeddings
    axes = {axis: Dim(axis, max=longest if axis == "length" else None) for axis in _axes(model)}
    # The graph is drawn from one example. Any sizes do, but for 0 and 1, which PyTorch takes to be meant; and its
    # three tensors must be three: one tensor given three times would be taken for one input.
    ids = torch.ones([2, 3, 5][: len(axes)], dtype=torch.long, device=model.device)
    example = (ids, ids.clone(), torch.zeros_like(ids))
    shapes: tuple[dict[int, Any], ...] = (dict(enumerate(axes.values())),) * len(INPUTS)
    module: nn.Module = ScoresOnly(model, exported_names(model))
    if with_internals:
        heads = torch.ones(
            model.config.num_hidden_layers, model.config.num_heads_per_branch, device=model.device
        )
        example, shapes = (*example, heads, heads.clone()), (*shapes, {}, {})
        module = ScoresAndInternals(model, exported_names(model))
    was_training = model.training
    try:
        return torch.export.export(module.eval(), example, dynamic_shapes=shapes)
    finally:
        model.train(was_training)


def export_onnx(model: PretrainedModel, path: str | os.PathLike, with_internals: bool = False) -> None:
    """Write the model as an ONNX file; it appears whole or not at all.

    The file's inputs are `INPUTS`, int64, and its outputs `exported_names(model)`. With internals there are more of
    both, as `export_program` says; the numbers of `HEAD_INPUTS` are float32.
    Raises what `export_program` raises, ValueError for a model over 2 GB (ONNX keeps no more in one file),
    ModuleNotFoundError where onnx or onnxscript is missing, OSError where the file cannot be written.
    """
    _check_model(model, with_internals)
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
            export_program(model, with_internals),
            dynamo=True,
            verbose=False,
            input_names=[*INPUTS, *(HEAD_INPUTS if with_internals else ())],
            output_names=exported_names(model, with_internals),
            # Only the names of the axes are used here.
            dynamic_shapes=(dict(enumerate(_axes(model))),) * len(INPUTS)
            + (({},) * len(HEAD_INPUTS) if with_internals else ()),
        )
        program.save(unfinished, external_data=False)


def exported_names(model: PretrainedModel, with_internals: bool = False) -> list[str]:
    """Return the names of what an exported model gives back: the fields of its output that hold scores.

    With internals, a model with both heads of pretraining adds `replaced_logits` [batch, length], and every model
    `attentions` and `conv_kernels`.
    """
    scores = [field.name for field in fields(model.output_class) if field.name not in ("loss", *INTERNALS)]
    if not with_internals:
        return scores
    second_head = ["replaced_logits"] if isinstance(model, MaskedLMWithDetector) else []
    return [*scores, *second_head, "attentions", "conv_kernels"]


def quantise_onnx(source: str | os.PathLike, target: str | os.PathLike) -> None:
    """Write `target`, an int8 form of the ONNX file `source`, with the same inputs and outputs; whole or not at all.

    Raises ModuleNotFoundError without onnxruntime, FileNotFoundError where there is no `source`.
    """
    if find_spec("onnxruntime") is None:
        raise ModuleNotFoundError("int8 needs onnxruntime; install it with pip install 'convbert-edu[onnx]'")
    _check_source(source)
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


def shrink_onnx(source: str | os.PathLike, target: str | os.PathLike, stored_as: str) -> None:
    """Write `target`, the ONNX file `source` with its weights stored in fewer bits; whole or not at all.

    The new file computes in float32 like the old one: nodes at its beginning turn the weights back, and programs such
    as onnxruntime run these once, when they load it.
    stored_as: "float16", half of the size; "int8", about a quarter: each row of the embedding matrix, and each column
    of the other matrices, becomes round(w / step) from -127 to 127, and its step in float16.
    Raises ValueError for another kind, ModuleNotFoundError without onnx, FileNotFoundError where there is no `source`.
    """
    if stored_as not in STORED_AS:
        raise ValueError(f"stored_as is {stored_as!r}; choose one of {', '.join(STORED_AS)}")
    if find_spec("onnx") is None:
        raise ModuleNotFoundError("this needs onnx; install it with pip install 'convbert-edu[onnx]'")
    _check_source(source)
    import onnx

    proto = onnx.load(source)
    graph = proto.graph
    looked_up = {node.input[0] for node in graph.node if node.op_type == "Gather"}
    kept, added, nodes = [], [], []
    for weight in graph.initializer:
        array = onnx.numpy_helper.to_array(weight)
        too_small = array.size < (SMALL if stored_as == "int8" else 2)
        if array.dtype != np.float32 or too_small or np.abs(array).max() > np.finfo(np.float16).max:
            kept.append(weight)
            continue
        name, short = weight.name, f"{weight.name}/{stored_as}"
        if stored_as == "float16" or array.ndim != 2:
            added.append(onnx.numpy_helper.from_array(array.astype(np.float16), short))
            nodes.append(onnx.helper.make_node("Cast", [short], [name], to=onnx.TensorProto.FLOAT))
            continue
        rounded, step = _round_matrix(array, axis=1 if name in looked_up else 0)
        added += [
            onnx.numpy_helper.from_array(rounded, short),
            onnx.numpy_helper.from_array(step, f"{name}/step"),
        ]
        nodes += [
            onnx.helper.make_node("Cast", [short], [f"{name}/whole"], to=onnx.TensorProto.FLOAT),
            onnx.helper.make_node("Cast", [f"{name}/step"], [f"{name}/factor"], to=onnx.TensorProto.FLOAT),
            onnx.helper.make_node("Mul", [f"{name}/whole", f"{name}/factor"], [name]),
        ]
    nodes += list(graph.node)
    for node in nodes:
        # Where in Python each node came from, which nobody needs who runs the model: a megabyte.
        del node.metadata_props[:]
    del graph.initializer[:], graph.node[:], graph.value_info[:]
    graph.initializer.extend([*kept, *added])
    graph.node.extend(nodes)
    with atomic_path(target) as unfinished:
        onnx.save(proto, unfinished)


def _check_source(source: str | os.PathLike) -> None:
    if not Path(source).is_file():
        raise FileNotFoundError(
            f"{source} is not a file; write it first with export_onnx or convbert-edu export"
        )


def _round_matrix(matrix: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrix as whole numbers, and the step of each line along `axis`, in float16."""
    largest = np.abs(matrix).max(axis=axis, keepdims=True) / 127
    # A line of zeros has any step, and a step below float16's smallest number would be 0.
    step = np.maximum(largest, np.finfo(np.float16).tiny).astype(np.float16)
    return np.clip(np.round(matrix / step.astype(np.float32)), -127, 127).astype(np.int8), step


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


class ScoresAndInternals(ScoresOnly):
    """A model that returns scores, attention maps and kernels, and whose heads can be switched off."""

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"],
        attention_mask: Int[Tensor, "batch seq"],
        token_type_ids: Int[Tensor, "batch seq"],
        attention_heads: Float[Tensor, "layers heads"],
        convolution_heads: Float[Tensor, "layers heads"],
    ) -> tuple[Float[Tensor, "..."], ...]:
        """Return the scores, then what `exported_names` adds with internals."""
        encoder = self.model if isinstance(self.model, ConvBertModel) else self.model.encoder
        with heads_multiplied(encoder, attention_heads, convolution_heads):
            result = self.model(
                input_ids,
                attention_mask,
                token_type_ids,
                output_hidden_states=True,
                output_attentions=True,
                output_conv_kernels=True,
            )
        scores = [getattr(result, name) for name in self.names]
        if isinstance(self.model, MaskedLMWithDetector):
            scores.append(self.model.replaced_token_head(result.hidden_states[-1]))
        return (*scores, torch.stack(result.attentions), torch.stack(result.conv_kernels))


def _axes(model: PretrainedModel) -> list[str]:
    """The axes of the inputs."""
    choices = ["choices"] if isinstance(model, ConvBertForMultipleChoice) else []
    return ["batch", *choices, "length"]


def _check_model(model: PretrainedModel, with_internals: bool = False) -> None:
    if not isinstance(model, PretrainedModel):
        raise TypeError(f"model is a {type(model).__name__}; it must be a model of this package")
    if model.dtype != torch.float32:
        raise ValueError(
            f"the model's weights are {model.dtype}; export takes float32: call model.float() first"
        )
    if with_internals and (model.config.attention_only or isinstance(model, ConvBertForMultipleChoice)):
        reason = "it has no kernels" if model.config.attention_only else "it reads several texts for each row"
        raise ValueError(
            f"a {type(model).__name__} cannot be exported with internals: {reason}; export it without"
        )
