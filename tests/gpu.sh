#!/usr/bin/env bash
# Everything that needs a GPU, on a prepared build: the tests, compute-sanitizer, the benchmarks. Installs and builds nothing.
#   tests/gpu.sh [OPTIONS] [BUILD]    BUILD: the folder of a build, ./build if none is named
#     --only GROUP                    tests, sanitizers or bench
#     --text SOURCE TARGET            text for the benchmarks; else random words, in sentences as long as real ones
#     --limit SECONDS                 when all of it ends (580)
#   tests/gpu.sh --pack FOLDER [BUILD]   copies what a machine without this build needs; there: FOLDER/gpu.sh
# Logs go to $OUT, or to BUILD/gpu. Exit code: 0 if nothing failed, whether or not something was skipped.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() {
  sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

build='' pack='' text=() groups='tests sanitizers bench' limit=580
while [ $# -gt 0 ]; do
  case $1 in
    --only) groups=${2:?}; shift ;;
    --text) text=(--text "$(realpath "${2:?}")" "$(realpath "${3:?}")"); shift 2 ;;
    --limit) limit=${2:?}; shift ;;
    --pack) pack=${2:?}; shift ;;
    -*) usage ;;
    *) build=$1 ;;
  esac
  shift
done
case $groups in tests | sanitizers | bench | 'tests sanitizers bench') ;; *) usage ;; esac
if [ -z "$build" ]; then
  build=$here # a packed folder holds the script itself
  [ -e "$build/tests/mininmt-gpu-float" ] || build=$here/../build
fi
build=$(cd "$build" 2>/dev/null && pwd) || { echo "gpu.sh: there is no build folder $build; tests/run.sh makes one" >&2; exit 2; }

# --- Packing

# Libraries that every machine has, or that come with CUDA and the driver.
own='^(ld-linux.*|libc|libm|libdl|librt|libpthread|libresolv|libstdc\+\+|libgcc_s|libcuda|libcudart|libcublas.*)\.so'

pack_build() {
  local program found=()
  rm -rf "${pack:?}"/{tests,lib,bench}
  mkdir -p "$pack/tests" "$pack/lib" "$pack/bench"
  for program in tests/mininmt-gpu-float tests/mininmt-gpu-double mininmt-bench-ops mininmt-bench-model; do
    [ -x "$build/$program" ] || { echo "not built: $program"; continue; }
    strip -o "$pack/$program" "$build/$program" && found+=("$pack/$program")
  done
  [ ${#found[@]} -gt 0 ] || { echo "gpu.sh: $build holds no programs to pack" >&2; exit 2; }
  local name arrow path _
  while read -r name arrow path _; do
    [[ $arrow == '=>' && $path == /* && ! $name =~ $own ]] || continue
    [ -e "$pack/lib/$name" ] || strip --strip-unneeded -o "$pack/lib/$name" "$path"
  done < <(ldd "${found[@]}")
  cp "$here"/bench/*.py "$pack/bench/"
  cp "${BASH_SOURCE[0]}" "$pack/gpu.sh"
  local mib
  mib=$(du -sm "$pack" | cut -f1)
  echo "$pack: ${#found[@]} programs, $(find "$pack/lib" -type f | wc -l) libraries, $mib MiB"
  [ "$mib" -lt 64 ] || { echo "gpu.sh: that is more than 64 MiB" >&2; exit 1; }
}

if [ -n "$pack" ]; then
  pack_build
  exit
fi

# --- Running

out=${OUT:-$build/gpu}
mkdir -p "$out"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
end=$((SECONDS + limit))
failed=0
: >"$out/table.txt"

# Where cuBLAS may be: CUDA's folder, or PyTorch's.
wheels=$(python3 -c 'import glob, importlib.util as u
s = u.find_spec("nvidia")
print(":".join(d for p in (s.submodule_search_locations if s else []) for d in glob.glob(p + "/*/lib") if glob.glob(d + "/libcublas.so*")))' 2>/dev/null)
libraries=$build/lib:/usr/local/cuda/lib64${wheels:+:$wheels}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
with_libraries=(env "LD_LIBRARY_PATH=$libraries") # for our programs alone

row() { printf '%-28s %-9s %7s  %s\n' "$@" | tee -a "$out/table.txt"; }

# step NAME GROUP SECONDS COMMAND...: runs it with its own time limit, output in GROUP.log, and adds a row to
# the table.
# Its output is also in $scratch/last.
step() {
  local name=$1 group=$2 seconds=$3 start=$SECONDS code=0 result
  shift 3
  [ "$seconds" -le $((end - SECONDS)) ] || seconds=$((end - SECONDS))
  [ "$seconds" -ge 5 ] || { row "$name" skipped - "no time left"; return; }
  echo "=== $name: $*" >>"$out/$group.log"
  timeout -k 5 "$seconds" "$@" >"$scratch/last" 2>&1 || code=$?
  cat "$scratch/last" >>"$out/$group.log"
  case $code in
    0) result=ok ;;
    77) result=skipped ;;
    124 | 137) result=timeout ;;
    *) result=FAILED ;;
  esac
  if [ "$group" = sanitizers ] && [ "$result" = FAILED ] && grep -q 'Device not supported' "$scratch/last"; then
    result=skipped
    echo 'skipped: compute-sanitizer does not support the device on this machine' >>"$scratch/last"
  fi
  case $result in FAILED | timeout) failed=$((failed + 1)) ;; esac
  row "$name" "$result" "$((SECONDS - start))" "$(figure <"$scratch/last")"
}

