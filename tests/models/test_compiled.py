"""torch.compile makes one graph of every model, for all lengths, and it computes what the model itself computes.

`fullgraph=True` refuses a model that cannot become one graph; backend="eager" runs that graph as it is, without the
time that turning it into machine code takes; one test takes that time.
A batch of one row, and one of 16 rows or more, get a graph of their own once: PyTorch convolves them another way.
"""

import dataclasses
import random

import pytest
import torch
from torch import Tensor

from convbert_edu import ConvBertForMultipleChoice, ConvBertForQuestionAnswering, ConvBertModel
from convbert_edu import ConvBertForSequenceClassification as Classifier
from convbert_edu.models import outputs
from convbert_edu.models.base import PretrainedModel
from models.cases import EVERY_MODEL, build, inputs_for, inputs_of_size, labels_for
from tolerance import assert_same_numbers

EVERYTHING = dict(output_hidden_states=True, output_attentions=True, output_conv_kernels=True)


@pytest.fixture(autouse=True)
def the_package_as_it_is(as_a_user, monkeypatch):
    """Take the type checks of the tests away: a compiler would read them as a part of the models."""
    for kind in vars(outputs).values():
        if dataclasses.is_dataclass(kind):
            monkeypatch.setattr(kind, "__init__", kind.__init__.__wrapped__)
    torch._dynamo.reset()


@pytest.mark.parametrize("kind", EVERY_MODEL)
def test_one_graph_serves_every_length_in_training_and_inference(kind):
    model = build(kind, num_hidden_layers=1, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1)
    compiled = torch.compile(model, fullgraph=True, dynamic=True, backend="eager")
    sizes = random.Random(0)
    step_and_predict(compiled, *sized(kind, batch=5, seq=9))  # the warm-up
    with torch.compiler.set_stance("fail_on_recompile"):
        for _ in range(50):
            step_and_predict(compiled, *sized(kind, batch=sizes.randint(2, 5), seq=sizes.randint(2, 40)))


@pytest.mark.parametrize("kind", EVERY_MODEL)
def test_everything_inside_can_be_returned_and_equals_the_model(kind):
    model = build(kind, num_hidden_layers=1)
    compiled = torch.compile(model, fullgraph=True, dynamic=True, backend="eager")
    given = inputs_for(kind) | labels_for(kind) | EVERYTHING
    assert_same_numbers(vars(compiled(**given)), vars(model(**given)))


def test_a_graph_without_a_mask_serves_every_length_too():
    model = build(ConvBertModel, num_hidden_layers=1)
    compiled = torch.compile(model, fullgraph=True, dynamic=True, backend="eager")
    compiled(torch.randint(99, (2, 9)))
    with torch.compiler.set_stance("fail_on_recompile"):
        for seq in (2, 3, 8, 40):
            compiled(torch.randint(99, (3, seq)))


@pytest.mark.slow
@pytest.mark.compiler
def test_machine_code_learns_what_the_model_learns():
    model = build(Classifier, num_hidden_layers=1)
    compiled = torch.compile(model, fullgraph=True, dynamic=True)
    given = inputs_for(Classifier) | labels_for(Classifier)
    gradients = []
    for version in (model, compiled):
        loss = version(**given).loss
        gradients.append((loss, *torch.autograd.grad(loss, list(model.parameters()))))
    assert_same_numbers(gradients[1], gradients[0])


def step_and_predict(compiled: PretrainedModel, inputs: dict[str, Tensor], labels: dict[str, Tensor]) -> None:
    """One training step, then inference."""
    result = compiled.train()(**inputs, **labels)
    (result.loss if labels else result.last_hidden_state.sum()).backward()
    with torch.inference_mode():
        compiled.eval()(**inputs)


def sized(kind: type[PretrainedModel], batch: int, seq: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Inputs with padding at the end, and labels, of any size."""
    inputs = inputs_of_size(kind, batch, seq, choices=3)
    if kind is ConvBertModel:
        return inputs, {}
    if kind is ConvBertForQuestionAnswering:
        return inputs, {
            "start_positions": torch.arange(batch) % seq,
            "end_positions": torch.full((batch,), seq),
        }
    per_text = kind in (ConvBertForMultipleChoice, Classifier)
    return inputs, {"labels": torch.randint(2, (batch,) if per_text else (batch, seq))}
