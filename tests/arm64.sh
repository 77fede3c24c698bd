#!/usr/bin/env bash
# Cross-compiles for arm64 on a Debian machine of another kind and runs the unit tests and the engine's example under
# QEMU. Not part of tests/run.sh.
#   ./tests/arm64.sh [CTEST OPTION ...]     as in: ./tests/arm64.sh -R unit.text
set -euo pipefail
cd "$(dirname "$0")/.."
. apps/install.sh
need g++-aarch64-linux-gnu qemu-user-static cmake ninja-build python3 nlohmann-json3-dev doctest-dev
folder=$PWD/build-arm64
sysroot=$folder/sysroot

# The libraries for arm64, unpacked into a folder, so that this machine's packages stay as they are.
if [ ! -e "$sysroot/complete" ]; then
  apt=$folder/apt
  mkdir -p "$sysroot" "$apt"/{lists,cache/archives}
  : >"$apt/status"
  arm64() {
    apt-get -q -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User= -o Debug::NoLocking=1 \
      -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" "$@"
  }
  version=$(aarch64-linux-gnu-g++ -dumpversion)
  { arm64 update &&
      arm64 install -y --download-only --no-install-recommends libc6-dev "libstdc++-$version-dev" zlib1g-dev \
        libboost-program-options-dev libdnnl-dev; } >"$folder/packages.log" 2>&1 || {
    tail -n 5 "$folder/packages.log" >&2
    exit 1
  }
  for package in "$apt"/cache/archives/*.deb; do dpkg -x "$package" "$sysroot"; done
  cp -r /usr/include/{nlohmann,doctest} "$sysroot/usr/include/"  # of no architecture: headers only
  touch "$sysroot/complete"
fi

cmake -G Ninja -S . -B "$folder" -DMININMT_WERROR=ON -DMININMT_CUDA=OFF \
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
  -DCMAKE_SYSROOT="$sysroot" -DCMAKE_FIND_ROOT_PATH="$sysroot" -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER \
  -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=BOTH \
  -DCMAKE_CROSSCOMPILING_EMULATOR="qemu-aarch64-static;-L;$sysroot"
cmake --build "$folder" -j "$(nproc)" --target mininmt-train mininmt-beam mininmt-toy mininmt-unit mininmt-example-engine
cd "$folder"
ctest --output-on-failure --no-tests=error -j "$(nproc)" -R '^(unit|examples)\.' "$@"
