#!/usr/bin/env bash
# mininmt-beam --score against the NumPy models (tests/oracle): every decoder order and kind of attention, and
# the other families, 100 pairs each.
# With a model folder of RNNsearch and two text files, only those: oracle.sh BUILD MODEL SOURCE TARGET
. "$(dirname "$0")/lib.sh" "$@"
python=
for candidate in python3 /usr/bin/python3; do
  [ -n "$python" ] || { "$candidate" -c 'import numpy' 2>/dev/null && python=$candidate; }
done
[ -n "$python" ] || { echo "no Python with NumPy: install python3-numpy"; exit 1; }

# agree MODEL SOURCE TARGET [FAMILY]
agree() {
  expect 0 "$beam" --quiet --precision float32 --model "$1" --input "$2" --score "$3"
  mv out scores
  expect 0 "$python" "$tests/oracle/${4:-rnnsearch}.py" --check "$1" "$2" "$3" scores
  cat out
}

if [ $# -gt 1 ]; then
  cd "$OLDPWD" && agree "${@:2}"
  finish
fi
for order in authors body appendix; do
  for alignment in additive fixed diagonal window content 'content --addressing full' hops \
    'hops --hop-score scaled-dot' 'hops --hop-score additive' hard transducer 'transducer --joint deep'; do
    case $order-$alignment in body-transducer* | appendix-transducer*) continue ;; esac
    # shellcheck disable=SC2086  # a kind and its options
    expect 0 "$python" "$tests/oracle/random_model.py" "$order-$alignment" --decoder-order "$order" \
      --alignment-model $alignment --text text --sentences 100 --length 25 --dim-emb 13 --dim-rnn 17 --dim-align 11
    printf '%s, %s: ' "$order" "$alignment"
    agree "$order-$alignment" text.source text.target
  done
done

for reversed in reverse-source no-reverse-source; do
  expect 0 "$python" "$tests/oracle/random_model.py" "lstm-$reversed" --type lstm "--$reversed" --text text --sentences 100 \
    --length 25 --dim-emb 13 --dim-rnn 17
  printf 'lstm, %s: ' "$reversed"
  agree "lstm-$reversed" text.source text.target lstm
done
expect 2 "$beam" --quiet --model lstm-reverse-source --input text.source --alignment hard
says err '^mininmt-beam: error: lstm-reverse-source: a model of type lstm has no attention: leave out the options of alignment$'
silent out

for options in '' '--norm pre --tied-embeddings no --heads 4' '--norm pre --tied-embeddings all'; do
  # shellcheck disable=SC2086  # options with their values
  expect 0 "$python" "$tests/oracle/random_model.py" transformer --type transformer $options --text text --sentences 100 --length 25
  printf 'transformer %s: ' "$options"
  agree transformer text.source text.target transformer
done

# The check can fail: scores of another decoder order differ.
expect 0 "$beam" --quiet --precision float32 --model body-additive --input text.source --score text.target
mv out scores
expect 1 "$python" "$tests/oracle/rnnsearch.py" --check appendix-additive text.source text.target scores
finish
