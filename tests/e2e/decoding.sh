#!/usr/bin/env bash
# mininmt-beam's other searches, ensembles and n-best lists, from the command line.
. "$(dirname "$0")/lib.sh" "$@"
make_pairs 40 toy
train_small model --after 150u --learn-rate 0.01 --exponential-smoothing 0 --keep 2 --save-freq 50u || exit 1
train_small transformer --type transformer --preset tiny --dim-model 16 --heads 2 --layers 1 --dim-ffn 16 --after 30u || exit 1
train_small lstm --type lstm --layers 1 --after 10u || exit 1
translate() { "$beam" --quiet --model model --input toy.src "$@"; }
same_lexicon() { # to rounding: sums of threads come in any order
  cmp -s <(awk '{ print $1, $2 }' "$1" | sort) <(awk '{ print $1, $2 }' "$2" | sort)
}
ensemble() { "$beam" --quiet --input toy.src "$@"; }
expect 0 translate
cp out all

# A beginning that is given.
awk '{ print NR % 3 == 0 ? "" : NR % 3 == 1 ? "t11 never" : "t1" }' toy.tgt >prefix
expect 0 translate --prefix prefix
holds "each begins as given" awk 'NR == FNR { p[NR] = $0; next } substr($0, 1, length(p[FNR])) != p[FNR] { exit 1 }' prefix out
holds "without one, the same" cmp -s <(awk 'NR % 3 == 0' out) <(awk 'NR % 3 == 0' all)
head -n 39 prefix >short
expect 65 translate --prefix short
says err 'short ends after line 39'
{ cat prefix; echo; } >long
expect 65 translate --prefix long
says err 'toy.src ends after line 40'

# Limits.
repeats() { awk '{ split("", seen); for (i = 1; i <= NF; ++i) if (seen[$i]++) exit 1 }' "$1"; }
expect 0 translate --no-repeat 1 --min-words 9
holds "no word twice" repeats out
expect 0 translate --min-words 9
holds "at least 9 words" awk 'NF < 9 { exit 1 }' out
holds "the test above has teeth" eval '! repeats out'
expect 0 translate --max-words 2
holds "at most 2 words" awk 'NF > 2 { exit 1 }' out

# Features of what hypotheses rank by: the score follows from them.
expect 0 translate --n-best --beam-size 4 --word-penalty -0.3 --coverage-penalty 0.2 --normalize 0.6
holds "the score is that of the features" awk -F ' \\|\\|\\| ' '{ split($3, f, " ")
  if (f[1] f[3] f[5] != "logp=words=coverage=") exit 1
  d = (f[2] + 0.3 * f[4]) / f[4] ^ 0.6 + 0.2 * f[6] - $4; if (d * d > 1e-9) exit 1 }' out
expect 0 translate --n-best --beam-size 4
cp out plain
expect 0 translate --n-best --beam-size 4 --diversity 2
holds "another list" eval '! cmp -s out plain'

# Sampling: the same in any batch, another with another seed.
expect 0 translate --sampling --seed 5 --n-best --beam-size 3
cp out samples
holds "three for each" awk '{ ++n[$1] } END { for (i in n) if (n[i] != 3) exit 1 }' out
expect 0 translate --sampling --seed 5 --n-best --beam-size 3 --mini-batch 1 --maxi-batch 1
holds "the same in batches of one" cmp -s <(sed 's/ |||[^|]*|||[^|]*$//' out) <(sed 's/ |||[^|]*|||[^|]*$//' samples)
expect 0 translate --sampling --seed 6 --n-best --beam-size 3
holds "others with another seed" eval '! cmp -s out samples'
expect 0 translate --beam-size 1
cp out greedy
expect 0 translate --sampling --top-k 1
holds "the best word alone is greedy search" cmp -s out greedy
expect 0 translate --sampling --temperature 0.5 --top-p 0.9
holds "a line for each" test "$(wc -l <out)" -eq 40

