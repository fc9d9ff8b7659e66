#!/usr/bin/env bash
# Submits a run to a running cluster; the code is that of this checkout, the run folder ~/runs/NAME on the head node.
# Submitted again under the same name, it continues. Ctrl-C ends the view of the log, not the run: `ray job --help`.
# Usage: launch/submit.sh NAME [options of `eggroll-ray train`], such as
#   launch/submit.sh pendulum --env gymnax/Pendulum-v1 --workers auto
# The cluster is the one behind 127.0.0.1:8265 (`ray dashboard cluster.yaml`), or RAY_API_SERVER_ADDRESS.
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1
shift
export RAY_AUTH_MODE=${RAY_AUTH_MODE:-token}
# shellcheck disable=SC2016  # $HOME is that of the head node
exec ray job submit --address "${RAY_API_SERVER_ADDRESS:-http://127.0.0.1:8265}" \
  --working-dir . --runtime-env-json '{"excludes": ["/.git", "/.venv", "/docs", "/runs", "/tests"]}' \
  -- bash -c 'exec bash launch/train_or_resume.sh "$HOME/runs/$0" "$@"' "$name" "$@"
