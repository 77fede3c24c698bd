#!/usr/bin/env bash
# mininmt beside PyTorch on the same work, in turns, three times: training at m = n = n' = l = 256, 8,000 words, 80
# sentences a batch, with dropout and label smoothing; then translation with a given model, beam 5 and 12.
#   usage: tests/bench/compare.sh THREADS TRAIN.SRC TRAIN.TGT [MODEL TEST.SRC TEST.TGT]
# PYTHON names a python3 with torch and numpy. Prints the JSON lines of both.
set -euo pipefail
[ $# -eq 3 ] || [ $# -eq 6 ] || { sed -n '4,5s/^# *//p' "$0" >&2; exit 2; }
threads=$1 python=${PYTHON:-python3}
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../build
peer() {
  "$python" "$here/peer_pytorch.py" "$@" --device cpu --threads "$threads"
}
for turn in 1 2 3; do
  "$build/mininmt-bench-model" --threads "$threads" --text "$2" "$3"
  peer train --train-sets "$2" "$3" --dim-emb 256 --dim-rnn 256 --dim-align 256 --dim-maxout 256 --dim-vocab 8000 \
    --label-smoothing 0.1 --dropout-src 0.3 --dropout-trg 0.3 --dropout-rnn 0.3 --dropout-out 0.3 --updates 60 --warm-up 20
  [ $# -eq 6 ] || continue
  for beam in 5 12; do
    "$build/mininmt-bench-model" --threads "$threads" --text "$5" "$6" --model "$4" --beam "$beam"
    peer translate --load "$4" --test-sets "$5" "$6" --beam-size "$beam" --final-beams "$beam" --normalize 1
  done
done
