"""The defaults of fine-tuning are the authors' recipe; impossible values are named."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from convbert_edu import ConvBertConfig, ConvBertForSequenceClassification
from convbert_edu.finetuning.settings import FinetuneSettings
from convbert_edu.finetuning.tasks import TASKS, Classification, QuestionAnswering
from convbert_edu.training.optimizer import make_optimizer
from convbert_edu.training.run_checkpoint import load_checkpoint, save_checkpoint


def test_the_defaults_are_the_authors():
    """3e-4 (base: 1e-4), decay 0.8, warm-up 10%, batch 32, 3 epochs of 128 tokens; SQuAD 2 epochs of 512."""
    settings = FinetuneSettings.recipe(Classification(), ConvBertConfig.small())
    assert settings == FinetuneSettings()
    assert (settings.learning_rate, settings.layer_decay, settings.warmup_fraction) == (3e-4, 0.8, 0.1)
    assert (settings.batch_size, settings.epochs, settings.weight_decay, settings.max_grad_norm) == (
        32,
        3,
        0.01,
        1.0,
    )
    assert FinetuneSettings.recipe(Classification(), ConvBertConfig.medium_small()).learning_rate == 3e-4
    assert FinetuneSettings.recipe(Classification(), ConvBertConfig.base()).learning_rate == 1e-4
    assert (
        FinetuneSettings.recipe(Classification(), ConvBertConfig.base(), learning_rate=1.0).learning_rate == 1
    )
    changed = FinetuneSettings.recipe(
        Classification(), ConvBertConfig.tiny(), config={"hidden_dropout_prob": 0.2}
    )
    assert changed.config == {"hidden_dropout_prob": 0.2}
    for name, task in TASKS.items():
        epochs, length = (2, 512) if name == "question-answering" else (3, 128)
        settings = FinetuneSettings.recipe(task(), ConvBertConfig.small())
        assert (settings.epochs, settings.row_length(task(), ConvBertConfig.small())) == (epochs, length), (
            name
        )


def test_rates_of_every_parameter_of_the_small_model_equal_a_table_made_by_hand():
    """12 layers, 3e-4: the head 3e-4, layer 11 times 0.8^2, layer 0 times 0.8^13, the embeddings times 0.8^14."""
    by_hand = {
        "classification_head": 3e-4,
        "encoder.layers.11": 1.92e-4, "encoder.layers.10": 1.536e-4, "encoder.layers.9": 1.2288e-4,
        "encoder.layers.8": 9.8304e-5, "encoder.layers.7": 7.86432e-5, "encoder.layers.6": 6.291456e-5,
        "encoder.layers.5": 5.0331648e-5, "encoder.layers.4": 4.02653184e-5, "encoder.layers.3": 3.221225472e-5,
        "encoder.layers.2": 2.5769803776e-5, "encoder.layers.1": 2.06158430208e-5,
        "encoder.layers.0": 1.649267441664e-5, "encoder.embeddings": 1.3194139533312e-5,
    }  # fmt: skip
    config = ConvBertConfig.small(vocab_size=50, hidden_size=32, intermediate_size=16, embedding_size=8)
    model = ConvBertForSequenceClassification(config)
    settings = FinetuneSettings.recipe(Classification(), config)
    optimizer = make_optimizer(model, settings.learning_rate, settings.weight_decay, settings.layer_decay)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    found = set()
    for name, parameter in model.named_parameters():
        (prefix,) = [prefix for prefix in by_hand if name.startswith(f"{prefix}.")]
        assert rates[id(parameter)] == pytest.approx(by_hand[prefix], rel=1e-12), name
        found.add(prefix)
    assert found == by_hand.keys()


def test_rows_are_no_longer_than_the_model_can_read():
    short = ConvBertConfig.tiny(max_position_embeddings=64)
    assert FinetuneSettings().row_length(QuestionAnswering(), short) == 64
    assert FinetuneSettings(max_length=60).row_length(QuestionAnswering(), short) == 60
    with pytest.raises(ValueError, match="max_length is 65, but the model reads at most"):
        FinetuneSettings(max_length=65).row_length(QuestionAnswering(), short)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs is 0; it must be at least 1"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"gradient_accumulation_steps": 0}, "gradient_accumulation_steps is 0"),
        ({"evaluation_batch_size": 0}, "evaluation_batch_size is 0"),
        ({"log_every": 0}, "log_every is 0"),
        ({"learning_rate": 0.0}, r"learning_rate is 0.0; it must be above 0"),
        ({"max_grad_norm": -1.0}, r"max_grad_norm is -1.0"),
        ({"weight_decay": -0.1}, r"weight_decay is -0.1; it must be at least 0"),
        ({"layer_decay": 0.0}, r"layer_decay is 0.0; it must be above 0 and up to 1"),
        ({"layer_decay": 1.1}, r"layer_decay is 1.1"),
        ({"warmup_fraction": 1.0}, r"warmup_fraction is 1.0; it must be from 0 to below 1"),
        ({"dropout": 1.0}, "dropout is 1.0; it must be from 0 to below 1, or None"),
        ({"dropout": -0.1}, "dropout is -0.1"),
        ({"precision": "float16"}, "precision is 'float16'; choose one of auto, float32, bfloat16"),
        # [CLS] and [SEP] alone: nothing of the text would be read.
        ({"max_length": 2}, "max_length is 2; it must be at least 3, or None"),
        ({"patience": 0}, "patience is 0"),
        ({"threads": 0}, "threads is 0"),
        ({"config": {"extra": {}}}, r"config has \['extra'\], which ConvBertConfig does not have"),
        ({"config": {"hiden_size": 7}}, r"config has \['hiden_size'\], which ConvBertConfig does not .* hidden_size"),
    ],
)
def test_a_value_that_cannot_work_is_named(changes: dict, message: str):
    with pytest.raises(ValueError, match=message):
        FinetuneSettings(**changes)


@pytest.mark.usefixtures("as_a_user")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 1.5}, "epochs is 1.5; it must be a whole number"),
        ({"learning_rate": "3e-4"}, "learning_rate is '3e-4'; it must be a number"),
        ({"patience": True}, r"patience is True; it must be a whole number or None \(null\)"),
        ({"config": [1]}, r"config is \[1\]; it must be an object"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(changes: dict, message: str):
    with pytest.raises(ValueError, match=message):
        FinetuneSettings(**changes)


@pytest.mark.usefixtures("as_a_user")
def test_an_option_of_the_wrong_type_is_named():
    with pytest.raises(ValueError, match="windows is '2'; it must be a whole number"):
        Classification(windows="2")
    with pytest.raises(ValueError, match=r"windows is 2\.0; it must be a whole number"):
        Classification(windows=2.0)


@pytest.mark.usefixtures("as_a_user")
def test_what_a_loop_over_numpy_gives_can_be_written_and_read_again(tmp_path: Path):
    """np.logspace and np.arange give numbers that JSON cannot hold, and that no checkpoint may hold."""
    settings = FinetuneSettings(
        epochs=np.int64(2), learning_rate=np.float64(1e-3), seed=np.arange(3)[1],
        config={"hidden_dropout_prob": np.float64(0.25)}, task_options={"windows": np.int64(2)},
    )  # fmt: skip
    task = Classification(windows=np.int64(2), threshold=np.float64(0.25))
    state = {"settings": settings.to_dict(), "task": dataclasses.asdict(task)}
    assert json.loads(json.dumps(state)) == state
    assert load_checkpoint(save_checkpoint(tmp_path, 1, state), torch.device("cpu")) == state
    assert (settings.learning_rate, settings.epochs, settings.seed, task.windows) == (1e-3, 2, 1, 2)


def test_whole_numbers_will_do_where_fractions_are_wanted():
    settings = FinetuneSettings.from_dict({"dropout": 0, "learning_rate": 1})
    assert (settings.dropout, settings.learning_rate) == (0.0, 1.0)
    assert isinstance(settings.dropout, float)
    assert FinetuneSettings.from_dict({"dropout": None}).dropout is None
