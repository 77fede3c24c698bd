#!/usr/bin/env bash
# mininmt-beam from the command line: input and output, formats, errors and exit codes.
. "$(dirname "$0")/lib.sh" "$@"
make_pairs 60 toy
train_small model --after 150u --learn-rate 0.01 --exponential-smoothing 0 || exit 1 # some of it is right
lines() { [ "$(wc -l <"$1")" -eq "$2" ]; }
translate() { "$beam" --model model "$@"; }
only_the_device() { # the first line of messages says where the work is done
  holds "$1 should say no more than the device" test "$(grep -Evc 'mininmt-beam [0-9.]+, (CPU|GPU)' "$1")" -eq 0
}
piped() { # piped TEXT OPTION...: the text as standard input, with the escapes of printf
  local text=$1
  shift
  printf '%b' "$text" | translate "$@"
}

# One output line per input line, in order, and nothing else on standard output.
expect 0 translate --input toy.src
only_the_device err
cp out all
holds "a line for each line" lines all 60
expect 0 eval 'translate <toy.src'
holds "standard input gives the same" cmp -s out all
expect 0 translate --input toy.src --output file
silent out
holds "--output gives the same" cmp -s file all
for options in "--mini-batch 1" "--mini-batch 7 --maxi-batch 1" "--cpu-threads 1" "--cpu-threads 2" "--maxi-batch 1000"; do
  expect 0 translate --input toy.src $options
  holds "$options gives the same" cmp -s out all
done
for ((i = 1; i <= 3; ++i)); do
  sed -n "${i}p" toy.src >line
  expect 0 translate --input line
  holds "line $i alone" cmp -s out <(sed -n "${i}p" all)
done

# Empty lines, line ends, a byte order mark, a missing last line end, white space, unknown words.
s=$(head -n 1 toy.src) t=$(head -n 1 all)
expect 0 piped "$s\n\n$s\n"
same out "$t" "" "$t"
expect 0 piped "\\xEF\\xBB\\xBF$s\r\n\r\n$s"
same out "$t" "" "$t"
expect 0 piped "  $s \t\n"
same out "$t"
expect 0 piped ""
silent out
expect 0 piped "\n \n\t\n"
same out "" "" ""
expect 0 piped "nowhere $s\n\xE2\x80\xA8\n" # U+2028 ends no line
holds "unknown words" lines out 2
expect 0 piped "</s> <unk>\n"
holds "special words in the input" lines out 1
gzip -c toy.src >toy.src.gz
expect 0 translate --input toy.src.gz
holds "gzipped input gives the same" cmp -s out all
gzipped_stdin() { translate <toy.src.gz; }
expect 65 gzipped_stdin
says err 'stdin is gzipped.*zcat'

# Input that is not valid UTF-8.
printf 's1\ns2 \xff s3\n' >latin
expect 65 translate --input latin
says err 'latin:2: '
expect 0 translate --input latin --invalid-utf8 replace
holds "replaced" lines out 2
head -c 20000 /dev/urandom | tr -d '\n' >noise
expect 0 translate --input noise --invalid-utf8 replace --max-length-factor 0.1
expect 65 translate --input noise
head -c 40 toy.src.gz >cut.gz
expect 74 translate --input cut.gz

{ gzip -c toy.src; cat toy.src; } >tail.gz
expect 65 translate --input tail.gz
says err "tail.gz: the gzipped text ends at byte $(gzip -c toy.src | wc -c), "
{ head -n 30 toy.src | gzip; tail -n 30 toy.src | gzip; } >members.gz
expect 0 translate --input members.gz
holds "gzipped members one behind the other" cmp -s out all

