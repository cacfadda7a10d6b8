"""The authors' TensorFlow 1 checkpoints: reading their files, and turning them into weights and configurations.

Lesson 06, section 4, shows the names and how the axes turn. model.ckpt-7.index says what is in such a checkpoint,
model.ckpt-7.data-... holds it; a configuration must lie beside them.
"""

import dataclasses
import importlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from convbert_edu.checkpoints.parameter_names import OUR_PREFIX, encoder_names, name_table
from convbert_edu.config import ConvBertConfig
from convbert_edu.config_json import CONFIG_FILE
from convbert_edu.files import read_json_object

# The authors' scopes: the discriminator's encoder, and the generator's beside it.
DISCRIMINATOR, GENERATOR = "electra", "generator"
OPTIMISER = ("/adam_m", "/adam_v")
ENDING = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")


def find_prefix(path: str | os.PathLike) -> Path | None:
    """Return the checkpoint that `path` names, as `model.ckpt-7` or as one of its files; None if it names none."""
    prefix = Path(ENDING.sub("", str(path)))
    return prefix if Path(f"{prefix}.index").is_file() else None


def prefixes_in(folder: Path) -> list[Path]:
    """Return the checkpoints that lie in a folder."""
    return sorted(path.with_suffix("") for path in folder.glob("*.index"))


def read_variables(prefix: Path) -> dict[str, np.ndarray]:
    """Return the variables of a checkpoint by name, without the optimiser's state (adam_m, adam_v).

    Raises ModuleNotFoundError without the package tensorflow, ValueError, naming the checkpoint, where its files are
    damaged or one of them is missing; the checksums in them are checked.
    """
    tensorflow = _import_tensorflow()
    try:
        reader = tensorflow.train.load_checkpoint(str(prefix))
        names = [name for name in reader.get_variable_to_shape_map() if not name.endswith(OPTIMISER)]
        return {name: np.asarray(reader.get_tensor(name)) for name in names}
    # LookupError: a file is cut short.
    except (tensorflow.errors.OpError, LookupError) as error:
        raise ValueError(
            f"the TensorFlow checkpoint {prefix} is damaged or not all there ({error}); copy its files "
            f"{prefix.name}.index and {prefix.name}.data-... again"
        ) from error


