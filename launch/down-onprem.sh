#!/usr/bin/env bash
# Stops Ray on all machines that `ray up launch/cluster-onprem.yaml` has started it on; the runs stay on the head.
# `ray down` stops the head alone: the workers' agents would go on, and listen, without an end.
# Usage: launch/down-onprem.sh [CLUSTER.yaml]
set -euo pipefail
cluster=${1:-$(dirname "$0")/cluster-onprem.yaml}

# The words of the file, split by Python, which Ray has brought; Ray is the virtual environment's, or that of the PATH.
read -r user workers < <(python3 - "$cluster" << 'PYTHON'
import sys, yaml

config = yaml.safe_load(open(sys.argv[1]))
print(config["auth"]["ssh_user"], *config["provider"]["worker_ips"])
PYTHON
)

# The head reaches the workers, with the key that `ray up` has put there; this machine may not. The head goes first:
# it would start again the workers that stop.
# shellcheck disable=SC2016  # $ip and $left are the head's
stop='
~/eggroll-ray/.venv/bin/ray stop --force
for ip in '$workers'; do
  ssh -i ~/ray_bootstrap_key.pem -o BatchMode=yes -o ConnectTimeout=10 -o StrictHostKeyChecking=no \
    -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR '$user'@$ip "~/eggroll-ray/.venv/bin/ray stop --force" \
    < /dev/null || { echo "Ray may still run on $ip"; left=1; }
done
exit ${left:-0}'
ray exec "$cluster" "$stop" && failed=0 || failed=1
ray down --yes "$cluster"
exit "$failed"
