#!/usr/bin/env bash
# Raw text in, raw text out: models of characters and of pieces of words, from training to BLEU, with text of all kinds.
. "$(dirname "$0")/lib.sh" "$@"

# Lines of characters, and the same backwards: letters with accents of two code points, a family of emoji, spaces.
awk 'BEGIN {
  srand(3)
  split("a b é c " "\xC3\xA9 \xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA7 ß", letter, " ")
  for (i = 0; i < 20; ++i) {
    s = ""; t = ""
    for (k = 3 + int(rand() * 3); k > 0; --k) {
      c = letter[1 + int(rand() * 7)]
      blank = k > 1 && rand() < 0.2 ? " " : ""
      s = s c blank; t = blank c t
    }
    print s > "toy.src"
    print t > "toy.tgt"
  }
}'
small=(--train-sets toy.src toy.tgt --preset tiny --dim-emb 24 --dim-rnn 32 --dim-align 24 --dim-maxout 24
  --dropout-readout 0 --exponential-smoothing 0 --learn-rate 0.01 --mini-batch 10 --save-freq 0)

expect 0 "$train" "${small[@]}" --units chars --model chars --valid-sets toy.src toy.tgt --after 500u --valid-freq 250u \
  --valid-metrics exact-match character-error-rate bleu
says err 'source characters, 0.00% of them unknown'
says err 'validation .*exact-match 100.00  character-error-rate 0.000  bleu'
holds "the space is a unit" grep -qx '<space>' chars/source.vocab
holds "so is a family" grep -qx $'\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA7' chars/source.vocab
expect 0 "$beam" --model chars --input toy.src --reference toy.tgt
holds "translations" cmp -s out toy.tgt
says err '^BLEU = .*tok:13a'
says err '^chrF2 = 100.00 nrefs:1'
says err '^exact match = 100.00%, character error rate = 0.00%'
expect 0 "$beam" --model chars --input toy.src --alignment hard
holds "a link for each character at most" \
  awk -F ' [|][|][|] ' '{ n += split($2, links, " ") } END { exit NR != 20 || n < 20 || n > 140 }' out
expect 0 "$beam" --model chars --input toy.src --score toy.tgt
holds "log p of what was learned is near 0" awk '$1 < -2 || $1 > 0 { bad = 1 } END { exit bad || NR != 20 }' out
expect 0 "$beam" --model chars --input toy.src --alignment picture
says out '␣'

# Nasty text: a line for each line.
printf '\n  \t \n\xC2\xA0\na\xC2\xA0b\n</s> <space>\n%s\n' "$(printf 'ab%.0s' $(seq 500))" >nasty
expect 0 "$beam" --model chars --input nasty --max-length-factor 0.1
holds "a line for each line" test "$(wc -l <out)" -eq 6
holds "empty lines stay empty" eval '[ "$(head -n 2 out)" = "" ]'
printf 'a\xFF\n' >bytes
expect 65 "$beam" --model chars --input bytes
says err 'bytes:1: byte 2 of the line is not UTF-8'
expect 0 "$beam" --model chars --input bytes --invalid-utf8 replace

# A training that was ended goes on to the same bits.
expect 0 "$train" "${small[@]}" --units chars --model half --after 10u
expect 0 "$train" "${small[@]}" --units chars --model half --after 20u
says err 'going on after update 10'
expect 0 "$train" "${small[@]}" --units chars --model whole --after 20u
holds "the same model" cmp -s half/model.safetensors whole/model.safetensors
expect 2 "$train" "${small[@]}" --model half --after 30u
says err 'units'

# One side of words, the other of characters; fine-tuning has the model's units.
expect 0 "$train" "${small[@]}" --units words chars --model mixed --after 5u
says err 'source words.*target characters'
expect 0 "$beam" --model mixed --input toy.src --max-length-factor 1
expect 0 "$train" "${small[@]}" --init chars --model tuned --after 5u
holds "units of --init" grep -qx 'units = chars' tuned/options.ini
expect 2 "$train" "${small[@]}" --init chars --units words --model tuned2 --after 5u
says err 'units is not that of the model of --init'

# One file of both sides gives the same model as two; a line without a tab is named.
paste toy.src toy.tgt >toy.tsv
expect 0 "$train" "${small[@]:3}" --train-sets toy.tsv --valid-sets toy.tsv --units chars --model tsv --after 20u
holds "the same model" cmp -s tsv/last.safetensors whole/last.safetensors
printf 'ab ba\n' >>toy.tsv
expect 65 "$train" "${small[@]:3}" --train-sets toy.tsv --units chars --model tsv2
says err 'toy.tsv:21: no tab'

# Models of words say nothing of units; a model of unknown units is refused.
expect 0 "$train" "${small[@]}" --model plain --after 5u
holds "as ever" eval '! grep -q units plain/model.safetensors'
sed -i 's/"source.units":"chars"/"source.units":"chart"/' half/model.safetensors
expect 65 "$beam" --model half --input toy.src
says err "of 'chart', units that this program doesn't know"

# Pieces of words: stems with endings, and the same words upper-cased, backwards, with a full stop.
awk 'BEGIN {
  srand(5)
  split("walk talk jump look", stem, " "); split("s ed ing er", end, " ")
  for (i = 0; i < 24; ++i) {
    s = ""; t = ""
    for (k = 2 + int(rand() * 2); k > 0; --k) {
      w = stem[1 + int(rand() * 4)] end[1 + int(rand() * 4)]
      s = s (s == "" ? "" : " ") w; t = toupper(w) (t == "" ? "." : " " t)
    }
    print s > "raw.src"; print t > "raw.tgt"
  }
}'
raw=("${small[@]:3}" --train-sets raw.src raw.tgt --units sentencepiece)
if ! grep -q 'SENTENCEPIECE_LIBRARY.*=/' "$build/CMakeCache.txt"; then
  echo "built without SentencePiece: only that this is said is tested"
  expect 2 "$train" "${raw[@]}" --model pieces
  says err 'libsentencepiece-dev'
  finish
