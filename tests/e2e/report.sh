#!/usr/bin/env bash
# The page of a training, in a browser; skipped without one (Debian: chromium).
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
  { echo "skipped: no browser to render the page (Debian: chromium)"; exit 77; }
. "$(dirname "$0")/lib.sh" "$@"
make_pairs 60 toy
printf 's1 s2 </script> s3 s4\n' >>toy.src && printf 't1 t2 <b>bold</b> t3\n' >>toy.tgt
expect 0 "$train" --preset tiny --dim-emb 16 --dim-rnn 24 --dim-align 16 --dim-maxout 16 \
  --train-sets toy.src toy.tgt --valid-sets toy.src toy.tgt --model model --after 60u --valid-freq 20u --disp-freq 10u --quiet
expect 0 timeout 120 "$browser" --headless --no-sandbox --disable-gpu --enable-logging=stderr --virtual-time-budget=2000 \
  --dump-dom "file://$PWD/model/report.html"
holds "no error of the script" eval '! grep -q CONSOLE err'
for title in 'cost a sentence' 'bleu, validation' 'learning rate' 'gradient norm' 'target words/s'; do says out "<figcaption>$title "; done
holds "curves are drawn" test "$(grep -o '<polyline' out | wc -l)" -ge 6
holds "weights are drawn" test "$(grep -o '<rect' out | wc -l)" -ge 5
says out '<b id="when">update 60'
finish
