"""Write the tables of notebooks/NAMES.md: python notebooks/tools/names_page.py

Which class and which parameter of nano.py is which in the package and in transformers is not written by hand. The three
models are made, and their parameters are matched through convbert_edu/checkpoints/parameter_names.py.
"""

import inspect
import re
from pathlib import Path

import transformers
from torch import nn

import convbert_edu
from convbert_edu import nano
from convbert_edu.checkpoints.parameter_names import OUR_PREFIX, TRANSFORMERS_PREFIX, name_table

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "notebooks" / "NAMES.md"

# A small model with everything in it: a projection of the embeddings, two branches, groups.
SIZES = {
    "vocab_size": 32,
    "embedding_size": 8,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "num_groups": 2,
    "max_position_embeddings": 16,
    "pad_token_id": 0,
}

# How the paper, or the paper that it builds on, calls what a class computes.
PAPER_NAMES = {
    "Embeddings": "the input embeddings of BERT (Devlin et al. 2019)",
    "SelfAttention": "Self-Attn(Q, K, V)",
    "SpanAwareKey": "K_s, by a depthwise separable convolution",
    "SpanDynamicConvolution": "SDConv(Q, K_s, V; W_f)",
    "MixedAttention": "Mixed-Attn, the mixed attention block",
    "GroupedLinear": "grouped linear",
    "FeedForward": "feed-forward",
    "EncoderLayer": "a layer of BERT with the mixed attention block",
    "ConvBert": "ConvBERT",
    "MaskedLMHead": "the generator's head of ELECTRA (Clark et al. 2020)",
    "MaskedLM": "the generator",
}

# The letter of each parameter in the course; "" where it has none.
LETTERS = {
    "Embeddings.word": "$E$",
    "Embeddings.position": "$E_{pos}$",
    "Embeddings.token_type": "$E_{type}$",
    "Embeddings.layer_norm": "",
    "Embeddings.projection": "",
    "MixedAttention.query": "$W_Q$",
    "MixedAttention.output": "$W_O$",
    "SelfAttention.key": "$W_K$",
    "SelfAttention.value": "$W_V$",
    "SpanAwareKey.depthwise": "$F$",
    "SpanAwareKey.pointwise": "$W_s$",
    "SpanAwareKey.bias": "",
    "SpanDynamicConvolution.kernel": "$W_f$",
    "SpanDynamicConvolution.value": "",
    "FeedForward.expand": "$W_1$",
    "FeedForward.contract": "$W_2$",
    "EncoderLayer.attention_norm": "",
    "EncoderLayer.feed_forward_norm": "",
    "MaskedLMHead.dense": "",
    "MaskedLMHead.layer_norm": "",
    "MaskedLMHead.decoder": "$E$ again",
}


def filled_page(text: str) -> str:
    """Return the text of the page with its two tables made anew. Raises ValueError where a place for one is missing."""
    for name, table in (("classes", class_table()), ("parameters", parameter_table())):
        begin, end = f"<!-- table of {name}: begin -->", f"<!-- table of {name}: end -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise ValueError(f"the page must hold {begin!r} and {end!r} once each, with the table between them")
        before, after = text.split(begin)[0], text.split(end)[1]
        text = f"{before}{begin}\n{table}\n{end}{after}"
    return text


def class_table() -> str:
    """Return a row for each class of nano.py: where it is written, and what it is called elsewhere."""
    ours = convbert_edu.ConvBertForMaskedLM(_our_config())
    theirs = dict(transformers.ConvBertForMaskedLM(transformers.ConvBertConfig(**SIZES)).named_modules())
    places = _nano_modules()
    ancestors = {name: _common_ancestor(_their_names(path)) for name, path in places.items()}
    rows = ["| lesson | nano.py | the package | transformers | the paper |", "| --- | --- | --- | --- | --- |"]
    for name, lesson in written_in().items():
        path, ancestor = places[name], ancestors[name]
        # Where an enclosing class has the same ancestor, transformers has no class for this one, but several.
        shared = any(
            path.startswith(_as_prefix(places[other])) and other != name and ancestors[other] == ancestor
            for other in places
        )
        found = _children(ancestor, _their_names(path)) if shared else [ancestor]
        classes = dict.fromkeys(_class_name(theirs[each], each) for each in found)
        package = type(ours.get_submodule(path))
        rows.append(f"| {lesson} | `{name}` | {_link(package)} | {', '.join(classes)} | {PAPER_NAMES[name]} |")
    return "\n".join(rows)