# Ensembles.
expect 0 ensemble --models model model
holds "a model twice is the model" cmp -s out all
expect 0 ensemble --models model transformer --weights 1 0
holds "a weight of 0 leaves one out" cmp -s out all
expect 0 ensemble --models model transformer lstm --weights 3 1 1 --n-best --beam-size 2 --alignment --word-scores
holds "families mixed" test "$(wc -l <out)" -eq 80
expect 0 translate --score toy.tgt
cp out scores
expect 0 ensemble --models model model --score toy.tgt
holds "the scores of a model twice" awk 'NR == FNR { a[NR] = $1; next } { d = a[FNR] - $1; if (d * d > 1e-7) exit 1 }' scores out
cp toy.src backup.src
echo 's1 s2' >>toy.src && echo 't1 t99' >>toy.tgt
train_small other --after 5u || exit 1
cp backup.src toy.src && sed -i '$d' toy.tgt
expect 65 ensemble --models model other
says err 'other: its source vocabulary is not that of model'
expect 2 ensemble --models lstm lstm --coverage-penalty 0.2
says err 'lstm: a model of type lstm has no attention: leave out --coverage-penalty'

# The mean of the parameters.
saves=$(echo model/last-*.safetensors)
# shellcheck disable=SC2086  # two files
expect 0 "$beam" --quiet --models $saves --average mean
silent out
expect 0 ensemble --model mean
holds "an averaged model translates" test "$(wc -l <out)" -eq 40
# shellcheck disable=SC2086
expect 2 "$beam" --quiet --models $saves --average mean
says err 'mean: the folder has a model already'
expect 0 "$beam" --quiet --models model model --average itself
expect 0 ensemble --model itself
holds "the mean of a model and itself" cmp -s out all
expect 2 "$beam" --quiet --models model transformer --average mixed
says err 'average: .*type is'
expect 2 "$beam" --models model model --average m --n-best
says err '--n-best does nothing with --average'

# A word "|||" breaks no list, which is scored as it was written; links by weight; word scores.
sed 's/^t3$/|||/' model/target.vocab >bars
rm -rf barred && cp -r model barred && cp bars barred/target.vocab
perl -pi -e 's/"target.vocab":/"target-vocab":/' barred/model.safetensors
expect 0 ensemble --model barred --n-best --beam-size 3 --word-scores --alignment 0.3 --precision float32
cp out list
holds "five fields each" awk -F ' \\|\\|\\| ' 'NF != 5 { exit 1 }' list
says list '&#124;&#124;&#124;'
holds "word scores add up to log p" awk -F ' \\|\\|\\| ' '{ n = split($3, f, " "); sum = 0; for (i = 4; i <= n; ++i) sum += f[i]
  d = sum - f[2]; if (f[1] f[3] != "logp=WordScores=" || d * d > 1e-8) exit 1 }' list
expect 0 ensemble --model barred --score list --n-best
holds "a feature is added" cmp -s <(sed 's/ score= [^ ]*//' out) list
holds "log p again, where </s> was written" awk -F ' \\|\\|\\| ' '{ n = split($3, f, " "); m = split($2, w, " "); d = f[n] - f[2]
  if (f[n - 1] != "score=" || (n - 5 > m && d * d > 1e-6)) exit 1 }' out
expect 0 ensemble --model barred
says out '(^| )\|\|\|( |$)'
for wrong in '0 ||| a' 'x ||| a ||| b= 1 ||| 1' '40 ||| a ||| b= 1 ||| 1'; do
  { head -n 1 list; echo "$wrong"; } >wrong
  expect 65 translate --score wrong --n-best
  says err 'wrong:2: '
done
printf '%s\n' '1 ||| a ||| b= 1 ||| 1' '0 ||| a ||| b= 1 ||| 1' >wrong
expect 65 translate --score wrong --n-best
says err 'wrong:2: is for line 0 of the input, after one for 1'

# Word scores and totals of given translations.
expect 0 translate --score toy.tgt --word-scores
holds "word scores add up" awk -F ' \\|\\|\\| ' '{ n = split($2, f, " "); sum = 0; for (i = 2; i <= n; ++i) sum += f[i]
  d = sum - $1; if (f[1] != "WordScores=" || d * d > 1e-8) exit 1 }' out
