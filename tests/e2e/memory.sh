#!/usr/bin/env bash
# Too little memory or too few threads: whatever the limit, the programs work, or say in one line what was
# short and what needs less.
. "$(dirname "$0")/lib.sh" "$@"

# limited KIB COMMAND...: with this much address space.
limited() (ulimit -v "$1" && shift && exec "$@")
if ! limited $((1 << 26)) "$train" --help >out 2>&1; then
  echo "skipped: memory can't be limited here, as with the sanitizers, which need terabytes of addresses"
  exit 77
fi

# judge CODE WHAT: the exit code and the message of a command that found too little.
short='^mininmt-(train|beam): error: .*(out of memory|threads? can be started)|libgomp: Out of memory'
libomp='^OMP: Error #34: System unable to allocate necessary resources' # Clang's library ends a program by itself
judge() {
  cat err >>said
  checks=$((checks + 1))
  case $1 in
  0) silent err ;;
  1) says err "$short" ;;
  127) says err 'error while loading shared libraries' ;; # not even the program can be loaded
  134) says err "$libomp" && return ;;
  *) fail "exit code $1 with $2" && cat err ;;
  esac
  [ "$1" -eq 0 ] || holds "one line with $2" test "$(grep -vc '^OMP: Warning' err)" -eq 1
}

# sweep COMMAND...: from too little to load the program to enough, in steps of a seventh.
sweep() {
  local limit=$((1 << 15)) code=1
  for ((; code != 0 && limit < 1 << 25; limit += limit / 7)); do
    code=0
    limited $limit "$@" >out 2>err || code=$?
    judge $code "$limit KiB: $*"
  done
  holds "it works at last: $*" test $code -eq 0
}

"$toy" --output toy --train 100 --valid 10 --test 20 >/dev/null
training="$train --preset tiny --dim-emb 4000 --dim-rnn 32 --mini-batch 20 --after 1u --quiet --overwrite"
training="$training --train-sets toy/train.en toy/train.fr"
translation="$beam --model model --quiet --input toy/test.en"
wide="--beam-size 150 --max-length-factor 0.3"
expect 0 $training --model model
for threads in 1 8; do
  sweep $training --cpu-threads $threads --model m --log log
  sweep $translation --cpu-threads $threads $wide
  sweep $translation --cpu-threads $threads --score toy/test.fr
done
too_few='error: only [1-7] of 8 threads can be started: .* needs .* for its stack; --cpu-threads [1-7] '
too_little='error: out of memory: [0-9]+ [KM]iB more were asked for.*; a smaller --mini-batch,.* needs less'
says said "^mininmt-train: $too_few"
says said "^mininmt-beam: $too_few"
says said "^mininmt-train: $too_little"
says said "^mininmt-beam: $too_little"
says log "$too_few"
says log "$too_little"

# A limit on threads, which does not hold for root.
with_processes() {
  local most=$1
  shift
  if [ "$(id -u)" -eq 0 ]; then
    setpriv --reuid 65534 --regid 65534 --clear-groups prlimit --nproc="$most" "$@"
  else
    prlimit --nproc="$most" "$@"
  fi
}
chmod -R a+rX .
mkdir -m 777 shared
if with_processes 1000 "$beam" --help >out 2>&1 && ! with_processes 1 bash -c '(true)' >out 2>&1; then
  for processes in 1 2 5; do
    for command in "$training --model shared/m" "$translation --output shared/out"; do
      code=0
      with_processes $processes $command --cpu-threads 8 >out 2>err || code=$?
      judge $code "$processes processes: $command"
      holds "not 8 threads" test $code -eq 1
    done
  done
  says said 'threads? can be started.*: the system allows no more, see .ulimit -u.'
else
  echo "not tested here: a limit on threads"
fi
finish