def parameter_table() -> str:
    """Return a row for each parameter of nano.py's model, biases left out where a weight stands beside them."""
    rows = ["| nano.py and the package | letter | transformers |", "| --- | --- | --- |"]
    table = _rows_by_name()
    for name in written_in():
        if name == nano.GroupedLinear.__name__:
            # It takes the place of a dense layer, whose parameters have the same names.
            continue
        path = _nano_modules()[name]
        module = _nano_model().get_submodule(path)
        for parameter, _ in module.named_parameters(remove_duplicate=False):
            owner = _owner(module, parameter)
            if owner is not module or parameter.endswith(".bias"):
                continue
            letter = LETTERS[f"{name}.{parameter.partition('.')[0]}"]
            ours = f"{_as_prefix(path)}{parameter}"
            # Any layer stands for all of them.
            row = f"| `{ours}` | {letter} | `{table[ours]}` |"
            rows.append(row.replace("layers.0.", "layers.N.").replace("layer.0.", "layer.N."))
    return "\n".join(rows)


def written_in() -> dict[str, str]:
    """Return the classes of nano.py in its order, each with a link to the lesson that writes it."""
    lessons = {path.name[:2]: path.name for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")}
    found, place = {}, ""
    for line in inspect.getsource(nano).splitlines():
        if match := re.fullmatch(r"# Written in lesson (\d\d), section (\d+)\.", line):
            place = f"[{match[1]}, section {match[2]}]({lessons[match[1]]})"
        elif match := re.match(r"class (\w+)", line):
            found[match[1]] = place
    return found


def _our_config() -> convbert_edu.ConvBertConfig:
    return convbert_edu.ConvBertConfig(**SIZES)


def _nano_model() -> nn.Module:
    return nano.MaskedLM(_our_config())


def _nano_modules() -> dict[str, str]:
    """Return the classes of nano.py, each with the path of the first module of this class in the model."""
    found: dict[str, str] = {}
    for path, module in _nano_model().named_modules():
        if type(module).__module__ == nano.__name__:
            found.setdefault(type(module).__name__, path)
    return found


def _rows_by_name() -> dict[str, str]:
    """Return the name of each parameter of nano.py's model, with the one it has in transformers' masked-LM model."""
    heads = {row.ours: row.transformers for row in name_table(_our_config())}
    names = [name for name, _ in _nano_model().named_parameters(remove_duplicate=False)]
    return {
        name: TRANSFORMERS_PREFIX + heads[name.removeprefix(OUR_PREFIX)]
        if name.startswith(OUR_PREFIX)
        else heads[name]
        for name in names
    }


def _their_names(path: str) -> list[str]:
    """Return transformers' names of all parameters below a module of nano.py's model."""
    return [theirs for ours, theirs in _rows_by_name().items() if ours.startswith(_as_prefix(path))]


def _as_prefix(path: str) -> str:
    return f"{path}." if path else ""


def _common_ancestor(names: list[str]) -> str:
    """Return the path of the smallest module that holds all parameters of these names."""
    common: list[str] = []
    for parts in zip(*(name.split(".")[:-1] for name in names), strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return ".".join(common)


def _children(ancestor: str, names: list[str]) -> list[str]:
    """Return the paths of the modules just below `ancestor` that hold the parameters of these names."""
    rest = [name.removeprefix(_as_prefix(ancestor)).partition(".")[0] for name in names]
    return [f"{_as_prefix(ancestor)}{each}" for each in dict.fromkeys(rest)]


def _owner(module: nn.Module, parameter: str) -> nn.Module:
    """Return the class of nano.py that holds a parameter of `module`, the smallest where one holds another."""
    found, path = module, parameter.split(".")[:-1]
    for length in range(1, len(path) + 1):
        part = module.get_submodule(".".join(path[:length]))
        if type(part).__module__ == nano.__name__ and not isinstance(part, nano.GroupedLinear):
            found = part
    return found


def _class_name(module: nn.Module, path: str) -> str:
    """Return the name of a class; of one that PyTorch brings along, also where it stands."""
    name = f"`{type(module).__name__}`"
    return f"{name} (`{path.removeprefix(TRANSFORMERS_PREFIX)}`)" if isinstance(module, nn.Linear) else name


def _link(cls: type) -> str:
    """Return the name of a class with a link to its file."""
    file = Path(inspect.getsourcefile(cls)).relative_to(ROOT).as_posix()
    return f"`{cls.__name__}`, [{Path(file).name}](../{file})"


if __name__ == "__main__":
    PAGE.write_text(filled_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
