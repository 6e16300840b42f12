#!/usr/bin/env bash
# sst.config.ts against the real SST: types, and what it asks Pulumi for, told by mocks. Installs SST (some 400 MB, a minute) into a
# temporary folder and needs the npm registry for that; without one it says so and exits 77.
#
#     bash test/front.sh              npm run test:front
#     SST_FOLDER=… bash test/front.sh   a folder to keep, so that the next run installs nothing
set -u
cd "$(dirname "$0")/.."
root=$PWD
sst_version=4.17.1
export AWS_EC2_METADATA_DISABLED=true SST_SKIP_DEPENDENCY_CHECK=1 NO_BUN=1 SST_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1

skip() {
  echo
  echo "SKIPPED: test/front.sh: $1"
  echo "SKIPPED: nothing of sst.config.ts was checked"
  exit 77
}
fail() {
  echo "FAILED: $1" >&2
  exit 1
}
command -v npm > /dev/null || skip 'npm was not found'
node=$root/node_modules/node/bin/node
[ -x "$node" ] || fail 'the checkout is not set up; run npm ci first'

folder=${SST_FOLDER:-$(mktemp -d "${TMPDIR:-/tmp}/reelay-front-XXXXXX")}
[ -n "${SST_FOLDER:-}" ] || trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder"
folder=$(cd "$folder" && pwd -P)
case $folder/ in "$root"/*) fail "SST_FOLDER must lie outside the checkout" ;; esac

# A small project beside the checkout: what SST reads of ours, and SST.
copy() {
  mkdir -p "$folder/infra/front"
  cp "$root/sst.config.ts" "$folder/"
  cp "$root/infra/functions.ts" "$folder/infra/"
  cp "$root"/infra/front/* "$folder/infra/front/"
  printf '{"name":"reelay-front","private":true,"type":"module","imports":{"#infra/*":"./infra/*"}}\n' > "$folder/package.json"
}
copy
cd "$folder"
if [ ! -x node_modules/.bin/sst ] || [ "$(node_modules/.bin/sst version 2> /dev/null)" != "sst $sst_version" ]; then
  said=$(timeout 300 npm install --no-save --no-audit --no-fund --loglevel=error "sst@$sst_version" 2>&1)
  code=$?
  if [ $code -ne 0 ]; then
    echo "$said" | tail -5 >&2
    echo "$said" | grep -Eq 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|ERR_SOCKET_TIMEOUT' && skip 'the npm registry could not be reached'
    [ $code -eq 124 ] && skip 'the npm registry did not send SST within five minutes'
    fail "npm could not install sst@$sst_version"
  fi
fi
said=$(timeout 30 node_modules/.bin/sst version 2>&1)
[ "$said" = "sst $sst_version" ] || fail "sst version said: $said"
if [ ! -d .sst/platform/node_modules/@pulumi/aws ]; then
  # Evaluates app() too, with SST's own bundler: an error there is ours.
  timeout 300 node_modules/.bin/sst install --stage test > install.log 2>&1 || {
    tail -20 install.log >&2
    grep -Eq 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|no such host' install.log && skip 'the npm registry could not be reached'
    fail 'sst install'
  }
fi
echo "$(node_modules/.bin/sst version) in $folder, $(du -sm . | cut -f1) MB"

failed=0
if "$node" "$root/node_modules/typescript/bin/tsc" -p infra/front/tsconfig.json > types.log; then
  echo 'ok  sst.config.ts and infra/front agree with the types of SST'
  typed=1
else
  echo 'FAILED  types'
  head -20 types.log
  typed=0
  failed=1
fi
cd "$root"
timeout 900 "$node" --disable-warning=ExperimentalWarning test/front/run.ts "$folder" > "$folder/run.log" 2>&1 || failed=1
grep -v ' passed, ' "$folder/run.log"
counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$folder/run.log") || fail 'the checks did not come to an end'
read -r passed _ wrong _ <<< "${counts/,/}"
echo "$((passed + typed)) passed, $((wrong + 1 - typed)) failed"
exit $failed