# Input that is no text is named, with the command that helps.
iconv -t UTF-16 toy.src >utf16 && iconv -t UTF-16BE toy.src >utf16be && printf 's1\ns2 \0\n' >nul
printf 'BZh91AY&SY\1' >toy.bz2 && printf '\xfd7zXZ\0\0\4' >toy.xz
for file in utf16:'iconv -f UTF-16 -t UTF-8 utf16' utf16be:'iconv -f UTF-16BE -t UTF-8' nul:'2: byte 4 .*NUL' \
  toy.bz2:'bunzip2 -c toy.bz2' toy.xz:'xz -dc toy.xz'; do
  for options in --input "--input toy.src --score" "--input toy.src --reference"; do
    expect 65 translate $options "${file%%:*}"
    says err "${file%%:*}.*${file#*:}"
  done
  expect 65 translate <"${file%%:*}"
  says err "^mininmt-beam: error: stdin.*$(sed 's/ utf16$//; s/toy.*/FILE/' <<<"${file#*:}")"
  rm -rf odd && cp -r model odd && cp "${file%%:*}" odd/source.vocab
  expect 65 "$beam" --model odd --input toy.src
done

# n-best lists and alignments.
expect 0 piped "$s\n\n$s s1\n" --n-best --beam-size 4
holds "n-best lines" grep -Eqx '0 \|\|\| [^|]* \|\|\| logp= -[0-9.]+ \|\|\| -[0-9.]+' out
holds "four for each sentence, one for the empty line" awk -F ' \\|\\|\\| ' \
  '{ n[$1]++ } END { exit !(n[0] == 4 && n[1] == 1 && n[2] == 4 && NR == 9) }' out
holds "sorted" awk -F ' \\|\\|\\| ' '$1 == last && $4 > score + 1e-6 { bad = 1 } { last = $1; score = $4 } END { exit bad }' out
holds "the first is the translation" test "$(sed -n 's/^0 ||| \([^|]*\) |||.*/\1/p' out | head -n 1)" = "$t"
expect 0 piped "$s\n\n" --alignment hard
words=$(wc -w <<<"$t") source_words=$(wc -w <<<"$s")
holds "hard alignment" grep -Eqx "$t \|\|\| ([0-9]+-[0-9]+( [0-9]+-[0-9]+)*)?" <(head -n 1 out) # none where all is aligned to </s>
holds "points of the hard alignment" awk -F ' \\|\\|\\| ' -v words="$words" -v source="$source_words" 'NR == 1 {
  for (n = split($2, pair, " "); n > 0; --n) { split(pair[n], p, "-"); if (p[1] >= source || p[2] >= words) exit 1 } }' out
holds "an empty line stays empty" test "$(sed -n 2p out)" = ""
expect 0 piped "$s\n" --alignment soft
# A translation cut at the maximum length, three words per source word, has no </s>.
holds "soft alignment: a distribution for each word and </s>" awk -F ' \\|\\|\\| ' -v rows=$((words + (words < 3 * (source_words + 1)))) '{
  n = split($2, word, " "); if (n != rows) exit 1
  for (; n > 0; --n) { sum = 0; for (k = split(word[n], p, ","); k > 0; --k) sum += p[k]; if (sum < 0.99 || sum > 1.01) exit 1 } }' out
expect 0 piped "$s\n" --alignment picture
holds "the picture has a line for each word" test "$(wc -l <out)" -gt "$words"
holds "and begins with the translation" test "$(head -n 1 out)" = "$t"

# The links of given translations are those of the search that found them, in float32, as scoring is.
expect 0 translate --input toy.src --alignment hard --precision float32
sed 's/.* ||| //' out >links
sed 's/ |||.*//' out >given
expect 0 translate --input toy.src --score given --alignment hard
holds "the same links" cmp -s <(sed 's/.* ||| //' out) links

# Scores and BLEU.
expect 0 translate --input toy.src --score toy.tgt
holds "a number for each line" test "$(grep -Ecx -- '-[0-9.]+(e-?[0-9]+)?' out)" -eq 60
says err '60 pairs, [0-9]+ words and </s>: log p -[0-9.]+, perplexity [0-9.]+$'
sed -i '/60 pairs/d' err
only_the_device err
cp out scores
for options in "--mini-batch 1" "--cpu-threads 1"; do
  expect 0 translate --input toy.src --score toy.tgt $options
  holds "scores with $options" awk 'NR == FNR { a[NR] = $1; next } { d = a[FNR] - $1; if (d * d > 1e-8) exit 1 }' scores out
done
# One long source pads none of the short ones; in one batch they would take some 3 GB.
{ head -n 31 toy.src; yes s1 | head -n 30000 | tr '\n' ' '; echo; tail -n 29 toy.src; } >wide
within_a_gigabyte() { (ulimit -v 1000000 && "$@"); }
if within_a_gigabyte "$beam" --version >out 2>&1; then
  expect 0 within_a_gigabyte translate --device cpu --cpu-threads 1 --mini-batch 64 --input wide --score <(sed 's/ .*//' toy.tgt; echo t1)
  holds "a score for each" lines out 61
