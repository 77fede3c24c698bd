#!/usr/bin/env bash
# cmake --install: programs, manual pages, completion, and a project that builds on the installed engine.
. "$(dirname "$0")/lib.sh" "$@"
command -v make >/dev/null || export CMAKE_GENERATOR=Ninja
here=$PWD/installed
expect 0 cmake --install "$build" --prefix "$here"
for program in train beam story toy; do
  name=mininmt-$program
  expect 0 "$here/bin/$name" --version
  says out "^$name [0-9]"
  page=$here/share/man/man1/$name.1
  holds "a page for $name" test -s "$page"
  for option in $("$build/$name" --help-all | sed -n 's/^  --\([^ ]*\).*/\1/p'); do
    holds "--$option is in the page of $name" grep -qF -- "--${option}" <(sed 's/\\-/-/g' "$page")
  done
done
if command -v man >/dev/null; then
  LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$here"/share/man/man1/mininmt-*.1 >out 2>err
  silent err
  says out 'mininmt-train +- learns to translate from sentence'
fi

# WORDS: what bash would complete the last to.
complete() {
  local program=$1
  bash -c 'source "$1" && shift && COMP_WORDS=("$@") && COMP_CWORD=$(($# - 1)) && "_${1//-/_}" && echo "${COMPREPLY[*]}"' \
    bash "$here/share/bash-completion/completions/$program" "$@"
}
expect 0 complete mininmt-train --devi
says out '^--device$'
expect 0 complete mininmt-train --device c
says out '^cpu cuda$'
expect 0 complete mininmt-beam --model m --alignment
says out '--alignment-reference'

make_pairs 40 toy
expect 0 "$here/bin/mininmt-train" --preset tiny --train-sets toy.src toy.tgt --model model --after 60u --quiet
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
expect 0 cmake -S "$tests/outside" -B outside -DCMAKE_PREFIX_PATH="$here" -DCMAKE_CXX_COMPILER="$compiler"
expect 0 cmake --build outside
sentence=$(head -1 toy.src) ids=()
for word in $sentence; do ids+=("$(($(grep -nxF "$word" model/source.vocab | cut -d: -f1) - 1))"); done
expect 0 outside/outside model/model.safetensors "${ids[@]}"
words=
for id in $(cat out); do words+="$(sed -n "$((id + 1))p" model/target.vocab) "; done
expect 0 "$here/bin/mininmt-beam" --quiet --model model <<<"$sentence"
holds "the outside program translates as mininmt-beam does" test "${words% }" = "$(cat out)"
expect 1 outside/outside nothing.safetensors 2
says err 'outside: nothing.safetensors'
finish
