#!/usr/bin/env bash
# Installs what is missing, builds and runs the tests.
#   ./tests/run.sh               everything: the float and double builds, then float again under sanitizers
#   ./tests/run.sh gradcheck     the gradient checks alone, as a table
#   ./tests/run.sh only REGEX    the tests of the plain build whose name matches, as in: only text_bleu
set -euo pipefail
cd "$(dirname "$0")/.."
. apps/install.sh
mode=${1:-all}
case $mode:$# in
  all:0 | gradcheck:1 | only:2) ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

need "${BUILD_PACKAGES[@]}" doctest-dev libboost-context-dev libopenmpi-dev openmpi-bin python3 python3-numpy

# build FOLDER TARGET [CMAKE OPTION ...]
build() {
  local folder=$1 target=$2 generator=()
  shift 2
  [ -e "$folder/CMakeCache.txt" ] || ! command -v ninja >/dev/null || generator=(-G Ninja)
  mkdir -p "$folder"
  { cmake "${generator[@]}" -S . -B "$folder" -DMININMT_TESTS=ON -DMININMT_WERROR=ON -DCMAKE_CUDA_ARCHITECTURES=90 "$@" &&
      cmake --build "$folder" --target "$target" -j "$(nproc)"; } >"$folder/build.log" 2>&1 || {
    tail -n 40 "$folder/build.log"
    echo "The build in $folder failed; all of its output is in $folder/build.log" >&2
    return 1
  }
}

# run_tests FOLDER [CTEST OPTION ...]: adds to the counts below
passed=0 failed=0 skipped=0 reasons=""
run_tests() {
  local folder=$1 log
  shift
  log=$folder/test.log
  (cd "$folder" && ctest --output-on-failure --no-tests=error "$@") 2>&1 | tee "$log" || true
  local bad total without
  read -r bad total < <(sed -n 's/.*tests passed, \([0-9]*\) tests\{0,1\} failed out of \([0-9]*\).*/\1 \2/p' "$log"; echo "1 1")
  without=$(grep -c '\*\*\*Skipped' "$log") || true
  reasons+=$(sed -n 's/^skipped: //p' "$folder/Testing/Temporary/LastTest.log")$'\n'
  failed=$((failed + bad)) skipped=$((skipped + without)) passed=$((passed + total - bad - without))
}

# Why tests were skipped, in their own words.
reason() {
  [ "$skipped" -gt 0 ] || return 0
  local said
  said=$(sort -u <<<"$reasons" | sed '/^$/d' | sed ':all;N;s/\n/; /;ball')
  echo " (${said:-no reason given})"
}

case $mode in
  gradcheck)
    build build mininmt-gradcheck
    exec build/tests/mininmt-gradcheck
    ;;
  only)
    build build all
    run_tests build -R "$2"
    ;;
  all)
    echo "== Float and double (build/)"
    build build all
    run_tests build -j "$(nproc)"
    echo "== The float build with the address and undefined-behaviour sanitizers, without oneDNN and CUDA (build-sanitize/)"
    build build-sanitize all -DMININMT_SANITIZE=ON -DMININMT_ONEDNN=OFF -DMININMT_CUDA=OFF
    run_tests build-sanitize -j "$(nproc)"
    ;;
esac
echo "$passed passed, $failed failed, $skipped skipped$(reason)"
[ "$failed" -eq 0 ]
