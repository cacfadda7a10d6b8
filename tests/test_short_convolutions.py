"""Lesson 18's decoders: causal at every length, equal to loops, the same token by token; its tasks and its results."""

import json

import pytest
import torch

from short_convolutions import KINDS, RESULTS, VARIANTS, lesson, run, wanted

CODE = lesson()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", range(1, 10))
def test_no_output_depends_on_a_later_input(kind: str, k: int):
    """All lengths up to 40: the gradient of all outputs before a cut with respect to all inputs behind it is zero."""
    torch.manual_seed(k)
    layer = CODE.CausalAttention(4, 2, k, kind, "QKV").double()
    for n in range(1, 41):
        X = torch.randn(n, n, 4, dtype=torch.float64, requires_grad=True)
        # Row t of the batch sums the outputs up to t, so that one backward pass serves all cuts.
        outputs = layer(X)
        cut = torch.ones(n, n, dtype=torch.float64).tril().unsqueeze(-1)
        (gradient,) = torch.autograd.grad((outputs * cut).sum(), X)
        reached = gradient.abs().amax(dim=-1) > 0
        assert not reached.triu(1).any()
        assert reached.diagonal().all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "k"), [(1, 4), (3, 5), (9, 1), (9, 4)])
def test_the_convolution_equals_a_loop_over_tokens_and_offsets(kind: str, n: int, k: int):
    torch.manual_seed(0)
    h, d = 2, 6
    layer = CODE.CausalConvolution(d, h, k, kind).double()
    Q, X, Y = torch.randn(3, 2, n, d, dtype=torch.float64)
    found = layer(Y, Q, X)
    for b in range(2):
        for t in range(n):
            made_from = Q[b, t]
            if kind == "span-based":
                filtered = sum(layer.depthwise[:, j] * X[b, t - j] for j in range(k) if t - j >= 0)
                made_from = made_from * (layer.pointwise.weight @ filtered + layer.pointwise.bias)
            for head in range(h):
                if kind == "fixed":
                    scores = layer.scores[head]
                else:
                    rows = slice(head * k, (head + 1) * k)
                    scores = layer.kernel.weight[rows] @ made_from + layer.kernel.bias[rows]
                weights = scores.exp() / scores.exp().sum()
                channels = slice(head * d // h, (head + 1) * d // h)
                expected = sum(weights[j] * Y[b, t - j, channels] for j in range(k) if t - j >= 0)
                torch.testing.assert_close(found[b, t, channels], expected)


@pytest.mark.parametrize("name", VARIANTS)
def test_token_by_token_equals_the_whole_text(name: str):
    torch.manual_seed(1)
    model = CODE.make_decoder(*VARIANTS[name], v=11, longest=40, d=8, h=2, k=5, L=3, width=16)
    ids = torch.randint(11, (2, 40))
    with torch.no_grad():
        memories = [{} for _ in model.layers]
        steps = [model(ids[:, t : t + 1], memories, start=t) for t in range(40)]
        torch.testing.assert_close(torch.cat(steps, dim=1), model(ids), atol=1e-5, rtol=1e-5)
    assert all(memory["X"].shape[1] <= 5 for memory in memories)


@pytest.mark.parametrize("heads", [1, 4])
def test_all_variants_have_the_same_size_within_one_per_cent(heads: int):
    sizes = [
        CODE.count(CODE.make_decoder(*variant, v=52, longest=24, d=64, h=heads, k=4, L=1, width=128))
        for variant in VARIANTS.values()
    ]
    assert max(sizes) / min(sizes) < 1.01


def test_the_answers_of_both_tasks_follow_from_what_was_told():
    ids, labels = CODE.recall_batch(torch.Generator().manual_seed(0), B=20, pairs=5)
    for row, answers in zip(ids.tolist(), labels.tolist(), strict=True):
        number_of = dict(zip(row[:10:2], row[1:10:2], strict=True))
        assert len(number_of) == 5
        assert answers == [-100] * 10 + [number_of[letter] for letter in row[10:]]
    ids, labels = CODE.arrow_batch(torch.Generator().manual_seed(0), B=20, pairs=6)
    for row, answers in zip(ids.tolist(), labels.tolist(), strict=True):
        leads_to = {}
        for first, sign, last in zip(row[:18:3], row[1:18:3], row[2:18:3], strict=True):
            start, end = (first, last) if sign == 26 else (last, first)
            leads_to[start] = end
        assert len(leads_to) == len(set(leads_to.values())) == 6
        assert answers == [-100] * 18 + [leads_to[letter] for letter in row[18:]]


def test_the_label_of_a_token_of_text_is_the_next_one():
    ids, labels = CODE.text_batch(torch.arange(300), B=7, n=20)(torch.Generator().manual_seed(0))
    assert ids.shape == labels.shape == (7, 20)
    assert torch.equal(labels, ids + 1)


@pytest.mark.parametrize("kind", KINDS)
def test_kernels_can_start_at_the_token_itself(kind: str):
    """With all other scores at zero the softmax of (3, 0, 0, 0) is e^3 / (e^3 + 3) = 0.870, and 0.0433 three times."""
    model = CODE.make_decoder(kind, "QKV", v=11, longest=8, d=8, h=2, k=4, L=2, width=16)
    for layer in model.layers:
        for convolution in layer.attention.convolutions.values():
            if kind != "fixed":
                torch.nn.init.zeros_(convolution.kernel.weight)
                torch.nn.init.zeros_(convolution.kernel.bias)
    assert CODE.start_at_the_token_itself(model) is model
    X = torch.randn(1, 5, 8)
    for layer in model.layers:
        for convolution in layer.attention.convolutions.values():
            kernels = convolution.kernels(X, X)
            expected = torch.tensor([0.8700, 0.0433, 0.0433, 0.0433]).expand_as(kernels)
            torch.testing.assert_close(kernels, expected, atol=1e-4, rtol=0)


def test_the_held_out_loss_is_that_of_each_piece_by_itself():
    """Pieces of 6 tokens stand behind each other; the label of the last one is the first of the next piece."""
    model = CODE.make_decoder("none", "", v=11, longest=6, d=8, h=2, k=4, L=1, width=16)
    stream = torch.randint(11, (20,), generator=torch.Generator().manual_seed(0))
    losses = []
    with torch.no_grad():
        for start in (0, 6, 12):
            scores = model(stream[start : start + 6][None])[0].log_softmax(dim=-1)
            losses += [-scores[t, stream[start + t + 1]].item() for t in range(6)]
    assert CODE.held_out_loss(model, stream, 6) == pytest.approx(sum(losses) / 18, rel=1e-5)


def test_the_stored_results_are_complete_and_of_equal_sizes():
    known = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert list(known) == list(wanted())
    for task in ("recall", "arrows", "text"):
        sizes = [found["parameters"] for key, found in known.items()
                 if key.startswith(f"{task}/") and "two layers" not in key and "arrows/4" not in key]  # fmt: skip
        assert max(sizes) / min(sizes) < 1.01


def test_a_run_trains_and_measures(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("short_convolutions.STEPS", {"recall": 100})
    monkeypatch.setattr("short_convolutions.EVERY", 50)
    found = run("recall/fixed on QKV/0")
    assert found["curve"][1] < found["curve"][0]
    assert 0 <= found["accuracy"] <= 1


def test_a_run_on_text_is_measured_on_text_that_it_has_not_read(monkeypatch: pytest.MonkeyPatch):
    """It learns from tokens that always count up; on the same it is soon good, on tokens that count down it fails."""
    monkeypatch.setattr("short_convolutions.STEPS", {"text": 100})
    monkeypatch.setattr("short_convolutions.EVERY", 20)
    up = torch.arange(4000) % 20
    losses = {}
    for name, held_out in (("up", up), ("down", up.flip(0))):
        monkeypatch.setattr("short_convolutions.text_streams", lambda held_out=held_out: (up, held_out))
        losses[name] = run("text/dynamic on V/0")["loss"]
    assert losses["up"] < 1 < 3 < losses["down"]
