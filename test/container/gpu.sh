#!/usr/bin/env bash
# CUDA for real, on a machine with an NVIDIA GPU: the probe, a clip on CUDA beside the same clip on the CPU, and their times. Nobody has
# run this yet on a GPU: what it prints there is not known, and nothing is claimed of it before it was seen.
#
#     bash test/container/gpu.sh [app folder]
#
# The folder is one that gpu-container/install.sh and install-cuda.sh made; the checkout, with the CUDA provider beside its binding, where
# none is named. CUDA 13's and cuDNN 9's libraries must be found by the linker: those of Python's nvidia-* packages are put in
# LD_LIBRARY_PATH below where there are any. REELAY_CUDA_LIBRARIES names a folder with libonnxruntime_providers_{shared,cuda}.so to be
# placed first, on a machine that reaches no registry. Exit code 77, and a loud word, where there is no GPU.
set -u -o pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
app=${1-$root}
node=$app/node_modules/node/bin/node
out=${OUT-$(mktemp -d)}

if ! command -v nvidia-smi >/dev/null || ! nvidia-smi -L 2>/dev/null | grep -q GPU; then
  echo '!! SKIPPED: there is no NVIDIA GPU here, so nothing about CUDA was shown'
  exit 77
fi
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader

if [ -n "${REELAY_CUDA_LIBRARIES-}" ]; then
  cp "$REELAY_CUDA_LIBRARIES"/libonnxruntime_providers_{shared,cuda}.so \
    "$app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/" || exit 1
fi
packages=$(python3 -c 'import os, nvidia; print("\n".join(p for p in nvidia.__path__))' 2>/dev/null)
for folder in $(for each in $packages; do find "$each" -name lib -type d; done); do
  LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
done
export LD_LIBRARY_PATH=${LD_LIBRARY_PATH-}

REELAY_PROVIDER=cuda "$node" "$app/gpu-container/doctor.ts" | tee "$out/doctor.txt"
grep -q '^ok   provider: cuda runs' "$out/doctor.txt" || { echo 'gpu: CUDA does not run; the lines above say why'; exit 1; }

# Another process: what the CPU's render child gives must not depend on what CUDA has loaded.
"$node" --disable-warning=ExperimentalWarning "$root/test/container/cuda-against-cpu.ts" "$app" | tee "$out/clips.txt"
