"""Solutions that are not in nano.py, compared with lessons, the package, other libraries and measurements."""

import ast
import random

import nbformat
import pytest
import torch
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2
from torch import nn
from torch.nn import functional

from convbert_edu import (
    ConvBertConfig,
    ConvBertForMaskedLM,
    ConvBertForSequenceClassification,
    ConvBertModel,
    ConvBertTokenizer,
    nano,
)
from convbert_edu.analysis.locality import attended_distance, mass_in_window
from convbert_edu.exercises.definition import load_exercise
from convbert_edu.extras.bert_conversion import head_channels
from convbert_edu.extras.head_choice import choose_heads
from convbert_edu.finetuning.pseudo_perplexity import pseudo_perplexity
from convbert_edu.pretraining.masking import word_starts
from convbert_edu.training.optimizer import make_optimizer
from exercise_notebooks import lesson_file
from short_convolutions import lesson as lesson_18


def solution(number: str):
    return load_exercise(number).solution


def test_two_segments_as_the_tokenizer_makes_them():
    tokenizer = ConvBertTokenizer.from_pretrained("convbert-tiny")
    first, second = (
        tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("a good film", "why ?")
    )
    theirs = tokenizer("a good film", "why ?", padding="max_length", max_length=12)
    special = dict(cls=tokenizer.cls_token_id, sep=tokenizer.sep_token_id, pad=tokenizer.pad_token_id)
    ours = solution("01.3")(first, second, 12, **special)
    assert ours == tuple(theirs[name] for name in ("input_ids", "token_type_ids", "attention_mask"))


def test_attention_in_blocks_as_fused_attention():
    Q, K, V = torch.randn(5, 8), torch.randn(9, 8), torch.randn(9, 8)
    ours = solution("02.2")(Q, [(K[:4], V[:4]), (K[4:], V[4:])])
    torch.testing.assert_close(ours, functional.scaled_dot_product_attention(Q[None], K[None], V[None])[0])


def test_lightweight_convolution_as_the_package_has_it():
    config = ConvBertConfig.tiny(
        hidden_size=16, num_attention_heads=4, convolution="fixed", conv_kernel_size=5
    )
    model = ConvBertModel(config)
    layer = model.layers[0].attention.convolution
    (scores,) = [each for name, each in layer.named_parameters() if each.numel() == 2 * 5]
    nn.init.normal_(scores)
    X, Q = torch.randn(2, 7, 16), torch.randn(2, 7, 8)
    output = layer(Q, X)
    output = output[0] if isinstance(output, tuple) else output
    ours = solution("03.3")(layer.value(X), scores.view(2, 5))
    torch.testing.assert_close(ours, output.reshape(2, 7, 8))


@pytest.mark.parametrize(
    ("n", "k", "layers", "masked"), [(9, 5, 1, False), (9, 5, 2, False), (3, 9, 1, False), (9, 3, 3, True)]
)
def test_which_tokens_padding_changes_in_a_model(n, k, layers, masked):
    config = ConvBertConfig.tiny(
        vocab_size=50,
        num_hidden_layers=layers,
        conv_kernel_size=k,
        mask_convolution=masked,
        initializer_range=0.2,
    )
    torch.manual_seed(0)
    model = ConvBertModel(config).double().eval()
    ids = torch.randint(5, 50, (1, n))
    padded = functional.pad(ids, (0, 12))
    with torch.no_grad():
        alone = model(ids).last_hidden_state[0]
        batched = model(padded, (padded != 0).long()).last_hidden_state[0, :n]
    changed = ((alone - batched).abs().amax(dim=-1) > 1e-9).nonzero().flatten().tolist()
    assert solution("04.2")(n, k, layers, masked) == changed


