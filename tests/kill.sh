#!/usr/bin/env bash
# Kills a training at random moments, saves and validations included, and resumes it, until it is complete; its
# parameters, state and logged costs must be those of a training that nothing disturbed, to the bit.
#   tests/kill.sh [N [SEED]]     N kills (100); the build is build/, or what MININMT_BUILD names
set -euo pipefail
kills=${1:-100}
RANDOM=${2:-1}
cd "$(dirname "$0")/.."
build=$(cd "${MININMT_BUILD:-build}" && pwd)
state=$PWD/tests/checkpoint_state.py
export OMP_WAIT_POLICY=passive CUDA_VISIBLE_DEVICES=
work=$(mktemp -d "${TMPDIR:-/tmp}/mininmt-kill-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

"$build/mininmt-toy" --output toy --train 400 --valid 20 --test 5 >/dev/null
train=("$build/mininmt-train" --preset tiny --dim-emb 24 --dim-rnn 32 --dim-align 24 --dim-maxout 24 --train-sets toy/train.en toy/train.fr \
    --valid-sets toy/valid.en toy/valid.fr --exponential-smoothing 0.02 --dropout-annotations 0.2 --lr-decay 0.7 \
    --lr-decay-patience 1 --early-stopping 0 --beam-size 3 --valid-freq 7u --save-freq 3u --disp-freq 1u --mini-batch 20 \
    --cpu-threads 2 --after "$((60 + 60 * kills))u" --quiet)

echo "an undisturbed training"
"${train[@]}" --model whole --log whole.log
killed=0
while [ "$killed" -lt "$kills" ]; do
  "${train[@]}" --model cut --log cut.log &
  pid=$!
  sleep "$(printf '0.%03d' $((RANDOM % 700 + 20)))"
  kill -9 $pid 2>/dev/null || { wait $pid || exit 1; break; }
  wait $pid 2>/dev/null || true
  killed=$((killed + 1))
done
echo "killed $killed times"
"${train[@]}" --model cut --log cut.log

# Each line once, without its time and speed; the update after a checkpoint may have been logged twice.
costs() {
  sed -nE 's/^\[[^]]*\] //; s/  [0-9]+ words\/s//; s/  [^ ]+ left$//; s/  took .*//; /^(epoch|validation|learning rate)/p' "$1" | sort -u
}
costs whole.log >whole.costs
costs cut.log >cut.costs
cmp whole.costs cut.costs
for file in model last; do cmp whole/$file.safetensors cut/$file.safetensors; done
cmp <("$state" whole/checkpoint.safetensors) <("$state" cut/checkpoint.safetensors)
[ "$killed" -gt 0 ] && [ -s whole.costs ]
echo "the same parameters, state and $(wc -l <whole.costs) lines of the log"
