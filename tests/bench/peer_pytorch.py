#!/usr/bin/env python3
"""RNNsearch in PyTorch, written for speed: what mininmt's figures are measured against.

    peer_pytorch.py train --train-sets A.en A.fr [--valid-sets ...] [--test-sets ...]    trains, reports JSON lines
    peer_pytorch.py score --load MODEL_DIR --test-sets A.en A.fr                         prints log p(y|x) of each pair
    peer_pytorch.py translate --load MODEL_DIR --test-sets A.en A.fr                     reports sentences/s and BLEU

The model is MODEL.md 1-5, and model folders are those of MODEL.md 8. PyTorch's own GRU has another cell, so the loops
over time are written out; all that does not depend on the loop is computed before or after it. Activations are
time-major, (S, B, n). Needs Python 3.11 or later and PyTorch 2.
"""
import argparse
import collections
import json
import math
import os
import random
import resource
import struct
import time

import torch
from torch import nn
from torch.nn import functional as F

from peer_model import END, IGNORED, UNKNOWN, RNNsearch


def read_text(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return [line.split() for line in file]


def make_vocab(sentences, o):
    """Words by falling frequency after </s> and <unk>; --dim-vocab cuts the list, --fill-vocab fills it up."""
    counts = collections.Counter(word for sentence in sentences for word in sentence)
    words = [word for word, count in counts.most_common() if count >= o.min_count]
    words = (["</s>", "<unk>"] + words)[:o.dim_vocab or None]
    return words + [f"<{i}>" for i in range(len(words), o.dim_vocab if o.fill_vocab else 0)]


def ids(sentences, vocab):
    index = {word: i for i, word in enumerate(vocab)}
    return [[index.get(word, UNKNOWN) for word in sentence] + [END] for sentence in sentences]


def pad(sentences, value, multiple=1):
    """(T, B), and the lengths (B)."""
    lengths = torch.tensor([len(sentence) for sentence in sentences])
    height = -(-int(lengths.max()) // multiple) * multiple
    table = torch.tensor([sentence + [value] * (height - len(sentence)) for sentence in sentences])
    return table.t().contiguous(), lengths


def minibatches(pairs, o):
    """One epoch: shuffled, 20 minibatches' worth at a time sorted by length (P B.2)."""
    pairs = random.sample(pairs, len(pairs))
    for begin in range(0, len(pairs), o.mini_batch * o.maxi_batch):
        part = sorted(pairs[begin:begin + o.mini_batch * o.maxi_batch], key=lambda p: (len(p[1]), len(p[0])))
        cuts = [part[i:i + o.mini_batch] for i in range(0, len(part), o.mini_batch)]
        yield from random.sample(cuts, len(cuts))


def bleu(hypotheses, references):
    """Corpus BLEU-4 of tokenized sentences, in per cent."""
    match, total = [0] * 4, [0] * 4
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        for n in range(1, 5):
            found, wanted = (collections.Counter(tuple(s[i:i + n]) for i in range(len(s) - n + 1))
                             for s in (hypothesis, reference))
            match[n - 1] += sum((found & wanted).values())
            total[n - 1] += max(0, len(hypothesis) - n + 1)
    if not all(match):
        return 0.0
    short = min(0, 1 - sum(map(len, references)) / sum(map(len, hypotheses)))
    return 100 * math.exp(short + sum(math.log(a / b) for a, b in zip(match, total)) / 4)


def translate(model, sources, vocab, o, beam=None):
    """Words of each sentence's translation, in the order given; works from the longest down, in batches."""
    model.eval()
    order, result = sorted(range(len(sources)), key=lambda i: -len(sources[i])), [None] * len(sources)
    for begin in range(0, len(order), o.translate_batch):
        part = order[begin:begin + o.translate_batch]
        x, lengths = (t.to(o.device) for t in pad([sources[i] for i in part], END))
        for i, words in zip(part, model.beam_search(x, lengths, beam or o.beam_size, o.normalize, o.allow_unk)):
            result[i] = [vocab[word] for word in words]
    return result


@torch.no_grad()
def log_probabilities(model, sources, targets, o):
    model.eval()
    scores = []
    for begin in range(0, len(sources), o.mini_batch):
        x, lengths = (t.to(o.device) for t in pad(sources[begin:begin + o.mini_batch], END))
        y = pad(targets[begin:begin + o.mini_batch], IGNORED)[0].to(o.device)
        loss = F.cross_entropy(model(x, lengths, y), y.flatten(), ignore_index=IGNORED, reduction="none")
        scores += (-loss.view(y.shape).sum(dim=0)).tolist()
    return scores


class Trainer:
    """An update is eager, or with --cuda-graphs a replay of one captured for its shape (S, T, B)."""

    def __init__(self, model, o):
        self.model, self.o, self.graphs, self.pool = model, o, {}, None
        self.parameters = list(model.parameters())
        self.rate = torch.tensor(o.learn_rate, device=o.device) if o.cuda_graphs else o.learn_rate
        self.adam = torch.optim.Adam(self.parameters, lr=self.rate, betas=(0.9, o.beta2), fused=True,
                                     capturable=o.cuda_graphs)
        self.smooth = [torch.zeros_like(p) for p in self.parameters]
        self.updates, self.held = 0, None

    def set_rate(self, rate):
        for group in self.adam.param_groups:
            if self.o.cuda_graphs:
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def _update(self, x, lengths, y, rows=None):
        self.adam.zero_grad(set_to_none=True)
        targets = y.flatten() if rows is None else y.flatten()[rows]
        loss = F.cross_entropy(self.model(x, lengths, y, rows), targets, ignore_index=IGNORED,
                               label_smoothing=self.o.label_smoothing)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, self.o.clip_norm, foreach=True)
        self.adam.step()
        if self.o.ema:
            torch._foreach_lerp_(self.smooth, [p.detach() for p in self.parameters], 1 - self.o.ema)

    def update(self, pairs):
        o = self.o
        self.model.train()
        self.updates += 1
        x, lengths = pad([p[0] for p in pairs], END, 4 if o.cuda_graphs else 1)
        y, y_lengths = pad([p[1] for p in pairs], IGNORED)
        if not o.cuda_graphs or len(pairs) != o.mini_batch or self.updates < 5:
            rows = (y.flatten() != IGNORED).nonzero().squeeze(1)  # the softmax sees no padding
            self._update(*(t.to(o.device, non_blocking=True) for t in (x, lengths, y, rows)))
        else:
            key = (x.shape, y.shape)
            if key not in self.graphs:
                self.graphs[key] = self.capture(x, lengths, y)
            inputs, graph = self.graphs[key]
            for static, value in zip(inputs, (x, lengths, y)):
                static.copy_(value, non_blocking=True)
            graph.replay()
        return int(y_lengths.sum())

    def capture(self, *inputs):
        inputs = [t.to(self.o.device) for t in inputs]
        graph = torch.cuda.CUDAGraph()
        self.adam.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph, pool=self.pool):
            self._update(*inputs)
        self.pool = self.pool or graph.pool()
        return inputs, graph

    def swap_smoothed(self):
        """With --ema, exchanges the parameters with their smoothed values; a second call undoes the first."""
        if self.o.ema:
            if self.held is None:  # smoothing began at zero: the correction is Adam's
                correction = 1 - self.o.ema ** self.updates
                self.held = [p.detach().clone() for p in self.parameters]
                values = [value / correction for value in self.smooth]
            else:
                values, self.held = self.held, None
            for p, value in zip(self.parameters, values):
                p.detach().copy_(value)


