"""Every model gives the numbers of transformers' model with the same weights: outputs, losses, gradients, files.

The proof is in float64, where rounding is far smaller than any mistake on every processor. In float32 our errors are
compared with those that transformers' own model makes.
"""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import convbert_edu
from convbert_edu.checkpoints.loading import to_transformers_names
from parity.pairs import (
    EXACT,
    SHARED_CLASSES,
    assert_same,
    build_pair,
    configurations,
    in_double,
    inputs_for,
    rounding_errors,
)
from tolerance import largest, rounding

SINGLE_LABEL = "single_label_classification"
PROBLEM_TYPES = (None, "regression", SINGLE_LABEL, "multi_label_classification")


@st.composite
def cases(draw: st.DrawFn, name: str) -> tuple[dict[str, Any], dict[str, Tensor], dict[str, Tensor]]:
    """A configuration, inputs and labels for a model of class `name`."""
    fields = draw(configurations())
    choices = None
    if name.endswith("MultipleChoice"):
        fields["summary_type"] = draw(st.sampled_from(["last", "first"]))
        choices = draw(st.integers(1, 3))
    elif name.endswith(("SequenceClassification", "TokenClassification")):
        fields["num_labels"] = draw(st.integers(1, 4))
    if name.endswith("SequenceClassification"):
        # One label alone leaves nothing to choose between: both sides refuse that.
        allowed = [kind for kind in PROBLEM_TYPES if kind != SINGLE_LABEL or fields["num_labels"] > 1]
        fields["problem_type"] = draw(st.sampled_from(allowed))
    inputs = draw(inputs_for(fields, choices))
    return fields, inputs, draw(labels_for(name, fields, inputs))


@st.composite
def labels_for(
    draw: st.DrawFn, name: str, fields: dict[str, Any], inputs: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Labels that this model can be trained with, the ones that are to be ignored (-100, cut off) included."""
    shape = inputs["input_ids"].shape if "input_ids" in inputs else inputs["inputs_embeds"].shape[:-1]
    batch, seq, classes = shape[0], shape[-1], fields.get("num_labels", 2)
    if name.endswith(("MaskedLM", "TokenClassification")):
        count = fields["vocab_size"] if name.endswith("MaskedLM") else classes
        labels = torch.randint(count, shape)
        return {"labels": labels.masked_fill(torch.rand(shape) < draw(st.sampled_from([0, 0.5, 1])), -100)}
    if name.endswith("QuestionAnswering"):
        rows = draw(st.sampled_from([(batch,), (batch, 1)]))
        return {f"{end}_positions": torch.randint(seq + 3, rows) for end in ("start", "end")}
    if name.endswith("MultipleChoice"):
        return {"labels": torch.randint(shape[1], (batch,))}
    if name.endswith("SequenceClassification"):
        kind = fields["problem_type"] or draw(st.sampled_from(["regression", SINGLE_LABEL]))
        if kind == SINGLE_LABEL and classes > 1:
            return {"labels": torch.randint(classes, (batch,))}
        # Floating-point labels; for one label also without its axis, where transformers takes that.
        one_axis = classes == 1 and kind == "regression" and draw(st.booleans())
        return {"labels": torch.rand(batch) if one_axis else torch.rand(batch, classes)}
    return {}


@pytest.mark.parametrize("name", SHARED_CLASSES)
@settings(max_examples=100)
@given(data=st.data())
def test_outputs_and_losses(name: str, data: st.DataObject):
    fields, inputs, labels = data.draw(cases(name))
    ours, theirs = (model.double() for model in build_pair(name, fields))
    given = in_double(inputs | labels)
    with torch.no_grad():
        expected = theirs(**given, output_hidden_states=True, output_attentions=True)
        with_maps = ours(**given, output_hidden_states=True, output_attentions=True)
        fused = ours(**given, output_hidden_states=True)
    assert ("loss" in expected) == bool(labels)
    assert_same(with_maps, expected)
    assert fused.attentions is None
    assert_same(fused, {key: value for key, value in expected.items() if key != "attentions"})


@pytest.mark.parametrize("name", SHARED_CLASSES)
@settings(max_examples=20)
@given(data=st.data())
def test_float32_is_no_less_exact_than_transformers(name: str, data: st.DataObject):
    fields, inputs, labels = data.draw(cases(name))
    ours, theirs = build_pair(name, fields)
    flags = dict(output_hidden_states=True, output_attentions=True)
    with torch.no_grad():
        actual, rounded = ours(**inputs, **labels, **flags), theirs(**inputs, **labels, **flags)
        exact = theirs.double()(**in_double(inputs | labels), **flags)
    allowed = rounding(1.0, layers=fields["num_hidden_layers"]) + 10 * rounding_errors(rounded, exact)
    assert_same(actual, rounded, allowed)


@pytest.mark.parametrize("name", SHARED_CLASSES)
@pytest.mark.parametrize("attention", ["fused", "with maps"])
@settings(max_examples=10)
@given(data=st.data())
def test_gradients_of_every_parameter(name: str, attention: str, data: st.DataObject):
    fields, inputs, labels = data.draw(cases(name))
    ours, theirs = (model.double() for model in build_pair(name, fields))
    given = in_double(inputs | labels)
    _loss(ours(**given, output_attentions=attention == "with maps")).backward()
    _loss(theirs(**given)).backward()
    # The table of names translates anything that is shaped like the parameters: here their gradients.
    gradients = copy.deepcopy(ours)
    for into, parameter in zip(gradients.parameters(), ours.parameters(), strict=True):
        into.data = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    actual = to_transformers_names(gradients)
    expected = {
        key: torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        for key, parameter in theirs.named_parameters()
    }
    assert actual.keys() == expected.keys()
    # Some gradients are zero but for rounding (that of a key's bias), hence one size for all of them.
    size = max(map(largest, expected.values()))
    for key in expected:
        torch.testing.assert_close(
            actual[key], expected[key], atol=EXACT * size, rtol=0, equal_nan=True,
            msg=lambda text, key=key: f"{key}: {text}",
        )  # fmt: skip


def _loss(output: Any) -> Tensor:
    """The model's own loss; for the bare encoder some number that depends on all it returns, each part differently."""
    if hasattr(output, "loss"):
        return output.loss
    states = output.last_hidden_state
    return (states * torch.linspace(-1, 1, states.numel()).view_as(states)).mean()


@pytest.mark.parametrize("name", SHARED_CLASSES)
@settings(max_examples=3)
@given(data=st.data())
def test_a_saved_folder_opens_on_the_other_side(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
):
    fields, inputs, labels = data.draw(cases(name))
    ours, theirs = build_pair(name, fields)
    folder = tmp_path_factory.mktemp("folders")
    given = in_double(inputs | labels) | dict(output_hidden_states=True, output_attentions=True)
    with torch.no_grad():
        expected = copy.deepcopy(theirs).double()(**given)
        for there in (_open_in_transformers(ours, folder / "ours"), theirs):
            there.save_pretrained(folder / "theirs")
            back = getattr(convbert_edu, name).from_pretrained(folder / "theirs")
            assert back.loading_report.newly_initialised == []
            assert_same(there.double()(**given), expected)
            assert_same(back.double()(**given), expected)


def _open_in_transformers(ours: torch.nn.Module, folder: Path) -> torch.nn.Module:
    ours.save_pretrained(folder)
    model, report = getattr(transformers, type(ours).__name__).from_pretrained(
        folder, output_loading_info=True
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert not report["mismatched_keys"]
    return model
