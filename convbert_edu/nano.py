"""The whole of ConvBERT on four screens: the model that lessons 01 to 05 build, class by class.

Every class here was collected from a cell of a lesson (notebooks/tools/collect_nano.py); change it there. It is plain
where the package is fast, and its parameters have the package's names, so that weights go both ways.

B batch, n tokens, d hidden size, e embedding size, h heads of a branch, d_h size of a head, a = h d_h width of a
branch, k kernel size, r = k // 2 reach, g groups, v vocabulary size. X [B, n, d] is the input of a block; mask [B, n]
is 1 for tokens and 0 for padding.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from convbert_edu.config import ConvBertConfig


# Written in lesson 01, section 4.
class Embeddings(nn.Module):
    """X = LayerNorm(E[ids] + E_pos[positions] + E_type[types]); then e -> d, where e is smaller than d."""

    def __init__(self, config: ConvBertConfig):
        super().__init__()
        e, d = config.embedding_size, config.hidden_size
        # E [v, e]; looking up [PAD] gives its row no gradient
        self.word = nn.Embedding(config.vocab_size, e, padding_idx=config.pad_token_id)
        self.position = nn.Embedding(config.max_position_embeddings, e)  # E_pos
        self.token_type = nn.Embedding(config.type_vocab_size, e)  # E_type
        self.layer_norm = nn.LayerNorm(e, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.projection = nn.Linear(e, d) if e != d else nn.Identity()

    def forward(self, input_ids, token_type_ids=None):
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)  # 0, 1, ..., n - 1 [n]
        types = torch.zeros_like(input_ids) if token_type_ids is None else token_type_ids  # [B, n]
        X = self.word(input_ids) + self.position(positions) + self.token_type(types)  # [B, n, e]
        X = self.dropout(self.layer_norm(X))  # [B, n, e]
        return self.projection(X)  # [B, n, d]

# Written in lesson 02, section 5.
class SelfAttention(nn.Module):
    """Self-Attn(Q, K, V) = softmax(Q K^T / sqrt(d_h)) V, in each of h heads. Q comes from outside (lesson 04)."""

    def __init__(self, config: ConvBertConfig):
        super().__init__()
        self.h, d, a = config.num_heads_per_branch, config.hidden_size, config.branch_size
        self.key = nn.Linear(d, a)  # W_K
        self.value = nn.Linear(d, a)  # W_V
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)

    def split_heads(self, Y):
        return Y.unflatten(-1, (self.h, -1)).transpose(1, 2)  # [B, n, a] -> [B, h, n, d_h]

    def forward(self, Q, X, mask=None):
        Q = self.split_heads(Q)  # [B, h, n, d_h]
        K, V = self.split_heads(self.key(X)), self.split_heads(self.value(X))  # [B, h, n, d_h]
        S = Q @ K.transpose(-1, -2) / math.sqrt(Q.shape[-1])  # scores [B, h, n, n]
        if mask is not None:  # [B, n]: 1 for a token, 0 for padding, which nobody may look at
            S = S.masked_fill(mask[:, None, None, :] == 0, torch.finfo(S.dtype).min)
        P = torch.softmax(S, dim=-1)  # attention map [B, h, n, n]
        out = self.dropout(P) @ V  # [B, h, n, d_h]
        return out.transpose(1, 2).flatten(2), P  # [B, n, a]

# Written in lesson 03, section 6.
class SpanAwareKey(nn.Module):
    """K_s: a key for each token, made from its neighbours too. Depthwise filter F, then pointwise matrix W_s."""

    def __init__(self, config: ConvBertConfig):
        super().__init__()
        d, a, k = config.hidden_size, config.branch_size, config.conv_kernel_size
        self.depthwise = nn.Parameter(torch.empty(d, k))  # F
        nn.init.trunc_normal_(self.depthwise, std=1 / k, a=-2 / k, b=2 / k)
        self.pointwise = nn.Linear(d, a, bias=False)  # W_s
        self.bias = nn.Parameter(torch.zeros(a))

    def forward(self, X):
        n, k = X.shape[1], self.depthwise.shape[1]
        X = functional.pad(X, (0, 0, k // 2, k // 2))  # r zeros before and after the sentence [B, n + 2r, d]
        # depthwise: each channel c by itself, sum over j of F[c, j] X[t + j - r, c]
        filtered = sum(self.depthwise[:, j] * X[:, j : j + n] for j in range(k))  # [B, n, d]
        return self.pointwise(filtered) + self.bias  # K_s [B, n, a]

# Written in lesson 03, section 7.
class SpanDynamicConvolution(nn.Module):
    """SDConv(Q, K_s, V_c): out[t] = sum over j of w[t, j] V_c[t + j - r] with w = softmax(W_f (Q * K_s))."""

    def __init__(self, config: ConvBertConfig):
        super().__init__()
        d, a = config.hidden_size, config.branch_size
        self.h, self.k = config.num_heads_per_branch, config.conv_kernel_size
        self.span_key = SpanAwareKey(config)
        self.kernel = nn.Linear(a, self.h * self.k)  # W_f
        self.value = nn.Linear(d, a)  # makes V_c

    def forward(self, Q, X):
        n, r = X.shape[1], self.k // 2
        w = self.kernel(Q * self.span_key(X)).unflatten(-1, (self.h, self.k))  # [B, n, h, k]
        w = torch.softmax(w, dim=-1)  # k weights for each token and head, sum 1
        V_c = self.value(X).unflatten(-1, (self.h, -1))  # [B, n, h, d_h]
        V_c = functional.pad(V_c, (0, 0, 0, 0, r, r))  # [B, n + 2r, h, d_h]
        out = sum(w[..., j, None] * V_c[:, j : j + n] for j in range(self.k))  # [B, n, h, d_h]
        return out.flatten(2), w  # [B, n, a]

# Written in lesson 04, section 4.
class MixedAttention(nn.Module):
    """Mixed-Attn = Concat(Self-Attn(Q, K, V), SDConv(Q, K_s, V_c)) W_O: two branches, one query."""

    def __init__(self, config: ConvBertConfig):
        super().__init__()
        d, a = config.hidden_size, config.branch_size
        self.query = nn.Linear(d, a)  # W_Q
        self.self_attention = SelfAttention(config)
        self.convolution = SpanDynamicConvolution(config)
        self.output = nn.Linear(2 * a, d)  # W_O

    def forward(self, X, mask=None):
        Q = self.query(X)  # [B, n, a]
        far, P = self.self_attention(Q, X, mask)  # [B, n, a]: from the whole sentence
        near, w = self.convolution(Q, X)  # [B, n, a]: from a window of k tokens
        mixed = self.output(torch.cat([far, near], dim=-1))  # [B, n, 2a] -> [B, n, d]
        return mixed, P, w

# Written in lesson 05, section 1.
class GroupedLinear(nn.Module):
    """g dense layers side by side, each for its slice of the vector: 1/g of the dense weights."""

    def __init__(self, inputs, outputs, g):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(g, inputs // g, outputs // g) * 0.02)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, X):
        slices = X.unflatten(-1, (len(self.weight), -1))  # [B, n, g, inputs / g]
        return torch.einsum("bngi,gio->bngo", slices, self.weight).flatten(2) + self.bias

# Written in lesson 05, section 2.
class FeedForward(nn.Module):
    """GELU(X W_1 + b_1) W_2 + b_2: each token by itself, wider and back."""

    def __init__(self, config: ConvBertConfig):
        super().__init__()
        d, wide, g = config.hidden_size, config.intermediate_size, config.num_groups
        self.expand = nn.Linear(d, wide) if g == 1 else GroupedLinear(d, wide, g)
        self.contract = nn.Linear(wide, d) if g == 1 else GroupedLinear(wide, d, g)

    def forward(self, X):
        return self.contract(functional.gelu(self.expand(X)))  # [B, n, d] -> [B, n, wide] -> [B, n, d]

# Written in lesson 05, section 3.
class EncoderLayer(nn.Module):
    """X' = LayerNorm(X + Mixed-Attn(X)), then LayerNorm(X' + FeedForward(X'))."""

    def __init__(self, config: ConvBertConfig):
        super().__init__()
        self.attention = MixedAttention(config)
        self.attention_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.feed_forward = FeedForward(config)
        self.feed_forward_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, X, mask=None):
        mixed, P, w = self.attention(X, mask)  # [B, n, d], [B, h, n, n], [B, n, h, k]
        X = self.attention_norm(X + self.dropout(mixed))  # [B, n, d]
        X = self.feed_forward_norm(X + self.dropout(self.feed_forward(X)))  # [B, n, d]
        return X, P, w

