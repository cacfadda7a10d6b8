"""ONE table of names: the same parameter in this package, in transformers and in the authors' TensorFlow 1 code.

Our names follow the paper; the other two are what people's files contain. Every reader and writer of
checkpoints goes through this table, in either direction. Lesson 06 prints the rows of one layer, and loads published
weights into the reader's own model with them: `name_table(config)`.
"""

from typing import NamedTuple

from torch import nn

from convbert_edu.config import ConvBertConfig

# transformers puts this in front of the encoder's names inside a model with a head, and leaves it out in a bare
# encoder; our models with a head hold the encoder under OUR_PREFIX.
TRANSFORMERS_PREFIX = "convbert."
OUR_PREFIX = "encoder."


class Names(NamedTuple):
    """One parameter under its three names, and how its axes lie in the other two."""

    ours: str
    transformers: str
    tensorflow: str
    # Or "transposed"; then axes of length one are dropped.
    tensorflow_layout: str = "same"
    # Where transformers has one more axis, of length one (its Conv1d).
    transformers_axis: int | None = None


def name_table(config: ConvBertConfig) -> list[Names]:
    """Return the names of every parameter of the encoder and of all heads, in reading order."""
    return encoder_names(config) + head_names()


def names_of(model: nn.Module) -> dict[str, Names]:
    """Return the row of each parameter of a model, by its full name here.

    A head that stands in no row keeps its names in every file: it is your own, and nobody else calls it otherwise.
    """
    rows = {row.ours: row for row in name_table(model.config)}
    parameters = [name for name, _ in model.named_parameters()]
    if any(name.startswith(OUR_PREFIX) for name in parameters):
        heads = [name for name in parameters if not name.startswith(OUR_PREFIX)]
        rows = {name: Names(name, name, "") for name in heads} | rows
    return {name: rows[name.removeprefix(OUR_PREFIX)] for name in parameters}


def encoder_names(config: ConvBertConfig) -> list[Names]:
    """Return the names of the encoder's parameters, without any prefix."""
    rows = [
        Names("embeddings.word.weight", "embeddings.word_embeddings.weight", "embeddings/word_embeddings"),
        Names(
            "embeddings.position.weight",
            "embeddings.position_embeddings.weight",
            "embeddings/position_embeddings",
        ),
        Names(
            "embeddings.token_type.weight",
            "embeddings.token_type_embeddings.weight",
            "embeddings/token_type_embeddings",
        ),
        *_norm("embeddings.layer_norm", "embeddings.LayerNorm", "embeddings/LayerNorm"),
    ]
    if config.embedding_size != config.hidden_size:
        rows += _dense("embeddings.projection", "embeddings_project", "embeddings_project")
    for layer in range(config.num_hidden_layers):
        rows += _layer_names(layer, config)
    if config.attention_only:
        rows = [row for row in rows if ".convolution." not in row.ours]
    if config.shared_values:
        rows = [row for row in rows if ".convolution.value." not in row.ours]
    return rows


def _layer_names(layer: int, config: ConvBertConfig) -> list[Names]:
    ours, theirs, tf = f"layers.{layer}", f"encoder.layer.{layer}", f"encoder/layer_{layer}"
    heads, their_heads, tf_heads = f"{ours}.attention", f"{theirs}.attention.self", f"{tf}/attention/self"
    conv = f"{heads}.convolution"
    feed = _grouped if config.num_groups > 1 else _dense
    tf_feed = "g_dense" if config.num_groups > 1 else "dense"
    return [
        *_dense(f"{heads}.query", f"{their_heads}.query", f"{tf_heads}/query"),
        *_dense(f"{heads}.self_attention.key", f"{their_heads}.key", f"{tf_heads}/key"),
        *_dense(f"{heads}.self_attention.value", f"{their_heads}.value", f"{tf_heads}/value"),
        *_dense(f"{conv}.value", f"{their_heads}.conv_out_layer", f"{tf_heads}/conv_attn_point"),
        *_kernel_names(conv, their_heads, tf_heads, config.convolution),
        *_dense(f"{heads}.output", f"{theirs}.attention.output.dense", f"{tf}/attention/output/dense"),
        *_norm(
            f"{ours}.attention_norm",
            f"{theirs}.attention.output.LayerNorm",
            f"{tf}/attention/output/LayerNorm",
        ),
        *feed(f"{ours}.feed_forward.expand", f"{theirs}.intermediate.dense", f"{tf}/intermediate/{tf_feed}"),
        *feed(f"{ours}.feed_forward.contract", f"{theirs}.output.dense", f"{tf}/output/{tf_feed}"),
        *_norm(f"{ours}.feed_forward_norm", f"{theirs}.output.LayerNorm", f"{tf}/output/LayerNorm"),
    ]


