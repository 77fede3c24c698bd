#!/usr/bin/env bash
# The story of attention on one engine: trains every system on the same text, for the same time, with the same sizes
# and seed; translates the held-out part; and compares them in story.md, story.html and story.svg.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/apps/install.sh"
export LC_NUMERIC=C

usage() {
  cat <<'END'
usage: ./apps/story.sh [FOLDER] [options] [-- OPTION ...]

Trains every system, from the fixed vector to the Transformer, each for the same time, and compares them in
story.md, story.html and story.svg of FOLDER [story]. Ctrl-C stops it; the same command goes on from there.

  --train-sets SOURCE TARGET   your own text, tokenized, a sentence a line, plain or gzipped: all three, or
  --valid-sets SOURCE TARGET   none for the built-in corpus, which takes under 15 minutes on 2 cores
  --test-sets SOURCE TARGET
  --test-links FILE            people's word alignments of the test text: adds the alignment error rate
  --sentence N                 the line of the test text whose alignments are drawn; else the first of 8 to
                               16 words
  --minutes M                  of training for each system [2; with your own text 30]
  --jobs N                     systems at a time, which share the cores [a system a core; with a GPU 1]
  --preset NAME                sizes and recipe [tiny; with your own text small]
  --systems KEY,KEY,...        only these
  --help                       shows this and the systems

What follows -- are options of mininmt-train, for every system that has such a part.
END
  printf '\nSystems:\n'
  table | while IFS='|' read -r key _ _ _ what; do printf '  %-16s %s\n' "$key" "$what"; done
}

# The systems, in the order of the account that Dzmitry Bahdanau gave of them. A line has: key | name | whether its
# weights align words | what makes it, of mininmt-train's options | what it is.
table() {
  cat <<'END'
fixed|fixed vector|no|--type rnnsearch --alignment-model fixed|one vector for the whole sentence (RNNencdec, Cho et al. 2014)
lstm|deep LSTM|no|--type lstm|one state for the whole sentence, read backwards (Sutskever, Vinyals, Le 2014)
transducer|all paths|yes|--type rnnsearch --alignment-model transducer --joint additive|two cursors, summed over all their paths (RNN transducer, Graves 2012)
transducer-deep|all paths, deep|yes|--type rnnsearch --alignment-model transducer --joint deep|the same, with RNNsearch's readout at each position
diagonal|in step|yes|--type rnnsearch --alignment-model diagonal|two cursors in step: word i reads annotation i
window|window|yes|--type rnnsearch --alignment-model window|Gaussians that only move forward (Graves 2013)
content|content|yes|--type rnnsearch --alignment-model content --addressing content|weights by the cosine with a key (Neural Turing Machine, Graves, Wayne, Danihelka 2014)
content-full|content, place|yes|--type rnnsearch --alignment-model content --addressing full|the same, and by where it read before: gate, shift, sharpening
hops|hops|yes|--type rnnsearch --alignment-model hops --hop-score scaled-dot|three readings in a row, each with what it has read (memory networks, Sukhbaatar et al. 2015)
hops-additive|hops, additive|yes|--type rnnsearch --alignment-model hops --hop-score additive|the same, scored by a small network
hard|hard, summed|yes|--type rnnsearch --alignment-model hard|mixes the predictions from all positions, not their vectors (Wu, Shapiro, Cotterell 2018)
additive|RNNsearch|yes|--type rnnsearch --alignment-model additive|soft search: all annotations, weighted by a small network (Bahdanau, Cho, Bengio 2014)
transformer|Transformer|yes|--type transformer|attention in every layer, nothing recurrent (Vaswani et al. 2017)
END
}

# KEY: what it needs beside its kind to have the sizes of the preset, as lines of a config file. On the built-in corpus
# smaller minibatches, for more updates in the minute.
recipe() {
  [ -n "$own_text" ] || echo "mini-batch = 32"
  case $1:$preset in
    lstm:tiny) echo "layers = 2" ;;
    transformer:tiny)
      printf '%s\n' "layers = 2" "dim-model = 128" "dim-ffn = 256" "norm = pre" "tied-embeddings = target" \
        "lr-warmup = 300" "lr-decay-inv-sqrt = 300"
      ;;
  esac
}

# KEY: the preset, which for some kinds has a name of their own.
preset_of() {
  case $1:$preset in
    lstm:small | transformer:small) echo "$1-small" ;;
    *) echo "$preset" ;;
  esac
}
set_here=" type alignment-model joint addressing hop-score train-sets valid-sets model preset config log quiet "

die() {
  echo "story.sh: error: $*" >&2
  exit 2
}

# ---- the command line