expect 0 "$beam" --model model --input toy.src --score toy.tgt
words=$(($(wc -w <toy.tgt) + 40))
says err "40 pairs, $words words and </s>: log p -[0-9.]+, perplexity [0-9.]+$"
holds "log p and perplexity of the file" awk -v words=$words 'NR == FNR { sum += $1; next } /perplexity/ {
  d = $(NF - 2) - sum; e = $NF - exp(-sum / words); if (d * d > 1e-4 || e * e > 1e-8) exit 1 }' scores err
expect 0 translate --alignment 0.001
holds "links by weight" grep -Eq '[0-9]-0 ([0-9]-0 )*' out

# <unk> replaced: by the word attended to, or what the lexicon has for it.
train_small rare --after 150u --learn-rate 0.01 --exponential-smoothing 0 --dim-vocabs 0 8 || exit 1
rare() { "$beam" --quiet --model rare --input toy.src --allow-unk "$@"; }
expect 0 rare
cp out unknown
says unknown '<unk>'
expect 0 rare --replace-unk
holds "a word of the source for each" cmp -s <(sed 's/s[0-9]*/<unk>/g' out) unknown
says out 's[0-9]'
for i in 0 1 2 3 4 5 6 7 8 9 10 11; do printf 's%s wrong 0.3\ns%s u%s 0.5\n' $i $i $i; done >lexicon
cp out copied
expect 0 rare --replace-unk lexicon --n-best --beam-size 2
expect 0 rare --replace-unk lexicon
holds "a word of the lexicon for each" cmp -s <(tr u s <out) copied
expect 2 translate --replace-unk
says err '--replace-unk does nothing without --allow-unk'
printf '%s\n' 's1 l1' 's1 l1 x' >lexicon
expect 65 translate --allow-unk --replace-unk lexicon
says err 'lexicon:2: not of the form'

# A shortlist, from a lexicon that the model's attention makes of a text.
expect 2 translate --shortlist 5
says err "--shortlist: there is no lexicon 'model/lexicon': --score with --write-lexicon"
expect 0 translate --score toy.tgt --write-lexicon
holds "a lexicon in the model's folder" test "$(awk '$3 > 0 && $3 <= 1 && NF == 3' model/lexicon | wc -l)" -eq "$(wc -l <model/lexicon)"
holds "with a line for most source words" test "$(cut -d ' ' -f 1 model/lexicon | sort -u | wc -l)" -ge 9
cp model/lexicon own
expect 0 translate --score toy.tgt --write-lexicon model/lexicon --mini-batch 3 --cpu-threads 2
holds "the same whatever is scored together" same_lexicon own model/lexicon
expect 0 translate
cp out all
expect 0 translate --shortlist 1000
holds "all words: the same" cmp -s out all
expect 0 translate --shortlist 4
holds "few words: nearly the same" test "$(diff out all | grep -c '^<')" -le 10
expect 0 translate --shortlist 4 --shortlist-lexicon own
expect 2 translate --shortlist 4 --shortlist-lexicon own --sampling
says err '--shortlist and --sampling exclude each other'
expect 2 translate --shortlist-lexicon own
says err '--shortlist-lexicon does nothing without --shortlist'
expect 2 translate --write-lexicon x
says err '--write-lexicon does nothing without --score'
echo x y 0.5 >own
expect 65 translate --shortlist 4 --shortlist-lexicon own
says err 'own: no line has units of both'

# What would do nothing is refused.
refused() { # refused REGEX OPTION...
  expect 2 translate "${@:2}"
  says err "$1"
}
refused '--temperature does nothing without --sampling' --temperature 2
refused '--sampling and --diversity exclude each other' --sampling --diversity 1
refused '--diversity does nothing with a beam of 1' --diversity 1 --beam-size 1
refused '--beam-size does nothing with --sampling' --sampling --beam-size 3
refused '--min-words 5 is above --max-words 4' --min-words 5 --max-words 4
refused '--score and --prefix exclude each other' --score toy.tgt --prefix prefix
refused '--model and --models exclude each other' --models model model
refused '--word-scores have no place in a picture' --word-scores --alignment picture
refused '--n-best-feature does nothing without --score and --n-best' --n-best-feature x
refused 'would overwrite what is read' --prefix prefix --output prefix
finish