# The most informative line of an output.
figure() {
  awk '/^skipped:/ { skipped = $0 }
       /ERROR SUMMARY:/ { sub(/^=+ */, ""); errors = $0 }
       /\[doctest\] assertions:/ { gsub(/ +/, " "); sub(/.*assertions: /, ""); sub(/ \|$/, ""); assertions = "assertions: " $0 }
       /gradient check on|largest error of the GPU/ { more = more "; " $0 }
       /^\{/ && match($0, /"bench": *"[^"]*"/) { bench = substr($0, RSTART + 9, RLENGTH - 9) }
       /^\{/ && match($0, /"value": *[0-9.e+-]+/) { value = substr($0, RSTART + 8, RLENGTH - 8) }
       /^\{/ && match($0, /"unit": *"[^"]*"/) { value = value " " substr($0, RSTART + 8, RLENGTH - 8) }
       /^\{/ && match($0, /"ratio": *[0-9.e+-]+/) { value = value ", mininmt is " substr($0, RSTART + 8, RLENGTH - 8) " times as fast" }
       NF { last = $0 }
       END {
         if (skipped) print skipped
         else if (errors) print errors
         else if (assertions) print assertions more
         else if (value) { gsub(/"/, "", bench); gsub(/"/, "", value); print bench ":" value }
         else print substr(last, 1, 110)
       }'
}

find_sanitizer() {
  local candidate
  for candidate in "$(command -v compute-sanitizer)" /usr/local/cuda*/bin/compute-sanitizer \
    /usr/local/cuda*/compute-sanitizer/compute-sanitizer /opt/nvidia/*/compute-sanitizer/compute-sanitizer; do
    [ -x "$candidate" ] && { echo "$candidate"; return; }
  done
}

run_tests() {
  local type
  for type in float double; do
    if [ -x "$build/tests/mininmt-gpu-$type" ]; then
      step "tests, $type" tests 150 "${with_libraries[@]}" "$build/tests/mininmt-gpu-$type"
    else
      row "tests, $type" skipped - "not built: tests/mininmt-gpu-$type"
    fi
  done
}

# The small rows of the op table, a small search and small updates.
run_sanitizers() {
  local tool sanitizer program=$build/tests/mininmt-gpu-float
  sanitizer=$(find_sanitizer)
  for tool in memcheck racecheck initcheck synccheck; do
    if [ -z "$sanitizer" ]; then
      row "$tool" skipped - "compute-sanitizer is not there"
    elif [ ! -x "$program" ]; then
      row "$tool" skipped - "not built: tests/mininmt-gpu-float"
    elif ! "${with_libraries[@]}" "$program" --list-test-cases >/dev/null 2>&1; then
      row "$tool" skipped - "no GPU"
    else
      step "$tool" sanitizers 75 "${with_libraries[@]}" "$sanitizer" --tool "$tool" --error-exitcode 1 "$program" '--test-case=small*'
    fi
  done
}

run_bench() {
  local model=$build/mininmt-bench-model
  if [ -x "$build/mininmt-bench-ops" ]; then
    step "kernels" bench 90 "${with_libraries[@]}" "$build/mininmt-bench-ops" --device cuda
  else
    row "kernels" skipped - "not built: mininmt-bench-ops"
  fi
  if [ ! -x "$model" ]; then
    row "training, search" skipped - "not built: mininmt-bench-model"
    return
  fi
  local common=(--device cuda --preset rnnsearch-50 "${text[@]}")
  step "training" bench 60 "${with_libraries[@]}" "$model" "${common[@]}" --dump "$scratch/training" --profile
  grep '^{' "$scratch/last" >"$scratch/of-training"
  step "search, beam 12" bench 60 "${with_libraries[@]}" "$model" "${common[@]}" --beam 12 --sentences 3003 --fixed-length
  if ! python3 -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    row "PyTorch" skipped - "python3 has no torch that sees a GPU"
  elif [ ! -s "$scratch/training" ]; then
    row "PyTorch" skipped - "the benchmark of training has left no work"
  else
    step "PyTorch, training" bench 120 python3 "$here/bench/peer_torch.py" train --device cuda --work "$scratch/training" \
      --against "$scratch/of-training" --forms fused-graphs letter-graphs fastest
  fi
}

row STEP RESULT SECONDS "KEY FIGURE"
for group in $groups; do
  : >"$out/$group.log"
  "run_$group"
done
echo "logs: $out"
[ "$failed" -eq 0 ]
