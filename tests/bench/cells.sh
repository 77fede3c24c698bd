#!/usr/bin/env bash
# Memory of one update of the models that mix predictions, at S = T = 50, 80 sentences and 30,000 words: they never hold
# the S x T x V logits, which would take 24 GB here. Prints a line for each; minutes on two cores.
#   cells.sh BUILD
set -euo pipefail
build=$(cd "${1:?usage: cells.sh BUILD}" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 - <<'PY'
import random
random.seed(1)
words = [f"w{i}" for i in range(29998)]
for side in ("source", "target"):
    with open(f"{side}.vocab", "w") as file:
        file.writelines(word + "\n" for word in ["</s>", "<unk>"] + words)
    with open(f"{side}.text", "w") as file:  # 49 words and </s>
        file.writelines(" ".join(random.choices(words, k=49)) + "\n" for _ in range(80))
PY
for alignment in additive hard 'transducer --joint deep' 'transducer --joint additive'; do
  # shellcheck disable=SC2086  # a kind and its options
  python3 - "$build/mininmt-train" --train-sets source.text target.text --vocabs source.vocab target.vocab --model model \
    --overwrite --resume never --quiet --device cpu --after 1u --mini-batch 80 --alignment-model $alignment <<'PY'
import resource, subprocess, sys, time
begin = time.time()
subprocess.run(sys.argv[1:], check=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"{' '.join(sys.argv[-3:] if 'joint' in sys.argv[-2] else sys.argv[-1:]):30} {peak:6.0f} MiB {time.time() - begin:6.1f} s")
PY
done
