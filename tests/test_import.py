"""`import convbert_edu` costs little more than `import torch`: what few readers need is loaded where it is used."""

import subprocess
import sys

HEAVY = (
    "accelerate datasets click huggingface_hub IPython matplotlib onnx onnxruntime onnxscript pandas platformdirs "
    "scipy seqeval sklearn sympy tensorflow torch._dynamo torch._inductor transformers"
).split()


def test_importing_the_package_loads_no_heavy_library_but_torch():
    program = (
        "import sys, torch; before = set(sys.modules); import convbert_edu; "
        "print(*sorted(set(sys.modules) - before))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True
    )
    loaded = result.stdout.split()
    assert "convbert_edu.models.encoder" in loaded
    assert [name for name in loaded if name in HEAVY] == []
