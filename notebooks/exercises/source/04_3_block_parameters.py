"""Exercise 04.3: the parameters of a block of mixed attention, counted by hand (lesson 04, section 8)."""

from convbert_edu import ConvBertConfig
from convbert_edu.exercises.definition import Case, Exercise, Mistake
from convbert_edu.nano import MixedAttention


def block_parameters(d, a, h, k):
    """Return the number of weights and biases of MixedAttention, part by part."""
    dense = d * a + a
    return {
        "query": dense,
        "key": dense,
        "value": dense,
        "span-aware key": d * k + d * a + a,
        "kernel": a * h * k + h * k,
        "values of the convolution": dense,
        "output": 2 * a * d + d,
    }


def by_a_function(d, a, h, k):
    """One function counts every dense layer."""

    def layer(inputs, outputs, bias=True):
        return inputs * outputs + outputs * bias

    count = dict.fromkeys(("query", "key", "value", "values of the convolution"), layer(d, a))
    count["span-aware key"] = layer(d, a) + layer(1, d * k, bias=False)
    return count | {"kernel": layer(a, h * k), "output": layer(2 * a, d)}


def by_building(d, a, h, k):
    """The class itself is built and counted."""
    config = ConvBertConfig.tiny(
        hidden_size=d,
        num_attention_heads=h * d // a,
        head_ratio=d // a,
        conv_kernel_size=k,
        gamma_bottleneck=True,
    )
    block = MixedAttention(config)
    parts = {
        "query": block.query,
        "key": block.self_attention.key,
        "value": block.self_attention.value,
        "span-aware key": block.convolution.span_key,
        "kernel": block.convolution.kernel,
        "values of the convolution": block.convolution.value,
        "output": block.output,
    }
    return {name: sum(each.numel() for each in part.parameters()) for name, part in parts.items()}


def by_factoring(d, a, h, k):
    """A bias is one more row of the matrix."""
    four = dict.fromkeys(("query", "key", "value", "values of the convolution"), (d + 1) * a)
    return {
        **four,
        "span-aware key": (d + 1) * a + k * d,
        "kernel": (a + 1) * k * h,
        "output": d * (2 * a + 1),
    }


def cases():
    """Three sizes, ConvBERT-base among them."""
    for name, d, a, h, k in (
        ("ConvBERT-base", 768, 384, 6, 9),
        ("tiny", 128, 64, 2, 9),
        ("a quarter", 96, 24, 3, 5),
    ):
        yield Case(name, (d, a, h, k))


def shown(block_parameters):
    """The sum at the sizes of ConvBERT-base."""
    assert sum(block_parameters(768, 384, 6, 9).values()) == 2_094_774


EXERCISE = Exercise(
    number="04.3",
    title="The parameters of a block",
    difficulty="easy",
    minutes=15,
    task=r"""
Write `block_parameters(d, a, h, k)`. It returns a dictionary from the parts of `MixedAttention` to the numbers of
their weights and biases. The parts are `"query"`, `"key"`, `"value"`, `"span-aware key"`, `"kernel"` (the layer
$W_f$), `"values of the convolution"` and `"output"` (the layer $W_O$).
""",
    solution=block_parameters,
    cases=cases,
    shown=shown,
    hints=[
        "A dense layer from x to y has x y weights and y biases.",
        "The span-aware key has a filter [d, k] without a bias, a matrix [d, a] without one, and then one "
        "bias.",
        "The kernel layer makes k numbers for each of h heads out of a vector of length a.",
    ],
    mistakes=[
        Mistake(
            "no biases in the dense layers",
            [("dense = d * a + a", "dense = d * a")],
            "The dense layers for query, key and values have biases, too.",
        ),
        Mistake(
            "the biases are as long as the input",
            [("dense = d * a + a", "dense = d * a + d")],
            "A bias is as long as the output of its layer.",
        ),
        Mistake(
            "the kernel layer makes one kernel",
            [("a * h * k + h * k", "a * k + k")],
            "How many kernels does the kernel layer make for a token?",
        ),
        Mistake(
            "no bias in the kernel layer",
            [("a * h * k + h * k", "a * h * k")],
            "The kernel layer has a bias, too: one number for each weight of each kernel.",
        ),
        Mistake(
            "the kernel layer starts from d",
            [("a * h * k + h * k", "d * h * k + h * k")],
            "The kernel layer reads Q * K_s. How long is that vector?",
        ),
        Mistake(
            "the depthwise filter has a bias",
            [("d * k + d * a + a", "d * k + d + d * a + a")],
            "The depthwise filter has no bias of its own.",
        ),
        Mistake(
            "the filter mixes channels",
            [("d * k + d * a + a", "d * d * k + d * a + a")],
            "A depthwise filter has k numbers for each channel; it does not mix channels.",
        ),
        Mistake(
            "the filter is forgotten",
            [("d * k + d * a + a", "d * a + a")],
            "The span-aware key has a filter before its matrix.",
        ),
        Mistake(
            "the output layer starts from d",
            [("2 * a * d + d", "d * d + d")],
            "W_O reads both branches. How wide are they together? That is d only at some head ratios.",
        ),
        Mistake(
            "the output layer starts from a",
            [("2 * a * d + d", "a * d + d")],
            "W_O reads both branches, not one.",
        ),
        Mistake(
            "the sum",
            [
                ("return {", "return sum({"),
                ('"output": 2 * a * d + d,\n    }', '"output": 2 * a * d + d,\n    }.values())'),
            ],
            "The parts are asked for, in a dictionary, not only their sum.",
        ),
    ],
    other_ways=[by_a_function, by_building, by_factoring],
)
