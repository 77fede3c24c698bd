# Sourced by the other scripts: installs build dependencies, and builds.
#   need PACKAGE ...      Debian package names; installs the missing ones, or lists them
#   build_programs LOG    builds the programs in build/, in the project's folder; the compiler's output goes to LOG
need() {
  if ! command -v dpkg-query >/dev/null; then
    echo "Not a Debian system: if the build fails, install what these Debian packages hold:" >&2
    echo "  $*" >&2
    return 0
  fi
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo -v; then
      echo "These Debian packages are missing and need root to install:" >&2
      echo "  apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "Installing: ${missing[*]}"
  { "${as_root[@]}" apt-get update -q && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -q --no-install-recommends "${missing[@]}"; } >/tmp/mininmt-install.$$ 2>&1 || {
    tail -n 5 /tmp/mininmt-install.$$ >&2
    echo "apt-get could not install: ${missing[*]}" >&2
    rm -f /tmp/mininmt-install.$$
    return 1
  }
  rm -f /tmp/mininmt-install.$$
}

# The build dependencies of the programs.
BUILD_PACKAGES=(g++ cmake ninja-build libdnnl-dev libsentencepiece-dev libboost-program-options-dev nlohmann-json3-dev zlib1g-dev)

build_programs() {
  local generator=() options=(-DMININMT_TESTS=OFF)
  [ -e build/CMakeCache.txt ] || ! command -v ninja >/dev/null || generator=(-G Ninja)
  nvidia-smi -L >/dev/null 2>&1 || options+=(-DMININMT_CUDA=OFF) # kernels for no GPU would take minutes to compile
  { cmake "${generator[@]}" -S . -B build "${options[@]}" && cmake --build build -j "$(nproc)"; } >"$1" 2>&1 || {
    tail -n 30 "$1"
    echo "The build failed; all of its output is in $1" >&2
    return 1
  }
}
