"""The training loop on tasks small enough to know the answer."""

from pathlib import Path

import pytest
import torch

from convbert_edu import ConvBertConfig, ConvBertForSequenceClassification
from convbert_edu.data.batching import EncodedRows, EncodedTexts
from convbert_edu.training.predict import accuracy, predict_logits
from convbert_edu.training.run_checkpoint import load_checkpoint, save_checkpoint
from convbert_edu.training.settings import TrainingSettings
from convbert_edu.training.trainer import SupervisedTrainer, plain_training_loop, train
from tolerance import AFTER_TWENTY_STEPS, assert_same_numbers, assert_same_training


def tiny_model(seed=0, dropout=0.1):
    torch.manual_seed(seed)
    sizes = dict(vocab_size=12, embedding_size=16, hidden_size=16, num_hidden_layers=1, intermediate_size=32)
    rates = dict(
        hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout, classifier_dropout=dropout
    )
    config = ConvBertConfig(**sizes, **rates, num_attention_heads=2, pad_token_id=0)
    return ConvBertForSequenceClassification(config)


def weights_of(model):
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def contains_token_5(count=200, seed=0):
    """Sentences of 4 to 9 tokens; the label says whether token 5 stands in them."""
    draw = torch.Generator().manual_seed(seed)
    rows, labels = [], []
    for number in range(count):
        length = int(torch.randint(4, 10, (1,), generator=draw))
        row = torch.randint(6, 12, (length,), generator=draw)
        if number % 2:
            row[int(torch.randint(1, length, (1,), generator=draw))] = 5
        rows.append([2, *row.tolist()])
        labels.append(number % 2)
    types = [[0] * len(row) for row in rows]
    return EncodedTexts(input_ids=rows, token_type_ids=types, labels=torch.tensor(labels), pad_token_id=0)


def test_the_loop_learns_a_rule_and_keeps_it_for_new_examples():
    model = tiny_model()
    history = train(model, contains_token_5(), TrainingSettings(epochs=15, learning_rate=5e-3))
    assert len(history.losses) == 15 * 7  # 200 examples in batches of 32
    assert history.losses[-1] < 0.2 < history.losses[0]
    assert accuracy(model, contains_token_5(seed=1)) > 0.9
    assert not model.training


@pytest.mark.usefixtures("float64")
def test_the_same_seed_gives_the_same_weights_and_another_does_not():
    weights = []
    for seed in (3, 3, 4):
        model = tiny_model()
        train(model, contains_token_5(64), TrainingSettings(epochs=1, seed=seed))
        weights.append(weights_of(model))
    assert_same_training(weights[0], weights[1])
    with pytest.raises(AssertionError):
        assert_same_training(weights[0], weights[2])


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_the_plain_loop_and_train_end_with_the_same_weights(dropout: float):
    """21 steps, the last one of each epoch with 8 examples in place of 32."""
    examples, settings = contains_token_5(), TrainingSettings(epochs=3, learning_rate=5e-3)
    plain, complete = tiny_model(dropout=dropout), tiny_model(dropout=dropout)
    start = {name: weight.clone() for name, weight in weights_of(plain).items()}
    losses = plain_training_loop(plain, examples, settings)
    history = train(complete, examples, settings, torch.device("cpu"))
    assert len(losses) == len(history.losses) == 21
    assert losses == pytest.approx(history.losses, abs=AFTER_TWENTY_STEPS)
    assert_same_training(weights_of(complete), weights_of(plain))
    assert not plain.training
    with pytest.raises(AssertionError):
        assert_same_training(weights_of(plain), start)


@pytest.mark.usefixtures("float64")
def test_dropout_changes_what_the_plain_loop_learns():
    """So that the test above does not compare two models whose dropout is off."""
    settings = TrainingSettings(epochs=3, learning_rate=5e-3)
    models = [tiny_model(dropout=dropout) for dropout in (0.0, 0.3)]
    for model in models:
        plain_training_loop(model, contains_token_5(), settings)
    with pytest.raises(AssertionError):
        assert_same_training(*map(weights_of, models))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("micro_batches", [2, 4, 32])
