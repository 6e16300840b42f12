#!/bin/sh
# What the image is built by, step for step; every step runs outside a container too (test/container.sh does it in a scratch folder).
#
#   install.sh packages <app>   production packages from the lockfile, no scripts but node's own; the Node binary by its hash
#   install.sh prune <app>      takes away what a worker on linux-x64 never loads
#   install.sh notices <app>    names the packages and licenses of what is left
#   install.sh check <app>      the worker's whole program loads, and ONNX Runtime and the encoder run
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=gpu-container/pins.sh
. "$here/pins.sh"

step=${1-}
app=${2-}
if [ -z "$app" ] || [ ! -f "$app/package-lock.json" ]; then
  echo "install.sh: got \"$*\"; a step and the folder that has package-lock.json are allowed." >&2
  exit 2
fi
cd "$app"

check_sha256() { # file, expected
  found=$(sha256sum "$1" | cut -d' ' -f1)
  [ "$found" = "$2" ] && return 0
  echo "install.sh: $1 has the sha256 $found; pins.sh says $2." >&2
  exit 1
}

case $step in
  packages)
    npm ci --omit=dev --ignore-scripts --no-audit --no-fund
    npm rebuild node --foreground-scripts
    check_sha256 node_modules/node/bin/node "$NODE_SHA256"
    [ "$(node_modules/node/bin/node --version)" = "v$NODE_VERSION" ]
    ;;
  prune)
    # Other platforms' libraries of ONNX Runtime, and what only the front, the page and the command line use.
    for platform in darwin win32 linux/arm64; do rm -rf node_modules/onnxruntime-node/bin/napi-v6/$platform; done
    for name in vite rolldown @rolldown @oxc-project lightningcss preact @preact postcss @middy @aws-lambda-powertools commander \
      fsevents .cache; do
      rm -rf "node_modules/$name"
    done
    find node_modules -maxdepth 1 -name 'lightningcss-*' -exec rm -rf {} +
    rm -rf node_modules/.bin node_modules/.package-lock.json
    find node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -type f -delete
    ;;
  notices)
    node_modules/node/bin/node gpu-container/list-notices.ts > THIRD-PARTY.txt
    ;;
  check)
    node_modules/node/bin/node gpu-container/doctor.ts --image
    ;;
  *)
    echo "install.sh: got the step \"$step\"; packages, prune, notices and check are allowed." >&2
    exit 2
    ;;
esac