def report(**fields):
    print(json.dumps({key: round(v, 4) if isinstance(v, float) else v for key, v in fields.items()}), flush=True)


def synchronized_time(o):
    if o.device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def peak_memory(o):
    """Bytes: the allocator's on the GPU, the process's on the CPU."""
    if o.device == "cuda":
        return torch.cuda.max_memory_allocated()
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def schedule(epochs, o):
    """What the learning rate is multiplied by: rises linearly, then falls linearly to zero at --decay-epochs."""
    rise = min(1, epochs / o.linear_warm_up) if o.linear_warm_up else 1
    return rise * (max(0, 1 - epochs / o.decay_epochs) if o.decay_epochs else 1)


def train(o):
    texts = [read_text(path) for path in o.train_sets]
    vocabs = [make_vocab(text, o) for text in texts]
    pairs = [pair for pair in zip(*(ids(text, vocab) for text, vocab in zip(texts, vocabs)), strict=True)
             if max(map(len, pair)) <= o.max_length + 1]
    model = RNNsearch(o, *map(len, vocabs))
    model.initialise()
    model.to(o.device)
    trainer = Trainer(model, o)
    held_out = {name: Evaluation(name, files, vocabs, o) for name, files in
                [("valid", o.valid_sets), ("test", o.test_sets)] if files}
    best, stalls, rate, epoch, done = (-1.0, None), 0, o.learn_rate, 0, False
    words, seconds, start, began = 0, 0.0, synchronized_time(o), time.perf_counter()
    while not done:
        epoch += 1
        for batch in minibatches(pairs, o):
            words += trainer.update(batch)
            if trainer.updates == o.warm_up:  # the first updates compile, capture and fill caches
                words, seconds, start = 0, 0.0, synchronized_time(o)
            if o.linear_warm_up or o.decay_epochs:
                trainer.set_rate(rate * schedule(trainer.updates / math.ceil(len(pairs) / o.mini_batch), o))
            late = o.minutes and time.perf_counter() - began > 60 * o.minutes
            if done := trainer.updates == o.updates or late:
                break
        seconds += synchronized_time(o) - start
        done = done or epoch == o.epochs
        if "valid" in held_out and (done or epoch % o.valid_every == 0):
            trainer.swap_smoothed()
            ce, score = held_out["valid"].cross_entropy(model), held_out["valid"].bleu(model, o.beam_size)
            test = held_out["test"].bleu(model, o.beam_size) if "test" in held_out else None
            if score > best[0]:
                best, stalls = (score, epoch, [p.detach().clone() for p in trainer.parameters]), 0
            else:
                stalls += 1
            trainer.swap_smoothed()
            report(run=o.name, epoch=epoch, updates=trainer.updates, learn_rate=rate, valid_ce=ce, valid_bleu=score,
                   test_bleu=test, seconds=time.perf_counter() - began)
            if stalls >= o.patience:
                rate, stalls = rate / 2, 0
                trainer.set_rate(rate)
        start = synchronized_time(o)
    result = dict(run=o.name, what="train", device=device_name(o), threads=o.threads, words_per_second=words / seconds,
                  updates=trainer.updates, epochs=epoch, peak_memory=peak_memory(o),
                  parameters=sum(p.numel() for p in trainer.parameters))
    if best[1]:
        for p, value in zip(trainer.parameters, best[2]):
            p.detach().copy_(value)
        result |= dict(best_epoch=best[1], valid_bleu=best[0])
        if "test" in held_out:
            for beam in o.final_beams:
                result[f"test_bleu_beam_{beam}"] = held_out["test"].bleu(model, beam)
    report(**result, options={key: value for key, value in vars(o).items() if key not in ("train_sets",)})
    if o.save:
        save_model(model, vocabs, o)


