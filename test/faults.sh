#!/usr/bin/env bash
# The fault suites at the scale of a test run; `npm run faults` runs one of them at any scale.
set -eu
cd "$(dirname "$0")/.."
REELAY_TESTS=faults exec npm test
