#!/usr/bin/env bash
# A disk that fills while a training saves: the training goes on and warns, ends with exit code 74, and its last whole
# checkpoint stays; once there is room the same command goes on to the same bits. Needs to mount a tmpfs.
#   tests/full_disk.sh      the build is build/, or what MININMT_BUILD names
set -euo pipefail
[ "${1:-}" = --mounted ] || {
  # In a chroot the propagation of mounts can't be changed.
  for options in "" "--propagation unchanged" "--user --map-root-user"; do
    # shellcheck disable=SC2086
    if unshare --mount $options true 2>/dev/null; then exec unshare --mount $options "$0" --mounted; fi
  done
  echo "skipped: no tmpfs can be mounted here"
  exit 77
}
cd "$(dirname "$0")/.."
build=$(cd "${MININMT_BUILD:-build}" && pwd)
state=$PWD/tests/checkpoint_state.py
export OMP_WAIT_POLICY=passive CUDA_VISIBLE_DEVICES=
work=$(mktemp -d "${TMPDIR:-/tmp}/mininmt-disk-XXXXXX")
trap 'cd /; umount "$work/small" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
mkdir small
mount -t tmpfs -o size=4m none small || { echo "skipped: no tmpfs can be mounted here"; exit 77; }

"$build/mininmt-toy" --output toy --train 200 --valid 10 --test 5 >/dev/null
train() {
  "$build/mininmt-train" --preset tiny --dim-emb 16 --dim-rnn 24 --dim-align 16 --dim-maxout 16 --train-sets toy/train.en toy/train.fr \
    --save-freq 5u --mini-batch 20 --cpu-threads 1 --quiet "$@"
}
fail() { echo "FAILED: $*"; exit 1; }

train --model whole --after 40u
train --model small/m --after 20u
before=$("$state" small/m/checkpoint.safetensors)
free=$(($(stat -f -c '%a * %S' small/m)))
checkpoint=$(stat -c %s small/m/checkpoint.safetensors)
head -c $((free - checkpoint / 2)) /dev/zero >small/filler
code=0
train --model small/m --after 40u 2>err || code=$?
cat err
[ $code -eq 74 ] || fail "exit code $code, not 74"
grep -q "not saved: .*No space left on device.*goes on" err || fail "no warning"
grep -q "error: .*No space left on device" err || fail "no error"
[ "$("$state" small/m/checkpoint.safetensors)" = "$before" ] || fail "the checkpoint is not as it was"
ls small/m | grep -q tmp && fail "a temporary file is left"
rm small/filler
train --model small/m --after 40u
for file in model last; do cmp whole/$file.safetensors small/m/$file.safetensors; done
cmp <("$state" whole/checkpoint.safetensors) <("$state" small/m/checkpoint.safetensors)
echo "the training went on to the same bits"