else
  echo "not tested here: a bound on memory (a sanitizer needs more address space)"
fi

expect 0 translate --input toy.src --reference toy.tgt
holds "BLEU leaves the translations alone" cmp -s out all
says err '^BLEU = [0-9.]+ .*BP = .*nrefs:1\|case:mixed\|eff:no\|tok:none\|smooth:exp'
expect 0 translate --input toy.src --reference all
says err '^BLEU = 100.00 100.0/100.0/100.0/100.0'

# Text of the wrong language is noticed, at the end, once for a file.
for options in "--input toy.tgt" "--input toy.tgt --score toy.src"; do
  expect 0 translate --quiet $options --mini-batch 8 --maxi-batch 1
  says err 'warning: toy.tgt: 100.00% of its words are not in the source vocabulary'
  holds "a warning for each file" test "$(wc -l <err)" -eq "$(grep -o toy <<<"$options" | wc -l)"
done

# On a terminal nothing is drawn where the user types.
cat >terminal.py <<'END'
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
shown = b""
def read():
    global shown
    try:
        shown += os.read(terminal, 4096)
        return True
    except OSError:
        return False
os.write(terminal, b"s1 s2\n")
while shown.count(b"\n") < 3 and read():  # what was typed, the device, the translation
    pass
os.write(terminal, b"\4")
while read():
    pass
sys.stdout.buffer.write(shown)
sys.exit(os.WEXITSTATUS(os.waitpid(child, 0)[1]))
END
if python3 -c 'import pty; pty.openpty()' 2>/dev/null; then
  expect 0 python3 terminal.py "$beam" --model model
  says out '^t[0-9]'
  holds "no status line" eval '! grep -q "1 line" out'
else
  echo "not tested here: a terminal (there are no pseudo-terminals)"
fi

# Nor does a program that talks to it through pipes wait for more than the answer to what it said.
cat >converse.py <<'END'
import subprocess, sys
lines, command = open(sys.argv[1], "rb").readlines(), sys.argv[2:]
with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
    for line in lines:
        program.stdin.write(line)
        program.stdin.flush()
        sys.stdout.buffer.write(program.stdout.readline())
    program.stdin.close()
    sys.stdout.buffer.write(program.stdout.read())
sys.exit(program.returncode)
END
expect 0 timeout 300 python3 converse.py toy.src "$beam" --model model
holds "a line at a time gives the same" cmp -s out all
expect 0 timeout 300 python3 converse.py toy.tgt "$beam" --model model --input toy.src --score -
holds "so do scores" awk 'NR == FNR { a[NR] = $1; next } { d = a[FNR] - $1; if (d * d > 1e-8) exit 1 }' scores out

# Mismatched line counts.
head -n 59 toy.tgt >short
{ cat toy.tgt; echo more; } >long
for wrong in short long; do
  for option in score reference; do
    expect 65 translate --input toy.src --$option $wrong
    says err "$wrong.*lines"
  done
done

# Errors and exit codes.
expect 74 "$beam" --model nowhere --input toy.src
says err 'nowhere'
expect 74 "$beam" --model model/lastt.safetensors --input toy.src
says err 'lastt.safetensors: no such file; the folder has last.safetensors, model.safetensors'
expect 74 translate --input nowhere
expect 74 translate --input toy.src --output nowhere/out
expect 74 translate --input toy.src --score nowhere
expect 74 translate --input .
expect 2 translate --beam-sise 3
says err 'beam-size'
expect 2 translate --beam-size 0
expect 2 "$beam"
expect 2 translate --input toy.src --output toy.src
expect 74 eval 'translate --input toy.src >/dev/full'
says err 'standard output|write'
expect 74 translate --input toy.src --output /dev/full
mkdir empty && expect 74 "$beam" --model empty --input toy.src

# A reader that closes the pipe early is not an error.
for i in 1 2 3 4 5 6 7 8 9 10; do cat toy.src; done >many
translate --input many --mini-batch 4 --maxi-batch 1 2>err | head -n 1 >out
same out "$t"
only_the_device err

