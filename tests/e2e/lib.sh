# Shared by the end-to-end tests. A test sources this with the build folder as its first argument; it then has
# the programs, an empty working directory, and the checks below. It fails if any check has failed.
set -uo pipefail
build=$(cd "$1" && pwd)
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
train=$build/mininmt-train beam=$build/mininmt-beam toy=$build/mininmt-toy
export OMP_WAIT_POLICY=passive # the tests may share their cores
[ "${E2E_ON_GPU:-}" = 1 ] || export CUDA_VISIBLE_DEVICES= # on the CPU, wherever they run
unset MAKEFLAGS
work=$(mktemp -d "${TMPDIR:-/tmp}/mininmt-e2e-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0 checks=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# expect CODE COMMAND...: the command exits with this code; its output is in the files out and err.
expect() {
  local code=$1 found=0
  shift
  checks=$((checks + 1))
  "$@" >out 2>err || found=$?
  [ "$found" -eq "$code" ] || { fail "exit code $found, not $code: $*"; tail -n 5 err; }
}

# same FILE TEXT...: the file holds these lines.
same() {
  local file=$1
  shift
  checks=$((checks + 1))
  printf '%s\n' "$@" | cmp -s - "$file" || { fail "$file is not '$*' but:"; head -n 5 "$file"; }
}

# says FILE REGEX: a line of the file matches. silent FILE: it is empty.
says() {
  checks=$((checks + 1))
  grep -Eq -- "$2" "$1" || { fail "$1 does not say '$2' but:"; tail -n 5 "$1"; }
}
silent() {
  checks=$((checks + 1))
  [ ! -s "$1" ] || { fail "$1 should be empty but is:"; head -n 5 "$1"; }
}

# holds WHAT COMMAND...: the command succeeds.
holds() {
  local what=$1
  shift
  checks=$((checks + 1))
  "$@" || fail "$what"
}

finish() {
  echo "$checks checks, $failures failed"
  [ "$failures" -eq 0 ] && [ "$checks" -gt 0 ]
  exit
}

# make_pairs COUNT STEM: a corpus with word-by-word translations in reversed order: STEM.src, STEM.tgt.
make_pairs() {
  awk -v n="$1" -v stem="$2" 'BEGIN {
    srand(7)
    for (i = 0; i < n; ++i) {
      s = ""; t = ""
      for (k = 2 + int(rand() * 4); k > 0; --k) {
        w = int(rand() * 12)
        s = s (s == "" ? "" : " ") "s" w
        t = "t" w (t == "" ? "" : " ") t
      }
      print s > (stem ".src")
      print t > (stem ".tgt")
    }
  }'
}

# A small model of toy.src and toy.tgt, trained in a second: train_small FOLDER [OPTION...]
train_small() {
  local folder=$1
  shift
  printf '%s = %s\n' preset tiny train-sets "toy.src toy.tgt" dim-emb 16 dim-rnn 24 dim-align 16 dim-maxout 16 \
    after 20u mini-batch 10 precision float32 quiet true >small.ini # the same on any CPU
  "$train" --config small.ini --model "$folder" "$@"
}
