"""BERT to compare with: the same arithmetic as transformers' ELECTRA, which is BERT with an embedding projection."""

import pytest
import torch
import transformers

from convbert_edu import ConvBertConfig, ConvBertForMaskedLM, ConvBertForPreTraining, ConvBertModel
from convbert_edu.checkpoints.loading import to_transformers_names
from convbert_edu.pretraining.objectives import MaskedLMObjective, generator_config
from convbert_edu.pretraining.settings import PretrainSettings
from convbert_edu.pretraining.setup import make_objective
from convbert_edu.tokenizer import ConvBertTokenizer
from helpers import randomise, tiny_config
from tolerance import assert_same_numbers

PAIRS = {
    ConvBertForMaskedLM: transformers.ElectraForMaskedLM,
    ConvBertForPreTraining: transformers.ElectraForPreTraining,
}


def bert(**changes) -> ConvBertConfig:
    return tiny_config(attention_only=True, num_groups=1, pad_token_id=0, **changes)


@pytest.mark.parametrize("kind", PAIRS)
def test_it_equals_bert_with_padding_and_gradients(kind):
    config = bert()
    ours = kind(config).double().eval()
    randomise(ours)
    fields = (
        "vocab_size embedding_size hidden_size num_hidden_layers num_attention_heads intermediate_size "
        "max_position_embeddings pad_token_id layer_norm_eps".split()
    )
    theirs = PAIRS[kind](transformers.ElectraConfig(**{name: getattr(config, name) for name in fields}))
    theirs.set_attn_implementation("eager")
    theirs = theirs.double().eval()
    named = {name.replace("convbert.", "electra."): w for name, w in to_transformers_names(ours).items()}
    missing, unexpected = theirs.load_state_dict(named, strict=False)
    assert unexpected == []
    assert set(missing) <= {"generator_lm_head.weight"}  # tied

    ids = torch.randint(1, 99, (2, 9))
    mask = torch.ones_like(ids)
    mask[1, 6:] = 0
    mine = ours(ids, mask, output_attentions=True)
    reference = theirs(ids, mask, output_attentions=True)
    assert_same_numbers(mine.logits[mask == 1], reference.logits[mask == 1])
    for one, other in zip(mine.attentions, reference.attentions, strict=True):
        assert_same_numbers(one[0], other[0])

    gradients = [
        torch.autograd.grad(model.logits[mask == 1].square().sum(), weights)
        for model, weights in (
            (mine, ours.encoder.layers[0].attention.query.weight),
            (reference, theirs.electra.encoder.layer[0].attention.self.query.weight),
        )
    ]
    assert_same_numbers(*gradients)


def test_padding_does_not_leak():
    model = ConvBertModel(bert()).double().eval()
    randomise(model)
    ids = torch.randint(1, 99, (1, 7))
    padded = torch.cat([ids, torch.zeros(1, 5, dtype=torch.long)], dim=1)
    mask = (torch.arange(12) < 7).long().unsqueeze(0)
    assert_same_numbers(model(padded, mask).last_hidden_state[:, :7], model(ids).last_hidden_state)


def test_all_heads_are_attention_and_there_are_no_kernels():
    config = bert(head_ratio=2)
    assert (config.num_heads_per_branch, config.head_size, config.branch_size) == (4, 8, 32)
    result = ConvBertModel(config)(
        torch.ones(1, 5, dtype=torch.long), output_attentions=True, output_conv_kernels=True
    )
    assert result.attentions[0].shape == (1, 4, 5, 5)
    assert result.conv_kernels is None


def test_it_is_saved_and_loaded_and_transformers_refuses_it(tmp_path):
    model = ConvBertForMaskedLM(bert()).eval()
    randomise(model)
    model.save_pretrained(tmp_path)
    loaded = ConvBertForMaskedLM.from_pretrained(tmp_path)
    assert loaded.config.attention_only
    ids = torch.randint(1, 99, (1, 7))
    assert_same_numbers(loaded(ids).logits, model(ids).logits)
    with pytest.raises(RuntimeError, match=r"size mismatch|mismatched"):
        transformers.ConvBertForMaskedLM.from_pretrained(tmp_path)


def test_its_generator_is_of_the_same_kind():
    config = generator_config(ConvBertConfig.tiny(attention_only=True))
    assert config.attention_only
    assert (config.hidden_size, config.num_heads_per_branch) == (32, 1)


@pytest.mark.parametrize("objective", ["masked_lm", "replaced_token"])
def test_pretraining_can_train_it_by_a_setting(objective):
    tokenizer = ConvBertTokenizer(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"])
    settings = PretrainSettings(objective=objective, sizes={"attention_only": True, "num_hidden_layers": 1})
    built = make_objective(settings, tokenizer, max_length=8)
    models = [built.generator]
    if not isinstance(built, MaskedLMObjective):
        models.append(built.discriminator)
    assert all(model.config.attention_only for model in models)
    assert not any("convolution" in name for name, _ in built.named_parameters())


def test_heads_must_divide_the_width():
    with pytest.raises(
        ValueError, match=r"hidden_size is 32; it must be a multiple of num_attention_heads \(5\)"
    ):
        tiny_config(attention_only=True, num_attention_heads=5, head_ratio=1)
