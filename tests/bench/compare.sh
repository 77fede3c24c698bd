#!/usr/bin/env bash
# mininmt beside PyTorch and Marian on the same work, in one run. Prints the JSON lines of all; the others' have the ratio.
#   usage: tests/bench/compare.sh cpu THREADS TRAIN.SRC TRAIN.TGT [MODEL TEST.SRC TEST.TGT]
#          tests/bench/compare.sh cuda PRECISION TRAIN.SRC TRAIN.TGT [TEST.SRC TEST.TGT]
# cpu: three turns at m = n = n' = l = 256, 8,000 words, 80 sentences per batch; then translation with a given
# model, beam 5 and 12. cuda, PRECISION tf32 or bf16: rnnsearch-50; then beam 12 over 3,003 sentences with an
# untrained model, as many words per sentence as in the source.
# PYTHON names a python3 with torch and, for Marian on the CPU, pymarian; BUILD the folder of the programs (build); FORMS the
# forms of peer_torch.py to train. Where the CPU has the instructions, then bf16 against PyTorch's bf16.
set -euo pipefail
usage() { sed -n '3,4s/^# *//p' "$0" >&2; exit 2; }
[ $# -ge 4 ] || usage
device=$1
case $device:$# in cpu:4 | cpu:7 | cuda:4 | cuda:6) ;; *) usage ;; esac
here=$(cd "$(dirname "$0")" && pwd)
bench=${BUILD:-$here/../../build}/mininmt-bench-model
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

python=${PYTHON:-python3}
marian=
if [ "$device" = cpu ]; then
  if "$python" -c 'import _pymarian' 2>/dev/null; then marian=yes; else echo "compare.sh: $python has no pymarian: without Marian" >&2; fi
  bf16=$(grep -m1 -o -w 'avx512_bf16\|amx_bf16' /proc/cpuinfo) || echo "compare.sh: this CPU has no bf16: float32 alone" >&2
fi

# both WHAT OPTIONS...: mininmt's line, then the others' relative to it; continues if one fails
both() {
  local what=$1
  shift
  "$bench" "${place[@]}" "$@" --dump "$scratch/work" | tee "$scratch/mininmt"
  local peer=("$python" "$here/peer_torch.py" "$what" "${place[@]}" --work "$scratch/work" --against "$scratch/mininmt")
  "${peer[@]}" "${more[@]}" || failed=1
  [ -z "$marian" ] || "$python" "$here/peer_marian.py" "$what" "${place[@]}" --work "$scratch/work" --against "$scratch/mininmt" || failed=1
  [ -n "${bf16:-}" ] || return 0
  "$bench" "${place[@]}" "$@" --precision bf16 | tee "$scratch/mininmt" || { failed=1; return 0; }
  "${peer[@]}" --precision bf16 "${more[@]}" || failed=1
}

forms=()
[ -z "${FORMS:-}" ] || read -ra forms <<<"--forms $FORMS"
if [ "$device" = cpu ]; then
  place=(--device cpu --threads "$2")
  for _ in 1 2 3; do
    more=("${forms[@]}")
    both train --text "$3" "$4" --dim-maxout 256
    [ $# -eq 7 ] || continue
    more=(--load "$5")
    for beam in 5 12; do
      both translate --text "$6" "$7" --model "$5" --beam "$beam"
    done
  done
else
  place=(--device cuda --precision "$2")
  more=("${forms[@]}")
  both train --preset rnnsearch-50 --text "$3" "$4"
  [ $# -eq 6 ] || exit "$failed"
  more=()
  for batch in 32 64 128; do
    both translate --preset rnnsearch-50 --text "$5" "$6" --beam 12 --sentences 3003 --fixed-length --mini-batch "$batch"
  done
fi
exit "$failed"
