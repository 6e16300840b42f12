#!/usr/bin/env bash
# Signed clips under a second C2PA reader that shares no code with ours (c2pa-ts). Installs it into a temporary folder and needs the
# npm registry for that; without one it says so and exits 77.
#
#     bash test/c2pa.sh
#     C2PA_FOLDER=… bash test/c2pa.sh   a folder to keep, so that the next run installs nothing
set -u
cd "$(dirname "$0")/.."
root=$PWD
version=0.9.4

skip() {
  echo
  echo "SKIPPED: test/c2pa.sh: $1"
  echo "SKIPPED: no video of ours was shown to a second C2PA reader"
  exit 77
}
fail() {
  echo "FAILED: $1" >&2
  exit 1
}
command -v npm > /dev/null || skip 'npm was not found'
node=$root/node_modules/node/bin/node
[ -x "$node" ] || fail 'the checkout is not set up; run npm ci first'

folder=${C2PA_FOLDER:-$(mktemp -d "${TMPDIR:-/tmp}/reelay-c2pa-XXXXXX")}
[ -n "${C2PA_FOLDER:-}" ] || trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder"
folder=$(cd "$folder" && pwd -P)
case $folder/ in "$root"/*) fail 'C2PA_FOLDER must lie outside the checkout' ;; esac

if ! grep -qs "\"version\": \"$version\"" "$folder/node_modules/@trustnxt/c2pa-ts/package.json"; then
  printf '{"name":"reelay-c2pa","private":true,"type":"module"}\n' > "$folder/package.json"
  said=$(cd "$folder" && timeout 300 npm install --no-save --no-audit --no-fund --ignore-scripts --loglevel=error "@trustnxt/c2pa-ts@$version" 2>&1)
  code=$?
  if [ $code -ne 0 ]; then
    echo "$said" | tail -5 >&2
    echo "$said" | grep -Eq 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT' && skip 'the npm registry could not be reached'
    [ $code -eq 124 ] && skip 'the npm registry did not send c2pa-ts within five minutes'
    fail "npm could not install @trustnxt/c2pa-ts@$version"
  fi
fi

timeout 900 "$node" --disable-warning=ExperimentalWarning test/provenance/c2pa/second-validator.ts "$folder"
code=$?
[ $code -eq 124 ] && fail 'the checks did not come to an end'
exit $code