fi
expect 0 "$train" "${raw[@]}" --model pieces --dim-vocabs 40 40 --valid-sets raw.src raw.tgt --after 500u --valid-freq 250u
says err 'source pieces, 0.00% of them unknown'
says err 'validation .* bleu 100.00'
for file in source.vocab target.vocab source.model target.model; do holds "$file is there" test -s pieces/$file; done
expect 0 "$beam" --model pieces --input raw.src --reference raw.tgt
holds "translations are raw text" cmp -s out raw.tgt
says err '^BLEU = 100.00 .*tok:13a'
head -n 1 raw.src >one.src
head -n 1 raw.tgt >one.tgt
paste raw.src raw.tgt >raw.tsv
for joint in "" --joint-vocabs; do
  for sets in "raw.src raw.tgt" raw.tsv; do
    expect 0 "$train" "${small[@]:3}" --units sentencepiece --train-sets $sets $joint --model joined --overwrite \
      --dim-vocabs 50 50 --after 1u
    cat joined/source.model joined/target.model >"${sets##*.}.model"
  done
  holds "the same pieces of one file, $joint" cmp -s tgt.model tsv.model
done
expect 0 "$beam" --model pieces --input one.src --alignment soft
holds "a row for each word and </s>, a weight for each word and </s>" awk -F ' [|][|][|] ' -v words="$(wc -w <one.src)" '{
  rows = split($2, row, " "); columns = split(row[1], weight, ",")
  exit rows != words + 1 || columns != words + 1 }' out
cut -d ' ' -f 1 raw.tgt >raw.begin
expect 0 "$beam" --model pieces --input raw.src --prefix raw.begin
holds "with their first words given" cmp -s out raw.tgt
printf '0-0\n' >links
expect 0 "$beam" --model pieces --input one.src --score one.tgt --alignment hard --alignment-reference links
holds "words are linked" awk -v words="$(wc -w <one.src)" '{ for (i = 3; i <= NF; ++i) { split($i, l, "-"); bad += l[1] >= words || l[2] >= words } exit bad }' out
expect 0 "$beam" --model pieces --input nasty --max-length-factor 0.1
holds "a line for each line" test "$(wc -l <out)" -eq 6

# The same pieces every time; given ones; a training that goes on; one vocabulary for both sides.
expect 0 "$train" "${raw[@]}" --model whole --overwrite --dim-vocabs 40 40 --after 20u
holds "the same pieces" cmp -s whole/source.model pieces/source.model
expect 0 "$train" "${raw[@]}" --model half --overwrite --dim-vocabs 40 40 --after 10u
expect 0 "$train" "${raw[@]}" --model half --dim-vocabs 40 40 --after 20u
says err 'going on after update 10'
holds "the same model" cmp -s half/model.safetensors whole/model.safetensors
different() { ! cmp -s "$1" "$2"; }
drawn=("${raw[@]}" --sentencepiece-alpha 0.2 --dim-vocabs 40 40)
expect 0 "$train" "${drawn[@]}" --model drawn --after 20u
holds "another model with pieces drawn anew" different drawn/model.safetensors whole/model.safetensors
expect 0 "$train" "${drawn[@]}" --model half --overwrite --after 10u
expect 0 "$train" "${drawn[@]}" --model half --after 20u
holds "which goes on to the same" cmp -s half/model.safetensors drawn/model.safetensors
expect 0 "$train" "${raw[@]}" --model given --vocabs pieces/source.model pieces/target.model --after 20u
holds "given pieces" cmp -s given/target.model pieces/target.model
expect 0 "$train" "${raw[@]}" --model tied --joint-vocabs --sentencepiece-type bpe --dim-vocabs 60 60 --after 5u
holds "one vocabulary" cmp -s tied/source.model tied/target.model
expect 0 "$train" "${small[@]:3}" --init pieces --train-sets raw.src raw.tgt --model tuned --overwrite --after 5u
holds "fine-tuning keeps the pieces" cmp -s tuned/source.model pieces/source.model

# What does nothing or can't be is refused.
expect 2 "$train" "${raw[@]}" --model none --dim-vocabs 0 0
says err 'dim-vocabs'
expect 2 "$train" "${raw[@]}" --model none --dim-vocabs 5 5
says err 'SentencePiece learns no pieces from raw.src'
expect 2 "$train" "${small[@]}" --model none --sentencepiece-alpha 0.2
says err 'sentencepiece-alpha is for --units sentencepiece'
expect 2 "$train" "${raw[@]}" --model none --sentencepiece-type bpe --sentencepiece-alpha 0.2
says err 'pieces of type bpe have no probabilities to draw by'
expect 2 "$train" "${raw[@]}" --model none --vocabs tied/source.model tied/target.model --sentencepiece-alpha 0.2
says err 'pieces of type bpe have no probabilities to draw by'
expect 2 "$train" "${small[@]}" --model none --sentencepiece-type bpe
says err 'sentencepiece-type does nothing'
expect 2 "$train" "${raw[@]:0:${#raw[@]}-1}" sentencepiece chars --joint-vocabs --model none
says err 'one vocabulary for both sides'
cp whole/source.model pieces/target.model
expect 65 "$beam" --model pieces --input raw.src
says err 'other words, or pieces, than the model was trained with'
echo nonsense >pieces/target.model
expect 65 "$beam" --model pieces --input raw.src
says err 'is no model of SentencePiece'
finish
