#!/usr/bin/env bash
# The README's first command in a fresh clone, without a prompt known beforehand: a playable MP4 at the printed path, `ready`,
# a video over HTTP, a second start that installs nothing. Loopback only; ends by itself.
set -u -o pipefail
source_tree=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
port=${REELAY_NEWCOMER_PORT:-4297}
server=''
stop() { [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; server=''; }
trap 'stop; rm -rf "$work"' EXIT
fail() { echo "newcomer: $1"; sed 's/^/  | /' "$work"/*.log 2>/dev/null | tail -40; exit 1; }

git clone -q "$source_tree" "$work/reelay" || fail 'cannot clone'
cd "$work/reelay" || exit 1

start() { # log file, words…
  local log=$1
  shift
  PORT=$port REELAY_DATA=$work/data npm start -- "$@" >"$log" 2>&1 &
  server=$!
  for _ in $(seq 1 1200); do
    grep -q "^ready http://127.0.0.1:$port$" "$log" && return 0
    kill -0 "$server" 2>/dev/null || return 1
    sleep 0.25
  done
  return 1
}

began=$(date +%s)
start "$work/first.log" "a yellow star spinning over a dark green background" || fail 'the first start did not become ready'
echo "newcomer: fresh clone to ready in $(($(date +%s) - began)) s"
video=$(grep -E '^/.*\.mp4$' "$work/first.log" | tail -1)
[ -s "$video" ] || fail 'no path of an MP4 was printed on a line of its own'
[ "$(head -c 8 "$video" | tail -c 4)" = ftyp ] || fail "$video is not an MP4"
curl -sf "http://127.0.0.1:$port/v1/videos" | grep -q '"status":"completed"' || fail 'the video is not in the list'
curl -sf "http://127.0.0.1:$port/" | grep -qi '<title>' || fail 'the page is not served'
stop
began=$(date +%s)
start "$work/second.log" || fail 'the second start did not become ready'
grep -q installing "$work/second.log" && fail 'the second start installed again'
echo "newcomer: second start ready in $(($(date +%s) - began)) s"
stop
echo 'newcomer: ok'