# Options from a config file; help.
printf 'beam-size = 1\nmini-batch = 3\n' >options.ini
expect 0 translate --input toy.src --config options.ini
cp out by_file
expect 0 translate --input toy.src --beam-size 1
holds "a config file is as good as the command line" cmp -s out by_file
echo 'beam-sise = 1' >options.ini
expect 2 translate --input toy.src --config options.ini
says err 'options.ini:1'
expect 0 "$beam" --help
holds "help fits a screen" test "$(awk 'length > 80' out | wc -l)" -eq 0
expect 0 "$beam" --version

# Damaged model folders.
damage() { # damage FILE: a copy of the model in which that file is what standard input gives
  rm -rf bad && cp -r model bad && cat >"bad/$1"
}
size=$(wc -c <model/model.safetensors)
head -c $((size / 2)) model/model.safetensors | damage model.safetensors
expect 65 "$beam" --model bad --input toy.src
says err 'bad/model.safetensors'
head -n 5 model/source.vocab | damage source.vocab
expect 65 "$beam" --model bad --input toy.src
says err 'source.vocab'
{ cat model/target.vocab; sed -n 3p model/target.vocab; } | damage target.vocab
expect 65 "$beam" --model bad --input toy.src
says err 'target.vocab:[0-9]+'
for file in model.safetensors source.vocab target.vocab; do
  for bytes in 0 1 7 8 100 5000; do
    head -c $bytes /dev/urandom | damage $file
    expect 65 "$beam" --model bad --input toy.src
  done
done
head -c 3000 /dev/urandom | damage options.ini
"$beam" --model bad --input toy.src >out 2>err
code=$?
holds "random options in a model's folder end in a message, not a crash: code $code" test $code -lt 128

echo 'beam-size = many' | damage options.ini
expect 65 "$beam" --model bad --input toy.src
says err "bad/options.ini:1: beam-size: 'many'"

# A closed standard stream stays one, whatever is opened; what can't be written is told.
closed_stdin() { translate --reference toy.tgt <&-; }
expect 74 closed_stdin
says err "stdin: can't be read"
closed_stdout() { translate --input toy.src >&-; }
expect 74 closed_stdout
closed_stderr() { translate --input toy.src --output here 2>&-; }
expect 0 closed_stderr
holds "no messages among the translations" cmp -s here all
lost_bleu() { translate --quiet --input toy.src --reference toy.tgt 2>/dev/full; }
expect 74 lost_bleu
too_large() { (ulimit -f 1 && translate --input many --output large); }
expect 74 too_large
says err 'large.*too large'

# </s> counts as a word on both sides.
expect 0 piped "$s\n" --min-length-factor 3
longest=$((3 * (source_words + 1))) words=$(wc -w <out)
holds "as many words as there may be: $words of $longest" test "$words" -ge $((longest - 1)) -a "$words" -le $longest

# Rounded products where the CPU has the instructions; else refused with the reason, as by training.
no_instructions='(this CPU has no instructions for|this program was built without oneDNN)'
for precision in int8 bf16; do
  if translate --device cpu --precision "$precision" --quiet </dev/null 2>err; then
    expect 0 translate --device cpu --precision "$precision" --input toy.src
    says err "CPU, [0-9]+ threads?, products in $precision"
    holds "most lines as in float32" test "$(diff out all | grep -c '^<')" -le 6
    expect 0 translate --device cpu --precision "$precision" --input toy.src --score toy.tgt
    cp out rounded
    expect 0 translate --device cpu --input toy.src --score toy.tgt
    holds "scores are exact if nothing is said" eval '! grep -q "products in" err'
    holds "other scores, by little" awk 'NR == FNR { s[FNR] = $1; next }
      { d = s[FNR] - $1; d = d < 0 ? -d : d; sum += d; size -= $1 } END { exit !(sum > 0 && sum < 0.02 * size) }' rounded out
  else
    expect 2 translate --device cpu --precision "$precision" --input toy.src
    says err "precision $precision: $no_instructions"
  fi
done
if translate --device cpu --precision bf16 --quiet </dev/null 2>err; then
  expect 0 translate --device cpu --input toy.src
  says err "CPU, [0-9]+ threads?, products in bf16" # as auto is