# Written in lesson 05, section 4.
def init_weights(model, std):
    """Matrices normal with a small standard deviation, biases 0, as BERT begins."""
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        # vectors are the factors of LayerNorm, which stay 1; the depthwise filter F keeps its own scale
        elif parameter.dim() > 1 and "depthwise" not in name:
            nn.init.normal_(parameter, std=std)

# Written in lesson 05, section 5.
class ConvBert(nn.Module):
    """The encoder: embeddings, then L layers. Token ids [B, n] in, a vector for each [B, n, d] out."""

    def __init__(self, config: ConvBertConfig):
        super().__init__()
        as_published = config.hidden_act == "gelu" and config.convolution == "span"
        if not as_published or config.attention_only or config.mask_convolution or config.shared_values:
            raise ValueError(
                "this model knows gelu and mixed attention as published; take ConvBertModel for others"
            )
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.num_hidden_layers))
        init_weights(self, config.initializer_range)

    def forward(self, input_ids, mask=None, token_type_ids=None):
        X = self.embeddings(input_ids, token_type_ids)  # [B, n] -> [B, n, d]
        for layer in self.layers:
            X, _, _ = layer(X, mask)  # [B, n, d]
        return X

# Written in lesson 05, section 6.
class MaskedLMHead(nn.Module):
    """A score for each entry of the vocabulary: dense, GELU, LayerNorm, then E again (tied)."""

    def __init__(self, config: ConvBertConfig):
        super().__init__()
        e = config.embedding_size
        self.dense = nn.Linear(config.hidden_size, e)
        self.layer_norm = nn.LayerNorm(e, eps=config.layer_norm_eps)
        self.decoder = nn.Linear(e, config.vocab_size)

    def forward(self, X):
        X = self.layer_norm(functional.gelu(self.dense(X)))  # [B, n, d] -> [B, n, e]
        return self.decoder(X)  # logits [B, n, v]


class MaskedLM(nn.Module):
    """Encoder and head: which token stands behind [MASK]?"""

    def __init__(self, config: ConvBertConfig):
        super().__init__()
        self.encoder = ConvBert(config)
        self.masked_lm_head = MaskedLMHead(config)
        init_weights(self.masked_lm_head, config.initializer_range)
        # tied: the decoder's weight is the embedding matrix E, the same tensor
        self.masked_lm_head.decoder.weight = self.encoder.embeddings.word.weight

    def forward(self, input_ids, mask=None, token_type_ids=None):
        X = self.encoder(input_ids, mask, token_type_ids)  # [B, n] -> [B, n, d]
        return self.masked_lm_head(X)  # [B, n, v]
