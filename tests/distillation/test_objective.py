"""The loss against plain loops over tokens."""

import math
import statistics

import pytest
import torch
from torch import nn

from convbert_edu.distillation.objective import DistillationObjective, Teacher, attention_error
from convbert_edu.distillation.run import make_student_optimizer
from convbert_edu.distillation.setup import hidden_variances, make_objective
from convbert_edu.extras.bert_checkpoint import load_bert
from convbert_edu.pretraining.batches import PretrainingBatches
from convbert_edu.pretraining.masking import Masking
from tiny_distillation import Parties

CPU = torch.device("cpu")


def prepared(
    parties: Parties, **changes: object
) -> tuple[DistillationObjective, Teacher, dict[str, torch.Tensor]]:
    settings = parties.settings(**changes)
    torch.manual_seed(0)
    objective, teacher = make_objective(settings, parties.corpus.tokenizer, parties.corpus.train, CPU)
    batches = PretrainingBatches(parties.corpus.train, Masking(parties.corpus.tokenizer), 6, None, seed=3)
    return objective, teacher, batches.load(1)


def row_by_row(model: nn.Module, ids: torch.Tensor, batch: dict[str, torch.Tensor]) -> list:
    """Run a model on the batch; return what it says inside, with gradients off."""
    with torch.no_grad():
        return model(ids, batch["attention_mask"], batch["token_type_ids"], output_hidden_states=True,
                     output_attentions=True)  # fmt: skip


@pytest.mark.parametrize("inputs", ["masked", "student_masked", "original"])
@pytest.mark.usefixtures("float64")
def test_the_hidden_loss_is_the_mean_squared_difference_over_the_variance(parties: Parties, inputs: str):
    objective, teacher, batch = prepared(parties, inputs=inputs, masked_lm_weight=0.0, hidden_weight=3.0)
    output = objective(teacher.targets_for(batch, inputs), **batch)
    original, masked = batch["original_ids"], batch["input_ids"]
    ours = row_by_row(objective.encoder, original if inputs == "original" else masked, batch).hidden_states
    theirs = row_by_row(teacher.encoder, masked if inputs == "masked" else original, batch).hidden_states
    expected, tokens = 0.0, 0
    for row, mask in enumerate(batch["attention_mask"].tolist()):
        for place, real in enumerate(mask):
            if not real:
                continue
            tokens += 1
            for number, layer in enumerate([0, 2, 4]):
                difference = ours[number][row, place] - theirs[layer][row, place]
                squares = sum(value**2 for value in difference.tolist()) / 32
                expected += squares / float(objective.variances[number]) / 3
    assert tokens < batch["attention_mask"].numel(), "no padding, so that leaving it out is not tested"
    assert output.loss.item() == pytest.approx(3.0 * expected / tokens, rel=1e-9)


@pytest.mark.usefixtures("float64")
def test_the_last_cls_learns_the_mean_of_the_teachers_last_hidden_states(parties: Parties):
    """Both as a sentence, and where the layers are compared; a long text counts by its tokens."""
    objective, teacher, batch = prepared(
        parties, inputs="original", masked_lm_weight=0.0, hidden_weight=2.0, sentence_embedding_weight=3.0
    )
    # One text shorter than the others.
    batch["attention_mask"][0, 20:] = 0
    output = objective(teacher.targets_for(batch, "original"), **batch)
    ours = row_by_row(objective.encoder, batch["original_ids"], batch).hidden_states
    theirs = row_by_row(teacher.encoder, batch["original_ids"], batch).hidden_states
    variances, sentence, layers = objective.variances.tolist(), 0.0, 0.0
    lengths = batch["attention_mask"].sum(dim=1).tolist()
    for row, length in enumerate(lengths):
        vectors = theirs[4][row, :length].tolist()
        mean = [sum(column) / length for column in zip(*vectors, strict=True)]
        distance = sum((a - b) ** 2 for a, b in zip(ours[2][row, 0].tolist(), mean, strict=True)) / 32
        sentence += length * distance / variances[3]
        for number, layer in enumerate([0, 2, 4]):
            targets = theirs[layer][row, :length].tolist()
            if number == 2:
                targets[0] = mean
            for vector, target in zip(ours[number][row, :length].tolist(), targets, strict=True):
                squares = sum((a - b) ** 2 for a, b in zip(vector, target, strict=True)) / 32
                layers += squares / variances[number] / 3
    assert len(set(lengths)) > 1
    assert output.sentence_error.item() == pytest.approx(sentence, rel=1e-9)
    expected = (2.0 * layers + 3.0 * sentence) / sum(lengths)
    assert output.loss.item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.usefixtures("float64")