fi
train_bf16() { "$train" --device cpu --precision bf16 --preset tiny --train-sets toy.src toy.tgt --model rounding --after 2u; }
if train_bf16 >out 2>err; then
  says err 'CPU, [0-9]+ threads?, products in bf16'
  expect 0 "$beam" --device cpu --model rounding --input toy.src
else
  expect 2 train_bf16
  says err "precision bf16: $no_instructions"
fi

# A missing device.
expect 0 translate --device cpu --input toy.src
says err 'CPU, [0-9]+ threads?(, products in bf16)?$'
if [ "${E2E_ON_GPU:-}" != 1 ]; then
  translate --device cuda --input toy.src >out 2>err
  code=$?
  holds "--device cuda without a GPU fails: code $code" test $code -eq 1 -o $code -eq 2
  says err 'device cuda: (no GPU can be used: .*--device cpu|this program was built without CUDA; cmake)'
fi
expect 2 translate --device gpu --input toy.src

# The input is not overwritten, under any of its names.
cp toy.src mine
ln -s mine linked
for name in mine "$PWD/mine" linked; do
  expect 2 translate --input mine --output "$name"
  says err 'would overwrite'
done
holds "the input is as it was" cmp -s mine toy.src
mine_as_stdin() { translate --output mine <mine; }
expect 2 mine_as_stdin
holds "nor that of standard input" cmp -s mine toy.src

# Nor a file of the model or the config file.
ln -s model/source.vocab linked.vocab
before=$(cat model/* options.ini | cksum)
for name in model/*.safetensors model/*.vocab model/options.ini "$PWD/model/../model/model.safetensors" linked.vocab; do
  expect 2 translate --input toy.src --output "$name"
  says err 'would overwrite a file of the model'
done
echo 'beam-size = 1' >own.ini
expect 2 translate --input toy.src --config own.ini --output own.ini
holds "the config file is as it was" grep -qx 'beam-size = 1' own.ini
holds "the model is as it was" test "$(cat model/* options.ini | cksum)" = "$before"

# What a terminal would obey does not reach it, wherever it comes from; translations are left as they are.
escape=$'\e[31m' reverse=$'\u202e'
harmless() { checks=$((checks + 1)); ! LC_ALL=C grep -Pq '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80\xae' "$1" || { fail "$2"; cat -v "$1" | tail -n 3; }; }
refused_harmlessly() { # refused_harmlessly CODE REGEX COMMAND...
  expect "$1" "${@:3}"
  says err "$2"
  harmless err "a terminal escape from: ${*:3}"
}
name="a$escape$reverse"
cp latin "$name"
refused_harmlessly 65 'a\\x1B\[31m\\u202E:2: ' translate --input "$name"
refused_harmlessly 74 'no\\x1B' translate --input "no$escape"
refused_harmlessly 2 'x.*\\u202E' translate --beam-size "x$name"
refused_harmlessly 2 'unknown option' translate "--$name"
echo "$name = 1" >odd.ini
refused_harmlessly 2 'odd.ini:1: unknown option' translate --config odd.ini
{ cat model/target.vocab; echo "two $name"; } | damage target.vocab
refused_harmlessly 65 'two a\\x1B' "$beam" --model bad --input line
sed "3,\$s/\$/$name/" model/target.vocab | damage target.vocab
perl -pi -e 's/"target.vocab":/"target-vocab":/' bad/model.safetensors # as in models of older versions, without its checksum
expect 0 "$beam" --model bad --input line
holds "the translation has its words as they are" grep -qF "$escape" out
expect 0 "$beam" --model bad --input line --alignment picture
harmless out "a terminal escape in a picture"
says out 't[0-9]+a\\x1B\[31m\\u202E'
perl -0pe 's/"attention.U_(a":\{"data_offsets":\[[^]]*\],"dtype":"F)32/"\\u001b\\u202e${1}99/' model/model.safetensors | damage model.safetensors
refused_harmlessly 65 '\\x1B' "$beam" --model bad --input line

# Nothing is read for two things.
for option in --score --reference; do
  for name in - /dev/stdin; do
    expect 2 piped 's1\n' $option $name
    says err "$option is standard input, and so is --input"
  done
done
expect 2 piped 'beam-size = 1\n' --config /dev/stdin
expect 0 piped 't1\n' --input line --score -
finish
