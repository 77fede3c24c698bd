#!/usr/bin/env bash
# mininmt-train in several processes (mpirun): the same bits as in one, stopping, dying, resuming, mistakes.
. "$(dirname "$0")/lib.sh" "$@"
if ! command -v mpirun >/dev/null || [ ! -x "$train-mpi" ]; then
  echo "skipped: no MPI (Debian: libopenmpi-dev openmpi-bin)"
  exit 77
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMP_WAIT_POLICY=passive
export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe PRTE_MCA_hwloc_default_binding_policy=none # from Open MPI 5 on
export OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none
make_pairs 150 toy
make_pairs 21 valid

# A minibatch of 32 sentences has up to 8 parts; the last ones of an epoch and of a fetch have fewer.
printf '%s = %s\n' preset tiny train-sets "toy.src toy.tgt" valid-sets "valid.src valid.tgt" dim-rnn 24 mini-batch 32 maxi-batch 2 \
  valid-freq 5u save-freq 4u disp-freq 3u cpu-threads 1 after 20u quiet true >base.ini
alone() { "$train" --config base.ini "$@"; }
# PROCESSES OPTION ...
together() { timeout 120 mpirun -n "$1" "$train" --config base.ini "${@:2}"; }
scores() { grep -o '"metrics.*"best":[a-z]*' "$1/log.jsonl"; }
# What two trainings left is the same, but for the seconds in the checkpoint.
alike() {
  holds "$1: the same parameters as $2" cmp -s "$1/last.safetensors" "$2/last.safetensors"
  holds "$1: the same best model as $2" cmp -s "$1/model.safetensors" "$2/model.safetensors"
  holds "$1: the same validation as $2" test "$(scores "$1")" = "$(scores "$2")"
}

expect 0 alone --model one --parts 4
holds "validations" test "$(scores one | wc -l)" -eq 4
expect 0 alone --model two-threads --parts 4 --cpu-threads 2
alike two-threads one
for processes in 2 3 4; do
  expect 0 together $processes --model together-$processes --parts 4
  alike together-$processes one
done
expect 0 alone --model five --parts 5
for processes in 2 3; do  # whose parts are no whole branches of the tree
  expect 0 together $processes --model five-$processes --parts 5
  alike five-$processes five
done
expect 0 together 2 --model on-disk --parts 4 --corpus-on-disk .
alike on-disk one
# A few sentences are one part, with work for one process.
expect 0 together 2 --model tiny-batches --parts 2 --mini-batch 3
expect 0 alone --model tiny-batches-alone --parts 2 --mini-batch 3
alike tiny-batches tiny-batches-alone
expect 0 together 2 --model accumulated --parts 1 --update-freq 2
expect 0 alone --model accumulated-alone --parts 1 --update-freq 2
alike accumulated accumulated-alone
holds "accumulation is another training" eval '! cmp -s accumulated/last.safetensors one/last.safetensors'

# Without --parts: one for each thread of all; what goes on keeps it, on any number of processes.
expect 0 together 4 --model shrinking --after 6u
says shrinking/options.ini 'parts = 4'
expect 0 together 2 --model shrinking --after 13u
expect 0 alone --model shrinking
holds "shrinking: the same parameters as one" cmp -s shrinking/last.safetensors one/last.safetensors
expect 2 alone --model shrinking --parts 3 --after 30u
says err "can't go on, since --parts is 3, was 4"

# SIGTERM to any of them: all save once and end.
endless=(--after 100000u --parts 4 --valid-freq 0 --disp-freq 1u)
# MODEL SIGNAL: sends it to the second of the processes that train it, after the fifth update.
signal_second() {
  local pid
  for _ in $(seq 300); do grep -q 'update 5 ' "$1.log" 2>/dev/null && break; sleep 0.1; done
  for pid in $(pgrep -f "^$train .*--model $1 "); do
    if tr '\0' '\n' <"/proc/$pid/environ" | grep -qxE '(OMPI_COMM_WORLD|PMI)_RANK=1'; then kill "-$2" "$pid"; fi
  done
}
# MODEL: trained on by one process, it has the bits of one that nothing happened to.
goes_on() {
  local until=$(($(sed -n 's/.*  update \([0-9]*\) .*/\1/p' "$1.log" | tail -1) + 9))u
  expect 0 alone --model "$1" "${endless[@]:2}" --after "$until" --save-freq 100000u
  expect 0 alone --model "$1-alone" "${endless[@]:2}" --after "$until" --save-freq 100000u
  holds "$1, it goes on to the same bits" cmp -s "$1/last.safetensors" "$1-alone/last.safetensors"
}
together 2 --model stopped "${endless[@]}" --save-freq 100000u --log stopped.log >out 2>err &
signal_second stopped TERM
code=0
wait $! || code=$?
holds "the exit code tells the signal, not $code" test "$code" -eq 143
holds "saved once" test "$(grep -c 'everything is saved' stopped.log)" -eq 1
goes_on stopped

# One that is killed ends all, and is named; the training goes on from the last save.
together 2 --model killed "${endless[@]}" --save-freq 2u --log killed.log >out 2>err &
signal_second killed KILL
code=0
wait $! || code=$?
holds "not 0, but $code" test "$code" -ne 0
if mpirun --version | grep -q 'Open MPI'; then
  says err 'rank 1 '
  says err 'signal 9'
else # MPICH
  says out 'signal 9'
fi
goes_on killed

# Mistakes: of all, told once; of one, told with its number.
expect 2 together 2 --model nothing --dim-rnn 0
holds "told once" test "$(grep -c 'mininmt-train: error' err)" -eq 1
sed '1s/s1/s2/;1s/s3/s4/' toy.src >other.src
other() { # OPTION: the second process has it
  cat >"second.sh" <<SCRIPT
[ "\${OMPI_COMM_WORLD_RANK:-\$PMI_RANK}" = 0 ] || set -- "\$@" $1
exec "$train" "\$@"
SCRIPT
  { cat base.ini; echo "model = ${2:-nothing}"; } >other.ini
  timeout 120 mpirun -n 2 bash second.sh --config other.ini
}
expect 0 other "--model elsewhere" first
holds "only the first writes" eval '[ -s first/model.safetensors ] && [ ! -e elsewhere ]'
expect 2 other "--train-sets other.src toy.tgt"
says err "process 1 can't train with process 0, since the source vocabulary is another there"
expect 2 other "--dim-rnn 25"
says err "process 1 can't train with process 0, since --dim-rnn is 25, was 24 there"
expect 74 other "--train-sets missing toy.tgt"
says err 'process 1 of 2, on .*missing'

# More threads than parts; a folder in use; programs that are one process.
together 2 --model nothing --parts 1 --after 2u >out 2>err
says err '1 of 2 threads will have nothing to do: an update has at most 1 part,'
expect 2 mpirun -n 2 "$beam" --model one --input toy.src
says err 'start it without mpirun'
expect 0 together 2 --model dry --dry-run --quiet=false --update-freq 2
says err 'communication takes [0-9]+% of the time'
says err 'CPU, 2 processes, 2 threads in all'

# The help is printed once.
mpirun -n 2 "$train" --help >out 2>err
"$train" --help >help
holds "one help" cmp -s out help

finish