class Evaluation:
    """A held-out parallel text."""

    def __init__(self, name, files, vocabs, o):
        self.o, self.texts, self.vocab = o, [read_text(path) for path in files], vocabs[1]
        self.sources, self.targets = (ids(text, vocab) for text, vocab in zip(self.texts, vocabs))

    def cross_entropy(self, model):
        """Per word, </s> included."""
        return -sum(log_probabilities(model, self.sources, self.targets, self.o)) / sum(map(len, self.targets))

    def bleu(self, model, beam):
        return bleu(translate(model, self.sources, self.vocab, self.o, beam), self.texts[1])


def device_name(o):
    if o.device == "cuda":
        return torch.cuda.get_device_name()
    with open("/proc/cpuinfo") as file:
        return next((line.split(": ")[1].strip() for line in file if line.startswith("model name")), "cpu")


SIZES = ["dim_emb", "dim_rnn", "dim_align", "dim_maxout"]


def load_model(o):
    """The model and its two vocabularies from a model folder (MODEL.md 8)."""
    vocabs = []
    for side in ("source", "target"):
        with open(os.path.join(o.load, side + ".vocab"), encoding="utf-8", newline="\n") as file:
            vocabs.append([line.rstrip("\n") for line in file])
    with open(os.path.join(o.load, "model.safetensors"), "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    config = json.loads(header["__metadata__"]["mininmt"])
    if config["alignment"] != "additive":
        raise ValueError(f"{o.load}: alignment {config['alignment']!r} is not supported here")
    for name in SIZES + ["decoder_order"]:
        setattr(o, name, config[name])
    model = RNNsearch(o, *map(len, vocabs))
    for name, view in model.paper_views().items():
        begin, end = header[name]["data_offsets"]
        view.copy_(torch.frombuffer(data, dtype=torch.float32)[begin // 4:end // 4].view(view.shape))
    return model.to(o.device), vocabs


def save_model(model, vocabs, o):
    os.makedirs(o.save, exist_ok=True)
    for side, vocab in zip(("source", "target"), vocabs):
        with open(os.path.join(o.save, side + ".vocab"), "w", encoding="utf-8", newline="\n") as file:
            file.writelines(word + "\n" for word in vocab)
    config = {name: getattr(o, name) for name in SIZES + ["decoder_order"]} | dict(
        format=1, source_words=len(vocabs[0]), target_words=len(vocabs[1]), alignment="additive")
    header, data = {"__metadata__": {"mininmt": json.dumps(config)}}, []
    for name, view in sorted(model.paper_views().items()):
        begin = sum(map(len, data))
        data.append(view.cpu().contiguous().numpy().astype("<f4").tobytes())
        header[name] = {"dtype": "F32", "shape": list(view.shape), "data_offsets": [begin, begin + len(data[-1])]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(o.save, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(data))


def score(o):
    model, vocabs = load_model(o)
    sources, targets = (ids(read_text(path), vocab) for path, vocab in zip(o.test_sets, vocabs))
    for value in log_probabilities(model, sources, targets, o):
        print(f"{value:.9g}")


def time_translation(o):
    """Without --load, of an untrained model, whose every hypothesis grows to three words to a source word."""
    if o.load:
        model, vocabs = load_model(o)
    else:
        vocabs = [make_vocab(read_text(path), o) for path in o.train_sets]
        model = RNNsearch(o, *map(len, vocabs)).to(o.device)
        model.initialise()
    text, reference = (read_text(path) for path in o.test_sets)
    sources = ids(text, vocabs[0])
    translate(model, sources[:o.translate_batch], vocabs[1], o)
    start = synchronized_time(o)
    output = translate(model, sources, vocabs[1], o)
    seconds = synchronized_time(o) - start
    report(run=o.name, what="translate", device=device_name(o), threads=o.threads, beam=o.beam_size,
           sentences_per_second=len(sources) / seconds, words_per_second=sum(map(len, output)) / seconds,
           bleu=bleu(output, reference), peak_memory=peak_memory(o))
    if o.output:
        with open(o.output, "w", encoding="utf-8") as file:
            file.writelines(" ".join(words) + "\n" for words in output)


def options():
    parser = argparse.ArgumentParser(description="RNNsearch in PyTorch, as a peer to measure against.",
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("command", choices=["train", "score", "translate"])
    add("--name", default="", help="copied into every report")
    for name in ["--train-sets", "--valid-sets", "--test-sets"]:
        add(name, nargs=2, metavar=("SOURCE", "TARGET"))
    add("--load", metavar="MODEL_DIR")
    add("--save", metavar="MODEL_DIR")
    add("--output", metavar="FILE", help="where translate writes the translations")
    add("--device", choices=["cpu", "cuda"], default="cpu")
    add("--threads", type=int, default=2)
    add("--tf32", action="store_true")
    add("--compile", action="store_true", help="torch.compile of the steps of both loops")
    add("--cuda-graphs", action="store_true", help="capture an update for each shape and replay it")
    for name, value in [("--dim-emb", 256), ("--dim-rnn", 256), ("--dim-align", 256), ("--dim-maxout", 256)]:
        add(name, type=int, default=value)
    add("--decoder-order", choices=["authors", "body", "appendix"], default="authors")
    add("--init", choices=["paper", "glorot"], default="paper")
    add("--dim-vocab", type=int, default=0, help="words a side, </s> and <unk> included; 0: all")
    add("--fill-vocab", action="store_true", help="add words that never occur until there are --dim-vocab")
    add("--min-count", type=int, default=1)
    add("--max-length", type=int, default=50)
    add("--mini-batch", type=int, default=80)
    add("--maxi-batch", type=int, default=20)
    add("--updates", type=int, default=0)
    add("--epochs", type=int, default=0)
    add("--minutes", type=float, default=0)
    add("--warm-up", type=int, default=20, help="updates left out of words_per_second")
    add("--seed", type=int, default=1)
    add("--learn-rate", type=float, default=1e-3)
    add("--linear-warm-up", type=float, default=0, help="epochs over which the learning rate rises")
    add("--decay-epochs", type=float, default=0, help="epochs over which the learning rate falls linearly to zero")
    add("--beta2", type=float, default=0.999)
    add("--patience", type=int, default=1000, help="validations without a better BLEU that halve the learning rate")
    add("--valid-every", type=int, default=1, help="epochs")
    add("--clip-norm", type=float, default=1)
    add("--ema", type=float, default=0, help="decay of exponential smoothing; 0: none")
    add("--label-smoothing", type=float, default=0)
    for name, what in [("src", "source embeddings"), ("trg", "target embeddings"), ("rnn", "annotations"),
                       ("out", "maxout layer")]:
        add("--dropout-" + name, type=float, default=0, help=what)
    add("--beam-size", type=int, default=5)
    add("--final-beams", type=int, nargs="*", default=[5, 12])
    add("--normalize", type=float, default=1, help="log p is divided by length to this power")
    add("--allow-unk", action="store_true")
    add("--translate-batch", type=int, default=100)
    return parser.parse_args()


def main():
    o = options()
    torch.manual_seed(o.seed)
    random.seed(o.seed)
    torch.set_num_threads(o.threads)
    torch.backends.cuda.matmul.allow_tf32 = o.tf32
    torch.set_float32_matmul_precision("high" if o.tf32 else "highest")
    {"train": train, "score": score, "translate": time_translation}[o.command](o)


if __name__ == "__main__":
    main()
