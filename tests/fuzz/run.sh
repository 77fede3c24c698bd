#!/usr/bin/env bash
# Fuzzes what reads bytes from outside (targets.h), each target for some time, from the stored cases on.
#   ./tests/fuzz/run.sh [SECONDS [TARGET ...]]     60 seconds each, all targets
# A case that fails is written to build-fuzz/failed/; once mended, it belongs in tests/fuzz/cases/TARGET/.
set -euo pipefail
cd "$(dirname "$0")/../.."
. apps/install.sh
seconds=${1:-60}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=($(ls tests/fuzz/cases))

need "${BUILD_PACKAGES[@]}" clang doctest-dev python3
version=$(clang++ -dumpversion | cut -d. -f1)
need "libclang-rt-$version-dev" "libomp-$version-dev"
folder=$PWD/build-fuzz
mkdir -p "$folder/failed"
{ cmake -G Ninja -S . -B "$folder" -DCMAKE_CXX_COMPILER=clang++ -DMININMT_CUDA=OFF -DMININMT_ONEDNN=OFF \
    -DMININMT_SANITIZE=ON -DMININMT_FUZZ=ON &&
    cmake --build "$folder" -j "$(nproc)" --target mininmt-fuzz; } >"$folder/build.log" 2>&1 || {
  tail -n 30 "$folder/build.log" >&2
  exit 1
}

# Files that targets write stay in memory where there is a place for that.
[ -w /dev/shm ] && export TMPDIR=/dev/shm
export OMP_NUM_THREADS=1
failed=0
for target in "${targets[@]}"; do
  mkdir -p "$folder/corpus/$target"
  options=(-max_total_time="$seconds" -max_len=16384 -timeout=20 -rss_limit_mb=3000 -print_final_stats=1)
  MININMT_FUZZ_TARGET=$target "$folder/tests/mininmt-fuzz" "${options[@]}" -artifact_prefix="$folder/failed/$target-" \
    "$folder/corpus/$target" "tests/fuzz/cases/$target" >"$folder/$target.log" 2>&1 && verdict=passed || verdict=FAILED
  [ $verdict = passed ] || failed=1
  printf '%-12s %s  %s runs, cover %s\n' "$target" $verdict \
    "$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/$target.log" || true)" \
    "$(sed -n 's/.*cov: \([0-9]*\).*/\1/p' "$folder/$target.log" | tail -n 1)"
  [ $verdict = passed ] || grep -m 3 -E 'ERROR|not so|runtime error' "$folder/$target.log" || true
done
exit $failed
