#!/usr/bin/env bash
# The core template created on MiniStack, an emulator of AWS, and jobs through all of it: a dropped file and an API call. Takes two
# minutes; installs the emulator (Python, PyPI) into a temporary folder. Without Python or PyPI it says so and exits 77.
#
#     bash test/cloud.sh                     npm run e2e:cloud
#     MINISTACK_VENV=… bash test/cloud.sh    a virtual environment to keep, so that the next run installs nothing
set -u
cd "$(dirname "$0")/.."
ministack=1.4.21
export AWS_EC2_METADATA_DISABLED=true CDK_DISABLE_CLI_TELEMETRY=true PIP_DISABLE_PIP_VERSION_CHECK=1

skip() {
  echo
  echo "SKIPPED: test/cloud.sh: $1"
  echo "SKIPPED: no template was created and no job went through a deployment"
  exit 77
}
fail() {
  echo "FAILED: $1" >&2
  exit 1
}
python=$(command -v python3) || skip 'Python was not found'
"$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 10))' 2> /dev/null || skip 'Python 3.10 or newer with venv was not found'
node=$PWD/node_modules/node/bin/node
[ -x "$node" ] || fail 'the checkout is not set up; run npm ci first'

folder=$(mktemp -d "${TMPDIR:-/tmp}/reelay-cloud-XXXXXX")
trap 'rm -rf "$folder"' EXIT
venv=${MINISTACK_VENV:-$folder/venv}
if [ "$("$venv/bin/python" -c 'from importlib.metadata import version; print(version("ministack"))' 2> /dev/null)" != "$ministack" ]; then
  "$python" -m venv "$venv" > "$folder/venv.log" 2>&1 || skip "a virtual environment could not be made: $(tail -1 "$folder/venv.log")"
  said=$(timeout 300 "$venv/bin/pip" install --quiet "ministack==$ministack" 2>&1) || {
    echo "$said" | tail -5 >&2
    echo "$said" | grep -Eiq 'NewConnectionError|ConnectTimeout|Read timed out|name resolution|Network is unreachable|No matching distribution' && skip 'PyPI could not be reached, or has no such MiniStack'
    [ -z "$said" ] && skip 'PyPI did not send MiniStack within five minutes'
    fail "pip could not install ministack==$ministack"
  }
fi
mkdir "$folder/run"
# Not through a pipe or in the background: the run ends its own processes, and a signal to this script must reach it.
timeout --foreground 480 "$node" --disable-warning=ExperimentalWarning test/cloud/run.ts "$venv" "$folder/run"
