#!/usr/bin/env bash
# A real corpus on any Debian machine: the descriptions of Debian's packages and their translations, which volunteers
# wrote, from apt's own lists.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() {
  cat <<'END'
usage: ./apps/corpus/debian.sh FOLDER [LANGUAGE]

Fetches the descriptions of all packages in English and in LANGUAGE [fr] (de, it, ja, da, ... have many, too), pairs
their sentences, and writes train.en, train.LANGUAGE, valid.*, test.* to FOLDER: raw text, a sentence or short paragraph a
line. Whole packages are held out for valid and test, and no English line occurs twice. Some 50 MB are fetched into
FOLDER/apt; the lists of this machine's own apt stay as they are.
END
}
case ${1:-} in
  --help | -h) usage; exit ;;
  '' | -*) usage >&2; exit 2 ;;
esac
folder=$1 language=${2:-fr}
[[ $language =~ ^[a-z]{2,3}(_[A-Z]{2})?$ ]] || { echo "debian.sh: error: '$language' is not a language such as fr or pt_BR" >&2; exit 2; }
command -v apt-get >/dev/null || { echo "debian.sh: error: apt-get was not found: this needs a Debian system" >&2; exit 1; }

mkdir -p "$folder/apt"/{lists/partial,cache/archives/partial}
apt=$(realpath -- "$folder/apt")
: >"$apt/status"
printf '#clear Acquire::Languages;\nAcquire::Languages { "en"; "%s"; };\n' "$language" >"$apt/conf"
echo "Fetching the descriptions"
apt-get -q -c "$apt/conf" -o APT::Sandbox::User= -o Debug::NoLocking=1 -o Dir::State::lists="$apt/lists" \
  -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" update >"$apt/log" 2>&1 || {
  tail -n 5 "$apt/log" >&2
  echo "debian.sh: error: apt-get could not fetch the lists" >&2
  exit 1
}

# LANGUAGE: all descriptions in it.
descriptions() {
  local list
  for list in "$apt"/lists/*_Translation-"$1"*; do
    [ ! -e "$list" ] || /usr/lib/apt/apt-helper cat-file "$list"
  done
}
descriptions en >"$apt/en"
descriptions "$language" >"$apt/$language"
[ -s "$apt/$language" ] || { echo "debian.sh: error: Debian has no descriptions in '$language'" >&2; exit 1; }
rm -rf "$apt/pairs" && mkdir "$apt/pairs"
LC_ALL=C awk -v to="$apt/pairs" -v language="$language" -f "$here/pairs.awk" "$apt/en" "$apt/$language"
mv "$apt"/pairs/* "$folder/"
wc -l "$folder"/*.{en,"$language"}