@pytest.mark.parametrize(("tokens", "layers"), [(6, 3), (7, 3), (4, 1)])
def test_the_smallest_kernel_reaches_as_far_as_asked_and_a_smaller_one_does_not(tokens, layers):
    def reach(k):
        X = torch.zeros(1, 1, 41, requires_grad=True)
        Y = X
        for _ in range(layers):
            Y = functional.conv1d(Y, torch.ones(1, 1, k), padding=k // 2)
        Y[0, 0, 20].backward()
        return int((X.grad[0, 0, 20:] != 0).sum()) - 1

    k = solution("05.9")(tokens, layers)
    assert reach(k) >= tokens > reach(k - 2)


def test_distances_as_the_package_measures_them():
    P = torch.randn(3, 6, 6).softmax(dim=-1)
    mask = torch.ones(6, dtype=torch.long)
    torch.testing.assert_close(solution("07.1")(P, mask), attended_distance(P).mean(dim=-1))


def test_learning_rates_as_the_optimizer_sets_them():
    model = ConvBertForSequenceClassification(ConvBertConfig.tiny(vocab_size=50, num_hidden_layers=3))
    rate_of = {
        id(parameter): group["lr"]
        for group in make_optimizer(model, 3e-4, layer_decay=0.8).param_groups
        for parameter in group["params"]
    }
    inside = {name.removeprefix("encoder."): each for name, each in model.named_parameters()}
    ours = solution("09.1")(list(inside), 3e-4, 0.8, 3)
    for name, parameter in inside.items():
        assert ours[name] == pytest.approx(rate_of[id(parameter)])


def test_entity_f1_as_seqeval_computes_it():
    draw = random.Random(0)
    labels = ["O", "O", "B-A", "I-A", "B-B", "I-B"]
    for _ in range(30):
        gold, predicted = ([[draw.choice(labels) for _ in range(6)] for _ in range(4)] for _ in range(2))
        theirs = f1_score(gold, predicted, mode="strict", scheme=IOB2, zero_division=0)
        assert solution("10.2")(predicted, gold) == pytest.approx(theirs)


def test_pseudo_perplexity_as_the_package_computes_it():
    name = "convbert-tiny-generator"
    tokenizer, model = (
        ConvBertTokenizer.from_pretrained(name),
        ConvBertForMaskedLM.from_pretrained(name).eval(),
    )
    text = "a warm , funny film ."
    ids = tokenizer(text, return_tensors="pt")["input_ids"][0]

    def score(ids):
        with torch.no_grad():
            return model(ids).logits

    ours = solution("13.1")(score, ids, tokenizer.mask_token_id, tokenizer.all_special_ids)
    assert ours == pytest.approx(pseudo_perplexity(model, tokenizer, [text]), rel=1e-3)


def test_whole_words_as_the_package_masks_them():
    tokens = "[CLS] un ##watch ##able film [SEP] ##s a ##b [SEP]".split()
    maskable = torch.tensor([token not in ("[CLS]", "[SEP]") for token in tokens]).numpy()[None]
    continues = torch.tensor([token.startswith("##") for token in tokens]).numpy()[None]
    starts = word_starts(maskable, continues)[0]
    words = solution("13.2")(tokens, ["[CLS]", "[SEP]"])
    assert all(starts[t] == word[0] for word in words for t in word)


def test_the_pre_norm_layer_has_the_parameters_of_the_lessons_layer():
    config = ConvBertConfig.tiny()
    names = [
        {name: tuple(each.shape) for name, each in layer(config).named_parameters()}
        for layer in (solution("05.8"), nano.EncoderLayer)
    ]
    assert names[0] == names[1]


def test_no_other_order_has_less_padding_than_sorted_batches():
    draw = random.Random(0)
    lengths = [draw.randint(3, 60) for _ in range(50)]
    batches, padding = solution("14.1")(lengths, 8)
    assert sorted(row for batch in batches for row in batch) == list(range(50))
    for _ in range(200):
        order = draw.sample(range(50), 50)
        others = [order[at : at + 8] for at in range(0, 50, 8)]
        places = sum(len(batch) * max(lengths[row] for row in batch) for batch in others)
        assert padding <= 1 - sum(lengths) / places


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_limit_of_a_speed_up_is_that_of_amdahls_law(share):
    seconds = {"faster": share, "rest": 1 - share}
    assert solution("14.2")(seconds, {"faster": float("inf")}) == pytest.approx(1 / (1 - share))
    assert solution("14.2")(seconds, {"faster": 1e9}) == pytest.approx(1 / (1 - share))


def test_pieces_give_the_gradient_of_the_whole_batch():
    W, X = torch.randn(6, 5, requires_grad=True), torch.randn(7, 4, 6)
    labels = torch.randint(0, 5, (7, 4))
    labels[torch.rand(7, 4) < 0.5] = -100
    labels[2:4] = -100
    whole = functional.cross_entropy((X @ W).flatten(0, 1), labels.flatten())
    loss, gradient = solution("15.1")(W, [(X[at : at + 2], labels[at : at + 2]) for at in range(0, 7, 2)])
    assert loss == pytest.approx(whole.item(), rel=1e-5)
    torch.testing.assert_close(gradient, torch.autograd.grad(whole, W)[0])


def test_processes_together_have_the_mean_of_all_rows():
    losses = torch.randn(11).double()
    for world_size in (1, 2, 3, 4, 16):
        total = 0.0
        for rank in range(world_size):
            rows, weight = solution("15.2")(list(range(11)), rank, world_size)
            total += weight * losses[rows].mean().item() if rows else 0.0
        assert total == pytest.approx(losses.mean().item())


@pytest.mark.parametrize("k", [1, 3, 9])
def test_mass_as_the_package_measures_it(k):
    P = torch.randn(3, 7, 7).softmax(dim=-1)
    counted = torch.tensor([0, 1, 1, 1, 1, 1, 0])
    theirs = mass_in_window(P, k)[:, counted.bool()].mean(dim=-1)
    torch.testing.assert_close(solution("16.1")(P, k, counted), theirs)


def test_columns_in_the_order_of_the_package():
    mass = torch.rand(12)
    (local,) = choose_heads(mass[None])
    others = [head for head in range(12) if head not in local]
    assert solution("16.2")(mass, 5) == head_channels([*others, *local], 5).tolist()


def test_the_first_kernel_is_the_profile():
    p = 0.7 * torch.randn(4, 9).softmax(dim=-1)
    kernels = solution("16.3")(p).view(4, 9).softmax(dim=-1)
    torch.testing.assert_close(kernels, p / p.sum(dim=-1, keepdim=True))


@pytest.mark.parametrize("number", ["18.1", "18.2"])
def test_the_solution_is_the_lessons_own_cell(number):
    exercise = load_exercise(number)
    cells = nbformat.read(lesson_file("18"), as_version=4).cells
    built = {
        node.name: ast.dump(node)
        for cell in cells
        if "build" in cell.metadata.get("tags", [])
        for node in ast.parse(cell.source).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }
    # Up to comments and kinds of quotation marks.
    assert ast.dump(*ast.parse(exercise.source).body) == built[exercise.name]


def test_kernels_for_recall_let_the_layer_of_the_lesson_answer():
    code = lesson_18()
    layer = code.CausalAttention(52, 1, 4, "fixed", "QKV")
    with torch.no_grad():
        for linear in (layer.query, layer.key, layer.value, layer.output):
            linear.weight.copy_(torch.eye(52))
            linear.bias.zero_()
        layer.query.weight *= 20 * 52**0.5
        for place, kernel in zip("QKV", solution("18.3")(4), strict=True):
            layer.convolutions[place].scores.copy_(kernel.clamp(min=1e-12).log())
        ids, labels = code.recall_batch(torch.Generator().manual_seed(0), B=50)
        found = layer(functional.one_hot(ids, 52).float()).argmax(dim=-1)
    asked = labels != -100
    assert torch.equal(found[asked], labels[asked])


@pytest.mark.parametrize("k", [1, 4])
def test_token_by_token_as_the_lessons_layer_all_at_once(k):
    layer = lesson_18().CausalAttention(6, 1, k, "fixed", "KV")
    scores = nn.init.normal_(layer.convolutions["K"].scores)
    with torch.no_grad():
        layer.convolutions["V"].scores.copy_(scores)
        X, memory, w = torch.randn(9, 6), {}, scores[0].softmax(dim=-1)
        Q, K, V = layer.query(X), layer.key(X), layer.value(X)
        ours = torch.stack([solution("18.4")(Q[t], K[t], V[t], w, memory) for t in range(9)])
        torch.testing.assert_close(layer.output(ours), layer(X[None])[0])
