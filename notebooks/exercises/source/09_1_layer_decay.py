"""Exercise 09.1: layer-wise decay of the learning rate (lesson 09)"""

import re

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def learning_rates(names, rate, decay, layers):
    """Return the learning rate of each parameter: the further from the head, the smaller."""
    rates = {}
    for name in names:
        parts = name.split(".")
        if parts[0] == "embeddings":
            steps = layers + 2
        elif parts[0] == "layers":
            steps = layers + 1 - int(parts[1])
        else:
            steps = 0
        rates[name] = rate * decay**steps
    return rates


def with_patterns(names, rate, decay, layers):
    """Regular expressions read the names."""

    def depth(name):
        found = re.match(r"layers\.(\d+)\.", name)
        if found:
            return layers + 1 - int(found[1])
        return layers + 2 if name.startswith("embeddings.") else 0

    return {name: rate * pow(decay, depth(name)) for name in names}


def step_by_step(names, rate, decay, layers):
    """A table of rates, made from the top to the bottom."""
    table = {}
    current = rate * decay
    for i in reversed(range(layers)):
        current = current * decay
        table[i] = current
    rates = dict.fromkeys(names, rate)
    for name in names:
        if name.startswith("layers."):
            rates[name] = table[int(name.split(".")[1])]
        elif name.startswith("embeddings."):
            rates[name] = current * decay
    return rates


def with_one_list(names, lr, factor, n):
    """All rates in one list, the embeddings' first."""
    levels = [lr * factor ** (n + 2 - i) for i in range(n + 1)]
    place = {"embeddings": lambda rest: levels[0], "layers": lambda rest: levels[int(rest.split(".")[0]) + 1]}
    result = {}
    for name in names:
        first, _, rest = name.partition(".")
        result[name] = place[first](rest) if first in place else lr
    return result


def cases():
    """Models of one, two and twelve layers."""
    for layers, rate, decay in ((1, 3e-4, 0.8), (2, 1.0, 0.5), (12, 1e-3, 0.9), (11, 1.0, 0.8)):
        names = [
            "embeddings.word.weight",
            "embeddings.layer_norm.bias",
            "classifier.dense.weight",
            "classifier.out.bias",
            # They belong to the head: what counts is how a name begins.
            "classifier.layers.0.weight",
            "classifier.embeddings.weight",
        ]
        for i in range(layers):
            names += [f"layers.{i}.attention.query.weight", f"layers.{i}.feed_forward.expand.bias"]
        yield Case(f"{layers} layers, rate {rate}, decay {decay}", (names, rate, decay, layers))


def shown(learning_rates):
    """Two layers and a decay of a half."""
    rates = learning_rates(
        ["classifier.weight", "layers.1.x", "layers.0.x", "embeddings.word.weight"], 1.0, 0.5, 2
    )
    assert list(rates.values()) == [1.0, 0.25, 0.125, 0.0625]


EXERCISE = Exercise(
    number="09.1",
    title="Layer-wise decay",
    difficulty="medium",
    minutes=15,
    task=r"""
In the authors' fine-tuning a layer learns more slowly the further it is from the head. Write
`learning_rates(names, rate, decay, layers)`: a dictionary from names of parameters to learning rates. With $L$
layers,

* the parameters of layer $i$, whose names begin with `layers.i.` (counted from 0), get
  $\mathrm{rate} \cdot \mathrm{decay}^{L + 1 - i}$;
* those of the embeddings, whose names begin with `embeddings.`, get $\mathrm{rate} \cdot \mathrm{decay}^{L + 2}$;
* all others belong to the head and get `rate`.
""",
    solution=learning_rates,
    cases=cases,
    shown=shown,
    hints=[
        "name.split('.') cuts a name; the second part of layers.3.attention.query.weight is the number of "
        "the layer.",
        "The numbers of layers may have two digits.",
    ],
    mistakes=[
        Mistake(
            "the lowest layers learn fastest",
            [("layers + 1 - int(parts[1])", "int(parts[1]) + 2")],
            "Your lowest layer has the largest rate. The distance to the head counts.",
        ),
        Mistake(
            "one step too few in the layers",
            [("layers + 1 - int(parts[1])", "layers - int(parts[1])")],
            "The exponent of your layers is too small by one.",
        ),
        Mistake(
            "layers counted from 1",
            [("int(parts[1])", "(int(parts[1]) - 1)")],
            "Layers are counted from 0 in the names.",
        ),
        Mistake(
            "the embeddings like the lowest layer",
            [("steps = layers + 2", "steps = layers + 1")],
            "The embeddings learn one step more slowly than layer 0.",
        ),
        Mistake(
            "the embeddings get the full rate",
            [("steps = layers + 2", "steps = 0")],
            "The embeddings are the furthest from the head.",
        ),
        Mistake(
            "the head is decayed, too",
            [("steps = 0", "steps = 1")],
            "The head learns with the full rate.",
        ),
        Mistake(
            "multiplied and not raised to a power",
            [("decay**steps", "(decay * steps if steps else 1)")],
            "The decay acts once for each step: it is a power.",
        ),
        Mistake(
            "only the first digit is read",
            [("int(parts[1])", "int(parts[1][0])")],
            "The number of a layer may have two digits.",
        ),
        Mistake(
            "names that hold the word somewhere",
            [
                ('parts[0] == "embeddings"', '"embeddings" in parts'),
                ('parts[0] == "layers"', '"layers" in parts'),
                ("int(parts[1])", 'int(parts[parts.index("layers") + 1])'),
            ],
            "A parameter of the head may hold the word `layers` or `embeddings` in the middle of its name. What "
            "counts is how a name begins.",
        ),
        Mistake(
            "all layers alike",
            [("layers + 1 - int(parts[1])", "1")],
            "All your layers have the same rate.",
        ),
        Mistake(
            "a list",
            [("return rates", "return list(rates.values())")],
            "A dictionary from names to rates is asked for.",
        ),
    ],
    other_ways=[with_patterns, step_by_step, with_one_list],
)
