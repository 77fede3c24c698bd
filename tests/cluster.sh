#!/usr/bin/env bash
# Two "machines", each a network namespace with an address, a name and a core of its own, and a link of limited speed
# between them: words/s of a training in two processes, one a machine, against the link's floor, and its bits.
#   ./tests/cluster.sh [BUILD [RATE ...]]    as root; rates as tc takes them [build, 1gbit 100mbit]
# Needs Open MPI 4 (openmpi-bin of Debian 12) and iproute2. Not part of tests/run.sh: namespaces need rights that containers seldom have.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(realpath "${1:-build}")
shift || true
rates=("$@")
[ $# -gt 0 ] || rates=(1gbit 100mbit)
[ "$(id -u)" -eq 0 ] || { echo "cluster.sh: needs root" >&2; exit 2; }
work=$(mktemp -d)
cleanup() {
  for i in 1 2; do ip netns del "mininmt$i" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT

for i in 1 2; do
  ip netns add "mininmt$i"
  ip -n "mininmt$i" link set lo up
done
ip -n mininmt1 link add net0 type veth peer name net0 netns mininmt2
for i in 1 2; do
  ip -n "mininmt$i" addr add "10.77.0.$i/24" dev net0
  ip -n "mininmt$i" link set net0 up
done
# What mpirun starts its helper on another machine with: HOST COMMAND ...
cat >"$work/remote" <<'SCRIPT'
#!/bin/sh
host=$1
shift
exec ip netns exec "mininmt${host##*.}" unshare --uts sh -c "hostname machine${host##*.}; $*"
SCRIPT
chmod +x "$work/remote"

"$build/mininmt-toy" --output "$work/toy" --train 8000 >/dev/null
printf '%s = %s\n' preset "${PRESET:-small}" train-sets "$work/toy/train.en $work/toy/train.fr" parts 2 cpu-threads 1 \
  after "${UPDATES:-40}u" disp-freq "${UPDATES:-40}u" valid-freq 0 save-freq 0 quiet true >"$work/options.ini"
# MODEL COMMAND ...: the speed, as the log tells it
speed() {
  local model=$work/$1
  shift
  "$@" --config "$work/options.ini" --model "$model" --log "$model.log"
  grep -o '[0-9]* words/s  gradient.*' "$model.log" | sed 's/  gradient norm [0-9.]*//; s/  [^ ]* left//' | head -1
}
echo "one process, one thread:   $(speed one taskset -c 0 "$build/mininmt-train")"
echo "one process, two threads:  $(speed two taskset -c 0,1 "$build/mininmt-train" --cpu-threads 2)"
echo "two processes:             $(speed both mpirun --allow-run-as-root -n 2 --bind-to none sh -c \
  'exec taskset -c "$OMPI_COMM_WORLD_RANK" "$@"' sh "$build/mininmt-train")"
for rate in "${rates[@]}"; do
  for i in 1 2; do ip netns exec "mininmt$i" tc qdisc replace dev net0 root tbf rate "$rate" burst 256kb latency 50ms; done
  echo "two machines, $rate:    $(speed "on-$rate" ip netns exec mininmt1 unshare --uts sh -c 'hostname machine1; exec "$@"' sh \
    mpirun --allow-run-as-root -n 2 --host 10.77.0.1:1,10.77.0.2:1 --mca plm_rsh_agent "$work/remote" \
    --mca btl tcp,self --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24 --bind-to none \
    sh -c 'exec taskset -c "$OMPI_COMM_WORLD_RANK" "$@"' sh "$build/mininmt-train")"
done
failed=0
for model in two both "${rates[@]/#/on-}"; do
  cmp "$work/one/last.safetensors" "$work/$model/last.safetensors" || { echo "$model: other bits than one process" >&2; failed=1; }
done
parameters=$(sed -n 's/.*vocabularies, \([0-9]*\) parameters.*/\1/p' "$work/one.log")
echo "$parameters parameters: each machine sends $((parameters * 4 / 1000)) KB an update, and receives as much"
exit "$failed"
