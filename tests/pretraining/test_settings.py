"""Settings: every impossible value is named, and JSON gives back what was written."""

import json
from pathlib import Path

import pytest

from convbert_edu.pretraining.settings import PretrainSettings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"objective": "next_word"}, "objective is 'next_word'; choose one of masked_lm, replaced_token"),
        ({"preset": "huge"}, "preset is 'huge'; choose one of tiny"),
        ({"precision": "float16"}, "precision is 'float16'"),
        ({"steps": 0}, "steps is 0; it must be at least 1"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"gradient_accumulation_steps": 0}, "gradient_accumulation_steps is 0"),
        ({"learning_rate": 0.0}, r"learning_rate is 0.0; it must be above 0"),
        ({"max_grad_norm": -1.0}, r"max_grad_norm is -1.0"),
        ({"dropout": 1.0}, r"dropout is 1.0; it must be from 0 to below 1"),
        ({"beta2": 1.0}, r"beta2 is 1.0"),
        ({"mask_probability": 0.0}, r"mask_probability is 0.0; it must be above 0 and up to 1"),
        ({"mask_share": 1.1}, r"mask_share is 1.1"),
        ({"generator_fraction": 2.0}, r"generator_fraction is 2.0"),
        ({"rtd_weight": -50.0}, r"rtd_weight is -50.0"),
        ({"warmup_steps": 10_000}, r"warmup_steps is 10000; it must be from 0 to below steps \(10000\)"),
        ({"threads": 0}, "threads is 0"),
        ({"max_length": 2}, "max_length is 2; it must be at least 3, or None"),
        ({"evaluate_every": -1}, "evaluate_every is -1"),
        ({"freeze_generator": True}, "freeze_generator is true; that needs .* start_generator"),
        ({"sizes": {"layers": 2}}, r"sizes has \['layers'\], which ConvBertConfig does not have; .*num_hidden_layers"),
        ({"generator_sizes": {"k": 5}}, r"generator_sizes has \['k'\]"),
        (
            {"objective": "masked_lm", "start_discriminator": "here"},
            "start_discriminator is 'here', but objective 'masked_lm' trains no discriminator; .* start_generator",
        ),
        ({"cls_mlm_weight": 0.5}, "cls_mlm_weight is 0.5; it works with objective 'masked_lm' only"),
    ],
)
def test_a_value_that_cannot_work_is_named(changes: dict, message: str):
    with pytest.raises(ValueError, match=message):
        PretrainSettings(**changes)


def test_settings_survive_json(tmp_path: Path):
    settings = PretrainSettings(
        objective="masked_lm", sizes={"hidden_size": 64}, max_length=64, cls_mlm_weight=1.0
    )
    (tmp_path / "settings.json").write_text(json.dumps(settings.to_dict()))
    assert PretrainSettings.load(tmp_path / "settings.json") == settings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"learningrate": 1e-3},
            r"no settings called \['learningrate'\]; the settings are objective, preset",
        ),
        ({"steps": "many"}, "steps is 'many'; it must be a whole number"),
        ({"steps": 10.5}, "steps is 10.5; it must be a whole number"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'"),
        ({"sizes": [1, 2]}, r"sizes is \[1, 2\]"),
        ({"max_length": "long"}, r"max_length is 'long'; it must be a whole number or None \(null\)"),
        ({"freeze_generator": "yes"}, "freeze_generator is 'yes'; it must be true or false"),
        ({"steps": True}, "steps is True; it must be a whole number"),
    ],
)
def test_unknown_names_and_wrong_types_are_named(values: dict, message: str):
    with pytest.raises(ValueError, match=message):
        PretrainSettings.from_dict(values)


@pytest.mark.usefixtures("as_a_user")
def test_a_path_does_for_the_name_of_a_folder():
    """The record of a run is JSON, which has no paths."""
    settings = PretrainSettings(start_generator=Path("models", "generator"))
    assert json.loads(json.dumps(settings.to_dict()))["start_generator"] == str(Path("models", "generator"))


def test_whole_numbers_do_for_fractions():
    settings = PretrainSettings.from_dict({"learning_rate": 1, "checkpoint_minutes": 5})
    assert (settings.learning_rate, settings.checkpoint_minutes) == (1.0, 5.0)


def test_preset_sizes_and_vocabulary_make_the_configuration():
    config = PretrainSettings(preset="small", sizes={"num_hidden_layers": 3}).model_config(5000, 0)
    assert (config.hidden_size, config.num_hidden_layers, config.vocab_size, config.pad_token_id) == (
        256,
        3,
        5000,
        0,
    )
