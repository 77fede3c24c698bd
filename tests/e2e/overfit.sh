#!/usr/bin/env bash
# Overfits twenty pairs: BLEU 100, with and without attention, as a deep LSTM and as a Transformer, for any batch size of the search.
. "$(dirname "$0")/lib.sh" "$@"
make_pairs 20 toy

for kind in additive fixed lstm transformer; do
  sizes=(--dim-emb 24 --dim-rnn 32)
  rnnsearch=(--alignment-model "$kind" --dim-maxout 24 --dropout-readout 0)
  case $kind in
    additive) model=("${rnnsearch[@]}" --dim-align 24) ;;
    fixed) model=("${rnnsearch[@]}") ;;
    lstm) model=(--type lstm --layers 2 --initial-range 0.3 --dropout-layers 0) ;;
    transformer)
      sizes=(--layers 1 --heads 2 --dim-model 32 --dim-ffn 32)
      model=(--type transformer --norm pre --tied-embeddings all --dropout 0 --lr-warmup 40 --lr-decay-inv-sqrt 40)
      ;;
  esac
  expect 0 "$train" --train-sets toy.src toy.tgt --valid-sets toy.src toy.tgt --model "$kind" "${model[@]}" \
    --preset tiny "${sizes[@]}" --learn-rate 0.01 \
    --exponential-smoothing 0 --mini-batch 10 --after 400u --valid-freq 200u --save-freq 0
  silent out
  says err 'validation .* bleu 100.00'
  for beam_size in 1 5; do
    expect 0 "$beam" --model "$kind" --input toy.src --reference toy.tgt --beam-size "$beam_size"
    holds "$kind, beam $beam_size: translations" cmp -s out toy.tgt
    says err 'BLEU = 100.00 .*nrefs:1'
    mv out one
    expect 0 "$beam" --model "$kind" --input toy.src --beam-size "$beam_size" --mini-batch 1
    holds "$kind, beam $beam_size: batches of one" cmp -s out one
  done
done

# What attention learned: each word attends to its source word in the reversed source.
expect 0 "$beam" --model additive --alignment picture --input toy.src
expect 0 "$beam" --model additive --score toy.tgt --input toy.src
holds "log p of what was learned is near 0" awk '$1 < -1 || $1 > 0 { bad = 1 } END { exit bad || NR != 20 }' out
finish
