#!/usr/bin/env bash
# Makes the Debian packages, installs them on a bare system of this machine's release (a new root folder), and there
# trains, translates, and builds the outside project. Needs root and the network. Not part of tests/run.sh.
#   ./tests/package.sh [RELEASE]     bookworm, trixie ...; the packages are built in that system, too
set -euo pipefail
cd "$(dirname "$0")/.."
. apps/install.sh
[ "$(id -u)" -eq 0 ] || { echo "package.sh: needs root: sudo $0 $*" >&2; exit 2; }
need debootstrap
release=${1:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
work=$(mktemp -d "${TMPDIR:-/tmp}/mininmt-package-XXXXXX")
trap 'rm -rf "$work"' EXIT

# SYSTEM COMMAND ...
inside() { chroot "$work/$1" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "${@:2}"; }
step() {
  echo "== $1"
  "${@:2}" >"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; echo "package.sh: that failed" >&2; exit 1; }
}

step "A bare system" debootstrap --variant=minbase "$release" "$work/build"
cp -a "$work/build" "$work/user"
git ls-files -z | tar --null -T - -c | tar -x -C "$work/build/srv"
step "Install what the build needs" inside build apt-get install -y --no-install-recommends "${BUILD_PACKAGES[@]}" dpkg-dev file
step "Build" inside build cmake -G Ninja -S /srv -B /build -DMININMT_TESTS=OFF -DMININMT_CUDA=OFF
step "Build: programs" inside build cmake --build /build -j "$(nproc)"
step "Make the packages" inside build sh -c 'cd /build && cpack'
mkdir -p build-packages
cp "$work"/build/build/*.deb build-packages/
cp "$work"/build/build/*.deb "$work/user/root/"
cp -r tests/outside "$work/user/root/"
step "Install the programs" inside user sh -c 'apt-get install -y --no-install-recommends /root/mininmt_*.deb'
step "Train and translate" inside user sh -e -c 'cd /root
  mininmt-toy --output toy --train 2000
  mininmt-train --preset tiny --train-sets toy/train.en toy/train.fr --valid-sets toy/valid.en toy/valid.fr --model model --after 60u
  mininmt-beam --model model --input toy/test.en --reference toy/test.fr --output out
  test "$(wc -l <out)" = 500'
step "Install the library" inside user sh -c 'apt-get install -y --no-install-recommends /root/libmininmt-dev_*.deb g++ cmake make'
step "Build an outside project" inside user sh -e -c 'cmake -S /root/outside -B /outside && cmake --build /outside
  /outside/outside /root/model/model.safetensors 5 6 7'
step "Remove" inside user sh -e -c 'apt-get remove -y mininmt libmininmt-dev; test ! -e /usr/bin/mininmt-train'
ls -l build-packages
