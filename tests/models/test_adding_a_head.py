"""A head of one's own: the class alone trains, saves and loads; four edits make it a part of the package."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from convbert_edu import ConvBertConfig, ConvBertModel
from convbert_edu.models import heads
from convbert_edu.models.heads import ModelWithHead
from convbert_edu.models.outputs import SequenceClassifierOutput
from helpers import ROOT, tiny_config
from models.cases import build
from tiny_tasks import save_tiny_model
from tolerance import assert_same_numbers

# The steps in the docstring that tells how: "1. FILE: what to write there".
STEPS = re.findall(r"^(\d)\. (\S+): ", heads.__doc__ or "", re.MULTILINE)

NEW_HEAD = '''

class ConvBertForMeanClassification(ModelWithHead):
    """The mean of all vectors -> one score per label."""

    output_class = SequenceClassifierOutput

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.mean_classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.init_weights()

    def score(self, hidden_states: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch labels"]:
        return self.mean_classifier(hidden_states.mean(dim=1))

    def compute_loss(
        self, logits: Float[Tensor, "batch labels"], labels: Int[Tensor, " batch"], attention_mask: Any = None
    ) -> Float[Tensor, ""]:
        return F.cross_entropy(logits, labels)
'''

NEW_TASK = '''"""Classification with the mean of all vectors."""

from typing import ClassVar

from convbert_edu.finetuning.tasks.classification import Classification
from convbert_edu.models.base import PretrainedModel
from convbert_edu.models.heads import ConvBertForMeanClassification


class MeanClassification(Classification):
    """Classification with another head."""

    name: ClassVar[str] = "mean-classification"
    model_class: ClassVar[type[PretrainedModel]] = ConvBertForMeanClassification
'''

PROGRAM = """
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from convbert_edu import ConvBertForMeanClassification
from convbert_edu.checkpoints.loading import to_transformers_names
from convbert_edu.finetuning.predictor import Predictor
from convbert_edu.finetuning.run import finetune
from convbert_edu.finetuning.tasks import TASKS
from tiny_tasks import CPU, quick_settings, which_animal

model, output = map(Path, sys.argv[1:])
settings = quick_settings(epochs=14, learning_rate=1e-2, config={"hidden_dropout_prob": 0.0})
record = finetune(TASKS["mean-classification"](), which_animal(150), model, output, settings, device=CPU)
assert record["test"]["accuracy"] > 0.6, record["test"]  # one in six by guessing
loaded = ConvBertForMeanClassification.from_pretrained(output / "model")
assert loaded.loading_report.newly_initialised == loaded.loading_report.ignored == []
assert {"mean_classifier.weight", "mean_classifier.bias"} <= load_file(output / "model" / "model.safetensors").keys()
predictor = Predictor.load(output, CPU)
assert type(predictor.model) is ConvBertForMeanClassification
example = which_animal(150).test[0]
print(predictor.predict([example.text]))
"""


def insert_after(path: Path, *pairs: tuple[str, str]) -> None:
    """Write each new text after the one text that it belongs to."""
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert text.count(old) == 1, f"{path} has {old!r} {text.count(old)} times"
        text = text.replace(old, old + new)
    path.write_text(text, encoding="utf-8")


def edited_files(package: Path, original: Path) -> list[str]:
    """The files of a package that are new, or other than in the original."""
    files = [path.relative_to(package) for path in sorted(package.rglob("*.py"))]
    return [
        f"{original.name}/{file.as_posix()}"
        for file in files
        if not (original / file).is_file() or (original / file).read_bytes() != (package / file).read_bytes()
    ]


def test_the_docstring_names_at_most_four_places_that_exist():
    assert [int(number) for number, _ in STEPS] == list(range(1, len(STEPS) + 1))
    assert 1 <= len(STEPS) <= 4
    assert all((ROOT / place).exists() for _, place in STEPS)


def test_a_head_is_added_with_the_edits_that_the_docstring_lists(tmp_path: Path):
    original, package = ROOT / "convbert_edu", tmp_path / "convbert_edu"
    shutil.copytree(original, package, ignore=shutil.ignore_patterns("bundled", "__pycache__"))
    insert_after(package / "models/heads.py", ("ignore_index=seq)\n", NEW_HEAD))
    insert_after(
        package / "__init__.py",
        ("    ConvBertForMaskedLM,\n", "    ConvBertForMeanClassification,\n"),
        ('    "ConvBertForMaskedLM",\n', '    "ConvBertForMeanClassification",\n'),
    )
    (package / "finetuning/tasks/mean_classification.py").write_text(NEW_TASK, encoding="utf-8")
    insert_after(
        package / "finetuning/tasks/__init__.py",
        (
            "import MaskedLM\n",
            "from convbert_edu.finetuning.tasks.mean_classification import MeanClassification\n",
        ),
        ("for task in (", "MeanClassification, "),
    )

    edited = edited_files(package, original)
    assert len(edited) == len(STEPS) <= 4
    for _, place in STEPS:
        assert any(file == place or (place.endswith("/") and file.startswith(place)) for file in edited)

    model = save_tiny_model(tmp_path / "model")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "tests")])}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(model), str(tmp_path / "run")],
        capture_output=True, text=True, timeout=600, env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "'label'" in result.stdout


class HeadOfANotebook(ModelWithHead):
    """Two layers, one of them without a bias; one score for the whole sentence."""

    output_class = SequenceClassifierOutput

    def __init__(self, config: ConvBertConfig) -> None:
        super().__init__(config)
        self.narrow = nn.Linear(config.hidden_size, 3, bias=False)
        self.scores = nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 1))
        self.init_weights()

    def score(self, hidden_states: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch 1"]:
        return self.scores(self.narrow(hidden_states).amax(dim=1))

    def compute_loss(
        self, logits: Float[Tensor, "batch 1"], labels: Float[Tensor, " batch"], attention_mask: object = None
    ) -> Float[Tensor, ""]:
        return F.mse_loss(logits[:, 0], labels)


def test_the_class_alone_trains_saves_and_loads(tmp_path: Path):
    model, ids = build(HeadOfANotebook), torch.tensor([[5, 6, 7], [8, 9, 3]])
    output = model(ids, labels=torch.tensor([0.5, -1.0]))
    expected = ((output.logits[0, 0] - 0.5) ** 2 + (output.logits[1, 0] + 1) ** 2) / 2
    assert_same_numbers(output.loss, expected)
    output.loss.backward()
    assert all(parameter.grad is not None for name, parameter in model.named_parameters() if "narrow" in name)
    model.save_pretrained(tmp_path)
    loaded = HeadOfANotebook.from_pretrained(tmp_path)
    assert loaded.loading_report.newly_initialised == loaded.loading_report.ignored == []
    for name, parameter in model.named_parameters():
        assert torch.equal(dict(loaded.named_parameters())[name], parameter), name


def test_a_head_of_ones_own_starts_from_a_bare_encoder(tmp_path: Path):
    encoder = build(ConvBertModel)
    encoder.save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="has no weights for"):
        loaded = HeadOfANotebook.from_pretrained(tmp_path)
    new = [name for name, _ in loaded.named_parameters() if not name.startswith("encoder.")]
    assert loaded.loading_report.newly_initialised == new
    assert torch.equal(loaded.encoder.embeddings.word.weight, encoder.embeddings.word.weight)


def test_a_subclass_that_leaves_its_part_open_is_told_so():
    class Unfinished(ModelWithHead):
        output_class = SequenceClassifierOutput

    with pytest.raises(NotImplementedError, match="must say how it scores"):
        Unfinished(tiny_config())(torch.tensor([[5, 6]]))
