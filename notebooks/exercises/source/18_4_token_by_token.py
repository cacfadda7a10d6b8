"""Exercise 18.4: attention with a short convolution, one token at a time (lesson 18, section 7)."""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from convbert_edu.exercises.definition import Case, Exercise, Mistake


def next_output(q, key, value, w, memory):
    """Return the output of the newest token, and keep in memory what later tokens need."""
    recent = [(key, value), *memory.get("recent", [])][: len(w)]  # the newest first
    mixed_key = sum(w[j] * recent[j][0] for j in range(len(recent)))
    mixed_value = sum(w[j] * recent[j][1] for j in range(len(recent)))
    keys, values = [*memory.get("keys", []), mixed_key], [*memory.get("values", []), mixed_value]
    memory.update(recent=recent, keys=keys, values=values)
    P = torch.softmax(torch.stack(keys) @ q / math.sqrt(len(q)), dim=0)
    return P @ torch.stack(values)


def with_tensors(q, k, v, kernel, kept):
    """Two tensors that grow and are cut; keys and values stand side by side."""
    new = torch.stack([k, v])[None]  # [1, 2, d]
    raw = torch.cat([kept["raw"], new]) if kept else new
    raw = raw[-len(kernel) :]
    mixed = torch.einsum("j,jcd->cd", kernel[: len(raw)].flip(0), raw)[None]
    kept["read"] = torch.cat([kept["read"], mixed]) if "read" in kept else mixed
    kept["raw"] = raw
    K, V = kept["read"].unbind(dim=1)
    return torch.einsum("t,td->d", (K @ q * len(q) ** -0.5).softmax(0), V)


def with_fused_attention(q, key, value, w, memory):
    """PyTorch's attention; of the window only the k - 1 tokens before are kept, beginning with zeros."""
    k = len(w)
    if not memory:
        memory["before"] = torch.zeros(k - 1, 2, len(q))
        memory["read"] = torch.zeros(0, 2, len(q))
    window = torch.cat([memory["before"], torch.stack([key, value])[None]])  # [k, 2, d], the oldest first
    mixed = (w.flip(0)[:, None, None] * window).sum(dim=0, keepdim=True)
    memory["before"], memory["read"] = window[1:], torch.cat([memory["read"], mixed])
    K, V = memory["read"][None].unbind(dim=2)
    return torch.nn.functional.scaled_dot_product_attention(q[None, None], K, V)[0, 0]


def with_numbers(q, key, value, w, memory):
    """Lists of numbers and loops, without a product of matrices."""
    window = memory.setdefault("window", [])
    window.insert(0, (key.tolist(), value.tolist()))
    del window[len(w) :]
    mixed = []
    for part in (0, 1):
        mixed.append(
            [sum(float(w[j]) * pair[part][c] for j, pair in enumerate(window)) for c in range(len(q))]
        )
    memory.setdefault("read", []).append(mixed)
    scores = [sum(a * b for a, b in zip(q.tolist(), one, strict=True)) for one, _ in memory["read"]]
    weights = [math.exp(score / math.sqrt(len(q))) for score in scores]
    total = [0.0] * len(q)
    for weight, (_, one) in zip(weights, memory["read"], strict=True):
        total = [sum_ + weight / sum(weights) * number for sum_, number in zip(total, one, strict=True)]
    return torch.tensor(total)


def numbers_in(memory):
    """How many numbers a memory holds, whatever it is made of."""
    if isinstance(memory, Tensor):
        return memory.numel()
    if isinstance(memory, Mapping):
        memory = memory.values()
    if isinstance(memory, Iterable) and not isinstance(memory, str):
        return sum(map(numbers_in, memory))
    return int(isinstance(memory, int | float))


def observe(next_output, Q, K, V, W):
    """The outputs of two texts, of which each gets its next token in turn, and how much is kept at the end."""
    texts, n, d = Q.shape
    memories = [{} for _ in range(texts)]
    outputs, given = [[] for _ in range(texts)], [each.clone() for each in (Q, K, V, W)]
    for t in range(n):
        for text, memory in enumerate(memories):
            found = next_output(Q[text, t], K[text, t], V[text, t], W[text, t], memory)
            outputs[text].append(torch.as_tensor(found, dtype=torch.float).detach())
    needed = 2 * n * d + 2 * W.shape[-1] * d
    return {
        "the shape of an output": list(outputs[0][0].shape),
        "result": torch.stack([torch.stack(each) for each in outputs]),
        "numbers in the memory of a text that no later token needs": max(
            0, *(numbers_in(memory) - needed for memory in memories)
        ),
        "inputs left as they were": all(map(torch.equal, given, (Q, K, V, W))),
    }


def cases():
    """Texts that are longer and shorter than the window; a window of one token."""
    for n, d, k in ((20, 4, 3), (3, 6, 5), (12, 3, 2), (9, 4, 1), (14, 2, 4)):
        Q, K, V = 2 * torch.randn(3, 2, n, d)
        yield Case(f"{n} tokens, d = {d}, k = {k}", (Q, K, V, torch.randn(2, n, k).softmax(dim=-1)))


def shown(next_output):
    """All at once and one by one."""
    n, d, k = 7, 4, 3
    Q, K, V = torch.randn(3, n, d)
    w = torch.randn(n, k).softmax(dim=-1)
    back = torch.arange(n)[:, None] - torch.arange(n)  # how far back token i stands from token t: [n, n]
    window = w.gather(1, back.clamp(0, k - 1)) * ((back >= 0) & (back < k))
    S = (Q @ (window @ K).T / d**0.5).masked_fill(back < 0, -torch.inf)
    memory = {}
    one_by_one = [next_output(Q[t], K[t], V[t], w[t], memory) for t in range(n)]
    torch.testing.assert_close(torch.stack(one_by_one), S.softmax(dim=-1) @ (window @ V))


