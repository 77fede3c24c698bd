#!/usr/bin/env python3
"""One layer of the Transformer by PyTorch, in double: prints tests/gradcheck/transformer_torch.h, against which
tests/gradcheck/transformer_test.cc compares. Needs PyTorch (2.15 made the stored figures); the tests don't.

Every number of the inputs and parameters is 0.5 sin(1 + 2.3 k + 1.7 i), with k the place of the array in its list, as below,
and i that of the element. The loss is sum_i cos(i) y_i.
"""
import math

import torch
from torch import nn

D, HEADS, FFN, STEPS, WORDS, BATCH, LENGTHS = 4, 2, 6, 3, 4, 2, [3, 2]
ATTENTION, FEED, NORM = ["W_Q", "W_K", "W_V", "W_O"], ["W_1", "b_1", "W_2", "b_2"], ["gain", "bias"]


def array(k, *shape):
    i = torch.arange(math.prod(shape), dtype=torch.float64)
    return (0.5 * torch.sin(1 + 2.3 * k + 1.7 * i)).reshape(shape)


def set_attention(attention, first):
    W_Q, W_K, W_V, W_O = (array(first + n, D, D) for n in range(4))
    attention.in_proj_weight.copy_(torch.cat([W_Q, W_K, W_V]))
    attention.in_proj_bias.zero_()
    attention.out_proj.weight.copy_(W_O)
    attention.out_proj.bias.zero_()


def set_rest(layer, first, norms):
    layer.linear1.weight.copy_(array(first, FFN, D))
    layer.linear1.bias.copy_(array(first + 1, FFN))
    layer.linear2.weight.copy_(array(first + 2, D, FFN))
    layer.linear2.bias.copy_(array(first + 3, D))
    for n, norm in enumerate(norms):
        norm.weight.copy_(array(first + 4 + 2 * n, D))
        norm.bias.copy_(array(first + 5 + 2 * n, D))


def print_array(name, x):
    numbers = [f"{v:.15g}" for v in x.flatten().tolist()]
    print(f"inline constexpr double {name}[] = {{")
    for begin in range(0, len(numbers), 4):
        print("    " + ", ".join(numbers[begin:begin + 4]) + ",")
    print("};")


def main():
    torch.set_default_dtype(torch.float64)
    options = dict(dim_feedforward=FFN, dropout=0.0, activation="relu", layer_norm_eps=1e-6)
    padding = torch.arange(STEPS)[None, :] >= torch.tensor(LENGTHS)[:, None]
    print("// Made by tests/oracle/make_transformer_torch.py.\n#pragma once\n\nnamespace mininmt {\n")
    for norm in ["post", "pre"]:
        encoder = nn.TransformerEncoderLayer(D, HEADS, norm_first=norm == "pre", **options)
        decoder = nn.TransformerDecoderLayer(D, HEADS, norm_first=norm == "pre", **options)
        with torch.no_grad():  # k counts: two attentions, the feed-forward layer, norms in the order of use
            set_attention(encoder.self_attn, 0)
            set_rest(encoder, 8, [encoder.norm1, encoder.norm2])
            set_attention(decoder.self_attn, 0)
            set_attention(decoder.multihead_attn, 4)
            set_rest(decoder, 8, [decoder.norm1, decoder.norm2, decoder.norm3])
        x = array(20, STEPS, BATCH, D).requires_grad_()
        source = array(21, STEPS, BATCH, D).requires_grad_()
        words = array(22, WORDS, BATCH, D).requires_grad_()
        later = torch.triu(torch.ones(WORDS, WORDS, dtype=torch.bool), 1)
        encoded = encoder(x, src_key_padding_mask=padding)
        decoded = decoder(words, source, tgt_mask=later, memory_key_padding_mask=padding)
        for y in [encoded, decoded]:
            (torch.cos(torch.arange(y.numel(), dtype=torch.float64)).reshape(y.shape) * y).sum().backward()
        name = norm.capitalize()
        print_array(f"k{name}Encoded", encoded.detach())
        print_array(f"k{name}EncodedGradient", x.grad)
        print_array(f"k{name}Decoded", decoded.detach())
        print_array(f"k{name}DecodedGradient", words.grad)
        print_array(f"k{name}DecodedSourceGradient", source.grad)
    print("\n}  // namespace mininmt")


if __name__ == "__main__":
    main()
