#!/usr/bin/env bash
# Submits a run to a running cluster; the code is that of this checkout, the run folder ~/runs/NAME on the head node.
# Submitted again under the same name, it continues. Ctrl-C ends the view of the log, not the run: `ray job --help`.
# Usage: launch/submit.sh NAME [options of `eggroll-ray train`], such as
#   launch/submit.sh pendulum --env gymnax/Pendulum-v1 --workers auto
# It waits twenty minutes for workers that are still being installed; --wait-seconds says otherwise.
# The cluster is the one behind 127.0.0.1:8265 (`ray dashboard cluster.yaml`), or RAY_API_SERVER_ADDRESS.
# What goes to the cluster: eggroll_ray/ and envs/, and what EGGROLL_RAY_SHIP names of this folder, as in
#   EGGROLL_RAY_SHIP="my_env.py my_package" launch/submit.sh own --env gym/my_env:Mine-v0
# and of that nothing whose name begins with a dot. Nothing else: keys and passwords may lie here.
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1
shift
[[ " $* " == *" --wait"[-_]"seconds"[=\ ]* ]] || set -- "$@" --wait-seconds 1200

shipped=$(mktemp -d)
trap 'rm -rf "$shipped"' EXIT
read -r -a more <<< "${EGGROLL_RAY_SHIP:-}"
{
  find eggroll_ray envs -name '.*' -prune -o -type f \
    \( -name '*.py' -o -name py.typed -o -path 'envs/assets/*.js' -o -path 'envs/assets/*.txt' \) -print0
  find launch/train_or_resume.sh ${more[@]+"${more[@]}"} -name '.?*' -prune -o -type f -print0
} | tar --create --null --files-from=- | tar --extract --directory="$shipped"

export RAY_AUTH_MODE=${RAY_AUTH_MODE:-token}
# shellcheck disable=SC2016  # $HOME is that of the head node
ray job submit --address "${RAY_API_SERVER_ADDRESS:-http://127.0.0.1:8265}" --working-dir "$shipped" \
  -- bash -c 'exec bash launch/train_or_resume.sh "$HOME/runs/$0" "$@"' "$name" "$@"
