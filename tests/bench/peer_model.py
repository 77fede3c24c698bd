"""The model of peer_torch.py: RNNsearch in PyTorch, MODEL.md 1-5, and its beam search.

Its encoder is written out, cell by cell, as in MODEL.md; or, with `fused`, PyTorch's nn.GRU, one call for
both directions and all steps. That is a different cell: its reset gate acts after the product with U, and z weighs the
old state. It has the same number of parameters and operations, so it is valid for speed but not as an oracle.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F

END, UNKNOWN = 0, 1  # ids of </s> and <unk>
IGNORED = -100       # the target of a padded position
MINUS = -1e9         # a logit that leaves no probability


class RNNsearch(nn.Module):
    """Matrices with the same input are one parameter: rows z, r, candidate; the encoder's directions are stacked
    along the first axis and run in one loop. `paper_views` names the parts."""

    def __init__(self, o, source_words, target_words):
        super().__init__()
        self.o, self.source_words, self.target_words = o, source_words, target_words
        self.m, self.n, self.A, self.l = m, n, A, l = o.dim_emb, o.dim_rnn, o.dim_align, o.dim_maxout

        def matrix(*shape):
            return nn.Parameter(torch.zeros(*shape))
        self.source_embedding, self.target_embedding = matrix(source_words, m), matrix(target_words, m)
        if o.fused:
            self.gru = nn.GRU(self.padded_m(), n, bidirectional=True, bias=False)
        else:
            self.encoder_W, self.encoder_b = matrix(2, 3 * n, m), matrix(2, 3 * n)
            self.encoder_U_gates, self.encoder_U = matrix(2, 2 * n, n), matrix(2, n, n)
        self.W_s, self.b_s = matrix(n, n), matrix(n)
        self.decoder_W, self.decoder_C, self.decoder_b = matrix(3 * n, m), matrix(3 * n, 2 * n), matrix(3 * n)
        self.decoder_S, self.decoder_U = matrix(A + 2 * n, n), matrix(n, n)  # S: W_a, U_z, U_r
        self.U_a, self.v_a = matrix(A, 2 * n), matrix(A)
        self.readout_W, self.readout_b = matrix(2 * l, 3 * n + m), matrix(2 * l)  # U_o, C_o, V_o side by side
        self.output_W, self.output_b = matrix(target_words, l), matrix(target_words)
        self.encoder_step, self.decoder_step = self._encoder_step, self._decoder_step
        if o.compile:
            self.encoder_step = torch.compile(self.encoder_step, dynamic=True)
            self.decoder_step = torch.compile(self.decoder_step, dynamic=True)

    def padded_m(self):
        """The embedding's width plus a one, rounded up to a multiple of eight."""
        return (self.m + 8) // 8 * 8

    def paper_views(self):
        """The parameters by their names in model files, except those of a fused encoder."""
        n, A = self.n, self.A
        views = {"source_embedding": self.source_embedding, "target_embedding": self.target_embedding,
                 "decoder.W_s": self.W_s, "decoder.b_s": self.b_s, "decoder.U": self.decoder_U,
                 "attention.W_a": self.decoder_S[:A], "attention.U_a": self.U_a, "attention.v_a": self.v_a,
                 "decoder.U_z": self.decoder_S[A:A + n], "decoder.U_r": self.decoder_S[A + n:],
                 "readout.U_o": self.readout_W[:, :n], "readout.C_o": self.readout_W[:, n:3 * n],
                 "readout.V_o": self.readout_W[:, 3 * n:], "readout.b_o": self.readout_b,
                 "output.W_o": self.output_W, "output.b_y": self.output_b}
        for i, gate in enumerate(["_z", "_r", ""]):
            rows = slice(i * n, (i + 1) * n)
            for symbol in "WCb":
                views[f"decoder.{symbol}{gate}"] = getattr(self, f"decoder_{symbol}")[rows]
            for d, direction in enumerate([] if self.o.fused else ["forward", "backward"]):
                views[f"encoder.{direction}.W{gate}"] = self.encoder_W[d, rows]
                views[f"encoder.{direction}.b{gate}"] = self.encoder_b[d, rows]
                views[f"encoder.{direction}.U{gate}"] = self.encoder_U_gates[d, rows] if gate else self.encoder_U[d]
        return {name: view.detach() for name, view in views.items()}

    def initialise(self):
        """MODEL.md 6."""
        views = self.paper_views()
        if self.o.fused:
            for name, value in self.gru.named_parameters():
                views |= {name + ("_U" if "hh" in name else "_W"): part for part in value.detach().chunk(3)}
        for name, view in views.items():
            symbol = name.split(".")[-1]
            if symbol in ("U", "U_z", "U_r"):
                nn.init.orthogonal_(view)
            elif view.dim() == 2:
                view.normal_(0, 0.001 if symbol in ("W_a", "U_a") else 0.01)

    def _encoder_step(self, h, x):
        x_gates, x_candidate = x.split([2 * self.n, self.n], dim=-1)
        z, r = torch.sigmoid(torch.baddbmm(x_gates, h, self.encoder_U_gates.transpose(1, 2))).chunk(2, dim=-1)
        candidate = torch.tanh(torch.baddbmm(x_candidate, r * h, self.encoder_U.transpose(1, 2)))
        return mix(h, candidate, z)

    def encode(self, x, lengths):
        """x (S, B) padded to S. Returns s_0 (B, n), keys U_a h (S, B, A), annotations (B, S, 2n), mask (S, B)."""
        padded = torch.arange(x.shape[0], device=x.device)[:, None] >= lengths
        emb = F.dropout(F.embedding(x, self.source_embedding), self.o.dropout_emb, self.training)
        states = self.fused_states(emb, padded) if self.o.fused else self.states(emb, padded)
        s = torch.tanh(F.linear(states[0, :, self.n:], self.W_s, self.b_s))
        annotations = F.dropout(states, self.o.dropout_annotations, self.training)
        mask = torch.zeros(x.shape, device=x.device).masked_fill_(padded, MINUS)
        return s, F.linear(annotations, self.U_a), annotations.transpose(0, 1).contiguous(), mask

    def states(self, emb, padded):
        """Both directions, concatenated: (S, B, 2n)."""
        S, B = padded.shape
        proj = F.linear(emb, self.encoder_W.flatten(0, 1), self.encoder_b.flatten())
        shut = padded[:, :, None, None] & (torch.arange(3 * self.n, device=emb.device) < self.n)
        proj = proj.view(S, B, 2, 3 * self.n).masked_fill(shut, MINUS)  # z = 0 at padding carries the state through
        proj = torch.stack([proj[:, :, 0], proj[:, :, 1].flip(0)], dim=1)  # (S, 2, B, 3n)
        h, states = proj.new_zeros(2, B, self.n), []
        for step in proj.unbind(0):
            h = self.encoder_step(h, step)
            states.append(h)
        states = torch.stack(states)
        return torch.cat([states[:, 0], states[:, 1].flip(0)], dim=-1)

    def fused_states(self, emb, padded):
        """The same with nn.GRU. A column of ones provides its biases. At padding all columns are 0, so the backward
        direction, which starts there, keeps h = 0; no packing is needed."""
        there = (~padded).to(emb.dtype)[:, :, None]
        return self.gru(F.pad(torch.cat([emb * there, there], dim=-1), (0, self.padded_m() - self.m - 1)))[0]

    def step_weights(self):
        """The operands of each decoder step; under autocast cast once, here: a compiled step would cast them again."""
        weights = self.decoder_S, self.v_a, self.decoder_C, self.decoder_U
        if torch.is_autocast_enabled(self.v_a.device.type):
            weights = tuple(w.to(torch.get_autocast_dtype(self.v_a.device.type)) for w in weights)
        return weights

    def look(self, s, keys, annotations, mask, weights):
        """MODEL.md 2. Returns c (B, 2n) and the gates' share of the state (B, 2n)."""
        S, v_a, _, _ = weights
        query, gates = F.linear(s, S).split([self.A, 2 * self.n], dim=-1)
        alpha = torch.softmax(torch.tanh(keys + query) @ v_a + mask, dim=0)
        return torch.bmm(alpha.t().unsqueeze(1), annotations).squeeze(1), gates

    def update(self, s, gates, y, c, weights):
        """MODEL.md 3, y (B, 3n) the projected word."""
        _, _, C, U = weights
        y_gates, y_candidate = torch.addmm(y, c, C.t()).split([2 * self.n, self.n], dim=-1)
        z, r = torch.sigmoid(y_gates + gates).chunk(2, dim=-1)
        return mix(s, torch.tanh(torch.addmm(y_candidate, r * s, U.t())), z)

    def _decoder_step(self, s, y, keys, annotations, mask, weights):
        c, gates = self.look(s, keys, annotations, mask, weights)
        return self.update(s, gates, y, c, weights), c

    def logits(self, s, c, y):
        """MODEL.md 4, on any number of rows."""
        t = F.linear(torch.cat([s, c, y], dim=-1), self.readout_W, self.readout_b)
        t = t.unflatten(-1, (self.l, 2)).amax(dim=-1)
        return F.linear(F.dropout(t, self.o.dropout_readout, self.training), self.output_W, self.output_b)

    def forward(self, x, lengths, y, rows=None):
        """Logits (rows, V) of the target y (T, B); rows picks positions of the flattened (T, B), all by default."""
        s, keys, annotations, mask = self.encode(x, lengths)
        emb = F.dropout(F.embedding(y.clamp(min=0), self.target_embedding), self.o.dropout_emb, self.training)
        before = torch.cat([torch.zeros_like(emb[:1]), emb[:-1]])
        authors = self.o.decoder_order == "authors"
        proj = F.linear(emb if authors else before, self.decoder_W, self.decoder_b)
        weights = self.step_weights()
        states, contexts = [s], []
        for step in proj.unbind(0):
            s, c = self.decoder_step(s, step, keys, annotations, mask, weights)
            states.append(s)
            contexts.append(c)
        states = states[1:] if self.o.decoder_order == "body" else states[:-1]
        parts = [part.flatten(0, 1) for part in (torch.stack(states), torch.stack(contexts), before)]
        return self.logits(*(parts if rows is None else [part[rows] for part in parts]))

    @torch.no_grad()
    def beam_search(self, x, lengths, beam, normalize, fixed_length):
        """The best translation of each column of x: finished hypotheses leave the beam, which shrinks; the score is
        log p / length^normalize; at most 3 words to a source word. <unk> is barred. fixed_length: </s> is barred too,
        for as many steps as the longest source has words."""
        B, K, V = x.shape[1], beam, self.target_words
        s, keys, annotations, mask = self.encode(x, lengths)
        s, annotations = s.repeat_interleave(K, 0), annotations.repeat_interleave(K, 0)
        keys, mask = keys.repeat_interleave(K, 1), mask.repeat_interleave(K, 1)
        emb = s.new_zeros(B * K, self.m)
        live = s.new_full((B, K), -math.inf, dtype=torch.float32)
        live[:, 0] = 0
        best, best_at = live.new_full((B,), -math.inf), x.new_zeros(B, 2)
        first = torch.arange(B, device=x.device)[:, None] * K
        trail, order, weights = [], self.o.decoder_order, self.step_weights()
        for step in range(x.shape[0] if fixed_length else 3 * x.shape[0]):
            c, gates = self.look(s, keys, annotations, mask, weights)
            if order != "authors":
                s_next = self.update(s, gates, F.linear(emb, self.decoder_W, self.decoder_b), c, weights)
            logits = self.logits(s_next if order == "body" else s, c, emb)
            logits[:, :2 if fixed_length else 0] = -math.inf
            logits[:, UNKNOWN] = -math.inf
            total = (live.view(-1, 1) + torch.log_softmax(logits.float(), dim=-1)).view(B, K * V)
            live, pick = total.topk(K, dim=1)
            y, parent = pick % V, pick // V
            trail.append((y, parent))
            if not fixed_length:
                last = (step + 1 >= 3 * lengths)[:, None]
                finished = live.masked_fill((y != END) & ~last, -math.inf) / (step + 1) ** normalize
                score, at = finished.max(dim=1)
                better = score > best
                best = torch.where(better, score, best)
                best_at = torch.where(better[:, None], torch.stack([torch.full_like(at, step), at], dim=1), best_at)
                live = live.masked_fill((y == END) | last, -math.inf)
                if step % 4 == 3 and not live.isfinite().any():
                    break
            rows = (first + parent).flatten()
            emb = self.target_embedding[y.flatten()]
            if order == "authors":
                proj = F.linear(emb, self.decoder_W, self.decoder_b)
                s = self.update(s[rows], gates[rows], proj, c[rows], weights)
            else:
                s = s_next[rows]
        if fixed_length:
            best_at = torch.stack([lengths - 1, torch.zeros_like(lengths)], dim=1)
        words, parents = (torch.stack(part).tolist() for part in zip(*trail))
        return [follow(words, parents, b, *at) for b, at in enumerate(best_at.tolist())]


def mix(h, candidate, z):
    """(1 - z) h + z candidate"""
    return torch.lerp(h, candidate, z) if h.dtype == candidate.dtype else h + z * (candidate - h)


def follow(words, parents, b, step, k):
    """The words on the way to hypothesis k of sentence b at a step, without </s>."""
    result = []
    for i in range(step, -1, -1):
        result.append(words[i][b][k])
        k = parents[i][b][k]
    return [word for word in reversed(result) if word != END]
