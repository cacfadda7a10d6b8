"""The model that lessons 01 to 05 build: collected from their cells, equal to the package and to transformers."""

import ast
import sys

import nbformat
import pytest
import torch
import transformers

from collect_nano import NANO, TAG, collect, in_order, split_imports
from convbert_edu import ConvBertConfig, ConvBertForMaskedLM, nano
from convbert_edu.exercises import built
from helpers import ROOT
from tolerance import assert_same_numbers

LESSONS = ROOT / "notebooks"
CASES = {
    "as tiny": {},
    "gamma 2, 8 heads": dict(num_attention_heads=8),
    "groups": dict(num_groups=2),
    "narrow embeddings": dict(embedding_size=32),
    "narrow embeddings, groups": dict(embedding_size=32, num_groups=2),
    "gamma 4": dict(num_attention_heads=8, head_ratio=4),
    "kernel 5": dict(conv_kernel_size=5),
}


def test_nano_is_what_the_lessons_build():
    again = "run: python notebooks/tools/collect_nano.py"
    assert NANO.read_text(encoding="utf-8") == collect(LESSONS), again


def test_nano_fits_on_a_few_screens_and_needs_nothing_but_the_configuration():
    text = NANO.read_text(encoding="utf-8")
    assert text.count("\n") <= 300
    imported = [node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    assert [name for name in imported if name.startswith("convbert_edu")] == ["convbert_edu.config"]


def test_imports_move_to_the_top_in_order():
    imports, code = split_imports("import torch\nfrom torch import nn\n\n\nclass A(nn.Module):\n    pass")
    assert code == "class A(nn.Module):\n    pass"
    lines = in_order({*imports, "import math", "from convbert_edu.config import ConvBertConfig"})
    assert lines.split("\n\n") == [
        "import math",
        "import torch\nfrom torch import nn",
        "from convbert_edu.config import ConvBertConfig\n",
    ]


def test_a_build_cell_outside_of_a_section_is_refused(tmp_path):
    cell = nbformat.v4.new_code_cell("x = 1", metadata={"tags": [TAG]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "01_tokens.ipynb")
    with pytest.raises(ValueError, match=r"01_tokens.*before the first numbered section"):
        collect(tmp_path)


def typed_by_a_reader() -> dict:
    """Run the build cells of lessons 01 to 05, and nothing else, in an empty namespace."""
    namespace = {"__name__": "a_notebook"}
    for path in sorted(LESSONS.glob("0[1-5]_*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if TAG in cell.metadata.get("tags", []):
                exec(cell.source, namespace)
    return namespace


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_who_types_only_the_build_cells_has_a_convbert(changes):
    config = ConvBertConfig.tiny(vocab_size=300, num_hidden_layers=2, **changes)
    torch.manual_seed(0)
    package = ConvBertForMaskedLM(config).double().eval()
    mine = typed_by_a_reader()["MaskedLM"](config).double().eval()
    # Weights go both ways.
    mine.load_state_dict(package.state_dict(), strict=True)
    package.load_state_dict(mine.state_dict(), strict=True)
    ids = torch.randint(5, 300, (3, 20))
    mask = torch.ones_like(ids)
    mask[1, 13:] = 0
    types = (torch.arange(20) > 9).long().expand(3, -1)
    theirs = package(ids, mask, types).logits
    ours = mine(ids, mask, types)
    assert_same_numbers(ours, theirs)
    wanted = torch.randn_like(theirs)
    (ours * wanted).sum().backward()
    (theirs * wanted).sum().backward()
    assert_same_numbers(
        {name: parameter.grad for name, parameter in mine.named_parameters()},
        {name: parameter.grad for name, parameter in package.named_parameters()},
    )


@pytest.mark.parametrize(
    "changes", [{}, dict(num_groups=2), dict(embedding_size=32)], ids=["plain", "groups", "narrow"]
)
def test_it_equals_a_random_checkpoint_of_transformers(changes, tmp_path):
    sizes = dict(
        vocab_size=300, hidden_size=64, embedding_size=64, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=128, head_ratio=2, conv_kernel_size=9,
    )  # fmt: skip
    torch.manual_seed(0)
    theirs = transformers.ConvBertForMaskedLM(transformers.ConvBertConfig(**(sizes | changes))).eval()
    theirs.save_pretrained(tmp_path)
    package = ConvBertForMaskedLM.from_pretrained(tmp_path)
    mine = typed_by_a_reader()["MaskedLM"](package.config).eval()
    mine.load_state_dict(package.state_dict(), strict=True)
    ids = torch.randint(5, 300, (2, 20))
    mask = torch.ones_like(ids)
    mask[0, 15:] = 0
    with torch.inference_mode():
        torch.testing.assert_close(mine(ids, mask), theirs(ids, mask).logits, atol=1e-5, rtol=1e-5)


def test_it_begins_as_the_package_begins():
    config = ConvBertConfig.tiny(num_groups=2)
    torch.manual_seed(0)
    mine = nano.MaskedLM(config)
    for name, parameter in ConvBertForMaskedLM(config).named_parameters():
        ours = mine.get_parameter(name)
        assert ours.shape == parameter.shape
        # the largest matrices say it best: the same mean and the same standard deviation
        if parameter.numel() > 10_000:
            assert abs(float((ours.std() - parameter.std()).detach())) < 0.05 * float(
                parameter.std().detach()
            ), name
        elif not parameter.any():
            assert not ours.any(), name


@pytest.mark.parametrize(
    "changes", [dict(hidden_act="relu"), dict(mask_convolution=True), dict(shared_values=True)]
)
def test_what_it_cannot_do_it_refuses(changes):
    with pytest.raises(ValueError, match="ConvBertModel"):
        nano.ConvBert(ConvBertConfig.tiny(**changes))


@pytest.fixture
def folder_of_the_lessons(tmp_path, monkeypatch):
    """A folder from which Python imports, as it does from that of a notebook; nothing of it stays."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("my_convbert", None)


def test_what_was_built_comes_from_nano_or_from_a_file_of_ones_own(folder_of_the_lessons, capsys):
    assert built("Embeddings", "MaskedLM") == [nano.Embeddings, nano.MaskedLM]
    (folder_of_the_lessons / "my_convbert.py").write_text("class Embeddings:\n    pass\n")
    embeddings, head = built("Embeddings", "MaskedLM")
    assert embeddings.__module__ == "my_convbert"
    assert head is nano.MaskedLM
    assert "Embeddings is yours" in capsys.readouterr().out
    with pytest.raises(
        AttributeError, match="no lesson builds 'Embedding'; lessons 01 to 05 build Embeddings, "
    ):
        built("Embedding")


def test_the_exercises_find_the_file_beside_the_lessons_and_nothing_further_up(tmp_path, monkeypatch, capsys):
    below = tmp_path / "exercises" / "below"
    below.mkdir(parents=True)
    (tmp_path / "my_convbert.py").write_text("class MaskedLM:\n    pass\n")
    path = list(sys.path)
    try:
        monkeypatch.chdir(below)
        assert built("MaskedLM") == [nano.MaskedLM]
        monkeypatch.chdir(below.parent)
        assert built("MaskedLM")[0].__module__ == "my_convbert"
    finally:
        sys.modules.pop("my_convbert", None)
    assert "MaskedLM is yours" in capsys.readouterr().out
    assert sys.path == path


def test_an_error_in_a_file_of_ones_own_is_not_hidden(folder_of_the_lessons):
    (folder_of_the_lessons / "my_convbert.py").write_text("import no_such_module_anywhere\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_module_anywhere"):
        built("Embeddings")