# OPTION SOURCE TARGET: the files as absolute names, in `files`.
two_files() {
  [ $# -ge 3 ] || die "$1 needs two files, the sides of the text"
  files=()
  local file
  for file in "$2" "$3"; do
    [ -r "$file" ] && [ ! -d "$file" ] || die "$1: $file can't be read"
    files+=("$(realpath -- "$file")")
  done
}

# OPTION VALUE: a whole number from 1.
number() {
  [[ ${2:-} =~ ^[1-9][0-9]{0,8}$ ]] || die "$1 takes a whole number from 1, not '${2:-}'"
}

folder= preset= minutes= jobs= sentence= links= wanted=() train_sets=() valid_sets=() test_sets=() more=()
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage; exit ;;
    --train-sets) two_files "$@"; train_sets=("${files[@]}"); shift 3 ;;
    --valid-sets) two_files "$@"; valid_sets=("${files[@]}"); shift 3 ;;
    --test-sets) two_files "$@"; test_sets=("${files[@]}"); shift 3 ;;
    --test-links) [ -r "${2:-}" ] || die "$1: '${2:-}' can't be read"; links=$(realpath -- "$2"); shift 2 ;;
    --sentence) number "$@"; sentence=$2; shift 2 ;;
    --minutes) number "$@"; minutes=$2; shift 2 ;;
    --jobs) number "$@"; jobs=$2; shift 2 ;;
    --preset) [ $# -ge 2 ] || die "$1 needs a name"; preset=$2; shift 2 ;;
    --systems) [ $# -ge 2 ] || die "$1 needs keys"; IFS=, read -ra wanted <<<"$2"; shift 2 ;;
    --) shift; more=("$@"); break ;;
    -*) die "unknown option $1; --help lists the options" ;;
    *) [ -z "$folder" ] || die "one folder, not two: $folder, $1"; folder=$1; shift ;;
  esac
done

case ${#train_sets[@]}:${#valid_sets[@]}:${#test_sets[@]} in
  0:0:0) own_text= ;;
  2:2:2) own_text=yes ;;
  *) die "your own text needs --train-sets, --valid-sets and --test-sets, each with two files" ;;
esac
[ -z "$links" ] || [ -n "$own_text" ] || die "--test-links are of your own text: add --train-sets, --valid-sets and --test-sets"
folder=${folder:-$root/story}
preset=${preset:-$([ -n "$own_text" ] && echo small || echo tiny)}
for key in "${wanted[@]}"; do
  grep -q "^$key|" <<<"$(table)" || die "no system '$key'; --help lists them"
done

