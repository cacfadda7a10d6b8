"""Exercise 06.2: does a file fit a model: what is missing, unexpected, or of another shape (lesson 06)?"""

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def compare(model, file):
    """Return the names, sorted, that are missing in the file, unexpected in it, or of another shape."""
    missing = sorted(name for name in model if name not in file)
    unexpected = sorted(name for name in file if name not in model)
    mismatched = sorted(name for name in model if name in file and tuple(model[name]) != tuple(file[name]))
    return {"missing": missing, "unexpected": unexpected, "mismatched": mismatched}


def with_sets(ours, theirs):
    """Differences and intersections of sets."""
    a, b = set(ours), set(theirs)
    wrong = [name for name in a & b if list(ours[name]) != list(theirs[name])]
    return dict(missing=sorted(a - b), unexpected=sorted(b - a), mismatched=sorted(wrong))


def in_one_walk(model, file):
    """One walk over all names in order."""
    found = {"missing": [], "unexpected": [], "mismatched": []}
    for name in sorted({**model, **file}):
        if name not in file:
            found["missing"].append(name)
        elif name not in model:
            found["unexpected"].append(name)
        elif [*model[name]] != [*file[name]]:
            found["mismatched"].append(name)
    return found


def by_taking_away(model, file):
    """What has been found in the file is taken away from a copy."""
    rest, missing, mismatched = dict(file), [], []
    for name, shape in sorted(model.items()):
        there = rest.pop(name, None)
        if there is None:
            missing.append(name)
        elif len(there) != len(shape) or any(x != y for x, y in zip(there, shape, strict=True)):
            mismatched.append(name)
    return {"missing": missing, "unexpected": sorted(rest), "mismatched": mismatched}


def cases():
    """Files that fit, that do not, and that are empty."""
    model = {"word.weight": (8, 4), "layer.query.weight": (2, 4), "layer.query.bias": (2,), "head.bias": (8,)}
    yield Case("it fits", (model, dict(reversed(model.items()))))
    yield Case("lists as shapes", (model, {name: list(shape) for name, shape in model.items()}))
    in_lists = {name: list(shape) for name, shape in model.items()}
    yield Case("lists in the model", (in_lists, model))
    yield Case("no head", (model, {name: shape for name, shape in model.items() if "head" not in name}))
    yield Case("a transposed matrix", (model, {**model, "layer.query.weight": (4, 2)}))
    yield Case("one axis more", (model, {**model, "layer.query.bias": (2, 1), "head.bias": (9,)}))
    yield Case("other names", (model, {"convbert." + name: shape for name, shape in model.items()}))
    yield Case(
        "something of everything", (model, {"z": (1,), "a": (8, 4), "word.weight": (9, 4), "head.bias": (8,)})
    )
    yield Case("an empty file", (model, {}))
    yield Case("a scalar", ({"step": ()}, {"step": (1,)}))


def shown(compare):
    """A head is missing, and a buffer is too much."""
    report = compare({"query": (2, 4), "head": (8,)}, {"query": (2, 4), "position_ids": (512,)})
    assert report == {"missing": ["head"], "unexpected": ["position_ids"], "mismatched": []}


EXERCISE = Exercise(
    number="06.2",
    title="Does a file fit a model?",
    difficulty="easy",
    minutes=10,
    task=r"""
Write `compare(model, file)`. Both are dictionaries from names of tensors to shapes; a shape is a tuple or a list.
Return a dictionary with three lists of names, each in the order of the alphabet:

* `"missing"`: the model needs them, and the file does not have them;
* `"unexpected"`: the file has them, and the model does not know them;
* `"mismatched"`: both have them, in different shapes.
""",
    solution=compare,
    cases=cases,
    shown=shown,
    hints=[
        "A name is in exactly one of four sets: missing, unexpected, mismatched, or all right.",
        "A tuple never equals a list: make both the same before you compare them.",
    ],
    mistakes=[
        Mistake(
            "missing and unexpected are exchanged",
            [
                (
                    '{"missing": missing, "unexpected": unexpected,',
                    '{"missing": unexpected, "unexpected": missing,',
                )
            ],
            "Missing and unexpected have changed places: missing is what the model needs and the file lacks.",
        ),
        Mistake(
            "missing names count as mismatched, too",
            [
                (
                    "if name in file and tuple(model[name]) != tuple(file[name])",
                    "if tuple(model[name]) != tuple(file.get(name, (-1,)))",
                )
            ],
            "A name that is missing has no shape in the file: it is not mismatched.",
        ),
        Mistake(
            "a mismatched name is missing, too",
            [
                (
                    "missing = sorted(name for name in model if name not in file)",
                    "missing = sorted(name for name in model if name not in file or tuple(file[name]) != "
                    "tuple(model[name]))",
                )
            ],
            "A name whose shape differs is in the file all the same: it is not missing.",
        ),
        Mistake(
            "the shapes are not compared",
            [("tuple(model[name]) != tuple(file[name])", "False")],
            "A tensor of another shape goes unnoticed in your function.",
        ),
        Mistake(
            "only the numbers of elements are compared",
            [("tuple(model[name]) != tuple(file[name])", "sorted(model[name]) != sorted(file[name])")],
            "A transposed matrix has the same sizes in another order. It does not fit.",
        ),
        Mistake(
            "only the numbers of axes are compared",
            [("tuple(model[name]) != tuple(file[name])", "len(model[name]) != len(file[name])")],
            "Two shapes with as many axes may still differ in their sizes.",
        ),
        Mistake(
            "a tuple and a list differ",
            [("tuple(model[name]) != tuple(file[name])", "model[name] != file[name]")],
            "(2, 4) and [2, 4] are the same shape, but == says that they differ.",
        ),
        Mistake(
            "not in order",
            [
                (
                    "missing = sorted(name for name in model if name not in file)",
                    "missing = sorted((name for name in model if name not in file), reverse=True)",
                )
            ],
            "The names are asked for in the order of the alphabet.",
        ),
        Mistake(
            "sets and not lists",
            [
                ("missing = sorted(name", "missing = set(name"),
                ("unexpected = sorted(name", "unexpected = set(name"),
                ("mismatched = sorted(name", "mismatched = set(name"),
            ],
            "Sorted lists are asked for; a set has no order.",
        ),
        Mistake(
            "unexpected names are ignored",
            [("if name not in model)", "if False)")],
            "What the file has and the model does not know should be reported, too.",
        ),
    ],
    other_ways=[with_sets, in_one_walk, by_taking_away],
)
