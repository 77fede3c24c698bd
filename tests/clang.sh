#!/usr/bin/env bash
# Builds with Clang, warnings as errors and no precompiled headers, which could hide a missing include,
# and runs all tests but those of a real GPU. Not part of tests/run.sh.
#   ./tests/clang.sh [CTEST OPTION ...]     as in: ./tests/clang.sh -R unit.text
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
  -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit ;;
esac
. apps/install.sh
need "${BUILD_PACKAGES[@]}" clang doctest-dev libboost-context-dev libopenmpi-dev openmpi-bin python3 python3-numpy
need "libomp-$(clang++ -dumpversion | cut -d. -f1)-dev"

folder=build-clang
mkdir -p "$folder"
{ cmake -G Ninja -S . -B "$folder" -DCMAKE_CXX_COMPILER=clang++ -DMININMT_TESTS=ON -DMININMT_WERROR=ON \
    -DMININMT_BENCH=ON -DMININMT_CUDA=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON &&
    cmake --build "$folder" -j "$(nproc)"; } >"$folder/build.log" 2>&1 || {
  tail -n 40 "$folder/build.log" >&2
  echo "The build failed; all of its output is in $folder/build.log" >&2
  exit 1
}
cd "$folder"
ctest --output-on-failure --no-tests=error -j "$(nproc)" "$@"
