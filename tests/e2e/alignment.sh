#!/usr/bin/env bash
# mininmt-beam --score with --alignment: word alignment of given pairs, judged by a reference. The models read the diagonal,
# whatever they have learnt, so the links and rates are computed by hand.
. "$(dirname "$0")/lib.sh" "$@"
printf '%s\n' 's1 s2 s3' 's1 s2' >text.s
printf '%s\n' 't1 t2 t3 t4' 't2 t1' >text.t
diagonal() { # diagonal FOLDER SOURCE TARGET [OPTION...]
  expect 0 "$train" --quiet --preset tiny --alignment-model diagonal --train-sets "$2" "$3" --dim-emb 4 --dim-rnn 4 \
    --dim-maxout 4 --after 1u --mini-batch 2 --model "$1" "${@:4}"
}
diagonal model text.s text.t
diagonal body text.s text.t --decoder-order body
diagonal opposite text.t text.s
align() { "$beam" --model model --input text.s --score text.t "$@"; }
links() { sed 's/.* ||| //' out; }

# Word i predicts with source word i; the last source word for all after it is </s>.
expect 0 align
cp out scores
expect 0 align --alignment hard
holds "the links, without those to </s>" cmp -s <(links) <(printf '%s\n' '0-0 1-1 2-2' '0-0 1-1')
holds "the scores are as they were" cmp -s <(sed 's/ |||.*//' out) scores
for options in "--mini-batch 1" "--cpu-threads 1"; do
  cp out once
  expect 0 align --alignment hard $options
  holds "the same links with $options" cmp -s <(links) <(sed 's/.* ||| //' once)
done
expect 0 align --alignment soft
holds "a row of weights for each word and </s>" cmp -s <(links) \
  <(printf '%s\n' '1,0,0,0 0,1,0,0 0,0,1,0 0,0,0,1 0,0,0,1' '1,0,0 0,1,0 0,0,1')
expect 0 align --alignment picture
says out 't4 .* 100% </s>'
holds "a picture begins with the score" cmp -s <(head -n 1 out) <(head -n 1 scores)

# Figures: the cells of weight 1 are dark, a row each.
dark() { grep -c 'fill="#08306b"' "$1"; }
expect 0 align --alignment-picture pairs.svg --mini-batch 1
holds "the scores are as they were" cmp -s out scores
holds "a dark cell for each word and </s>" test "$(dark pairs.svg)" = 8
expect 0 align --alignment-picture pairs.html --alignment hard
holds "a figure for each pair, in their order" cmp -s <(grep -o '<bdi>[^<]*' pairs.html) <(sed 's/^/<bdi>/' text.t)
expect 0 "$beam" --model model --input text.s --alignment-picture lines.html
holds "a figure for each line" test "$(grep -c '<figure>' lines.html)" = "$(wc -l <text.s)"
cp pairs.svg before.svg
expect 74 "$beam" --model model --input nowhere --alignment-picture before.svg
holds "an old file stays where there is no new one" cmp -s before.svg pairs.svg
for name in pairs.png pairs; do
  expect 2 align --alignment-picture $name
  says err 'must end in .svg or .html'
done
ln -s "$PWD/text.s" text.svg
for name in "text.svg" "out.svg --output out.svg"; do
  expect 2 align --alignment-picture $name
  says err 'would overwrite what is read|the same file'
done
ln -s later.svg link.svg
expect 2 align --alignment-picture later.svg --output link.svg
expect 0 align --alignment-picture link.svg
holds "a link is followed" cmp -s later.svg pairs.svg
mkdir folder.svg
expect 2 align --alignment-picture folder.svg
says err 'is no file'
echo kept >kept
expect 74 align --alignment-picture nowhere/p.svg --output kept
holds "the output is not emptied for nothing" grep -q kept kept
expect 2 align --alignment-picture p.svg --alignment-symmetrize opposite
rm -r text.svg link.svg folder.svg

# The reference in both formats: sure 0-0 1-1 and possible 1-0; sure 1-0 0-1.
printf '%s\n' '0-0 1-1 1p0' '1-0 0-1' >reference
printf '%s\n' '0001 1 1 S' '0001 2 2 S' '0001 2 1 P' '0002 2 1 S' '0002 1 2 S' >shared
rates() { # rates LINE...: of the last command, which wrote the scores
  holds "the output is the scores" cmp -s out scores
  holds "the rates are '$*'" cmp -s <(grep AER err) <(printf '%s\n' "$@")
}
# A = 0-0 1-1 2-2, 0-0 1-1; after the word: 1-0 2-1, 1-0.
before='AER = 55.56 (precision = 40.00 recall = 50.00 links = 5 sure = 4) attention before each word'
after='AER = 57.14 (precision = 66.67 recall = 25.00 links = 3 sure = 4) attention after each word'
for file in reference shared; do
  expect 0 align --alignment-reference $file --quiet
  rates "$before" "$after"
done
expect 0 align --alignment-reference reference --mini-batch 1 --maxi-batch 1
rates "$before" "$after"

# In the order `body` a word is seen two steps later: 2-0 alone.
expect 0 "$beam" --model body --input text.s --score text.t --alignment-reference reference
says err 'AER = 55.56 .*\) attention before each word$'
says err 'AER = 100.00 \(precision = 0.00 recall = 0.00 links = 1 sure = 4\) attention after each word$'

# Both directions. The opposite model's links after the word are 0-1 1-2 2-3, 0-1; both have none in common.
expect 0 align --alignment-reference reference --alignment-symmetrize opposite
rates "$before" "$after" "$before, opposite model" \
  'AER = 75.00 (precision = 25.00 recall = 25.00 links = 4 sure = 4) attention after each word, opposite model' \
  "$before, both models (grow-diagonal)" \
  'AER = 100.00 (precision = 0.00 recall = 0.00 links = 0 sure = 4) attention after each word, both models (grow-diagonal)'
holds "no warning" eval '! grep -q warning err'
expect 0 align --alignment --alignment-symmetrize opposite
holds "joined links" cmp -s <(links) <(printf '%s\n' '0-0 1-1 2-2' '0-0 1-1')
expect 0 align --alignment --alignment-symmetrize model
says err "warning: text.t: 100.00% of its words are not in the opposite model's source vocabulary"

# What is wrong with a reference is told with file and line.
wrong() { # wrong REGEX LINE...
  printf '%s\n' "${@:2}" >wrong
  expect 65 align --alignment-reference wrong
  says err "$1"
}
wrong 'wrong:2: word 2 is no link' '0-0' '0-0 1x1'
wrong 'wrong:2: no link' '1 1 1 S' '1 1 S'
wrong 'wrong:2: source word 2, target word 0 \(counted from 0\): pair 2 has 2 source and 2 target words' '0-0' '2-0'
wrong 'wrong:1: source word 1, target word 5 \(counted from 1\): pair 1 has 3 source and 4 target words' '1 1 5 S'
wrong 'wrong ends after line 1' '0-0'
wrong 'wrong has 3 lines, but there are 2 pairs' '0-0' '' ''
wrong 'wrong:2: pair 3, but there are 2' '1 1 1 S' '3 1 1 S'
wrong 'wrong: no link is sure' '0p0' ''
expect 74 align --alignment-reference nowhere
expect 74 align --alignment --alignment-symmetrize nowhere
expect 2 "$beam" --model model --input text.s --alignment-reference reference
says err 'alignment-reference does nothing without --score'
lost() { align --quiet --alignment-reference reference 2>/dev/full; }
expect 74 lost
finish