def _import_tensorflow() -> Any:
    """Import TensorFlow, which only this file needs, without the lines that it writes to the screen."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    try:
        return importlib.import_module("tensorflow")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"reading a TensorFlow checkpoint needs TensorFlow ({error}); install it with "
            "`pip install '.[tensorflow]'` in this project's folder; there is none for Python 3.14 yet"
        ) from error


# The variables as weights and configurations of this package -------------------------------------------------


def weights_from_tensorflow(
    model: nn.Module, variables: Mapping[str, np.ndarray], scope: str = DISCRIMINATOR
) -> dict[str, torch.Tensor]:
    """Return a weight for every parameter of `model`, under our names, from the variables in the authors' names.

    `scope` is where the encoder's variables stand. The generator shares the discriminator's embeddings, and its own
    scope then lacks them. The optimiser's variables (adam_m, adam_v, global_step) are left alone.
    Raises ValueError naming the variables that are missing or have the wrong shape.
    """
    in_encoder = {row.ours for row in encoder_names(model.config)}
    rows = {row.ours: row for row in name_table(model.config)}
    weights, missing, mismatched = {}, [], []
    for name, parameter in model.named_parameters():
        row = rows[name.removeprefix(OUR_PREFIX)]
        variable = row.tensorflow
        if row.ours in in_encoder:
            variable = f"{scope}/{row.tensorflow}"
            if row.tensorflow.startswith("embeddings/") and variable not in variables:
                variable = f"{DISCRIMINATOR}/{row.tensorflow}"
        if variable not in variables:
            missing.append(variable)
            continue
        array, transposed = variables[variable], row.tensorflow_layout == "transposed"
        tensor = torch.from_numpy(np.array(array.T if transposed else array))
        if tensor.squeeze().shape != parameter.squeeze().shape:
            shape = tuple(reversed(parameter.shape)) if transposed else tuple(parameter.shape)
            mismatched.append(f"{variable} has shape {array.shape}, but it must be {shape} to become {name}")
            continue
        weights[name] = tensor.reshape(parameter.shape)
    if missing or mismatched:
        lacks = [f"missing: {', '.join(missing)}"] if missing else []
        raise ValueError(
            "\n  ".join(["the TensorFlow checkpoint does not fit its configuration:", *mismatched, *lacks])
            + f"\nUse the {CONFIG_FILE} that this checkpoint was trained with."
        )
    return weights


def read_config(prefix: Path) -> ConvBertConfig:
    """Return the configuration beside a checkpoint: a config.json with the authors' names, ours or transformers'.

    Raises FileNotFoundError where there is none, ValueError for a kind of convolution that ConvBERT does not have.
    """
    path = prefix.parent / CONFIG_FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing; a TensorFlow checkpoint does not say how the model is built, so put beside it a "
            f"{CONFIG_FILE} with the authors' names (hidden_size, head_ratio, linear_groups, ...), ours or those "
            "of transformers"
        )
    values = read_json_object(path)
    kind = values.pop("conv_type", "sdconv")
    if kind != "sdconv":
        raise ValueError(
            f"conv_type in {path} is {kind!r}; only 'sdconv', span-based dynamic convolution, can be converted"
        )
    if values.get("convolution", "span") != "span":
        raise ValueError(
            f"convolution in {path} is {values['convolution']!r}; the authors' code, and so a TensorFlow checkpoint, "
            "knows no kind but 'span': leave the field out"
        )
    if values.get("shared_values", False):
        raise ValueError(
            f"shared_values in {path} is true; in the authors' code, and so in a TensorFlow checkpoint, the "
            "convolution has values of its own: leave the field out"
        )
    if "linear_groups" in values:
        values["num_groups"] = values.pop("linear_groups")
    # Their code pads with token id 0; the default here would be 1.
    return with_authors_gamma({"pad_token_id": 0} | values)


def with_authors_gamma(values: dict[str, Any]) -> ConvBertConfig:
    """Return a configuration in which head_ratio means what it means in the authors' code.

    There it narrows both branches together to 2/gamma of hidden_size (our gamma_bottleneck). At gamma = 2 that is no
    narrowing, and the switch stays off, so that transformers can open the folder.
    """
    config = ConvBertConfig.from_dict(values | {"gamma_bottleneck": True})
    return dataclasses.replace(config, gamma_bottleneck=has_narrow_branches(config))


def has_narrow_branches(config: ConvBertConfig) -> bool:
    """Say whether the heads of a layer together are narrower or wider than hidden_size; transformers has no such."""
    return 2 * config.branch_size != config.hidden_size


def generator_config(discriminator: ConvBertConfig, variables: Mapping[str, np.ndarray]) -> ConvBertConfig:
    """Return the generator's configuration: the discriminator's with the sizes that its variables have.

    Raises ValueError where the variables that show the sizes are missing.
    """
    layer = f"{GENERATOR}/encoder/layer_0"

    def shape(name: str) -> tuple[int, ...]:
        if f"{layer}/{name}" not in variables:
            raise ValueError(
                f"the TensorFlow checkpoint lacks {layer}/{name}, from which the generator's sizes are read; "
                "save the whole of it again"
            )
        return variables[f"{layer}/{name}"].shape

    grouped = f"{layer}/intermediate/g_dense/kernel" in variables
    (hidden_size,) = shape("attention/output/dense/bias")
    (branch_size,) = shape("attention/self/query/bias")
    kernel_size = shape("attention/self/conv_attn_key/depthwise_kernel")[0]
    heads_per_branch = shape("attention/self/conv_attn_kernel/bias")[0] // kernel_size
    sizes = {
        "hidden_size": hidden_size,
        "num_hidden_layers": _count_layers(variables),
        # A head is as wide as in plain BERT, hidden_size / num_attention_heads, in the authors' code.
        "num_attention_heads": max(1, hidden_size * heads_per_branch // branch_size),
        "conv_kernel_size": kernel_size,
        "intermediate_size": shape(f"intermediate/{'g_dense' if grouped else 'dense'}/bias")[0],
        "num_groups": shape("intermediate/g_dense/kernel")[0] if grouped else 1,
        # Always, in their code.
        "tie_word_embeddings": True,
    }
    return with_authors_gamma(discriminator.to_dict() | sizes)


def has_generator(variables: Mapping[str, np.ndarray]) -> bool:
    """Say whether a checkpoint holds the generator of pretraining beside the discriminator."""
    return any(name.startswith(f"{GENERATOR}/") for name in variables)


def _count_layers(variables: Mapping[str, np.ndarray]) -> int:
    start = f"{GENERATOR}/encoder/layer_"
    return len({name.removeprefix(start).split("/")[0] for name in variables if name.startswith(start)})