def test_variances_are_those_of_the_teachers_hidden_states(parties: Parties):
    bert, corpus = load_bert(parties.teacher), parties.corpus
    found = hidden_variances(Teacher(bert, [1, 3]), corpus.train, corpus.tokenizer, 32)
    values: dict[int, list[float]] = {0: [], 2: [], 4: []}
    sentences: list[list[float]] = []
    count = len(corpus.train)
    for number in [each * count // 64 for each in range(64)]:
        ids = torch.tensor(corpus.train.read(torch.tensor([number]).numpy(), 32, 0))
        length = int(corpus.train.lengths(torch.tensor([number]).numpy())[0])
        ids = ids[:, :length]
        after_sep = (ids == corpus.tokenizer.sep_token_id).cumsum(1) - (
            ids == corpus.tokenizer.sep_token_id
        ).long()
        with torch.no_grad():
            states = bert(ids, token_type_ids=(after_sep > 0).long(), output_hidden_states=True).hidden_states
        for layer, kept in values.items():
            kept += states[layer].flatten().tolist()
        sentences.append([sum(column) / length for column in zip(*states[4][0].tolist(), strict=True)])
    for number, layer in enumerate([0, 2, 4]):
        mean = sum(values[layer]) / len(values[layer])
        variance = sum((value - mean) ** 2 for value in values[layer]) / len(values[layer])
        assert float(found[number]) == pytest.approx(variance, rel=1e-6)
    # Of a number over the texts, then the mean over all numbers.
    spread = [statistics.pvariance(column) for column in zip(*sentences, strict=True)]
    assert float(found[3]) == pytest.approx(statistics.fmean(spread), rel=1e-6)


def test_masked_lm_and_detection_losses_equal_a_loop(parties: Parties):
    weights = {"hidden_weight": 0.0, "masked_lm_weight": 2.0, "rtd_weight": 5.0}
    objective, teacher, batch = prepared(parties, **weights)
    output = objective(teacher.targets_for(batch, "masked"), **batch)
    student, rest = objective.student, (batch["attention_mask"], batch["token_type_ids"])
    with torch.no_grad():
        logits = student(batch["input_ids"], *rest).logits.flatten(0, 1)
        corrupted, masked_lm = batch["original_ids"].clone().flatten(), 0.0
        for place, draw in zip(
            batch["masked_positions"].tolist(), batch["uniform_samples"].tolist(), strict=True
        ):
            chances = logits[place].softmax(dim=0)
            masked_lm -= math.log(float(chances[corrupted[place]]))
            reached = 0.0
            for token, chance in enumerate(chances.tolist()):
                reached += chance
                if draw < reached:
                    corrupted[place] = token
                    break
        corrupted = corrupted.view_as(batch["original_ids"])
        hidden = student.encoder(corrupted, *rest).last_hidden_state
        scores = student.replaced_token_head(hidden)
    detection, words = 0.0, 0
    for row, place in batch["maskable"].nonzero().tolist():
        replaced = corrupted[row, place] != batch["original_ids"][row, place]
        probability = 1 / (1 + math.exp(-float(scores[row, place])))
        detection -= math.log(probability if replaced else 1 - probability)
        words += 1
    assert output.masked_lm_loss.item() == pytest.approx(masked_lm, rel=1e-4)
    assert output.detection_loss.item() == pytest.approx(detection, rel=1e-4)
    expected = 2.0 * masked_lm / len(batch["masked_positions"]) + 5.0 * detection / words
    assert output.loss.item() == pytest.approx(expected, rel=1e-4)


def test_attention_maps_are_compared_head_by_head(parties: Parties):
    objective, teacher, batch = prepared(
        parties, attention_weight=1.0, hidden_weight=0.0, masked_lm_weight=0.0
    )
    output = objective(teacher.targets_for(batch, "masked"), **batch)
    ours = row_by_row(objective.encoder, batch["input_ids"], batch).attentions
    theirs = row_by_row(teacher.encoder, batch["input_ids"], batch).attentions
    expected = 0.0
    for number, layer in enumerate([1, 3]):
        for position, head in enumerate(teacher.kept_heads[number]):
            for row, place in batch["attention_mask"].nonzero().tolist():
                p, q = theirs[layer][row, head, place].tolist(), ours[number][row, position, place].tolist()
                expected += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True) if a > 1e-9) / 4
    tokens = int(batch["attention_mask"].sum())
    assert output.loss.item() == pytest.approx(expected / tokens, rel=1e-3)
    assert output.attention_error.item() == pytest.approx(expected, rel=1e-3)


