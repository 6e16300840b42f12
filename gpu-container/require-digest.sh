#!/bin/sh
# require-digest.sh NAME VALUE: a base image must be named by its digest: a tag names another image tomorrow.
set -eu
name=$1
value=${2-}
printf '%s' "$value" | grep -Eq '^[^@[:space:]]+@sha256:[0-9a-f]{64}$' && exit 0
echo "$name: got \"$value\"; an image by digest is allowed: name@sha256:<64 hex digits>." >&2
exit 2
