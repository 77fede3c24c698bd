#!/usr/bin/env python3
"""RNNsearch in PyTorch, on the work written by mininmt-bench-model --dump: the peer of mininmt's benchmarks.

    peer_torch.py train --work FILE [--against RESULTS]        target words a second, in each of the forms below
    peer_torch.py translate --work FILE [--against RESULTS]    sentences a second
    peer_torch.py score --load MODEL --test-sets A.en A.fr     log p(y|x) of each pair: a check that the model is the same

The forms of training:
    letter           the cell of MODEL.md written out, eager
    letter-graphs    the same, an update of each shape captured in a CUDA graph
    letter-compiled  the same, the steps of both loops and the optimizer by torch.compile, in CUDA graphs
    fused            nn.GRU as the encoder (another cell, see peer_model.py), eager
    fused-graphs     the same in CUDA graphs
    fastest          nn.GRU, torch.compile and CUDA graphs
On the CPU nothing is captured. --against names mininmt's output; each line then has the ratio, mininmt's rate over
PyTorch's. A form that fails reports its error, and the others follow. Needs Python 3.9 or later and PyTorch 2.
"""
import argparse
import contextlib
import gc
import json
import os
import struct
import sys
import time
import types

import torch
from torch import nn
from torch.nn import functional as F

from peer_model import END, IGNORED, UNKNOWN, RNNsearch
from peer_report import print_line, result_of_mininmt

FORMS = {"letter": set(), "letter-graphs": {"graphs"}, "letter-compiled": {"compile", "graphs"}, "fused": {"fused"},
         "fused-graphs": {"fused", "graphs"}, "fastest": {"fused", "compile", "graphs"}}


def pad(sentences, value, height=0):
    """(T, B), and the lengths (B)."""
    lengths = torch.tensor([len(sentence) for sentence in sentences])
    height = max(height, int(lengths.max()))
    table = torch.tensor([sentence + [value] * (height - len(sentence)) for sentence in sentences])
    return table.t().contiguous(), lengths


def round_up(x, multiple):
    return -(-x // multiple) * multiple


class Minibatch:
    """As sent to the device. On a GPU its shape is rounded up, to limit the number of shapes: an even number of
    steps, and the words to 1/32 of the (T, B) positions; the softmax only sees those rows."""

    def __init__(self, pairs, device):
        step = 2 if device == "cuda" else 1
        x, lengths = pad([p[0] for p in pairs], END, round_up(max(len(p[0]) for p in pairs), step))
        y, y_lengths = pad([p[1] for p in pairs], IGNORED, round_up(max(len(p[1]) for p in pairs), step))
        rows = (y.flatten() != IGNORED).nonzero().squeeze(1)
        targets = y.flatten()[rows]
        unit = round_up(y.numel(), 32) // 32 if device == "cuda" else 1
        spare = min(round_up(len(rows), unit), y.numel()) - len(rows)
        rows, targets = F.pad(rows, (0, spare)), F.pad(targets, (0, spare), value=IGNORED)
        self.inputs = [x, lengths, y, rows, targets]
        if device == "cuda":
            self.inputs = [t.pin_memory() for t in self.inputs]
        self.words, self.sentences = int(y_lengths.sum()), len(pairs)
        self.shape = tuple(t.shape for t in self.inputs)


def clip_factor(gradients, most):
    norm = torch.stack([g.square().sum() for g in gradients]).sum().sqrt()
    return most / norm.clamp(min=most)


def adadelta(values, gradients, squares, steps, count, rate, most):
    factor = clip_factor(gradients, most)
    for x, g, s, d in zip(values, gradients, squares, steps):
        g = g * factor
        s.copy_(0.95 * s + 0.05 * g * g)
        step = g * torch.sqrt((d + 1e-6) / (s + 1e-6))
        d.copy_(0.95 * d + 0.05 * step * step)
        x.sub_(rate * step)


def adam(values, gradients, m, v, count, rate, most):
    factor = clip_factor(gradients, most)
    count.add_(1)
    for x, g, a, b in zip(values, gradients, m, v):
        g = g * factor
        a.copy_(0.9 * a + 0.1 * g)
        b.copy_(0.999 * b + 0.001 * g * g)
        x.sub_(rate * (a / (1 - 0.9 ** count)) / (torch.sqrt(b / (1 - 0.999 ** count)) + 1e-8))


class CompiledOptimizer:
    """One pass over each parameter, unlike PyTorch's own Adadelta."""

    def __init__(self, parameters, work):
        self.parameters, self.rate, self.most = parameters, work.learn_rate, work.clip_norm
        self.values = [p.detach() for p in parameters]
        self.state = [[torch.zeros_like(v) for v in self.values] for _ in range(2)]
        self.count = torch.zeros((), device=self.values[0].device)
        self.apply = torch.compile({"adadelta": adadelta, "adam": adam}[work.optimizer])

    @torch.no_grad()
    def step(self):
        self.apply(self.values, [p.grad for p in self.parameters], *self.state, self.count, self.rate, self.most)


class TorchOptimizer:
    def __init__(self, parameters, work, capturable):
        self.parameters, self.most = parameters, work.clip_norm
        if work.optimizer == "adadelta":
            self.optimizer = torch.optim.Adadelta(parameters, lr=work.learn_rate, rho=0.95, eps=1e-6, foreach=True,
                                                  capturable=capturable)
        else:
            rate = torch.tensor(work.learn_rate, device=parameters[0].device) if capturable else work.learn_rate
            self.optimizer = torch.optim.Adam(parameters, lr=rate, fused=True, capturable=capturable)

    def step(self):
        nn.utils.clip_grad_norm_(self.parameters, self.most, foreach=True)
        self.optimizer.step()


class Trainer:
    """The first minibatch of a shape runs directly; with graphs the second is captured, and later ones replay it."""

    def __init__(self, work, o, form):
        self.work, self.o = work, o
        self.model = new_model(work, o, form).train()
        self.parameters = list(self.model.parameters())
        self.graphs = {} if "graphs" in form and o.device == "cuda" else None
        self.pool = None
        make = CompiledOptimizer if "compile" in form else TorchOptimizer
        self.optimizer = make(self.parameters, work, *([self.graphs is not None] if make is TorchOptimizer else []))
        self.smooth = [p.detach().clone() for p in self.parameters] if work.exponential_smoothing else None

    def compute(self, x, lengths, y, rows, targets, words):
        for p in self.parameters:
            p.grad = None
        with precision_of(self.o):
            logits = self.model(x, lengths, y, rows)
            loss = F.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum",
                                   label_smoothing=self.work.label_smoothing)
        scale = {"ce-sum": 1, "ce-mean": x.shape[1]}.get(self.work.cost_type, words)
        (loss / scale).backward()
        self.optimizer.step()
        if self.smooth:
            torch._foreach_lerp_(self.smooth, [p.detach() for p in self.parameters], self.work.exponential_smoothing)
        return loss.detach()

    def update(self, batch):
        """Returns the cost, on the device."""
        if self.graphs is None or batch.shape not in self.graphs:
            if self.graphs is not None:
                self.graphs[batch.shape] = None
            return self.compute(*(t.to(self.o.device, non_blocking=True) for t in batch.inputs), batch.words).clone()
        if self.graphs[batch.shape] is None:
            self.graphs[batch.shape] = self.capture(batch)
        inputs, graph, loss = self.graphs[batch.shape]
        for static, value in zip(inputs, batch.inputs):
            static.copy_(value, non_blocking=True)
        graph.replay()
        return loss.clone()

    def capture(self, batch):
        inputs = [t.to(self.o.device) for t in batch.inputs]
        for p in self.parameters:
            p.grad = None
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        with torch.cuda.graph(graph, pool=self.pool):
            loss = self.compute(*inputs, batch.words)
        self.pool = self.pool or graph.pool()
        return inputs, graph, loss