def test_equal_maps_have_no_error():
    maps = [torch.rand(2, 3, 5, 5).softmax(dim=-1)]
    assert attention_error(maps, maps, torch.ones(2, 5, dtype=torch.long)).item() == 0.0


def test_a_step_of_two_parts_has_the_gradient_of_one(parties: Parties):
    """What is divided by is that of the whole step, so parts of unequal length count by their tokens."""
    objective, teacher, batch = prepared(parties, rtd_weight=4.0, sentence_embedding_weight=0.5)
    objective(teacher.targets_for(batch, "masked"), **batch).loss.backward()
    whole = [parameter.grad.clone() for parameter in objective.parameters() if parameter.grad is not None]
    objective.zero_grad()
    width = batch["input_ids"].shape[1]
    totals = {
        "token_total": float(batch["attention_mask"].sum()),
        "masked_total": float(len(batch["masked_positions"])),
        "maskable_total": float(batch["maskable"].sum()),
    }
    for rows in (range(2), range(2, 6)):
        mine = (batch["masked_positions"] // width >= rows[0]) & (
            batch["masked_positions"] // width <= rows[-1]
        )
        part = {
            n: t[rows[0] : rows[-1] + 1]
            for n, t in batch.items()
            if n not in ("masked_positions", "uniform_samples")
        }
        part["masked_positions"] = batch["masked_positions"][mine] - rows[0] * width
        part["uniform_samples"] = batch["uniform_samples"][mine]
        objective(teacher.targets_for(part, "masked"), **part, **totals).loss.backward()
    parts = [parameter.grad for parameter in objective.parameters() if parameter.grad is not None]
    assert len(parts) > 30
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-3)


def test_new_parts_learn_at_their_own_rate(parties: Parties):
    objective, _, _ = prepared(parties, learning_rate=1e-4, new_learning_rate=1e-2, rtd_weight=1.0)
    names = {id(parameter): name for name, parameter in objective.student.named_parameters()}
    rates = {names[id(p)]: group["lr"] for group in make_student_optimizer(objective, objective.settings).param_groups
             for p in group["params"]}  # fmt: skip
    assert sorted(rates) == sorted(names.values())
    fast = {name.split(".", 2)[-1] for name, rate in rates.items() if rate == 1e-2}
    assert {"attention.convolution.span_key.depthwise"} <= {name.split(".", 1)[-1] for name in fast}
    assert rates["encoder.embeddings.word.weight"] == rates["encoder.layers.0.attention.query.weight"] == 1e-4
    assert rates["encoder.embeddings.projection.weight"] == rates["masked_lm_head.dense.weight"] == 1e-2
    assert rates["replaced_token_head.output.bias"] == 1e-2
