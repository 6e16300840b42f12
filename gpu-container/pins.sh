# What the image is made of, by hash. Read by install.sh and install-cuda.sh; test/container/image.test.ts holds it against the lockfile.
# shellcheck shell=sh disable=SC2034

# The binary that the package `node` brings for linux-x64: npm's lockfile vouches for the package, not for what its install script loads.
NODE_VERSION=24.21.0
NODE_SHA256=7fde7b8afa198da66257f42ee2001d874c7355631e6d1579a5fb5ef1f246df4c

# The CUDA provider of ONNX Runtime, out of the Python wheel of the version that onnxruntime-node has: built for CUDA 13 and cuDNN 9 (read
# off the library: it needs libcudart.so.13, libcublas.so.13, libcublasLt.so.13, libcurand.so.10, libcuda.so.1).
ORT_VERSION=1.30.0
ORT_WHEEL_SHA256=6acc0f4b3d5ac5f2984432faa59dd8fcce6775f8b43a7140afa0f322c7a703b1
ORT_CUDA_SHA256=35da2e7ed0dd0d1aec5cdb16ce11a51d06c0c48cf62d1b1c9332946a4fae14fc
ORT_SHARED_SHA256=086ec1d5388f64153d9c63470d126693db9a182c8ce236d3a1119068471b8a0d
CUDA_MAJOR=13