# Options of mininmt-train as lines of a config file: a system that has no such part ignores them there.
as_config() {
  local line= word
  for word in "$@"; do
    if [[ $word == --?* ]]; then
      [ -z "$line" ] || echo "${line/%=/= true}"
      line=${word#--}
      [[ $set_here != *" ${line%%=*} "* ]] || die "$word: story.sh sets --${line%%=*} itself"
      if [[ $line == *=* ]]; then line="${line%%=*} = \"${line#*=}\""; else line+=" ="; fi
    else
      [ -n "$line" ] || die "'$word' is not an option of mininmt-train: those begin with --"
      line+=" \"$word\""
    fi
  done
  [ -z "$line" ] || echo "${line/%=/= true}"
}
config=$(as_config "${more[@]}")
if grep -q '^after =' <<<"$config"; then
  [ -z "$minutes" ] || die "--minutes and --after both say how long: leave one out"
  budget=$(sed -n 's/^after = *//p' <<<"$config" | tr -d '"')
else
  minutes=${minutes:-$([ -n "$own_text" ] && echo 30 || echo 2)}
  budget=${minutes}m
  config+=$'\n'"after = $budget"
fi
cores=$(nproc)
jobs=${jobs:-$([ -e /dev/nvidiactl ] && echo 1 || echo "$cores")}
# A core for each system: with a second thread one is 1.8 times as fast (the built-in corpus), not twice.
# The number of threads is part of a training, and so in the arguments of the folder.
grep -q '^cpu-threads =' <<<"$config" || config+=$'\n'"cpu-threads = $((jobs < cores ? cores / jobs : 1))"

# ---- the folder: only for these arguments

arguments() {
  printf '%s\n' "preset: $preset" "options: ${config//$'\n'/; }" "drawn sentence: ${sentence:-chosen}"
  [ -n "$own_text" ] || echo "text: built in"
  local file
  for file in "${train_sets[@]}" "${valid_sets[@]}" "${test_sets[@]}" $links; do
    echo "text: $file, checksum $(cksum <"$file")"
  done
}
if [ -e "$folder/arguments" ]; then
  differences=$(arguments | diff "$folder/arguments" - | sed -n 's/^</  was/p; s/^>/  is /p') || true
  [ -z "$differences" ] || die "$folder was made with other arguments: name another folder, or delete it"$'\n'"$differences"
elif [ -e "$folder" ] && [ -n "$(ls -A "$folder")" ]; then
  die "$folder holds something else: name another folder"
fi

# ---- running programs: a signal stops those that run, which save first, and then this script

children=() stopped=
stop() {
  stopped=$1
  [ ${#children[@]} -eq 0 ] || kill -TERM "${children[@]}" 2>/dev/null || true
}
catch_signals() {
  trap 'stop 2' INT
  trap 'stop 15' TERM
  trap 'stop 1' HUP
}
catch_signals
end_if_stopped() {
  [ -z "$stopped" ] || exit $((128 + stopped))
}

# The last background command is one of the children, also if the signal came just before.
started() {
  children+=($!)
  [ -z "$stopped" ] || stop "$stopped"
}

# COMMAND ...: its exit code. A signal is passed on, and its end waited for.
run() {
  end_if_stopped
  local code=0
  "$@" &
  started
  while wait "$!" && code=0 || code=$?; [ -n "$stopped" ] && kill -0 "$!" 2>/dev/null; do :; done
  children=()
  end_if_stopped
  return "$code"
}

# COMMAND ...: as run, and the seconds that it took in `seconds`.
run_timed() {
  local start=${EPOCHREALTIME/./} code=0
  run "$@" || code=$?
  local microseconds=$((${EPOCHREALTIME/./} - start))
  printf -v seconds '%d.%06d' $((microseconds / 1000000)) $((microseconds % 1000000))
  return "$code"
}

# ---- programs and text

mkdir -p "$folder"
folder=$(realpath -- "$folder")
arguments >"$folder/arguments.part" && mv "$folder/arguments.part" "$folder/arguments"
if [ -n "${MININMT_BUILD:-}" ]; then
  build=$(realpath -- "$MININMT_BUILD")
else
  build=$root/build
  echo "== Install and build: minutes, the first time; the output of the compiler goes to $folder/build.log"
  (cd "$root" && need "${BUILD_PACKAGES[@]}" && build_programs "$folder/build.log") || { end_if_stopped; exit 1; }
fi

text="its own text"
if [ -z "$own_text" ]; then
  text="the built-in corpus"
  train_sets=("$folder"/corpus/train.{en,fr}) valid_sets=("$folder"/corpus/valid.{en,fr}) test_sets=("$folder"/corpus/test.{en,fr})
  [ -e "${train_sets[1]}" ] || run "$build/mininmt-toy" --output "$folder/corpus" --test 400 --test-lengths even
fi
lines() { gzip -cdf -- "$1"; }
if [ -z "$sentence" ]; then
  sentence=$(lines "${test_sets[0]}" | awk 'NF >= 8 && NF <= 16 && !found { found = NR } END { print found ? found : 1 }')
fi
lines "${test_sets[0]}" | sed -n "${sentence}p" >"$folder/sentence"
[ -s "$folder/sentence" ] || die "--sentence $sentence: ${test_sets[0]} has no such line, or it is empty"

# ---- which systems: those asked for that this build of mininmt-train knows

help_all=$("$build/mininmt-train" --help-all)
# OPTION VALUE ...: whether it has all of these choices.
knows() {
  local choices
  while [ $# -gt 0 ]; do
    choices=$(sed -n "s/^  $1 \{1,\}\([^ ]*\).*/\1/p" <<<"$help_all")
    [[ "|$choices|" == *"|$2|"* ]] || return 1
    shift 2
  done
}
[ -z "$links" ] || grep -q '^  --alignment-reference' <<<"$("$build/mininmt-beam" --help-all)" ||
  die "this build's mininmt-beam has no --alignment-reference: leave --test-links out"
keys=() rows=()
while IFS='|' read -r key name aligns options what; do
  [ ${#wanted[@]} -eq 0 ] || [[ " ${wanted[*]} " == *" $key "* ]] || continue
  if knows $options; then
    keys+=("$key") rows+=("$key|$name|$aligns|$options|$what")
  else
    echo "   left out: $key, which this build's mininmt-train does not know"
  fi
done < <(table)
[ ${#keys[@]} -gt 0 ] || die "no system is left"
for row in "${rows[@]}"; do
  IFS='|' read -r key name aligns options what <<<"$row"
  printf '%s\t%s\t%s\t%s\n' "$key" "$name" "$aligns" "$what"
done >"$folder/systems.part"
mv "$folder/systems.part" "$folder/systems"

# ---- a system

# KEY OPTION ...: trains it, or goes on with it.
train() {
  local at=$folder/$1 key=$1 line
  shift
  {
    recipe "$key" | while read -r line; do grep -q "^${line%% *} =" <<<"$config" || echo "$line"; done
    echo "$config"
  } >"$at/options.ini"
  run "$build/mininmt-train" --config "$at/options.ini" --preset "$(preset_of "$key")" "$@" --train-sets "${train_sets[@]}" \
    --valid-sets "${valid_sets[@]}" --model "$at/model" --log "$at/train.log" --quiet
}

# KEY ALIGNS: translates the test text, and scores the references. The file seconds comes last.
translate() {
  local at=$folder/$1 loading judged=()
  local beam=("$build/mininmt-beam" --model "$at/model" --quiet)
  run_timed "${beam[@]}" --beam-size 5 --input /dev/null --output "$at/nothing" || return
  loading=$seconds
  run_timed "${beam[@]}" --beam-size 5 --input "${test_sets[0]}" --output "$at/translation" || return
  echo "$loading $seconds" >"$at/seconds.part"
  [ "$2" = no ] || run "${beam[@]}" --beam-size 5 --alignment soft --input "$folder/sentence" --output "$at/alignment" || return
  [ -z "$links" ] || [ "$2" = no ] || judged=(--alignment-reference "$links")
  run "${beam[@]}" --input "${test_sets[0]}" --score "${test_sets[1]}" --output "$at/scores" "${judged[@]}" 2>"$at/aer" || {
    cat "$at/aer" >&2
    return 1
  }
  mv "$at/seconds.part" "$at/seconds"
}

# The three files, from the systems that are done; prints the table.
report() {
  local pairs length=$budget
  pairs=$(lines "${train_sets[0]}" | wc -l)
  [ -z "$minutes" ] || length="$minutes minutes"
  [ "$minutes" != 1 ] || length="1 minute"
  "$build/mininmt-story" --folder "$folder" --test-sets "${test_sets[@]}" --sentence "$sentence" \
    --note "$pairs sentence pairs of $text, preset $preset, $length of training each."
}

# KEY ALIGNS OPTION ...: all of a system, in a process of its own, which `children` of this one holds.
system() {
  catch_signals
  children=()
  train "$1" "${@:3}" && translate "$1" "$2"
}

# ---- all systems, `jobs` at a time

# A line below the output on a terminal, replaced by the next; none without a text.
status() {
  [ ! -t 1 ] || printf '\r\033[K%s' "$(cut -c "1-$(($(tput cols 2>/dev/null || echo 80) - 1))" <<<"${1:-}" | tr -d '\n')"
}

# How long each that runs goes on training, as its log ends with.
progress() {
  local pid log text=
  for pid in "${children[@]}"; do
    log=$folder/${key_of[$pid]}/train.log
    [ ! -e "$log" ] || text+="   ${key_of[$pid]}: $(tail -n 1 "$log" | sed 's/.*  //')"
  done
  echo "$text"
}

declare -A key_of name_of
failed=()
# Waits until a system has ended, and tells how.
wait_for_one() {
  local pid= code=0 left=() other
  while :; do
    status "$(progress)"
    for other in "${children[@]}"; do kill -0 "$other" 2>/dev/null || pid=$other; done
    [ -z "$pid" ] || break
    sleep 0.5 || true
  done
  wait "$pid" || code=$?
  for other in "${children[@]}"; do [ "$other" = "$pid" ] || left+=("$other"); done
  children=("${left[@]}")
  status
  [ -z "$stopped" ] || return 0
  local key=${key_of[$pid]} name=${name_of[$pid]}
  if [ "$code" -eq 0 ]; then
    report | awk -F'|' -v name=" $name " 'index($2, name) == 1 { print "   " $2 ": BLEU" $3 }'
  else
    failed+=("$key")
    echo "   $name failed: the messages are above and in $folder/$key/train.log" >&2
  fi
}

for i in "${!rows[@]}"; do
  IFS='|' read -r key name aligns options what <<<"${rows[$i]}"
  if [ -e "$folder/$key/seconds" ]; then
    echo "== $((i + 1)) of ${#rows[@]}: $name: done before"
    continue
  fi
  while [ ${#children[@]} -ge "$jobs" ]; do wait_for_one; done
  [ -z "$stopped" ] || break
  echo "== $((i + 1)) of ${#rows[@]}: $name${minutes:+, about $(((${#rows[@]} - i + jobs - 1) / jobs * minutes)) min left}"
  echo "   $what"
  mkdir -p "$folder/$key"
  system "$key" "$aligns" $options &
  key_of[$!]=$key name_of[$!]=$name
  started
done
while [ ${#children[@]} -gt 0 ]; do wait_for_one; done
if [ -n "$stopped" ]; then
  trap - INT TERM HUP
  echo "Stopped. The same command goes on from here."
fi
end_if_stopped

printf '\n'
report
printf '\nThe story: %s (and story.md, story.svg)\n' "$folder/story.html"
[ ${#failed[@]} -eq 0 ] || { echo "Failed: ${failed[*]}. The same command tries again." >&2; exit 1; }