def precision_of(o):
    if o.precision == "bf16":
        return torch.autocast(o.device, torch.bfloat16)
    return contextlib.nullcontext()


def new_model(work, o, form):
    torch.manual_seed(1)
    work.fused, work.compile = "fused" in form, "compile" in form
    model = RNNsearch(work, work.source_words, work.target_words)
    model.initialise()
    return model.to(o.device)


def now(o):
    if o.device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def read_work(path):
    """The sizes and the recipe, and the work itself."""
    with open(path, encoding="utf-8") as file:
        given = json.load(file)
    return types.SimpleNamespace(**{"dropout_emb": 0, "dropout_annotations": 0, "dropout_readout": 0,
                                    "decoder_order": "authors"} | given,
                                 dim_emb=given["m"], dim_rnn=given["n"], dim_align=given["align"],
                                 dim_maxout=given["l"])


def report(o, bench, rate, unit, **more):
    line = dict(bench="PyTorch: " + bench, value=rate, unit=unit, device=device_name(o), threads=o.threads,
                precision=o.precision, torch=torch.__version__, **more)
    if o.device == "cuda":
        line["gigabytes"] = torch.cuda.max_memory_allocated() / 1e9
    mininmt = result_of_mininmt(o.against, bench)
    if mininmt:
        line |= dict(mininmt=mininmt["value"], mininmt_device=mininmt["device"], ratio=mininmt["value"] / rate)
    print_line(line)


def train_form(work, o, form, minibatches):
    trainer = Trainer(work, o, FORMS[form])
    gpu = o.device == "cuda"
    start = now(o)
    for _ in range(3 if gpu else 1):  # compiled, captured, replayed
        for batch in minibatches if gpu else minibatches[:20]:
            trainer.update(batch)
    warm_up = now(o) - start
    start = now(o)
    costs = [trainer.update(batch) for batch in minibatches]
    seconds = now(o) - start
    words = sum(batch.words for batch in minibatches)
    report(o, "training", words / seconds, "target words/s", form=form, ms_per_update=1e3 * seconds / len(minibatches),
           warm_up_seconds=warm_up, cost_per_word=torch.stack(costs).sum().item() / words, optimizer=work.optimizer)