EXERCISE = Exercise(
    number="18.4",
    title="Token by token",
    difficulty="medium",
    minutes=25,
    task=r"""
A layer of causal self-attention with one head has a short convolution on its keys and values. All at once it computes
for a text

$$K[t] = \sum_{j=0}^{k-1} w[t, j] \; \mathrm{key}[t - j]$$

$$V[t] = \sum_{j=0}^{k-1} w[t, j] \; \mathrm{value}[t - j]$$

$$S[t, i] = \frac{q[t] \cdot K[i]}{\sqrt{d}}, \qquad \mathrm{out}[t] = \sum_{i \le t} P[t, i] \; V[i]$$

where $P[t]$ is the softmax of $S[t]$ over the tokens $i \le t$.

Write `next_output(q, key, value, w, memory)`, which does the same for the newest token of a text only. Its query, its
key and its value before the convolution are given, each `[d]`, and its kernel $w$, `[k]`; weight 0 belongs to the token
itself, and before the beginning there are zeros. Return the output of this token, `[d]`. `memory` is a dict, empty at
the first token of a text and handed to you again at each later one: put into it what later tokens need. At the end of a
text of $n$ tokens it may hold $2 n d$ numbers for the attention and $2 k d$ for the convolution, and no more.
""",
    solution=next_output,
    cases=cases,
    shown=shown,
    observe=observe,
    hints=[
        "Two things are kept: what the windows of later tokens reach, and what the attention of later tokens reads.",
        "Windows read keys and values as they were before the convolution, at most k - 1 tokens back. Attention reads "
        "the mixed ones of all tokens so far; none of them changes any more.",
        "First the window: put the newest key and value in front of those that are kept, and cut the list after k. "
        "Then mix, append the results to the mixed ones, and let the query read all of them.",
    ],
    mistakes=[
        Mistake(
            "the memory is not used",
            [("    recent = [", "    memory.clear()\n    recent = [")],
            "Each output is made from its own token alone. Is anything left in the memory when the next token comes?",
        ),
        Mistake(
            "the window is one token too short",
            [("[: len(w)]", "[: max(len(w) - 1, 1)]")],
            "Your window loses the token that is k - 1 places back. With the newest token it holds k.",
        ),
        Mistake(
            "the window never forgets",
            [("recent=recent, ", 'recent=[(key, value), *memory.get("recent", [])], ')],
            "The outputs are right, but you keep all keys and values twice. No window reaches further back than k - 1 "
            "tokens.",
        ),
        Mistake(
            "everything is mixed again",
            [
                (
                    "memory.update(recent=recent, keys=keys, values=values)",
                    "past = memory['past'] = [*memory.get('past', []), (key, value, w)]\n"
                    "    keys, values = ([sum(past[t][2][j] * past[t - j][part] for j in range(min(len(w), t + 1)))\n"
                    "                     for t in range(len(past))] for part in (0, 1))",
                )
            ],
            "The outputs are right, but you keep all that the mixed keys and values are made of, and mix all of them "
            "again. They never change: keep them in its place.",
        ),
        Mistake(
            "the kernel is turned round",
            [("    mixed_key = ", "    w = w.flip(0)\n    mixed_key = ")],
            "Your kernel runs backwards: the newest token gets its last weight, and should get weight 0.",
        ),
        Mistake(
            "weight 0 for the oldest token that is kept",
            [("    mixed_key = ", "    w = w[: len(recent)].flip(0)\n    mixed_key = ")],
            "Your kernel runs backwards, from the oldest token that is kept on. Weight 0 belongs to the newest token.",
        ),
        Mistake(
            "no square root",
            [(" / math.sqrt(len(q))", "")],
            "The scores of attention are divided by the root of d.",
        ),
        Mistake(
            "no softmax",
            [
                (
                    "torch.softmax(torch.stack(keys) @ q / math.sqrt(len(q)), dim=0)",
                    "torch.stack(keys) @ q / math.sqrt(len(q))",
                )
            ],
            "Your weights of the attention do not sum to 1: a softmax over the tokens so far is missing.",
        ),
        Mistake(
            "attention sees the window only",
            [
                (
                    "    P = ",
                    "    keys, values = keys[-len(w) :], values[-len(w) :]\n    P = ",
                )
            ],
            "Your attention reads the last k tokens only. That is the reach of the convolution; attention reads all.",
        ),
        Mistake(
            "the newest token does not see itself",
            [
                (
                    "    P = ",
                    "    keys, values = keys[:-1] or keys, values[:-1] or values\n    P = ",
                )
            ],
            "The newest token reads those before it, and not itself.",
        ),
        Mistake(
            "the keys are not mixed",
            [('*memory.get("keys", []), mixed_key]', '*memory.get("keys", []), key]')],
            "Your attention compares the query with keys from before the convolution. Only the values are mixed.",
        ),
        Mistake(
            "the values are not mixed",
            [('*memory.get("values", []), mixed_value]', '*memory.get("values", []), value]')],
            "Your attention reads values from before the convolution. Only the keys are mixed.",
        ),
        Mistake(
            "what was mixed is mixed again",
            [("recent=recent, ", "recent=[(mixed_key, mixed_value), *recent[1:]], ")],
            "Your window holds keys and values that were mixed already. It must hold them as they came.",
        ),
        Mistake(
            "corrected at the beginning",
            [("    mixed_key = ", "    w = w[: len(recent)] / w[: len(recent)].sum()\n    mixed_key = ")],
            "You make the weights of the first tokens larger, because a part of their window is empty. There, zeros "
            "count.",
        ),
    ],
    other_ways=[with_tensors, with_fused_attention, with_numbers],
)
