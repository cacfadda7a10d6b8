"""Exercise 06.3: pretrained weights in the model that you wrote (lessons 05 and 06)."""

import torch

from convbert_edu import ConvBertConfig, ConvBertForMaskedLM, ConvBertTokenizer
from convbert_edu.exercises.definition import Case, Exercise, Mistake
from convbert_edu.nano import MaskedLM


def load_own(name):
    """Return the reader's own MaskedLM with the weights of a pretrained model, ready for evaluation."""
    package = ConvBertForMaskedLM.from_pretrained(name)
    model = MaskedLM(package.config)
    model.load_state_dict(package.state_dict())
    return model.eval()


def one_by_one(name):
    """Each tensor is copied by hand."""
    theirs = ConvBertForMaskedLM.from_pretrained(name)
    mine = MaskedLM(ConvBertConfig.from_pretrained(name))
    with torch.no_grad():
        for key, parameter in mine.named_parameters():
            parameter.copy_(theirs.get_parameter(key))
    mine.train(False)
    return mine


def part_by_part(folder):
    """The encoder and the head are loaded each for itself."""
    package = ConvBertForMaskedLM.from_pretrained(folder)
    model = MaskedLM(package.config)
    model.encoder.load_state_dict(package.encoder.state_dict())
    model.masked_lm_head.load_state_dict(package.masked_lm_head.state_dict())
    model.eval()
    return model


def by_sharing(name):
    """The model's parameters become the package's own tensors; nothing is copied."""
    package = ConvBertForMaskedLM.from_pretrained(name)
    model = MaskedLM(package.config).eval()
    model.load_state_dict(dict(package.state_dict()), assign=True)
    return model


def look(answer, name, texts):
    """Compare the weights and the scores of the answer's model with those of the package's."""
    inputs = ConvBertTokenizer.from_pretrained(name)(texts, padding=True, return_tensors="pt")
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    model, package = answer(name), ConvBertForMaskedLM.from_pretrained(name)
    seen = {"a class of your own": not type(model).__module__.startswith("convbert_edu.models")}
    seen["in evaluation mode"] = not model.training
    own, wanted = dict(model.named_parameters()), dict(package.named_parameters())
    seen["the dtype of the weights"] = str(next(iter(own.values())).dtype)
    for part in ("encoder", "masked_lm_head"):
        there = {key: each for key, each in wanted.items() if key.startswith(part)}
        seen[f"the weights of {part}"] = how_close(own.values(), there.values())
    with torch.no_grad():
        scores = model(ids, mask)
        scores = scores if isinstance(scores, torch.Tensor) else scores.logits
        difference = (scores - package(ids, mask).logits)[mask == 1]
    seen["the scores equal the package's"] = difference.abs().max().item() < 1e-3
    return seen


def how_close(own, wanted):
    """Say whether each wanted tensor is among the model's own."""
    distances = []
    for each in wanted:
        same_shape = [one.detach().float() for one in own if one.shape == each.shape]
        distances.append(min(((one - each).abs().max().item() for one in same_shape), default=float("inf")))
    if max(distances) < 0.02:
        return "as in the file" if max(distances) < 1e-6 else "rounded"
    return "partly those of the file" if sorted(distances)[len(distances) // 4] < 1e-6 else "other ones"


def cases():
    """The generator that comes with the package."""
    texts = ["a warm , funny and moving film .", "one of the best [MASK] of the year ."]
    yield Case("convbert-tiny-generator", ("convbert-tiny-generator", texts))


def shown(load_own):
    """Ask the model for a word."""
    model, tokenizer = (
        load_own("convbert-tiny-generator"),
        ConvBertTokenizer.from_pretrained("convbert-tiny-generator"),
    )
    ids = tokenizer("one of the best [MASK] of the year .", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        best = model(ids)[ids == tokenizer.mask_token_id].topk(5).indices[0].tolist()
    words = tokenizer.convert_ids_to_tokens(best)
    print(words)
    assert "films" in words or "movies" in words


EXERCISE = Exercise(
    number="06.3",
    title="Your own model speaks",
    difficulty="medium",
    minutes=15,
    task=r"""
Write `load_own(name)`. It returns `MaskedLM`, the class of exercise 05.7, with the weights of the pretrained model of
that name, in evaluation mode. (The first cell has taken the class with `(MaskedLM,) = built("MaskedLM")`.)

Let the package read the files: `ConvBertForMaskedLM.from_pretrained(name)` has the configuration in `.config` and
the weights in `.state_dict()`, under the same names as in the class of the lesson. With your own `my_convbert.py`
this is the last test of the whole model: its scores must equal the package's.
""",
    solution=load_own,
    cases=cases,
    shown=shown,
    observe=look,
    hints=[
        "load_state_dict takes a dictionary of tensors and complains about every name that does not fit.",
        "Where it complains, your parameters have other names than the lesson's: check(...) on their class "
        "lists them.",
        "A model that was just made is in training mode: dropout is on.",
    ],
    mistakes=[
        Mistake(
            "training mode",
            [("return model.eval()", "return model")],
            "Your model is in training mode: dropout makes its scores random.",
        ),
        Mistake(
            "no weights",
            [("model.load_state_dict(package.state_dict())", "package.state_dict()")],
            "Your model still has its random initial values. Did the names fit? strict=False would hide it "
            "if they did not.",
        ),
        Mistake(
            "only the encoder",
            [
                (
                    "model.load_state_dict(package.state_dict())",
                    "torch.manual_seed(0)\n    model.masked_lm_head = "
                    "type(model.masked_lm_head)(package.config)\n    "
                    "model.encoder.load_state_dict(package.encoder.state_dict())",
                )
            ],
            "The encoder has the pretrained weights, but the head does not.",
        ),
        Mistake(
            "only the head",
            [
                (
                    "model.load_state_dict(package.state_dict())",
                    "model.masked_lm_head.load_state_dict(package.masked_lm_head.state_dict())\n    "
                    "torch.manual_seed(0)\n    model.encoder = type(model.encoder)(package.config)",
                )
            ],
            "The head has the pretrained weights, but the encoder does not.",
        ),
        Mistake(
            "the package's own model",
            [
                (
                    "model = MaskedLM(package.config)\n    model.load_state_dict(package.state_dict())\n    "
                    "return model.eval()",
                    "return package.eval()",
                )
            ],
            "This is the package's model. The scores should come from the class that you wrote.",
        ),
        Mistake(
            "another configuration",
            [
                ("MaskedLM(package.config)", "MaskedLM(ConvBertConfig.tiny(num_hidden_layers=2))"),
                (
                    "model.load_state_dict(package.state_dict())",
                    "model.encoder.load_state_dict(package.encoder.state_dict(), strict=False)",
                ),
            ],
            "Your model has other sizes than the file. The configuration belongs to the weights.",
        ),
        Mistake(
            "half precision",
            [("return model.eval()", "return model.bfloat16().eval()")],
            "Your model computes in 16 bits. The file is stored in 16 bits, but computed with in 32.",
        ),
        Mistake(
            "the weights are rounded",
            [("return model.eval()", "model.bfloat16().float()\n    return model.eval()")],
            "Your weights went through a type with fewer digits: the scores are close but not equal.",
        ),
    ],
    other_ways=[one_by_one, part_by_part, by_sharing],
)
