"""Dynamic int8: the weight matrices of an ONNX file kept as whole numbers from -127 to 127, a quarter of the size.

Each matrix w becomes round(w / step) and its step. The inputs of a matrix product are rounded in the same way while
the model runs ("dynamic"), so that nothing has to be measured beforehand; softmax, norms and convolutions stay float32.
"""

import logging
import os
from importlib.util import find_spec
from pathlib import Path

from convbert_edu.files import atomic_path

ROUNDED = ["MatMul", "Gemm", "Gather"]  # matrix products, and looking up rows of the word table


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
        with atomic_path(target) as part:
            quantize_dynamic(Path(source), part, op_types_to_quantize=ROUNDED, weight_type=QuantType.QInt8)
    finally:
        logging.getLogger().removeFilter(_no_advice)


def _no_advice(record: logging.LogRecord) -> bool:
    return "pre-processing before quantization" not in record.getMessage()