def test_accumulated_micro_batches_equal_one_large_batch(micro_batches: int):
    """21 steps. The last one of each epoch has 8 examples: some micro-batches of it are empty."""
    weights = []
    for count in (1, micro_batches):
        settings = TrainingSettings(
            epochs=3, learning_rate=5e-3, batch_size=32 // count, gradient_accumulation_steps=count
        )
        model = tiny_model(dropout=0.0)
        assert len(train(model, contains_token_5(), settings, torch.device("cpu")).losses) == 21
        weights.append(weights_of(model))
    assert_same_training(weights[1], weights[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        # As PyTorch calls it: it would have been trained in float32, without a word.
        ({"precision": "bf16"}, "precision is 'bf16'; choose one of auto, float32, bfloat16"),
        ({"epochs": 0}, "epochs is 0; it must be at least 1"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"gradient_accumulation_steps": 0}, "gradient_accumulation_steps is 0"),
        ({"learning_rate": 0.0}, r"learning_rate is 0.0; it must be above 0"),
        ({"weight_decay": -0.1}, r"weight_decay is -0.1; it must be at least 0"),
        ({"layer_decay": 0.0}, r"layer_decay is 0.0; it must be above 0 and up to 1"),
        ({"warmup_fraction": -0.1}, r"warmup_fraction is -0.1; it must be from 0 to below 1"),
        ({"max_grad_norm": 0.0}, r"max_grad_norm is 0.0; it must be above 0"),
        ({"dropout": 1.5}, r"dropout is 1.5; it must be from 0 to below 1, or None"),
    ],
)
def test_a_setting_of_the_loop_that_cannot_work_is_named(changes: dict, message: str):
    with pytest.raises(ValueError, match=message):
        TrainingSettings(**changes)


def test_examples_without_rows_or_without_targets_are_refused():
    rows = dict(input_ids=[[2, 5]], token_type_ids=[[0, 0]], pad_token_id=0)
    none = EncodedTexts(input_ids=[], token_type_ids=[], pad_token_id=0, labels=torch.tensor([]))
    for examples, message in (
        (none, "there are no examples to learn from"),
        (EncodedRows(**rows), "input_ids, token_type_ids, attention_mask, but neither labels nor start_positions"),
    ):
        with pytest.raises(ValueError, match=message):
            train(tiny_model(), examples)


def test_predictions_come_in_the_order_of_the_examples():
    model, examples = tiny_model().eval(), contains_token_5(50)
    model.config.mask_convolution = True  # so that a score does not depend on the padding of its batch
    scores = predict_logits(model, examples, batch_size=8)
    for row in range(50):
        assert_same_numbers(scores[row], model(**examples.batch([row])).logits[0])


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_step():
    model = tiny_model()
    model.classification_head.output.weight.data.fill_(float("nan"))
    with pytest.raises(ArithmeticError, match="the loss is nan at step 1"):
        train(model, contains_token_5(32), TrainingSettings(epochs=1))


def test_a_checkpoint_brings_back_weights_optimiser_and_schedule_bit_for_bit(tmp_path: Path):
    first, second = (
        SupervisedTrainer(tiny_model(seed), contains_token_5(64), TrainingSettings(epochs=2))
        for seed in (0, 1)
    )
    for epoch, rows in list(first.batches())[:3]:
        first.training_step(epoch, rows)
    second.load_state_dict(
        load_checkpoint(save_checkpoint(tmp_path, 3, first.state_dict()), torch.device("cpu"))
    )
    found, saved = second.state_dict(), first.state_dict()
    torch.testing.assert_close(found["model"], saved["model"], rtol=0, atol=0)
    assert len(saved["optimizer"]["state"]) > 10
    torch.testing.assert_close(found["optimizer"]["state"], saved["optimizer"]["state"], rtol=0, atol=0)
    assert found["optimizer"]["param_groups"] == saved["optimizer"]["param_groups"]
    assert (found["schedule"], found["global_step"]) == (saved["schedule"], 3)
