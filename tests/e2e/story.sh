#!/usr/bin/env bash
# apps/story.sh: what it writes, stopping and going on, and which folders it refuses.
. "$(dirname "$0")/lib.sh" "$@"
export MININMT_BUILD=$build
story=$tests/../apps/story.sh
make_pairs 60 toy
make_pairs 12 valid
awk '{ for (i = 0; i < NF; ++i) printf "%d-%d ", i, NF - 1 - i; print "" }' toy.src >links
text=(--train-sets toy.src toy.tgt --valid-sets valid.src valid.tgt --test-sets toy.src toy.tgt --test-links links)
small=(--preset tiny --systems fixed,additive -- --dim-emb 16 --dim-rnn 24 --dim-align 16 --dim-maxout 16 --mini-batch 10
  --valid-freq 0 --disp-freq 10u --save-freq 100u --after 1500u --cpu-threads 1)
tell() { "$story" "$@" "${text[@]}" "${small[@]}"; }

# Two systems; the second is the drawn one. The same command does nothing again.
expect 0 tell whole
says out '^== 1 of 2: fixed vector'
says out '^== 2 of 2: RNNsearch'
says out '^\| fixed vector \|.*\| +- \| +10,998 \|'
says out '^\| RNNsearch  +\| +[0-9.]+ \| +[0-9.]+ \| +[0-9.]+ \| +[0-9.]+ / [0-9.]+ \| +17,614 \| +[0-9,]+ \|'
holds "the same table in story.md" grep -qxF "$(grep '^| RNNsearch' out)" whole/story.md
holds "story.svg is XML" python3 -c 'import sys, xml.etree.ElementTree as tree; tree.parse(sys.argv[1])' whole/story.svg
holds "story.html has the figure" grep -q '<svg ' whole/story.html
holds "story.html needs nothing else" eval '! grep -Eq "<script|src=|href=|url\(" whole/story.html'
holds "weights are drawn" grep -q '<title>t[0-9]* – s[0-9]*: [0-9]*%</title>' whole/story.svg
cp whole/additive/model/model.safetensors before
expect 0 tell whole
says out 'fixed vector: done before'
says out 'RNNsearch: done before'
holds "a system that is done stays" cmp -s before whole/additive/model/model.safetensors

# Stopped while both train, it goes on there, to the same bits.
"$story" cut --jobs 2 "${text[@]}" "${small[@]}" >out 2>err &
pid=$!
training() { grep -ls "cut/$1/[o]ptions.ini" /proc/[0-9]*/cmdline | sed 's|[^0-9]||g'; }
held=()
for key in fixed additive; do # a fast machine would be done before the other has begun, or before the signal arrives
  until grep -qs 'epoch' cut/$key/train.log; do kill -0 $pid 2>/dev/null || break; done
  held+=($(training $key))
  kill -STOP "${held[-1]}"
done
kill -TERM $pid
for training in "${held[@]}"; do # until SIGTERM, 0x4000, is pending
  until grep -q '^ShdPnd:.*[4-7c-f]...$' /proc/$training/status; do kill -0 $pid 2>/dev/null || break; done
done
kill -CONT "${held[@]}"
code=0
wait $pid || code=$?
holds "it ends by the signal" test $code -eq 143
says out 'The same command goes on from here'
expect 0 tell cut --jobs 2
for key in fixed additive; do
  for file in model/model.safetensors translation scores; do
    holds "$key/$file as without the stop" cmp -s {whole,cut}/$key/$file
  done
done
says cut/fixed/train.log 'going on after update'
says cut/additive/train.log 'going on after update'

# A folder is for one text and one set of options.
expect 2 tell whole --sentence 2
says err 'whole was made with other arguments'
says err 'is +drawn sentence: 2'
cp toy.src same.src && echo s1 >>toy.src && echo t1 >>toy.tgt
expect 2 tell whole
says err 'whole was made with other arguments'
mkdir other && echo text >other/file
expect 2 tell other
says err 'other holds something else'
holds "and is left alone" test "$(ls other)" = file

# What can't work is told before anything is done.
expect 2 "$story" new --train-sets toy.src toy.tgt
says err 'needs --train-sets, --valid-sets and --test-sets'
expect 2 "$story" new --systems fixed,soft
says err "no system 'soft'"
expect 2 "$story" new -- --type lstm
says err 'story.sh sets --type itself'
expect 2 "$story" new --minutes 1 -- --after 3u
says err 'leave one out'
expect 2 "$story" new --test-links toy.src
expect 2 "$story" new --minutes 0
expect 2 "$story" new --faster
holds "no folder is made" test ! -e new
expect 0 "$story" --help
says out '  additive +soft search'

# A system that mininmt-train does not know is left out.
mkdir old && ln -s "$build"/mininmt-* old/ && rm old/mininmt-train
printf '#!/bin/sh\n"%s" "$@" | sed "s/|window//"\n' "$train" >old/mininmt-train && chmod +x old/mininmt-train
MININMT_BUILD=old expect 2 "$story" new "${text[@]}" --preset tiny --systems window
says out 'left out: window'
says err 'no system is left'
finish
