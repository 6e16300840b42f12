#!/usr/bin/env bash
# A pipeline that diffusers builds now, exported, checked in Python and rendered here: the way a team's own model goes.
#
#     REELAY_PYTHON=<a Python with exporter/requirements.txt> bash test/exporter.sh [tiny pipeline …]
#
# Without REELAY_PYTHON a fresh environment is made, which takes some 6 GB; exit code 77, and a loud word, where that cannot be had.
set -u -o pipefail
cd "$(dirname "$0")/.."
export HF_HUB_OFFLINE=1 OMP_NUM_THREADS=2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python=${REELAY_PYTHON:-}
if [ -z "$python" ]; then
  python=$work/venv/bin/python
  if ! { python3 -m venv "$work/venv" && timeout 900 "$python" -m pip install -q -r exporter/requirements.txt; } >"$work/pip.log" 2>&1; then
    tail -3 "$work/pip.log"
    echo '!! SKIPPED: the exporter was not tried: its Python packages could not be installed'
    exit 77
  fi
fi

(cd exporter && "$python" -m unittest discover -s tests) || exit 1

for name in "${@:-wan-2.1-t2v}"; do
  (
    cd exporter &&
      "$python" -m reelay_export.tiny "$name" "$work/$name" &&
      timeout 900 "$python" -m reelay_export "$work/$name" "$work/$name-bundle" &&
      "$python" -m reelay_export.check "$work/$name-bundle"
  ) && npm run -s parity -- "$work/$name-bundle" || exit 1
done
