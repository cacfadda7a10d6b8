"""The examples of transformers' documentation of ConvBERT run here after the import line is changed.

They are read from the installed transformers, where the documentation page takes them from, and run twice: as they
stand, and with our names. All that the two runs compute must be equal. A small local folder stands in for the hub's.
"""

import doctest
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers.utils.doc import PT_BASE_MODEL_SAMPLE

import convbert_edu
from convbert_edu import ConvBertTokenizer
from models.cases import build
from tolerance import assert_same_numbers

CHECKPOINT = "YituTech/conv-bert-base"
# Every word of the examples; "henson" in two pieces, so that the answer that the example names lies in its sentence.
WORDS = (
    "hello my dog is cute the capital of france paris hugging ##face a company based in and new york who was jim hen "
    "##son nice puppet italy pizza served formal settings such as at restaurant presented un ##sliced it eaten with "
    "fork knife while held hand , . ? ( ) ; ' - to according wikipedia"
).split()
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "<mask>", *WORDS]


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder with a tokenizer and a small model of the class that the test names."""
    model = getattr(convbert_edu, request.param)
    build(model, vocab_size=len(VOCABULARY), max_position_embeddings=64, pad_token_id=0).save_pretrained(
        tmp_path
    )
    ConvBertTokenizer(VOCABULARY, mask_token="<mask>").save_pretrained(tmp_path)
    return tmp_path


def examples_of(name: str) -> list[str]:
    """The blocks of example code that the documentation shows for a class."""
    text = getattr(transformers, name).forward.__doc__
    if name == "ConvBertModel":  # this version shows none; earlier pages showed the template's
        text = PT_BASE_MODEL_SAMPLE.format(model_class=name, checkpoint=CHECKPOINT)
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def run(code: str) -> tuple[dict[str, Any], list[Any]]:
    """Run a block; return its variables, and the values that it shows."""
    variables: dict[str, Any] = {}
    shown = []
    for example in doctest.DocTestParser().get_examples(code):
        try:
            compiled = compile(example.source, "<example>", "eval")
        except SyntaxError:
            exec(example.source, variables)
        else:
            shown.append(eval(compiled, variables))
    return variables, shown


def change_the_import(code: str) -> str:
    """What a reader does to use this package in place of transformers."""
    return code.replace("from transformers import", "from convbert_edu import").replace(
        "AutoTokenizer", "ConvBertTokenizer"
    )


CASES = [
    ("ConvBertModel", 1),
    ("ConvBertForMaskedLM", 1),
    ("ConvBertForSequenceClassification", 2),
    ("ConvBertForMultipleChoice", 1),
    ("ConvBertForTokenClassification", 1),
    ("ConvBertForQuestionAnswering", 1),
]


@pytest.mark.parametrize(
    ("folder", "name", "count"), [(name, name, n) for name, n in CASES], indirect=["folder"]
)
def test_an_example_gives_what_it_gives_in_transformers(folder: Path, name: str, count: int):
    examples = examples_of(name)
    assert len(examples) == count
    for code in examples:
        assert CHECKPOINT in code
        code = code.replace(CHECKPOINT, str(folder))
        theirs, shown_there = run(code)
        ours, shown_here = run(change_the_import(code))
        assert type(ours["model"]) is getattr(convbert_edu, name)
        assert type(ours["tokenizer"]) is ConvBertTokenizer
        assert len(shown_here) == len(shown_there)
        for here, there in zip(shown_here, shown_there, strict=True):
            assert_same("what is shown", here, there)
        assert ours.keys() - {"ConvBertTokenizer"} == theirs.keys() - {"AutoTokenizer"}
        for variable, there in theirs.items():
            comparable = isinstance(there, torch.Tensor | int | float | str | list | Mapping)
            if comparable and variable != "__builtins__":
                assert_same(variable, ours[variable], there)
        if "loss" in ours:
            assert torch.isfinite(ours["loss"])


def assert_same(what: str, ours: Any, theirs: Any) -> None:
    if isinstance(theirs, torch.Tensor):
        if theirs.is_floating_point():
            assert_same_numbers({what: ours}, {what: theirs})
        else:
            assert torch.equal(ours, theirs), what
    elif isinstance(theirs, Mapping):  # what a tokenizer or a model returns
        for field, there in theirs.items():
            assert_same(f"{what}.{field}", getattr(ours, field), there)
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, abs=0.011), what  # rounded to two digits
    else:
        assert ours == theirs, what


def test_the_example_of_the_configuration():
    (code,) = re.findall(r"```python\n(.*?)```", transformers.ConvBertConfig.__doc__, flags=re.DOTALL)
    variables, _ = run(change_the_import(code))
    assert type(variables["model"]) is convbert_edu.ConvBertModel
    assert variables["configuration"] is variables["model"].config
    assert variables["configuration"] == convbert_edu.ConvBertConfig()


def test_every_class_of_the_page_is_here_under_its_name():
    page = set(transformers.models.convbert.modeling_convbert.__all__) | {
        "ConvBertConfig",
        "ConvBertTokenizer",
        "ConvBertTokenizerFast",
    }
    internal = {"ConvBertLayer", "ConvBertPreTrainedModel"}
    assert page - internal <= set(convbert_edu.__all__)
    for method in ("get_special_tokens_mask", "save_vocabulary"):  # the ones that the page describes
        assert callable(getattr(ConvBertTokenizer, method))
