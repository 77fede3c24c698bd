#!/usr/bin/env bash
# The quickstart: installs missing packages, builds, generates a small English-French corpus, trains on it,
# translates unseen sentences, and draws the attention weights of one translation. Takes no arguments.
# Everything goes to build/ and quickstart/ in this project.
set -euo pipefail
cd "$(dirname "$0")/.."
. apps/install.sh

step() { printf '\n== %s\n' "$*"; }

step "1/5 Install and build (build/): some minutes; the output of the compiler goes to quickstart/build.log"
need "${BUILD_PACKAGES[@]}"
mkdir -p quickstart
build_programs quickstart/build.log

step "2/5 Make an English-French corpus from a small grammar (quickstart/corpus)"
build/mininmt-toy --output quickstart/corpus
head -n 3 quickstart/corpus/train.en | paste -d '\n' - <(head -n 3 quickstart/corpus/train.fr) | sed 's/^/  /'

step "3/5 Train RNNsearch on $(wc -l <quickstart/corpus/train.en) sentence pairs (quickstart/model), under 3 minutes on 2 cores"
build/mininmt-train --preset tiny --train-sets quickstart/corpus/train.{en,fr} --valid-sets quickstart/corpus/valid.{en,fr} \
  --model quickstart/model --overwrite 2>&1 |
  (trap '' INT; exec grep --line-buffered -v -E '\] (options:|#|$|[a-z0-9-]+ =)')

step "4/5 Translate $(wc -l <quickstart/corpus/test.en) sentences that were held out"
build/mininmt-beam --model quickstart/model --input quickstart/corpus/test.en --reference quickstart/corpus/test.fr \
  --output quickstart/test.out.fr
paste -d '\n' quickstart/corpus/test.en quickstart/test.out.fr | sed -n '3,8s/^/  /p'

step "5/5 What one translation looked at, word by word"
head -n 1 quickstart/corpus/test.en | build/mininmt-beam --model quickstart/model --alignment picture

cat <<'END'
Next:
  echo 'the young historian was honest .' | build/mininmt-beam --model quickstart/model --alignment picture
  build/mininmt-beam --help        all about translating
  build/mininmt-train --help       training on your own text; README.md has the rest
END
