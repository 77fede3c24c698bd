#!/usr/bin/env bash
# mininmt-train from the command line: output files, stopping, errors and exit codes.
. "$(dirname "$0")/lib.sh" "$@"
make_pairs 60 toy
make_pairs 8 valid

# The output of a run, and that it only depends on seed and parts.
expect 0 train_small a --seed 3
silent out
silent err
for file in model.safetensors last.safetensors checkpoint.safetensors source.vocab target.vocab options.ini report.html log.jsonl; do
  holds "$file is there" test -s a/$file
done
holds "no temporary files" test "$(ls -A a | wc -l)" -eq 9
expect 0 train_small b --seed 3
holds "the same seed gives the same model" cmp -s a/model.safetensors b/model.safetensors
expect 0 train_small c --seed 4
holds "another seed gives another" eval '! cmp -s a/model.safetensors c/model.safetensors'
expect 0 "$beam" --model a --input toy.src
expect 0 "$beam" --model a/last.safetensors --input toy.src

# Training with the saved options gives the same model.
expect 0 "$train" --config a/options.ini --model again
holds "options.ini gives the same model" cmp -s a/model.safetensors again/model.safetensors

# A dry run tells what there would be, and writes nothing.
for options in "--preset tiny --train-sets toy.src toy.tgt --model dry --log dry.log --word-dropout 0.1" \
  "--config a/options.ini --model a --after 100e"; do
  expect 0 "$train" --dry-run $options
  says err 'parameters'
  says err 'first minibatch: .* pairs'
  says err 'an epoch .60 pairs'
done
holds "nothing is written" eval '[ ! -e dry ] && [ ! -e dry.log ]'
expect 74 "$train" --dry-run --train-sets toy.src toy.tgt --valid-sets nowhere toy.tgt --model dry
expect 74 "$train" --dry-run --train-sets toy.src toy.tgt --model toy.src
expect 2 "$train" --dry-run --resume required --train-sets toy.src toy.tgt --model dry
expect 2 "$train" --dry-run --train-sets toy.tgt toy.src --model a
says err "can't go on"
expect 2 "$train" --dry-run --quiet --train-sets toy.src toy.tgt --model dry
says err 'quiet'

# The plain model learns the same, and its file is an ordinary model.
expect 0 train_small plain --seed 3 --plain
holds "its options say so" grep -q '^plain = true' plain/options.ini
holds "and its file does not" eval '! grep -q plain plain/model.safetensors'
for model in a plain; do
  expect 0 "$beam" --model $model --input toy.src --score toy.tgt
  mv out $model.scores
done
holds "its scores are those of the fused model" \
  awk 'NR == FNR { a[FNR] = $1; next } ($1 / a[FNR] - 1)^2 < 1e-6 { ++same } END { exit same != 60 }' a.scores plain.scores
expect 2 train_small fixed --plain --alignment-model fixed
says err 'plain'

# A model's vocabularies can be reused; both together with a limit are an error.
expect 0 train_small d --vocabs a/source.vocab a/target.vocab
holds "vocabularies are kept" cmp -s a/source.vocab d/source.vocab
expect 2 train_small e --vocabs a/source.vocab a/target.vocab --dim-vocabs 9 9
expect 0 train_small f --dim-vocabs 6 7
holds "limits of the vocabularies" test "$(cat f/source.vocab f/target.vocab | wc -l)" -eq 13

# Files or vocabularies in the wrong order are noticed.
expect 0 train_small swapped --valid-sets valid.tgt valid.src
says err 'warning: valid.tgt: 100.00% of its words are not in the source vocabulary; are files or vocab.* swapped'
says err 'warning: valid.src: 100.00% of its words are not in the target vocabulary'
expect 0 train_small mixed-up --vocabs a/target.vocab a/source.vocab
says err 'warning: toy.src: 100.00% of its words are not in the source vocabulary'
expect 0 train_small right --vocabs a/source.vocab a/target.vocab --valid-sets valid.src valid.tgt
silent err