def _kernel_names(conv: str, their_heads: str, tf_heads: str, kind: str) -> list[Names]:
    """Return what the kernels are made from; the other two have the kind "span" only, so the rest keeps our names."""
    their_key, tf_key = f"{their_heads}.key_conv_attn_layer", f"{tf_heads}/conv_attn_key"
    if kind == "fixed":
        return [Names(f"{conv}.kernel", f"{conv}.kernel", "")]
    if kind == "dynamic":
        return _dense(f"{conv}.kernel", f"{conv}.kernel", "")
    return [
        Names(
            f"{conv}.span_key.depthwise",
            f"{their_key}.depthwise.weight",
            f"{tf_key}/depthwise_kernel",
            "transposed",
            transformers_axis=1,
        ),
        Names(
            f"{conv}.span_key.pointwise.weight",
            f"{their_key}.pointwise.weight",
            f"{tf_key}/pointwise_kernel",
            "transposed",
            transformers_axis=2,
        ),
        Names(f"{conv}.span_key.bias", f"{their_key}.bias", f"{tf_key}/bias", transformers_axis=1),
        *_dense(f"{conv}.kernel", f"{their_heads}.conv_kernel_layer", f"{tf_heads}/conv_attn_kernel"),
    ]


def head_names() -> list[Names]:
    """Return the names of all heads; "" stands where one side has no such head."""
    generator, discriminator = "generator_predictions", "discriminator_predictions"
    return [
        *_dense("masked_lm_head.dense", f"{generator}.dense", f"{generator}/dense"),
        *_norm("masked_lm_head.layer_norm", f"{generator}.LayerNorm", f"{generator}/LayerNorm"),
        # The weight is the embedding matrix (tied), in all three; files usually leave it out.
        Names("masked_lm_head.decoder.weight", "generator_lm_head.weight", ""),
        Names("masked_lm_head.decoder.bias", "generator_lm_head.bias", f"{generator}/output_bias"),
        *_dense("replaced_token_head.dense", f"{discriminator}.dense", f"{discriminator}/dense"),
        *_dense(
            "replaced_token_head.output", f"{discriminator}.dense_prediction", f"{discriminator}/dense_1"
        ),
        *_dense("classification_head.dense", "classifier.dense", ""),
        *_dense("classification_head.output", "classifier.out_proj", ""),
        *_dense("token_classifier", "classifier", ""),
        *_dense("choice_scorer", "classifier", ""),
        *_dense("answer_span", "qa_outputs", ""),
    ]


def _dense(ours: str, theirs: str, tf: str) -> list[Names]:
    """Return the rows of a dense layer: PyTorch keeps its matrix as [out, in], TensorFlow as [in, out]."""
    return [
        Names(f"{ours}.weight", f"{theirs}.weight", tf and f"{tf}/kernel", "transposed"),
        Names(f"{ours}.bias", f"{theirs}.bias", tf and f"{tf}/bias"),
    ]


def _grouped(ours: str, theirs: str, tf: str) -> list[Names]:
    """Return the rows of a grouped dense layer: [groups, in, out] everywhere."""
    return [
        Names(f"{ours}.weight", f"{theirs}.weight", f"{tf}/kernel"),
        Names(f"{ours}.bias", f"{theirs}.bias", f"{tf}/bias"),
    ]


def _norm(ours: str, theirs: str, tf: str) -> list[Names]:
    """Return the rows of a LayerNorm, whose weight and bias TensorFlow calls gamma and beta."""
    return [
        Names(f"{ours}.weight", f"{theirs}.weight", f"{tf}/gamma"),
        Names(f"{ours}.bias", f"{theirs}.bias", f"{tf}/beta"),
    ]
