"""Mistakes made in another style: a right answer of an exercise, changed, and the mistake that `check` must see in it.

The mistakes that a definition names are changes of the lesson's own cell. Here the same misunderstandings are
written in loops, in einsum and under other names, where not a single line is the same.
"""

# The texts stand in one piece, as in the answers that they change.
# ruff: noqa: E501

import inspect
import textwrap
from typing import Any

from convbert_edu.exercises.definition import Exercise, run_source

# exercise: [(right answer, [(text, what stands there instead)], name of the mistake)]
IN_OTHER_STYLES: dict[str, list[tuple[str, list[tuple[str, str]], str]]] = {
    "01.1": [
        ("ByRows", [("rows + self.E_pos[: input_ids.shape[1]] + ", "rows + ")], "no position embeddings"),
        ("ByRows", [("input_ids * 0", "input_ids * 0 + 1")], "missing token types are 1"),
        (
            "ByRows",
            [("self.E_pos[: input_ids.shape[1]]", "self.E_pos[1 : input_ids.shape[1] + 1]")],
            "positions from 1",
        ),
        ("ByRows", [("+ self.epsilon)", "+ 1e-5)")], "the default epsilon"),
        (
            "WithOneHot",
            [("self.norm(self.tokens(ids) + segments + places)", "self.tokens(ids) + segments + places")],
            "no LayerNorm",
        ),
        ("WithOneHot", [(", padding_idx=cfg.pad_token_id", "")], "the row of padding is trained"),
        ("WithOneHot", [("self.drop(self.norm(", "(self.norm(")], "no dropout"),
        ("TextByText", [(" + self.token_type(kind)", "")], "no token types"),
    ],
    "02.1": [
        ("WithEinsum", [(" * q.shape[-1] ** -0.5", "")], "no square root"),
        (
            "WithEinsum",
            [("q.shape[-1] ** -0.5", "q.shape[-1] ** -1.0")],
            "divided by d_h and not by its root",
        ),
        ("WithEinsum", [("scores.softmax(-1)", "scores.softmax(-2)")], "softmax over the queries"),
        (
            "WithEinsum",
            [("[:, None, None, :] * -1e9", "[:, None, :, None] * -1e9")],
            "the mask meets the queries",
        ),
        (
            "WithEinsum",
            [
                (
                    'torch.einsum("bhij,bjhc->bihc", self.drop(weights), v)',
                    'torch.einsum("bhij,bjhc->bihc", weights, v)',
                )
            ],
            "no dropout",
        ),
        (
            "WithEinsum",
            [('"bihc,bjhc->bhij", q, k', '"bihc,bjhc->bhij", k, q')],
            "queries and keys are exchanged",
        ),
        (
            "HeadByHead",
            [("scores[:, mask[b] == 0] = -1e30", "scores[:, mask[b] == 0] = float('-inf')")],
            "minus infinity",
        ),
        (
            "HeadByHead",
            [("scores[:, mask[b] == 0] = -1e30", "scores[:, mask[b] == 0] = 0")],
            "masked scores are 0",
        ),
        (
            "HeadByHead",
            [("(q / math.sqrt(size))", "(q / math.sqrt(Q.shape[-1]))")],
            "the root of the whole width",
        ),
        (
            "WithFusedAttention",
            [("mask[:, None, None] == 0, -1e20", "mask[:, None, None] == 1, -1e20")],
            "the mask is inverted",
        ),
        (
            "WithFusedAttention",
            [("out.permute(0, 2, 1, 3).reshape(B, n, a)", "out.reshape(B, n, a)")],
            "the heads are joined without turning the axes back",
        ),
    ],
    "03.1": [
        (
            "WithConvolutions",
            [
                ("padding=k // 2, ", "padding=0, "),
                (
                    "self.each_channel(X.transpose(1, 2))",
                    "self.each_channel(nn.functional.pad(X.transpose(1, 2), (self.each_channel.kernel_size[0] - 1, 0)))",
                ),
            ],
            "the window ends at the token",
        ),
        (
            "WithConvolutions",
            [
                (
                    "d, k, padding=k // 2, groups=d, bias=False",
                    "d, k, padding=k // 2, padding_mode='circular', groups=d, bias=False",
                )
            ],
            "the ends wrap around",
        ),
        (
            "WithConvolutions",
            [
                (
                    "d, k, padding=k // 2, groups=d, bias=False",
                    "d, k, padding=k // 2, padding_mode='replicate', groups=d, bias=False",
                )
            ],
            "the ends are repeated",
        ),
        ("WithConvolutions", [("groups=d, ", "")], "a filter that mixes channels"),
        ("ByLoops", [("neighbour = t + j - k // 2", "neighbour = t + j")], "the window begins at the token"),
        ("ByLoops", [("self.F[:, j]", "self.F[:, k - 1 - j]")], "the filter is turned round"),
        ("ByLoops", [(" + self.b)", ")")], "no bias"),
        (
            "ByLoops",
            [("neighbour = t + j - k // 2", "neighbour = t + j - k // 2 - 1")],
            "the window is one position off",
        ),
        (
            "WithUnfoldedWindows",
            [('"bndk,dk->bnd", windows, self.depthwise', '"bndk,k->bnd", windows, self.depthwise[0]')],
            "one filter for all channels",
        ),
    ],
    "03.2": [
        ("WithUnfoldedWindows", [("self.k).softmax(-1)", "self.k).softmax(-2)")], "softmax over the heads"),
        ("WithUnfoldedWindows", [("self.k).softmax(-1)", "self.k)")], "the kernel is not normalised"),
        (
            "WithUnfoldedWindows",
            [("self.local_keys(hidden) * queries", "self.local_keys(hidden) + queries")],
            "the query and the key are added",
        ),
        (
            "WithUnfoldedWindows",
            [("self.local_keys(hidden) * queries", "queries")],
            "the kernel comes from the query alone",
        ),
        (
            "WithUnfoldedWindows",
            [("self.local_keys(hidden) * queries", "self.values(hidden) * queries")],
            "the values stand in for the span-aware key",
        ),
        (
            "ByLoops",
            [("w = scores[:, t, head * k : (head + 1) * k].exp()", "w = scores[:, t, head :: h].exp()")],
            "the kernels are cut the other way round",
        ),
        (
            "ByLoops",
            [
                ("V_c[:, t + j - k // 2,", "V_c[:, t - j + k // 2,"),
                ("0 <= t + j - k // 2 <", "0 <= t - j + k // 2 <"),
            ],
            "the kernel is turned round",
        ),
        (
            "ByLoops",
            [("w[:, j : j + 1] * neighbour", "(scores[:, t, :k].softmax(-1))[:, j : j + 1] * neighbour")],
            "one kernel for all heads",
        ),
        (
            "ByLoops",
            [
                (
                    "neighbour = V_c[:, t + j - k // 2, head * size : (head + 1) * size]",
                    "neighbour = V_c[:, t + j - k // 2, head :: h]",
                )
            ],
            "the values are cut the other way round",
        ),
        (
            "AsAMap",
            [("self.kernel(self.span_key(X) * Q)", "self.kernel(self.span_key(X))")],
            "the kernel comes from the span-aware key alone",
        ),
        ("AsAMap", [("dim=3).exp()", "dim=1).exp()")], "softmax over the tokens"),
    ],
    "04.1": [
        (
            "InTwoSums",
            [("far @ self.W_O[:, : self.half].T + near @", "near @ self.W_O[:, : self.half].T + far @")],
            "the branches are exchanged",
        ),
        ("InTwoSums", [("(Q, X, mask)", "(Q, X)")], "the mask is not handed on"),
        ("InTwoSums", [(" + self.b_O, P, w", " + self.b_O")], "only the result is returned"),
        (
            "WithOtherNames",
            [("weights, kernels", "kernels, weights")],
            "the map and the kernels are exchanged",
        ),
        (
            "WithOtherNames",
            [("2 * cfg.branch_size, cfg.hidden_size)", "2 * cfg.branch_size, cfg.hidden_size, bias=False)")],
            "no bias in the last layer",
        ),
        ("WithOtherNames", [("return self.merge(", "return hidden + self.merge(")], "a residual connection"),
        (
            "IntoAnEmptyTensor",
            [("self.convolve(Q, X)", "self.convolve(both[:, :, 0].clone(), X)")],
            "the second branch gets the first one's result",
        ),
    ],
    "05.1": [
        (
            "AsAListOfLayers",
            [
                ("strict=True)], dim=-1)", "strict=True)][::-1], dim=-1)"),
            ],
            "",
        ),
        (
            "AsAListOfLayers",
            [
                (
                    "slices = X.chunk(len(self.parts), dim=-1)",
                    "slices = [X[..., i :: len(self.parts)] for i in range(len(self.parts))]",
                )
            ],
            "the slices alternate",
        ),
        ("AsAListOfLayers", [("part(piece) for part,", "self.parts[0](piece) for part,")], ""),
        ("AsOneConvolution", [("self.b, groups", "None, groups")], "no bias"),
        ("AsABlockMatrix", [(" + self.bias", " - self.bias")], "the bias is subtracted"),
        (
            "AsABlockMatrix",
            [("torch.block_diag(*self.weight)", "torch.block_diag(*[self.weight[0]] * len(self.weight))")],
            "the first matrix serves all groups",
        ),
        (
            "AsABlockMatrix",
            [
                (
                    "torch.block_diag(*self.weight)",
                    "torch.cat([torch.cat(list(self.weight), dim=1)] * len(self.weight))",
                )
            ],
            "every slice meets every matrix",
        ),
    ],
    "05.2": [
        ("AsASequence", [("nn.GELU()", "nn.ReLU()")], "ReLU"),
        ("AsASequence", [("nn.GELU()", "nn.GELU(approximate='tanh')")], "GELU by tanh"),
        ("AsASequence", [("nn.GELU(), ", "")], "no activation"),
        (
            "AsASequence",
            [("return self.steps(hidden)", "return hidden + self.steps(hidden)")],
            "a residual connection",
        ),
        ("AsASequence", [("grouped = config.num_groups > 1", "grouped = False")], "the groups are ignored"),
        (
            "AsASequence",
            [("up, nn.GELU(), down", "up, nn.GELU(), down, nn.GELU()")],
            "the activation comes twice",
        ),
        ("WithGeluWrittenOut", [("torch.erf(Y / 2**0.5)) / 2", "torch.tanh(Y / 2)) / 2")], "SiLU"),
    ],
    "05.3": [
        (
            "InTwoSteps",
            [
                (
                    "norm(functional.dropout(new, p=self.p, training=self.training) + X)",
                    "norm(functional.dropout(new + X, p=self.p, training=self.training))",
                )
            ],
            "dropout after the sums",
        ),
        (
            "InTwoSteps",
            [
                (
                    "norm(functional.dropout(new, p=self.p, training=self.training) + X)",
                    "norm(functional.dropout(new, p=self.p, training=self.training)) + X",
                )
            ],
            "LayerNorm comes before the sum",
        ),
        ("InTwoSteps", [("self.add(self.norm_2,", "self.add(self.norm_1,")], "one LayerNorm for both steps"),
        ("InTwoSteps", [("self.mix(hidden, mask)", "self.mix(hidden)")], "the mask is not handed on"),
        ("WithNormWrittenOut", [("X + self.drop(mixed)", "X + mixed")], "no dropout after the attention"),
        (
            "WithNormWrittenOut",
            [
                (
                    "return functional.layer_norm(X, d, self.factor_2, self.shift_2, self.epsilon), maps[0], maps[1]",
                    "return X, maps[0], maps[1]",
                )
            ],
            "no second LayerNorm",
        ),
        (
            "InADictionary",
            [('torch.stack([X, part["b"](mixed)]).sum(dim=0)', 'part["b"](mixed)')],
            "no residual connection around the attention",
        ),
    ],
    "05.4": [
        (
            "by_modules",
            [('if isinstance(module, nn.LayerNorm) and name == "weight":', "if False:")],
            "the factors of LayerNorm are drawn, too",
        ),
        ("by_modules", [("* spread", "")], "the standard deviation is 1"),
        ("by_copying", [('last != "depthwise" and ', "")], "the depthwise filter is drawn, too"),
        (
            "by_copying",
            [("torch.normal(0.0, std, parameter.shape)", "torch.full(parameter.shape, std)")],
            "a constant",
        ),
        ("by_apply", [('nn.init.constant_(parameters["bias"], 0)', "pass")], "the biases stay as they were"),
        ("by_apply", [("mean=0, std=std", "mean=std, std=std")], "std is taken for the mean"),
    ],
    "05.5": [
        (
            "WithOtherNames",
            [
                (
                    "nn.ModuleList([EncoderLayer(cfg) for _ in range(cfg.num_hidden_layers)])",
                    "nn.ModuleList([EncoderLayer(cfg)] * cfg.num_hidden_layers)",
                )
            ],
            "one layer is used L times",
        ),
        (
            "WithOtherNames",
            [("range(len(self.blocks))", "range(len(self.blocks) - 1)")],
            "the last layer is not called",
        ),
        (
            "WithOtherNames",
            [("token_type_ids=token_type_ids)", "token_type_ids=None)")],
            "the token types are not handed on",
        ),
        ("WithAddedModules", [("mask), mask)", "mask))")], "the mask is not handed on"),
        (
            "WithAddedModules",
            [
                (
                    'self.add_module(f"layer_{i}", EncoderLayer(config))',
                    "self.layers = [*getattr(self, 'layers', []), EncoderLayer(config)]",
                ),
                ('getattr(self, f"layer_{depth - 1}")', "self.layers[depth - 1]"),
            ],
            "the layers stand in a Python list",
        ),
        ("KeepingEverything", [("return states[-1]", "return states[0]")], "the embeddings alone"),
        (
            "KeepingEverything",
            [("layer(states[-1], mask)", "layer(states[0], mask)")],
            "every layer gets the embeddings",
        ),
    ],
    "05.6": [
        ("AsASequence", [("nn.GELU(), norm,", "norm, nn.GELU(),")], "LayerNorm comes before GELU"),
        ("AsASequence", [("nn.GELU(), ", "nn.Tanh(), ")], "tanh"),
        (
            "AsASequence",
            [("return self.steps(X)", "return self.steps(X).log_softmax(dim=2)")],
            "log-probabilities",
        ),
        ("WithPlainMatrices", [("+ self.epsilon)", "+ 1e-5)")], "the default epsilon"),
        ("WithPlainMatrices", [("Y * (1 + torch.erf(Y / 2**0.5)) / 2", "Y")], "no GELU"),
        ("WithOtherNames", [("self.norm(vectors)", "vectors")], "no LayerNorm"),
        (
            "WithOtherNames",
            [("config.vocab_size)", "config.vocab_size, bias=False)")],
            "the decoder has no bias",
        ),
    ],
    "05.7": [
        (
            "TheOtherWayRound",
            [("self.body.embeddings.word.weight = self.head.decoder.weight", "pass")],
            "not tied",
        ),
        (
            "TheOtherWayRound",
            [
                (
                    "self.body.embeddings.word.weight = self.head.decoder.weight",
                    "self.head.decoder.weight.data = self.body.embeddings.word.weight.data.clone()",
                )
            ],
            "not tied",
        ),
        ("TheOtherWayRound", [("self.body(ids, mask, token_type_ids)", "self.body(ids)")], ""),
        (
            "WithoutADecoderMatrix",
            [("return X @", "return (X @"), (" + self.bias", " + self.bias).softmax(dim=-1)")],
            "probabilities",
        ),
        (
            "WithoutADecoderMatrix",
            [("self.encoder.embeddings.word.weight.T", "self.encoder.embeddings.word.weight.detach().T")],
            "the decoder's gradient does not reach E",
        ),
        (
            "WithANameForE",
            [
                ("mask=mask)", "mask=token_type_ids)"),
                ("token_type_ids=token_type_ids", "token_type_ids=mask"),
            ],
            "mask and token types are exchanged",
        ),
    ],
    "01.2": [
        ("with_indices", [(" / single[pair[0]] / single[pair[1]]", "")], "the most frequent pair"),
        (
            "with_indices",
            [("single.get(pieces[i], 0) + count", "single.get(pieces[i], 0) + 1")],
            "pieces count once for each word",
        ),
        (
            "with_pairwise",
            [("pieces[both[0]] * pieces[both[1]]", "pieces[both[0]] + pieces[both[1]]")],
            "divided by the sum",
        ),
        (
            "with_pairwise",
            [("(pieces[both[0]] * pieces[both[1]])", "pieces[both[0]]")],
            "divided by the first piece only",
        ),
        ("word_by_word", [("for _ in range(count)]", "]")], "each word counts once"),
        ("word_by_word", [("return max(", "return min(")], "the lowest score"),
    ],
    "01.3": [
        ("by_positions", [("t > len(a) + 1", "t > len(a)")], "the first [SEP] belongs to the second segment"),
        ("by_positions", [("if len(tokens) > length:", "if False:")], ""),
        ("from_triples", [("(pad, 0, 0)", "(pad, 0, 1)")], "padding is not masked"),
        ("from_triples", [("(pad, 0, 0)", "(pad, 1, 0)")], "padding belongs to the second segment"),
        ("from_triples", [(" if second else []", "")], "a [SEP] for an empty second segment"),
        ("by_arithmetic", [("*[pad] * rest]", "*[0] * rest]")], "padding with 0"),
        ("by_arithmetic", [("if rest < 0:", "if rest < -99:")], "a text that is too long goes through"),
    ],
    "02.2": [
        (
            "row_by_row",
            [
                (
                    "below, above, top = below * shrink, above * shrink, score",
                    "above, top = above * shrink, score",
                )
            ],
            "",
        ),
        (
            "row_by_row",
            [
                (
                    "below, above, top = below * shrink, above * shrink, score",
                    "below, top = below * shrink, score",
                )
            ],
            "",
        ),
        ("row_by_row", [(" / len(q) ** 0.5", "")], "no square root"),
        ("row_by_row", [("above / below", "above")], "no division at the end"),
        (
            "by_logarithms",
            [
                (
                    "result = result * (log_sum - both).exp()[:, None] + own * (here - both).exp()[:, None]",
                    "result = own",
                )
            ],
            "the last block only",
        ),
        (
            "two_passes",
            [(" - top[:, None]) @ V", ") @ V"), (" - top[:, None]).sum", ").sum")],
            "nothing is subtracted",
        ),
    ],
    "02.3": [
        ("by_loops", [("- slope * abs(t - j)", "+ slope * abs(t - j)")], "the distance is added"),
        ("by_loops", [("abs(t - j)", "(t - j) ** 2")], "the square of the distance"),
        ("by_loops", [("result = S.clone()", "result = S")], "the input is changed"),
        ("by_diagonals", [(" + torch.diag(ones, -distance)", " * 1")], ""),
        (
            "by_diagonals",
            [("slopes[h] * penalty", "slopes[0] * penalty")],
            "the first slope serves all heads",
        ),
        ("by_cdist", [("p=1.0)", "p=1.0) + 1")], "distances begin at 1"),
    ],
    "03.3": [
        ("with_conv1d", [("scores.softmax(-1)", "scores")], "no softmax"),
        (
            "with_conv1d",
            [("scores.softmax(-1)", "scores.softmax(-1).flip(-1)")],
            "the kernel is turned round",
        ),
        (
            "with_conv1d",
            [("scores.softmax(-1).repeat_interleave(a // h, dim=0)", "scores.softmax(-1).repeat(a // h, 1)")],
            "the heads are interleaved",
        ),
        (
            "by_loops",
            [
                ("0 <= t + j - k // 2 < n", "0 <= t + j - k + 1"),
                ("V[:, t + j - k // 2]", "V[:, t + j - k + 1]"),
            ],
            "the window ends at the token",
        ),
        (
            "by_loops",
            [("scores.exp().sum(dim=1, keepdim=True)", "scores.exp().sum(dim=0, keepdim=True)")],
            "softmax over the heads",
        ),
        (
            "as_a_map",
            [("* inside", "* inside; band = band / band.sum(dim=-1, keepdim=True)")],
            "the weights inside of the text sum to 1",
        ),
        ("as_a_map", [("(offset < k)", "(offset < k - 1)")], "the last neighbour is left out"),
    ],
    "03.4": [
        ("by_adding", [("offset + (k - 1) // 2", "(k - 1) // 2 - offset")], "left and right are exchanged"),
        ("by_adding", [("1 / len(offsets)", "1")], "a sum and not a mean"),
        ("by_adding", [("1 / len(offsets)", "1 / k")], "divided by the window"),
        (
            "by_a_table",
            [("window[offset] += 1", "window[offset] = 1")],
            "each offset once, and a mean of those",
        ),
        ("by_sets", [("if set(places) - set(range(k)):", "if False:")], "the reach is not checked"),
        ("by_sets", [("set(range(k)):", "set(range(1, k - 1)):")], "the edge is refused"),
    ],
    "04.2": [
        (
            "by_spreading",
            [("windows | (set(range(n)) if changed else set())", "windows")],
            "every layer is like the first",
        ),
        ("by_spreading", [("range(0 if masked else layers)", "range(layers)")], "the cure is ignored"),
        ("by_spreading", [("t + j - k // 2 >= n", "t + j >= n")], ""),
        (
            "by_rules",
            [("reach = r if layers < 2 else n", "reach = r * layers")],
            "self-attention is forgotten",
        ),
        ("by_rules", [("n - t <= reach", "n - t <= reach + 1")], "one token too many"),
        ("by_rules", [("r = (k - 1) // 2", "r = k")], "the whole window counts"),
        ("with_a_table", [(" or (j < n and t < n)", "")], "self-attention is forgotten"),
    ],
    "04.3": [
        ("by_a_function", [("inputs * outputs + outputs * bias", "inputs * outputs + inputs * bias")], ""),
        ("by_a_function", [("layer(2 * a, d)", "layer(d, d)")], "the output layer starts from d"),
        ("by_a_function", [("layer(a, h * k)", "layer(a, k)")], "the kernel layer makes one kernel"),
        ("by_factoring", [("(a + 1) * k * h", "a * k * h")], "no bias in the kernel layer"),
        ("by_factoring", [("(d + 1) * a + k * d", "(d + 1) * a")], "the filter is forgotten"),
        ("by_factoring", [("(2 * a + 1)", "(a + 1)")], "the output layer starts from a"),
        ("by_building", [("gamma_bottleneck=True", "gamma_bottleneck=False")], ""),
    ],
    "05.8": [
        (
            "InOneSum",
            [("self.mix(self.first(X), mask)", "self.mix(X, mask)")],
            "no LayerNorm before the attention",
        ),
        (
            "InOneSum",
            [("self.think(self.second(X + one))", "self.think(X + one)")],
            "no LayerNorm before the feed-forward network",
        ),
        ("InOneSum", [("torch.stack([X, one, two])", "torch.stack([one, two])")], ""),
        (
            "WithWrappedParts",
            [("self.branches(self.norm(hidden), mask)", "self.branches(self.norm(hidden))")],
            "the mask is not handed on",
        ),
        ("WithWrappedParts", [("self.drop(result[0])", "result[0]")], "no dropout after the attention"),
        ("WithNormsInAList", [("self.norms[1](Y)", "self.norms[0](Y)")], "one LayerNorm for both"),
    ],
    "05.9": [
        ("by_trying", [("layers * (k // 2) < tokens", "layers * k < tokens")], ""),
        ("by_trying", [("return k", "return k // 2")], "the reach in place of the kernel"),
        ("by_whole_numbers", [("(tokens + layers - 1) // layers", "tokens // layers")], "rounded down"),
        ("by_whole_numbers", [("1 + 2 * ", "2 * ")], "the token itself is forgotten"),
        ("by_remainder", [("(whole + bool(rest))", "(whole + 1)")], "one more than rounded down"),
    ],
    "06.1": [
        ("with_struct", [('"<Q"', '">Q"')], ""),
        ("with_struct", [("view[length + 8 :]", "view[length:]")], "the first 8 bytes are forgotten"),
        ("with_struct", [('.view(*about["shape"])', "")], "no shape"),
        ("with_struct", [(".to(torch.float32)", "")], "the dtype of the file"),
        (
            "with_numpy",
            [
                (
                    'bits = np.frombuffer(data[start:end], dtype="<u2").astype(np.uint32) << 16',
                    'bits = np.frombuffer(data[start:end], dtype="<f2").astype(np.float32)',
                )
            ],
            "bfloat16 is taken for float16",
        ),
        (
            "with_the_library",
            [
                ("[name].float()", ".get(name)"),
                ("return ", "found = "),
                (".get(name)", ".get(name); return found.float() if found is not None else None"),
            ],
            "None for a name that is not there",
        ),
    ],
    "06.2": [
        (
            "with_sets",
            [
                (
                    "missing=sorted(a - b), unexpected=sorted(b - a)",
                    "missing=sorted(b - a), unexpected=sorted(a - b)",
                )
            ],
            "missing and unexpected are exchanged",
        ),
        (
            "with_sets",
            [("list(ours[name]) != list(theirs[name])", "ours[name] != theirs[name]")],
            "a tuple and a list differ",
        ),
        ("with_sets", [("sorted(b - a)", "[]")], "unexpected names are ignored"),
        (
            "in_one_walk",
            [("[*model[name]] != [*file[name]]", "len(model[name]) != len(file[name])")],
            "only the numbers of axes are compared",
        ),
        (
            "in_one_walk",
            [("[*model[name]] != [*file[name]]", "sorted(model[name]) != sorted(file[name])")],
            "only the numbers of elements are compared",
        ),
        (
            "by_taking_away",
            [("mismatched.append(name)", "mismatched.append(name); missing.append(name)")],
            "a mismatched name is missing, too",
        ),
    ],
    "06.3": [
        ("one_by_one", [("mine.train(False)", "mine.train()")], "training mode"),
        (
            "one_by_one",
            [("parameter.copy_(theirs.get_parameter(key))", "theirs.get_parameter(key)")],
            "no weights",
        ),
        ("part_by_part", [("    model.eval()", "    model.bfloat16().eval()")], "half precision"),
        (
            "part_by_part",
            [("    model.eval()", "    model.half().float().bfloat16().float().eval()")],
            "the weights are rounded",
        ),
        ("by_sharing", [("    return model", "    return package")], "the package's own model"),
    ],
    "00.1": [
        ("by_counting", [("right / len(answers)", "right")], "how many and not which share"),
        ("by_counting", [("right / len(answers)", "100 * right / len(answers)")], "per cent"),
        ("by_counting", [("row.index(max(row))", "row.index(min(row))")], "the lowest score"),
        (
            "by_comparing_with_the_best",
            [(".double().mean()", ".double().sum() / logits.shape[1]")],
            "divided by the classes",
        ),
        ("with_probabilities", [("== int(label)", "!= int(label)")], "the share of errors"),
    ],
    "00.2": [
        ("by_sorting", [("logits[ids == mask_id]", "logits[:1]")], "the first position"),
        ("by_sorting", [("float(probs[i])", "float(row[i])")], "scores in place of probabilities"),
        ("one_by_one", [("max(left, key=left.get)", "min(left, key=left.get)")], "the unlikeliest"),
        ("one_by_one", [("dim=1)[place]", "dim=0)[place]")], "softmax over the positions"),
        ("with_log_probabilities", [("float(v.exp())", "float(v)")], "logarithms of probabilities"),
        ("with_log_probabilities", [("vocabulary[int(i)]", "int(i)")], "ids in place of tokens"),
    ],
    "07.1": [
        ("by_loops", [("if mask[t]:", "if True:")], "padding counts"),
        ("by_loops", [("abs(t - j)", "(t - j)")], "the distance has a sign"),
        ("by_loops", [("total / tokens", "total")], "the sum and not the mean"),
        (
            "with_selected_rows",
            [
                (
                    "torch.cdist(where[:, None], where[:, None])",
                    "torch.cdist(where[:, None], where[:, None]) ** 2",
                )
            ],
            "the square of the distance",
        ),
        (
            "with_selected_rows",
            [
                (
                    "torch.cdist(where[:, None], where[:, None])",
                    "1 + torch.cdist(where[:, None], where[:, None])",
                )
            ],
            "distances from 1",
        ),
        ("by_distance", [("int(mask.sum())", "n")], "divided by all positions"),
    ],
    "07.2": [
        ("by_loops", [("if real and token not in sinks", "if real")], "the rows of sinks count"),
        (
            "by_loops",
            [("if real and token not in sinks", "if token not in sinks")],
            "the rows of padding count",
        ),
        (
            "with_einsum",
            [
                ("for token in sinks)", "for token in sinks[:1])"),
                ("mask.float() * (1 - to)", "mask.float() * (1 - to)"),
            ],
            "only the first sink",
        ),
        (
            "with_einsum",
            [('"t,htj,j->h", of, maps, to', '"t,htj,j->h", of, maps, 1 - to')],
            "the share of the others",
        ),
        ("by_selecting", [(".sum(dim=2)[:, rows]", ".mean(dim=2)[:, rows]")], "the mean of the columns"),
        ("by_selecting", [("/ len(rows)", "/ len(ids)")], "divided by all positions"),
    ],
    "08.1": [
        ("by_loops", [("int(sampled[b, t] != ids[b, t])", "1")], "every masked position counts as replaced"),
        (
            "by_loops",
            [("if not mask[b, t]:", "if not masked[b, t]:")],
            "tokens that were not masked are left out",
        ),
        ("with_indexing", [(" - 100 * (1 - mask)", "")], "padding has label 0"),
        ("by_loops", [("if not mask[b, t]:", "if ids[b, t] == 0:")], "padding has label 0"),
        ("with_indexing", [("wrong.long() * mask", "wrong.float() * mask")], "labels of floating point"),
        ("by_arithmetic", [(" * masked.long()", "")], "guesses everywhere"),
        ("by_arithmetic", [("mask > 0", "mask < 1")], "the mask is inverted"),
    ],
    "08.2": [
        ("written_out", [("discriminator * weight", "discriminator")], "no weight"),
        (
            "written_out",
            [("signs = 2.0 * labels.clamp(min=0) - 1", "signs = 1 - 2.0 * labels.clamp(min=0)")],
            "above 0 means original",
        ),
        (
            "with_ignored_positions",
            [("ids.masked_fill(~masked, -100)", "ids")],
            "the generator learns from all positions",
        ),
        (
            "with_ignored_positions",
            [("labels.flatten(), ignore_index=-100", "labels.clamp(min=0).flatten()")],
            "padding counts",
        ),
        (
            "by_loops",
            [("if labels[b, t] >= 0:", "if masked[b, t]:")],
            "the discriminator learns from masked positions only",
        ),
        (
            "by_loops",
            [
                (
                    "torch.stack(ones).mean() + weight * torch.stack(twos).mean()",
                    "torch.stack(ones).sum() + weight * torch.stack(twos).sum()",
                )
            ],
            "sums in place of means",
        ),
    ],
    "09.1": [
        (
            "with_patterns",
            [("layers + 1 - int(found[1])", "layers - int(found[1])")],
            "one step too few in the layers",
        ),
        ("with_patterns", [("layers + 2 if", "layers + 1 if")], "the embeddings like the lowest layer"),
        (
            "with_patterns",
            [("rate * pow(decay, depth(name))", "rate * pow(decay, max(1, depth(name)))")],
            "the head is decayed, too",
        ),
        (
            "step_by_step",
            [("for i in reversed(range(layers)):", "for i in range(layers):")],
            "the lowest layers learn fastest",
        ),
        (
            "with_one_list",
            [('levels[int(rest.split(".")[0]) + 1]', "levels[int(rest[0]) + 1]")],
            "only the first digit is read",
        ),
        ("with_one_list", [("return result", "return list(result.values())")], "a list"),
    ],
    "09.2": [
        ("written_out", [("logits[:, 0] - labels", "logits - labels")], ""),
        (
            "written_out",
            [("(logits.logsumexp(dim=1) - right).mean()", "(logits.logsumexp(dim=1) - right).sum()")],
            "summed over the batch",
        ),
        ("with_modules", [("torch.nn.MSELoss()", "torch.nn.L1Loss()")], "the absolute error"),
        (
            "with_modules",
            [
                (
                    '"multi_label_classification": torch.nn.BCEWithLogitsLoss()',
                    '"multi_label_classification": torch.nn.CrossEntropyLoss()',
                )
            ],
            "cross-entropy for several classes",
        ),
        ("by_logarithms", [("    raise ValueError(problem_type)", "    return logits.mean()")], ""),
        (
            "by_logarithms",
            [("logits.log_softmax(dim=-1)", "logits.softmax(dim=-1).log_softmax(dim=-1)")],
            "the softmax comes twice",
        ),
    ],
    "10.1": [
        (
            "with_groups",
            [("[first] + [ignored] * (number - 1)", "[first] * number")],
            "every piece gets the label",
        ),
        ("with_groups", [("ignored if word is None", "ignored if not word")], "word 0 is taken for no word"),
        ("with_groups", [("ignored if word is None", "0 if word is None")], ""),
        ("by_first_places", [("[ignored for _ in word_ids]", "[-100 for _ in word_ids]")], "always -100"),
        ("with_pairs", [("        labels[now] if", "        now if")], "the number of the word"),
        (
            "with_pairs",
            [("zip(before, word_ids, strict=True)", "zip([*word_ids[1:], None], word_ids, strict=True)")],
            "the last piece gets the label",
        ),
    ],
    "10.2": [
        (
            "by_precision_and_recall",
            [("2 * precision * recall / (precision + recall) if right else 0.0", "precision")],
            "precision",
        ),
        (
            "by_precision_and_recall",
            [("2 * precision * recall / (precision + recall) if right else 0.0", "recall")],
            "recall",
        ),
        (
            "by_precision_and_recall",
            [("result.append((t, end, kind))", "result.append((t, end))")],
            "the kind does not count",
        ),
        (
            "by_precision_and_recall",
            [("result.append((t, end, kind))", "result.append((t, kind))")],
            "the end does not count",
        ),
        ("with_a_long_text", [('row[u] != "I-" + row[t][2:]', 'row[u][:2] != "I-"')], "any I- continues"),
        (
            "with_strings",
            [("            found += [open_entity] if open_entity else []\n        return", "        return")],
            "an entity at the end of a sentence is lost",
        ),
        ("with_strings", [('f"{i} {label[2:]} {t}"', 'f"- {label[2:]} {t}"')], "sentences are mixed up"),
    ],
    "11.1": [
        (
            "by_loops",
            [("min(len(end), i + longest)", "min(len(end), i + longest + 1)")],
            "one token too long",
        ),
        ("by_loops", [("min(len(end), i + longest)", "len(end)")], "an answer may be of any length"),
        ("by_loops", [("range(i, min", "range(i + 1, min")], ""),
        ("by_lengths", [("each.masked_fill(~in_passage, -1e9)", "each")], "the question may be the answer"),
        ("by_lengths", [("i, j, score\n", "i, j + 1, score\n")], "the end is exclusive"),
        (
            "with_a_generator",
            [
                ("start[pair[0]] + end[pair[1]]", "start[pair[0]] * end[pair[1]]"),
                ("(start[i] + end[j])", "(start[i] * end[j])"),
            ],
            "",
        ),
        ("with_a_generator", [("0 <= j - i < longest", "j - i < longest")], "an answer may run backwards"),
    ],
    "11.2": [
        (
            "by_walking",
            [("lowest = min(lowest, window", "lowest = max(lowest if lowest < 1e9 else -1e9, window")],
            "the highest score for no answer",
        ),
        ("by_walking", [("<= threshold", "<= 0")], "the threshold is not used"),
        ("by_walking", [("<= threshold", "< threshold")], "silent at the threshold"),
        ("by_sorting", [('winner["first"] + winner[which]', "winner[which]")], "positions in the window"),
        ("by_sorting", [("reverse=True", "reverse=False")], "the lowest score"),
        ("with_dictionaries", [("        return None", "        return best")], "never silent"),
    ],
    "12.1": [
        ("question_by_question", [("strict=True)])", "strict=True)]).softmax(dim=-1)")], "probabilities"),
        (
            "question_by_question",
            [("score(texts, own)", "score(texts, own * 0 + 1)")],
            "the mask is forgotten",
        ),
        (
            "choice_by_choice",
            [("torch.stack(columns, dim=1)", "torch.stack(columns, dim=0)")],
            "the axes are exchanged",
        ),
        ("choice_by_choice", [("torch.stack(columns, dim=1)", "torch.cat(columns)")], ""),
        ("with_reshape", [("torch.unflatten(flat, 0, ids.shape[:2])", "flat")], "the scores stay flat"),
        (
            "with_reshape",
            [
                (
                    "torch.unflatten(flat, 0, ids.shape[:2])",
                    "torch.unflatten(flat, 0, ids.shape[:2]).argmax(dim=-1)",
                )
            ],
            "the best choice",
        ),
    ],
    "12.2": [
        ("by_loops", [("while not own[t]:", "while False:")], "the last column"),
        (
            "by_loops",
            [("t = len(own) - 1", "t = int(own.sum()) - 1"), ("while not own[t]:", "while False:")],
            "the number of tokens",
        ),
        (
            "by_flipping",
            [
                (
                    "mask.flip(1).to(torch.int64).argmax(dim=1)",
                    "mask.shape[1] - 1 - mask.to(torch.int64).argmax(dim=1)",
                )
            ],
            "the first token that is no padding",
        ),
        ("by_flipping", [("-1, 1, X.shape[2]))[:, 0]", "-1, 1, X.shape[2]))")], "an axis of length 1 stays"),
        ("by_selecting", [("[-1:]", ".mean(dim=0, keepdim=True)")], "the mean of all tokens"),
    ],
    "13.1": [
        ("in_one_batch", [("copies[rows, places] = mask_id", "pass")], "nothing is hidden"),
        ("in_one_batch", [("copies[rows, places] = mask_id", "copies[:, places] = mask_id")], ""),
        ("in_one_batch", [(".exp().item()", ".item()")], "the surprise itself"),
        ("in_one_batch", [("if int(ids[t]) not in special]", "]")], "special tokens count"),
        ("with_products", [("-1 / count", "1 / count")], "the sign"),
        ("with_products", [("product ** (-1 / count)", "product ** -1")], "the sum"),
        (
            "with_a_mask",
            [("-logs[wanted].mean().item()", "-logs[wanted].sum().item() / n")],
            "the mean is over all positions",
        ),
    ],
    "13.2": [
        ("by_beginnings", [("list(range(t, end))", "[t]")], "only the first positions"),
        ("by_beginnings", [(' and (t == 0 or kinds[t - 1] == "special")', "")], ""),
        (
            "from_the_end",
            [('tokens[t].startswith("##")', 'tokens[t].startswith("#")')],
            "one number sign is enough",
        ),
        (
            "from_the_end",
            [
                (
                    "            if waiting:\n                result.append(waiting)\n            waiting = []\n        elif",
                    "            pass\n        elif",
                )
            ],
            "",
        ),
        (
            "with_numbers",
            [("if before is None or before in special or not", "if True or not")],
            "every piece is a word",
        ),
        ("with_numbers", [("if token in special:", "if token in special and token != special[0]:")], ""),
    ],
    "14.1": [
        (
            "with_tensors",
            [("argsort(stable=True)", "argsort(stable=True, descending=True)")],
            "the longest first",
        ),
        (
            "with_tensors",
            [("[rows.tolist() for rows in batches]", "[(rows + 1).tolist() for rows in batches]")],
            "rows from 1",
        ),
        ("with_tensors", [("padding / everything", "padding / int(sizes.sum())")], "padding for each token"),
        (
            "one_by_one",
            [("lengths[row] < lengths[shortest]", "lengths[row] <= lengths[shortest]")],
            "equal lengths in reverse order",
        ),
        ("one_by_one", [("if lengths[row] < lengths[shortest]:", "if row < shortest:")], ""),
        (
            "one_by_one",
            [("(places - sum(lengths)) / places", "(places - sum(lengths))")],
            "the number of places",
        ),
        (
            "with_pairs",
            [("-(-len(pairs) // batch_size)", "len(pairs) // batch_size")],
            "the last batch is lost",
        ),
        (
            "with_pairs",
            [("[[row for _, row in group]", "[[length for length, _ in group]")],
            "lengths in place of row numbers",
        ),
        (
            "with_pairs",
            [("group[-1][0] * len(group)", "group[-1][0] * batch_size")],
            "the last batch counts as full",
        ),
    ],
    "14.2": [
        (
            "by_loops",
            [("seconds[part] / factors[part]", "seconds[part] / max(1, factors[part])")],
            "no part becomes slower",
        ),
        (
            "by_loops",
            [("        else:\n            new += seconds[part]\n", "")],
            "parts without a factor take no time",
        ),
        ("by_loops", [("return old / new", "return old - new")], "the seconds that are saved"),
        ("with_shares", [("1 / (1 - saved)", "saved")], "the share of the time that is saved"),
        ("with_shares", [("1 / (1 - saved)", "1 - saved")], "the share of the time that is left"),
        (
            "with_means",
            [
                ("1 / factors[part] if", "factors[part] if"),
                (
                    "math.fsum(weights) / math.fsum(w * s for w, s in zip(weights, slowness, strict=True))",
                    "math.fsum(w * s for w, s in zip(weights, slowness, strict=True)) / math.fsum(weights)",
                ),
            ],
            "the mean of the factors, weighted by time",
        ),
    ],
    "15.1": [
        (
            "with_backward",
            [
                ("number / sum(tokens)", "1 / len(pieces)"),
                ("        if not number:\n            continue\n", ""),
            ],
            "the mean of the means",
        ),
        (
            "with_backward",
            [("        if not number:\n            continue\n", "")],
            "a piece without labels gives NaN",
        ),
        ("with_backward", [("mean * number / sum(tokens)", "mean * number")], "the sum over the tokens"),
        (
            "by_hand",
            [("total += len(wanted)", "total += labels.numel()")],
            "tokens without a label are counted",
        ),
        (
            "by_hand",
            [
                (
                    "return (loss / total).item(), gradient / total",
                    "return gradient / total, (loss / total).item()",
                )
            ],
            "the other result first",
        ),
        (
            "sums_first",
            [
                ('reduction="sum")', 'reduction="mean")'),
                (") / int(labelled.sum()), torch", "), torch"),
                ("    ) / labelled.sum()", "    )"),
            ],
            "the sum of the means",
        ),
        (
            "sums_first",
            [
                (
                    "labels.reshape(-1) for _, labels in pieces]) >= 0",
                    "labels.reshape(-1) for _, labels in pieces]) > 0",
                )
            ],
            "",
        ),
    ],
    "15.2": [
        (
            "in_blocks",
            [("rank * size + min(rank, more)", "rank * size"), (" + (rank < more)]", "]")],
            "rows that are left over are dropped",
        ),
        ("in_blocks", [("rows[start : start + size + (rank < more)]", "rows[start : start + size + 1]")], ""),
        (
            "by_rounding",
            [("rows[borders[rank] : borders[rank + 1]]", "rows[borders[rank] : borders[rank + 1] + 1]")],
            "",
        ),
        (
            "by_rounding",
            [("(borders[rank + 1] - borders[rank]) / total", "1 / world_size")],
            "all processes weigh alike",
        ),
        (
            "like_cards",
            [("sum(1 / len(rows) for _ in mine)", "len(mine)")],
            "the weight is the number of rows",
        ),
        ("like_cards", [("mine = tuple(hands[rank])", "mine = tuple(rows)")], "every process reads all rows"),
        ("like_cards", [("append(row)", "append(i)")], "positions in place of rows"),
    ],
    "16.1": [
        ("by_loops", [("if counted[t]:", "if True:")], "all rows count"),
        ("by_loops", [("t + k // 2 + 1", "t + k // 2")], ""),
        (
            "by_loops",
            [("result.append(sum(masses) / len(masses))", "result.append(sum(masses))")],
            "the sum over the tokens",
        ),
        (
            "by_offsets",
            [("range(-(k // 2), k // 2 + 1)", "range(-k, k + 1)")],
            "the window reaches k tokens to each side",
        ),
        ("by_offsets", [("int(counted.sum())", "len(counted)")], "divided by all tokens"),
        (
            "with_a_band",
            [("torch.ones(n, n).triu(-r) * torch.ones(n, n).tril(r)", "torch.ones(n, n).triu(-r)")],
            "only the left side has an end",
        ),
        (
            "with_a_band",
            [("torch.ones(n, n).tril(r)", "torch.ones(n, n).tril(r) * (1 - torch.eye(n))")],
            "the token itself is left out",
        ),
        ("with_a_band", [(".mean(dim=1)", ".mean(dim=1) / k")], "the mean within the window"),
    ],
    "16.2": [
        (
            "with_tensors",
            [("[columns[~is_local], columns[is_local]]", "[columns[is_local], columns[~is_local]]")],
            "the convolutions come first",
        ),
        (
            "with_tensors",
            [(".view(heads, size)", ".view(size, heads).T")],
            "the channels of the heads interleave",
        ),
        (
            "with_tensors",
            [(".flatten().tolist()", ".flatten().argsort().tolist()")],
            "where each old column goes",
        ),
        ("by_ranks", [("for wanted in (False, True):", "for wanted in (True,):")], "only the convolutions"),
        (
            "by_ranks",
            [("order += range(head * size, (head + 1) * size)", "order.append(head)")],
            "numbers of heads in place of columns",
        ),
        ("by_ranks", [("< len(mass) / 2", "< len(mass) / 2 - 1")], "one head too few"),
        ("by_sorting_columns", [(">= middle", "> 0.5")], "a threshold of one half"),
        (
            "by_sorting_columns",
            [("key=lambda column: bool(mass[column // size] >= middle)", "key=lambda column: 0")],
            "the old order",
        ),
    ],
    "16.3": [
        ("with_normalised_rows", [("torch.log(kernels)", "kernels")], ""),
        ("with_normalised_rows", [("(p + 1e-9) / (p + 1e-9)", "(p + 0.0) / (p + 0.0)")], "minus infinity"),
        ("with_normalised_rows", [("torch.log(kernels)", "torch.log2(kernels)")], "base 2"),
        (
            "by_loops",
            [("for row in p.tolist()", "for row in p.T.tolist()")],
            "weight by weight and not head by head",
        ),
        ("by_loops", [("for weight in row]", "for weight in reversed(row)]")], "the window is turned round"),
        ("with_the_largest_at_zero", [("torch.cat([", "torch.stack([")], "still a table"),
        (
            "with_the_largest_at_zero",
            [("for row in p]", "for row in [p.mean(dim=0)] * len(p)]")],
            "one kernel for all heads",
        ),
    ],
    "18.1": [
        ("with_padding", [("+ [j, 0])[:, : Y.shape[1]]", "+ [0, j])[:, j:]")], "moved to the left"),
        ("with_padding", [("[:, : Y.shape[1]]", "")], "the text becomes longer"),
        ("with_padding", [("[0, 0] * (Y.dim() - 2) + [j, 0]", "[0, 0, j, 0]")], ""),
        ("with_padding", [("+ [j, 0]", "+ [j + 1, 0]")], "one position too far"),
        (
            "by_writing",
            [("torch.zeros_like(values)", "torch.zeros(values.shape)")],
            "token ids become floating-point numbers",
        ),
        ("by_writing", [("torch.zeros_like(values)", "values.roll(offset, 1)")], "the end wraps around"),
        ("by_loops", [(" if t >= j else nothing", "")], ""),
        ("by_loops", [(" if t >= j else nothing", " if t >= j else Y[:, 0]")], "the first token is repeated"),
        (
            "by_loops",
            [("Y[:, t - j] if t >= j else nothing", "Y[:, (t - j) % Y.shape[1]]")],
            "the end wraps around",
        ),
        ("by_loops", [(" for t in range(Y.shape[1])", " for t in range(j, Y.shape[1])")], ""),
        (
            "with_a_matrix",
            [("torch.arange(n)[:, None] - torch.arange(n)", "torch.arange(n) - torch.arange(n)[:, None]")],
            "moved to the left",
        ),
        ("with_a_matrix", [("== j", "== max(j - 1, 0)")], "one position too few"),
    ],
    "18.2": [
        (
            "WithUnfoldedWindows",
            [("self.each_channel.flip(-1)", "self.each_channel")],
            "the filter is turned round",
        ),
        (
            "WithUnfoldedWindows",
            [(".unfold(1, k, 1).flip(-1)", ".unfold(1, k, 1)")],
            "the kernel is turned round",
        ),
        (
            "WithUnfoldedWindows",
            [
                (
                    "functional.pad(X.transpose(1, 2), (k - 1, 0))",
                    "functional.pad(X.transpose(1, 2), (0, k - 1)).flip(-1)",
                ),
                ("groups=d).transpose", "groups=d).flip(-1).transpose"),
            ],
            "the span-aware key looks to the right",
        ),
        (
            "WithUnfoldedWindows",
            [
                (
                    "functional.pad(X.transpose(1, 2), (k - 1, 0))",
                    "functional.pad(X.transpose(1, 2), ((k - 1) // 2, k // 2))",
                )
            ],
            "the span-aware key sees the next tokens",
        ),
        (
            "WithUnfoldedWindows",
            [("(0, 0, k - 1, 0)).unfold(1, k, 1)", "(0, 0, (k - 1) // 2, k // 2)).unfold(1, k, 1)")],
            "the window reaches to both sides",
        ),
        ("WithUnfoldedWindows", [("self.W.softmax(-1)", "self.W")], "the fixed scores are the weights"),
        (
            "WithUnfoldedWindows",
            [("view(B, n, h, k).softmax(-1)", "view(B, n, h, k).softmax(-2)")],
            "softmax over the heads",
        ),
        ("ByLoops", [("range(min(self.window, t + 1))", "range(min(self.window - 1, t + 1))")], ""),
        ("ByLoops", [("if j <= t", "if j < t")], ""),
        (
            "ByLoops",
            [
                (
                    "Y[:, t - j, own] for j in range(self.window) if j <= t",
                    "Y[:, t - j, own] for j in range(self.window)",
                )
            ],
            "the ends wrap around",
        ),
        ("ByLoops", [("Q[:, t] * self.key(X, t)", "self.key(X, t)")], "the query has no influence"),
        (
            "ByLoops",
            [
                ("X[:, t - j]", "Q[:, t - j]"),
                ("def key(self, X, t)", "def key(self, Q, t)"),
                ("self.key(X, t)", "self.key(Q, t)"),
            ],
            "the span-aware key is made from the queries",
        ),
        ("ByLoops", [("            w = w / w.sum(dim=2, keepdim=True)\n", "")], ""),
        (
            "AsAMap",
            [("back >= 0) & (", "back > 0) & ("), ("back = back.clamp(0", "back = (back - 1).clamp(0")],
            "",
        ),
        ("AsAMap", [("X)) * Q", "X)) + Q")], "the query and the key are added"),
        (
            "AsAMap",
            [
                (
                    "self.dense[0](Q).reshape(B, n, self.h, self.k)",
                    "self.dense[0](Q).reshape(B, n, self.k, self.h).transpose(2, 3)",
                )
            ],
            "the kernels are cut the other way round",
        ),
        ("AsAMap", [("nn.Linear(d, h * k)", "nn.Linear(d, h * k, bias=False)")], ""),
    ],
    "18.3": [
        ("by_lists", [('"K": [0.0, 1.0, *rest]', '"K": [1.0, 0.0, *rest]')], "nothing is moved"),
        (
            "by_lists",
            [('"K": [0.0, 1.0, *rest]', '"K": [0.5, 0.5, *rest]')],
            "the key holds both tokens alike",
        ),
        (
            "by_lists",
            [
                ('"K": [0.0, 1.0, *rest]', '"K": [*rest, 1.0, 0.0]'),
                ('"Q": [1.0, 0.0, *rest]', '"Q": [*rest, 0.0, 1.0]'),
                ('"V": [1.0, 0.0, *rest]', '"V": [*rest, 0.0, 1.0]'),
            ],
            "the kernels are turned round",
        ),
        ("by_lists", [("size == 1", "size <= 2")], "no kernels for two tokens"),
        (
            "one_token_later",
            [("(0, 2, 1) if k > 2 else (0, 1, 0)", "(0, 1, 1)")],
            "keys and values look back",
        ),
        ("one_token_later", [("(0, 2, 1) if k > 2 else", "(0, 3, 2) if k > 3 else")], ""),
        ("one_token_later", [("(0, 2, 1) if k > 2 else (0, 1, 0)", "(1, 1, 0)")], "query and key look back"),
        ("from_scores", [("[0, 1, 0]", "[0, 0, 1]")], "only the values look back"),
        ("from_scores", [("[0, 1, 0]", "[1, 0, 0]")], "the query looks back"),
        ("from_scores", [("= 12.0", "= 0.0")], "even weights"),
        ("from_scores", [("return scores.softmax(dim=1)", "return scores")], ""),
        ("from_scores", [("torch.zeros(3, k)", "torch.zeros(3, 4)")], "always four weights"),
    ],
    "18.4": [
        (
            "with_tensors",
            [("kernel[: len(raw)].flip(0)", "kernel[: len(raw)]")],
            "weight 0 for the oldest token that is kept",
        ),
        ("with_tensors", [(" * len(q) ** -0.5", "")], "no square root"),
        (
            "with_tensors",
            [('kept["raw"] = raw', 'kept["raw"] = torch.cat([raw[:-1], mixed])')],
            "what was mixed is mixed again",
        ),
        (
            "with_tensors",
            [
                ("raw = raw[-len(kernel) :]", "everything, raw = raw, raw[-len(kernel) :]"),
                ('kept["raw"] = raw', 'kept["raw"] = everything'),
            ],
            "the window never forgets",
        ),
        (
            "with_tensors",
            [('K, V = kept["read"].unbind', 'K, V = kept["read"][-len(kernel) :].unbind')],
            "attention sees the window only",
        ),
        ("with_tensors", [("if kept else new", "if not kept else new")], ""),
        (
            "with_fused_attention",
            [("w.flip(0)[:, None, None]", "w[:, None, None]")],
            "the kernel is turned round",
        ),
        (
            "with_fused_attention",
            [("    if not memory:\n", "    memory.clear()\n    if not memory:\n")],
            "the memory is not used",
        ),
        (
            "with_fused_attention",
            [('torch.cat([memory["read"], mixed])', 'torch.cat([memory["read"], window[-1:]])')],
            "the keys are not mixed",
        ),
        (
            "with_fused_attention",
            [
                (
                    "def with_fused_attention(q, key, value, w, memory):\n",
                    "def with_fused_attention(q, key, value, w, memory, kept={}):\n    memory = kept\n",
                )
            ],
            "",
        ),
        (
            "with_numbers",
            [("del window[len(w) :]", "del window[max(len(w) - 1, 1) :]")],
            "the window is one token too short",
        ),
        (
            "with_numbers",
            [
                ("math.exp(score / math.sqrt(len(q)))", "score / math.sqrt(len(q))"),
                ("weight / sum(weights)", "weight"),
            ],
            "no softmax",
        ),
        (
            "with_numbers",
            [("sum(float(w[j]) *", "sum(float(w[j] / w[: len(window)].sum()) *")],
            "corrected at the beginning",
        ),
    ],
}


def changed(exercise: Exercise, name: str, changes: list[tuple[str, str]]) -> Any:
    """Return a right answer of an exercise, written anew with some texts replaced; each must stand there once."""
    (right,) = [each for each in exercise.other_ways if each.__name__ == name]
    source = textwrap.dedent(inspect.getsource(right))
    for old, new in changes:
        assert source.count(old) == 1, (
            f"{exercise.number} {name}: {old!r} stands there {source.count(old)} times"
        )
        source = source.replace(old, new)
    return run_source(source, f"{exercise.number} {name}", right)[name]