# Names without a folder, from inside a model folder.
expect 0 eval '(cd d && "$train" --config options.ini --model . --train-sets ../toy.src ../toy.tgt --overwrite --log log --vocabs source.vocab target.vocab)'
holds "the log is there" test -s d/log
expect 0 eval '(cd d && "$beam" --model model.safetensors --input ../toy.src --output translations)'
holds "a line for each line" test "$(wc -l <d/translations)" -eq 60

# An existing model is only replaced on request; the same training is complete, another is refused by name.
before=$(cksum a/model.safetensors)
expect 0 train_small a --seed 3 --precision auto --log a.log # what it had
says a.log 'this training is complete, after 20 updates'
expect 0 train_small a --seed 3 --device cpu --precision tf32 --log tf32.log # on a CPU float32
says tf32.log 'this training is complete'
for options in "--seed 5" "--seed 3 --dim-rnn 25" "--seed 3 --parts 3" "--seed 3 --clip-norm 2"; do
  expect 2 train_small a $options
  option=${options##*--}
  says err "can't go on, since --${option% *} is ${option#* }, was .*overwrite"
done
expect 2 train_small a --seed 5 --train-sets missing.src missing.tgt  # before any text is read
says err "can't go on, since --seed is 5, was 3"
expect 2 train_small a --seed 3 --train-sets toy.tgt toy.tgt
says err "the source vocabulary is another"
{ head -1 toy.src; tail -n +2 toy.src | sed 's/s1 /s2 /'; } >other.src
expect 2 train_small a --seed 3 --train-sets other.src toy.tgt --vocabs a/source.vocab a/target.vocab
says err "the training text is another"
expect 2 train_small a --seed 3 --valid-sets valid.src valid.tgt
says err "can't go on, since --valid-sets is valid.src valid.tgt, was not given: give"
expect 2 train_small a --seed 3 --init b
says err "can't go on, since --init is b, was not given: give"
expect 2 train_small a --seed 3 --resume never
says err 'overwrite'
expect 2 train_small nothing --resume required
says err 'no checkpoint'
holds "no folder was made" test ! -e nothing
mkdir foreign && echo mine | tee foreign/options.ini foreign/source.vocab >foreign/target.vocab
expect 2 train_small foreign
says err 'foreign.* holds source.vocab already: .*--overwrite'
rm foreign/*.vocab
expect 2 train_small foreign
same foreign/options.ini mine
cp -r a old-format && rm old-format/checkpoint*
expect 2 train_small old-format --seed 3
says err 'no checkpoint to go on from'
# Files that only look like a training's stay.
cp -r a named && cp a/last.safetensors named/last-mine.safetensors && cp a/last.safetensors named/best-paper.safetensors
expect 0 train_small named --seed 3 --after 24u --save-freq 1u --keep 2
expect 0 train_small named --seed 4 --overwrite
holds "files with other names stay" test -e named/last-mine.safetensors -a -e named/best-paper.safetensors
holds "those of an older training go" test -z "$(find named -name 'last-0*')"
rm old-format/model.safetensors
expect 2 train_small old-format --seed 3
says err 'no checkpoint to go on from'
holds "it is left alone" test "$(cksum a/model.safetensors)" = "$before"
expect 0 train_small a --seed 5 --overwrite
holds "it is replaced" test "$(cksum a/model.safetensors)" != "$before"

# The log: progress, validation, dropped pairs; the same in a file.
{ cat toy.src; echo; echo "s1 s2 s3 s4 s5 s6 s7 s8 s9"; } >more.src
{ cat toy.tgt; echo t1; echo t1; } >more.tgt
expect 0 "$train" --preset tiny --train-sets more.src more.tgt --valid-sets valid.src valid.tgt --model g --max-length 8 \
  --dim-emb 8 --dim-rnn 8 --dim-align 8 --dim-maxout 8 --after 2e --mini-batch 20 --disp-freq 2u --valid-freq 1e --log log
silent out
says err '60 of 62 pairs kept; 1 dropped for more than 8 words on a side, 1 for an empty side'
says err 'validation text: 8 pairs'
holds "no warnings" eval '! grep -q warning err'
says err 'epoch [0-9]+ +update 2 .*cost [0-9.]+ .*words/s +gradient norm [0-9.]+ .*left'
says err 'validation +epoch 1 +update 3 .*cross-entropy [0-9.]+ .*new best'
says err 'validation +epoch 2 +update 6 '
says err 'done: 6 updates'
holds "two validations" test "$(grep -c 'validation  epoch' err)" -eq 2
holds "the log file has the same lines" test "$(grep -c . log)" -eq "$(grep -c . err)"

# Signals: the model is saved, and the exit code is 128 + the signal's number.
for signal in INT TERM; do
  checks=$((checks + 1))
  # A shell starts background processes with INT ignored.
  perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$train" --preset tiny --train-sets toy.src toy.tgt --model "sig$signal" \
    --valid-sets valid.src valid.tgt --after 100000e --disp-freq 5u >out 2>err &
  pid=$!
  for ((i = 0; i < 300; ++i)); do grep -q 'update 5 ' err && break; sleep 0.1; done
  kill -$signal $pid
  wait $pid
  code=$?
  case $signal:$code in INT:130 | TERM:143) ;; *) fail "exit code $code after SIG$signal" ;; esac
  says err 'saving; a second one ends the program at once'
  says err 'stopped by signal'
  expect 0 "$beam" --model sig$signal --input valid.src
done

# A diverging run says so.
expect 1 train_small diverged --optimizer sgd --learn-rate 1000 --cost-type ce-sum --clip-norm 0 --after 1000u
says err 'error: .*diverged.*--learn-rate'
expect 0 "$beam" --model diverged --input toy.src # what was saved before is a model

# Invalid options and files.
for options in "--learn-rate nan" "--learn-rate inf" "--learn-rate 0" "--learn-rate -1" "--mini-batch 0" "--dim-rnn 0" \
  "--dim-rnn 100000000" "--optimizer adm" "--preset huge" "--after 5x" "--after -1u" "--label-smoothing 1" \
  "--decoder-order letters" "--early-stoping 3" "--valid-freq 5u" "--seed 1 --seed 2" "--dim-vocabs 2 2"; do
  expect 2 train_small wrong $options
  holds "nothing is made with $options" test ! -e wrong
done
says err 'dim-vocabs'
expect 2 train_small wrong --lern-rate 1
says err 'learn-rate'
expect 2 "$train"
sets() { "$train" --quiet --preset tiny --model wrong --after 1u --train-sets "$@"; }
expect 74 sets nowhere toy.tgt
says err 'nowhere'
head -n 59 toy.tgt >short
expect 65 sets toy.src short
says err '60.*59|59.*60'
: >nothing
expect 65 sets nothing nothing
printf '\n\n' >blank
expect 65 sets blank blank
printf 'a\nb \xff\n' >latin
expect 65 sets latin latin
says err 'latin:2'
head -c 500 /dev/urandom >noise
expect 65 sets noise noise
iconv -t UTF-16LE toy.src >utf16
expect 65 sets utf16 toy.tgt
says err 'utf16 is UTF-16 .*iconv -f UTF-16LE -t UTF-8 utf16'
expect 65 train_small wrong --valid-sets valid.src utf16
says err 'utf16 is UTF-16 '
{ head -n 59 toy.src; yes s1 | head -n 100000 | tr '\n' ' '; echo; } >wide
expect 0 train_small without_it --train-sets wide toy.tgt
expect 65 train_small wrong --vocabs noise noise
echo text >file
expect 74 train_small file/model
expect 74 train_small file
says err "file can't be made: it is a file"
[ "$(id -u)" -eq 0 ] || { mkdir locked && chmod 500 locked && expect 74 train_small locked/model; }
expect 65 train_small wrong --valid-sets valid.src
says err 'valid.src:1: no tab'
expect 65 train_small wrong --valid-sets valid.src toy.tgt
expect 65 train_small wrong --valid-sets nothing nothing

# A pipe can't be read twice, so it is rejected at once, even without a writer.
mkfifo fifo
for sets in "--train-sets fifo toy.tgt" "--train-sets toy.src fifo" "--train-sets toy.src toy.tgt --valid-sets valid.src fifo"; do
  expect 2 timeout -s KILL 20 "$train" --quiet --preset tiny --model wrong --after 1u $sets
  says err 'fifo is a pipe.*write it to a file'
done
expect 2 sets <(cat toy.src) toy.tgt
piped_sets() { cat toy.src | sets /dev/stdin toy.tgt; }
expect 2 piped_sets
says err '/dev/stdin is a pipe'
holds "nothing is made of a pipe" test ! -e wrong

# The text is read twice, for the vocabularies and for the corpus; once with --vocabs.
yes "s1 s2 s3 s4" | head -n 250000 >large.src
yes "t1 t2 t3 t4" | head -n 250000 >large.tgt
bytes_read() { # bytes_read COMMAND...: all that the command reads
  bash -c '"$@" && awk "/rchar/ { print \$2 }" /proc/$$/io' - "$@"
}
large() { train_small "$@" --train-sets large.src large.tgt --after 1u --overwrite; }
if [ -r /proc/self/io ]; then
  size=$(cat large.src large.tgt | wc -c)
  export train
  export -f large train_small bytes_read
  expect 0 bytes_read bash -c 'large twice'
  holds "twice, not $(cat out) bytes" test "$(cat out)" -lt $((size * 5 / 2))
  expect 0 bytes_read bash -c 'large once --vocabs twice/source.vocab twice/target.vocab'
  holds "once, not $(cat out) bytes" test "$(cat out)" -lt $((size * 3 / 2))
else
  echo "not tested here: how often text is read (no /proc/self/io)"
fi

# The log must not overwrite an input file.
cp toy.src logged
expect 2 train_small wrong --train-sets logged toy.tgt --log "$PWD/logged"
holds "the text is as it was" cmp -s logged toy.src

printf 'seed = 1\n' >own.ini
expect 2 train_small wrong --config own.ini --log own.ini
holds "the config file is as it was" grep -qx 'seed = 1' own.ini

# An old model stays until the first checkpoint of the new training is whole.
cp -r a old
"$train" --train-sets toy.src toy.tgt --model old --overwrite --dim-rnn 600 --dim-emb 16 --save-freq 0 --after 100000u >out 2>err &
for ((i = 0; i < 300; ++i)); do grep -q 'options:' err && break; sleep 0.1; done
sleep 0.3
kill -KILL $!
wait $! 2>/dev/null
holds "the old model is there" cmp -s a/model.safetensors old/model.safetensors
expect 0 train_small old --seed 5
expect 0 train_small old --seed 9 --overwrite
holds "the new model is there" eval '! cmp -s a/model.safetensors old/model.safetensors'

# Two trainings don't work in one folder.
"$train" --preset tiny --train-sets toy.src toy.tgt --model busy --after 100000u >out 2>err &
pid=$!
for ((i = 0; i < 300; ++i)); do grep -q 'options:' err && break; sleep 0.1; done
expect 2 train_small busy
says err 'another training is at work'
kill $pid
wait $pid 2>/dev/null

# A signal in a validation gives the validation up; the same command goes on with it. Temporary files of killed
# trainings go.
for ((i = 0; i < 30000; ++i)); do echo "s1 s2 s3"; done >long.src
for ((i = 0; i < 30000; ++i)); do echo "t1 t2 t3"; done >long.tgt
training=("$train" --preset tiny --train-sets toy.src toy.tgt --valid-sets long.src long.tgt --valid-freq 2u --after 4u --model validated --beam-size 8)
"${training[@]}" >out 2>err &
pid=$!
for ((i = 0; i < 300; ++i)); do [ -s validated/last.safetensors ] && break; sleep 0.1; done
sleep 0.5
checks=$((checks + 1))
kill -TERM $pid
for ((i = 0; i < 30; ++i)); do kill -0 $pid 2>/dev/null || break; sleep 0.1; done
kill -0 $pid 2>/dev/null && fail "a validation is not given up within 3 seconds"
wait $pid
[ $? -eq 143 ] || fail "no exit code 143 after SIGTERM in a validation"
says err 'everything is saved'
holds "no validation ended" eval '! grep -q "validation  epoch" err'
touch validated/{last.safetensors,checkpoint.safetensors,events.out.tfevents.mininmt,trial}.tmp-1-0
training[7]=valid.src training[8]=valid.tgt
expect 2 "${training[@]}"
says err 'the validation text is another'
holds "temporary files are gone" eval '! ls validated | grep -q tmp'

# A kill loses no point of the report: it is written at each save. A damaged model is told at the next start.
reported=("$train" --config small.ini --model reported --disp-freq 2u --save-freq 6u --tensorboard)
updates() { grep -o '"update":[0-9]*' reported/log.jsonl; }
"${reported[@]}" --after 100000u >out 2>err &
pid=$!
for ((i = 0; i < 300; ++i)); do grep -qs '"update":20,' reported/log.jsonl && break; sleep 0.05; done
kill -KILL $pid
wait $pid 2>/dev/null
last=$(sed -n 's/.*"update":\([0-9]*\).*/\1/p' reported/log.jsonl | tail -n 1)
printf '\377' | dd of=reported/model.safetensors bs=1 seek=4000 conv=notrunc 2>/dev/null
expect 0 "${reported[@]}" --after $((last + 6))u
says err 'model.safetensors: its numbers are not those'
holds "every second update is there" cmp -s <(updates | sort -u) <(seq 2 2 $((last + 6)) | sed 's/^/"update":/' | sort)
holds "TensorBoard has them too" test "$(grep -ao training/cost reported/events.out.tfevents.mininmt | wc -l)" = $((last / 2 + 3))
expect 0 "$beam" --model reported --input toy.src --quiet

# A file that would be too large is an error, not a signal.
too_large() { (ulimit -f 8 && train_small large); }
expect 74 too_large
says err 'large.*too large'

# The toy corpus: nothing half written stays, after an error or a signal.
expect 0 "$toy" --output corpus --train 300 --valid 20 --test 20
holds "six files" test "$(ls corpus | wc -l)" -eq 6
expect 0 "$toy" --output corpus2 --train 300 --valid 20 --test 20
holds "the same seed gives the same corpus" diff -r corpus corpus2
toy_too_large() { (ulimit -f 8 && "$toy" --output cut --test 9 --valid 9 --train 5000); }
expect 74 toy_too_large
says err 'mininmt-toy: error: cut.*too large'
holds "no half files" test "$(ls cut | grep -c '^train')" -eq 0
for signal in INT TERM HUP; do
  rm -rf cut
  perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$toy" --output cut --train 10000000 &
  pid=$!
  for ((i = 0; i < 300; ++i)); do [ -s cut/train.fr.part ] && break; sleep 0.1; done
  kill -$signal $pid
  wait $pid
  code=$?
  holds "exit code $code after SIG$signal" test $code -eq $((128 + $(kill -l $signal)))
  holds "no half files after SIG$signal" test "$(ls cut | grep -c '^train')" -eq 0
done

# Fine-tuning: from a model's parameters, with its sizes and vocabularies, on other text; new words on request.
still=(--optimizer sgd --learn-rate 1e-12 --exponential-smoothing 0 --after 1u --quiet --mini-batch 10)
{ cat toy.src; for ((i = 0; i < 9; ++i)); do echo "s1 new new"; done; } >news.src
{ cat toy.tgt; for ((i = 0; i < 9; ++i)); do echo "t1 neu neu"; done; } >news.tgt
expect 0 "$beam" --model a --input toy.src --output a.out
for options in "" --plain "--extend-vocabs"; do
  rm -rf tuned
  expect 0 "$train" --preset tiny --train-sets news.src news.tgt --model tuned --init a "${still[@]}" $options
  expect 0 "$beam" --model tuned --input toy.src --output tuned.out
  holds "the same translations, $options" cmp -s a.out tuned.out
  [ "$options" = --extend-vocabs ] || holds "no limit that does nothing" eval '! grep dim-vocabs tuned/options.ini'
done
expect 0 "$train" --preset tiny --train-sets news.src news.tgt --model fused --init plain "${still[@]}"
expect 0 "$beam" --model plain --input toy.src
mv out plain.out
expect 0 "$beam" --model fused --input toy.src
holds "a plain model's parameters in a fused one" cmp -s out plain.out
expect 2 "$train" --train-sets news.src news.tgt --model wrong --init a --dim-vocabs 90 90
says err '--dim-vocabs does nothing with --init alone: add --extend-vocabs'
expect 2 "$train" --train-sets news.src news.tgt --model wrong --init a --extend-vocabs --dim-vocabs 90 5
says err "--dim-vocabs: '5' is below the [0-9]+ target words that the model of --init has"
holds "the vocabulary goes on with the new word" eval 'diff <(cat a/source.vocab; echo new) tuned/source.vocab'
expect 0 "$train" --preset tiny --train-sets news.src news.tgt --model learned --init a/last.safetensors --extend-vocabs --after 60e --mini-batch 10 --precision float32 --quiet
expect 0 eval 'echo "s1 new new" | "$beam" --model learned >learned.out'
same learned.out "t1 neu neu"
# What goes on needs the model that it started from no more.
cp -r a start && sed 's/s1/x1/' news.src >more.src
expect 0 "$train" --preset tiny --train-sets more.src news.tgt --model tuned-on --init start --extend-vocabs "${still[@]}"
mv start gone
expect 0 "$train" --preset tiny --train-sets more.src news.tgt --model tuned-on --init start --extend-vocabs "${still[@]/1u/2u}"
expect 2 "$train" --train-sets news.src news.tgt --model wrong --init a --dim-rnn 25
says err 'dim-rnn is not that of the model of --init'
expect 2 "$train" --train-sets news.src news.tgt --model wrong --init a --alignment-model fixed
expect 2 "$train" --train-sets news.src news.tgt --model wrong --init a --vocabs a/source.vocab a/target.vocab
expect 2 "$train" --train-sets news.src news.tgt --model wrong --extend-vocabs
expect 74 "$train" --train-sets news.src news.tgt --model wrong --init nowhere
expect 0 "$train" --preset tiny --train-sets news.src news.tgt --model tuned --init a "${still[@]}" --extend-vocabs
rm tuned/source.vocab
cp a/target.vocab tuned/source.vocab
expect 65 "$beam" --model tuned --input toy.src
says err 'words'
cp <(sed '3{h;d};4G' a/source.vocab) a-permuted.vocab
cp -r a permuted && cp a-permuted.vocab permuted/source.vocab
expect 65 "$beam" --model permuted --input toy.src
says err 'other words, or pieces, than the model was trained with'

# The error that ends a training is in its log, which may lie in the folder; nothing that is not finite is saved.
expect 1 train_small diverging --optimizer sgd --learn-rate 1000 --clip-norm 0 --cost-type ce-sum --after 1000u --log diverging/train.log
says diverging/train.log 'error: .*diverged'
expect 1 train_small infinite --optimizer sgd --learn-rate 1000 --clip-norm 0 --exponential-smoothing 0 --cost-type ce-sum --after 9u --save-freq 1u
for file in infinite/{model,last}.safetensors; do expect 0 "$beam" --model "$file" --input toy.src; done

# A folder that may be written but not read can't be locked, nor gone on from. Root may read all, so another user tries.
other() { if [ "$(id -u)" -eq 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi; }
mkdir shut && chmod 333 shut && chmod 755 .
if other test -x "$train" && ! other test -r shut; then
  expect 74 other "$train" --config small.ini --model shut
  says err "shut can't be read: Permission denied"
fi

# Dropout of annotations also applies to the fixed vector.
fixed() { "$train" --quiet --preset tiny --train-sets toy.src toy.tgt --dim-emb 16 --dim-rnn 24 --alignment-model fixed --after 5u "$@"; }
expect 0 fixed --model fixed0 --dropout-annotations 0
expect 0 fixed --model fixed5 --dropout-annotations 0.5
holds "other annotations, another model" eval '! cmp -s fixed0/model.safetensors fixed5/model.safetensors'

# A non-finite validation is never the best.
expect 1 train_small nan --valid-sets valid.src valid.tgt --valid-metrics cross-entropy --optimizer sgd --learn-rate 1000 \
  --clip-norm 0 --cost-type ce-sum --exponential-smoothing 0 --after 6u --valid-freq 3u --save-freq 0
holds "no best model" test ! -e nan/model.safetensors
printf '\n\n' >blank
expect 65 train_small wrong --valid-sets blank blank
says err 'nothing to validate'
finish
