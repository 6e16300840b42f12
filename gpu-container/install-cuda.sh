#!/bin/sh
# install-cuda.sh <app>: puts ONNX Runtime's CUDA provider beside the binding of onnxruntime-node, where ONNX Runtime looks for it. The
# package itself would load these libraries in its install script, without a hash; here they come out of the Python wheel of the same
# version, by hash. Needs pip and python3; loads some 250 MB.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=gpu-container/pins.sh
. "$here/pins.sh"

app=${1-}
target=$app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64
if [ -z "$app" ] || [ ! -d "$target" ]; then
  echo "install-cuda.sh: got \"$app\"; a folder with an installed onnxruntime-node is allowed (install.sh packages makes it)." >&2
  exit 2
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

echo "onnxruntime-gpu==$ORT_VERSION --hash=sha256:$ORT_WHEEL_SHA256" > "$scratch/requirements.txt"
python3 -m pip download --quiet --no-deps --require-hashes --only-binary=:all: --implementation cp --python-version 3.12 \
  --platform manylinux_2_28_x86_64 --dest "$scratch" --requirement "$scratch/requirements.txt"
python3 - "$scratch" << 'PYTHON'
import glob, sys, zipfile
scratch = sys.argv[1]
(wheel,) = glob.glob(scratch + "/*.whl")
with zipfile.ZipFile(wheel) as archive:
    for name in ("libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"):
        with archive.open("onnxruntime/capi/" + name) as source, open(scratch + "/" + name, "wb") as target:
            while piece := source.read(1 << 20):
                target.write(piece)
    with archive.open("onnxruntime/ThirdPartyNotices.txt") as source, open(scratch + "/notices.txt", "wb") as target:
        target.write(source.read())
PYTHON

check_sha256() { # file, expected
  found=$(sha256sum "$1" | cut -d' ' -f1)
  [ "$found" = "$2" ] && return 0
  echo "install-cuda.sh: $1 has the sha256 $found; pins.sh says $2." >&2
  exit 1
}
check_sha256 "$scratch/libonnxruntime_providers_shared.so" "$ORT_SHARED_SHA256"
check_sha256 "$scratch/libonnxruntime_providers_cuda.so" "$ORT_CUDA_SHA256"
install -m 0644 "$scratch/libonnxruntime_providers_shared.so" "$scratch/libonnxruntime_providers_cuda.so" "$target/"
install -m 0644 "$scratch/notices.txt" "$target/ONNXRUNTIME-THIRD-PARTY.txt"
