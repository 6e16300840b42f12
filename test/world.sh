#!/usr/bin/env bash
# The world of the bundled model, here and in Python: fixed prompts and fixtures are what the recipe writes, and both oracles say the same.
#
#     REELAY_PYTHON=<a Python with numpy> bash test/world.sh
#
# Without REELAY_PYTHON a fresh environment is made for numpy alone; without Python only the committed readings are compared.
set -u -o pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

node cli/bootstrap.mjs --exec test/evaluation/world/compare-oracles.ts || exit 1

python=${REELAY_PYTHON:-}
if [ -z "$python" ]; then
  python=$work/venv/bin/python
  if ! { python3 -m venv "$work/venv" && timeout 300 "$python" -m pip install -q "$(grep '^numpy==' exporter/train/requirements.txt)"; } >"$work/pip.log" 2>&1; then
    tail -3 "$work/pip.log"
    echo '!! SKIPPED: what Python would write was not compared: numpy could not be installed'
    exit 77
  fi
fi
cd exporter/train && OMP_NUM_THREADS=2 timeout 900 "$python" -m scenes.write_world --check