def train(o):
    work = read_work(o.work)
    minibatches = [Minibatch(pairs, o.device) for pairs in work.minibatches]
    failed = 0
    for form in o.forms:
        try:
            train_form(work, o, form, minibatches)
        except Exception as error:  # what PyTorch cannot do here, the next form may do without
            failed += 1
            said = f"{type(error).__name__}: {error}"[:400]
            print(json.dumps(dict(bench="PyTorch: training", form=form, error=said)), flush=True)
        gc.collect()
        torch.compiler.reset()
        if o.device == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
    return 1 if failed else 0


def translate_all(model, sentences, work, o):
    """Ids of each sentence's translation; longest first, in batches of the same size as mininmt's."""
    order, result = sorted(range(len(sentences)), key=lambda i: -len(sentences[i])), [None] * len(sentences)
    while order:
        most = min(max(work.mini_batch * 100 // len(sentences[order[0]]), 1), work.mini_batch)
        part, order = order[:most], order[most:]
        x, lengths = (t.to(o.device) for t in pad([sentences[i] for i in part], END))
        with precision_of(o):
            found = model.beam_search(x, lengths, work.beam, work.normalize, work.fixed_length)
        for i, words in zip(part, found):
            result[i] = words
    return result


def translate(o):
    work = read_work(o.work)
    model = (load_model(o) if o.load else new_model(work, o, {"compile"} if o.compile else set())).eval()
    if o.compile:
        model.look = torch.compile(model.look, dynamic=True)
    translate_all(model, work.sentences[::8], work, o)
    start = now(o)
    found = translate_all(model, work.sentences, work, o)
    seconds = now(o) - start
    report(o, "translation", len(found) / seconds, "sentences/s", seconds=seconds, beam=work.beam, compiled=o.compile,
           mini_batch=work.mini_batch, words_per_second=sum(len(words) + 1 for words in found) / seconds)


def read_vocab(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return {line.rstrip("\n"): i for i, line in enumerate(file)}


def load_model(o):
    """From a model folder (MODEL.md 8)."""
    with open(os.path.join(o.load, "model.safetensors"), "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    config = {name.replace("-", "_"): value for name, value in json.loads(header["__metadata__"]["mininmt"]).items()}
    if config["type"] != "rnnsearch" or config["alignment_model"] != "additive":
        raise ValueError(f"{o.load}: only type rnnsearch with alignment-model additive is supported here")
    options = types.SimpleNamespace(**config, fused=False, compile=o.compile, dropout_emb=0, dropout_annotations=0,
                                    dropout_readout=0)
    model = RNNsearch(options, config["source_words"], config["target_words"])
    for name, view in model.paper_views().items():
        begin, end = header[name]["data_offsets"]
        view.copy_(torch.frombuffer(data, dtype=torch.float32)[begin // 4:end // 4].view(view.shape))
    return model.to(o.device)


@torch.no_grad()
def score(o):
    model = load_model(o).eval()
    sides = []
    for path, name in zip(o.test_sets, ["source.vocab", "target.vocab"]):
        vocab = read_vocab(os.path.join(o.load, name))
        with open(path, encoding="utf-8", newline="\n") as file:
            sides.append([[vocab.get(word, UNKNOWN) for word in line.split()] + [END] for line in file])
    for begin in range(0, len(sides[0]), 50):
        x, lengths = (t.to(o.device) for t in pad(sides[0][begin:begin + 50], END))
        y = pad(sides[1][begin:begin + 50], IGNORED)[0].to(o.device)
        loss = F.cross_entropy(model(x, lengths, y), y.flatten(), ignore_index=IGNORED, reduction="none")
        for value in (-loss.view(y.shape).sum(dim=0)).tolist():
            print(f"{value:.9g}")


def device_name(o):
    if o.device == "cuda":
        return torch.cuda.get_device_name()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return next((line.split(": ")[1].strip() for line in file if line.startswith("model name")), "cpu")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("command", choices=["train", "translate", "score"])
    add("--work", metavar="FILE")
    add("--against", metavar="FILE", help="output of mininmt-bench-model on the same work")
    add("--device", choices=["cpu", "cuda"], default="cuda" if torch.cuda.is_available() else "cpu")
    add("--precision", choices=["float32", "tf32", "bf16"], default="tf32", help="tf32 is float32 on the CPU")
    add("--threads", type=int, default=1)
    add("--forms", nargs="+", choices=FORMS, metavar="FORM", help="all that differ on the device")
    add("--load", metavar="MODEL_DIR")
    add("--compile", action="store_true", help="translate: the attention by torch.compile")
    add("--test-sets", nargs=2, metavar=("SOURCE", "TARGET"))
    return parser.parse_args()


def main():
    o = options()
    torch.set_num_threads(o.threads)
    if o.device == "cpu" and o.precision == "tf32":
        o.precision = "float32"
    o.forms = o.forms or [form for form in FORMS if o.device == "cuda" or not form.endswith("-graphs")]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = o.precision != "float32"
    return {"train": train, "translate": translate, "score": score}[o.command](o)


if __name__ == "__main__":
    sys.exit(main())
