#!/usr/bin/env bash
# Runs on the nodes of a SLURM job. Submit it in the checkout, whose .venv and runs all nodes must see:
#   sbatch --nodes 4 launch/slurm.sh runs/pendulum --env gymnax/Pendulum-v1
# What follows the run folder are options of `eggroll-ray train`. Submitted again, or requeued after a preemption or a
# lost machine, it continues after the last generation that it had finished.
#SBATCH --job-name=eggroll-ray
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
# Whole machines: Ray takes fixed ports, and at the end stops every Ray of yours on the machine.
#SBATCH --exclusive
# With one # less, where the nodes have GPUs (and pip install "jax[cuda12]" into the .venv):
##SBATCH --gpus-per-node=1
set -euo pipefail
export PATH="$PWD/.venv/bin:$PATH"

# Others are on the same network: without the token, which lies in your home folder, nobody can run anything. They can
# read Ray's metrics, and ask whether it is well.
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
(umask 077 && ray get-auth-token --generate > /dev/null)

# On a slow file system nodes may take minutes to start Python. At the end they leave 10 s after the first one, not 60.
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=600 RAY_gcs_rpc_server_reconnect_timeout_s=10

# Where SLURM does not use cgroups, a job that was killed or requeued leaves its Ray behind, which this one would join.
srun --cpu-bind=none ray stop --force > /dev/null

# The first node's address as another one sees it: itself it may find 127.0.1.1, as Debian writes it into /etc/hosts.
mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
if ((${#nodes[@]} == 1)); then
  head=127.0.0.1
else
  head=$(srun --cpu-bind=none --nodes=1 --ntasks=1 --nodelist="${nodes[1]}" getent ahostsv4 "${nodes[0]}")
fi
address=${head%%[[:space:]]*}:6379

# One Ray node per machine; the command after -- runs on the first alone. The trainer itself waits for the others
# (--nodes), since a node that cannot join does not make srun fail, and since symmetric-run of Ray 2.60 with its own
# option for that, --min-nodes, ends with an error after a success too. When the first node's part fails, the others
# would wait for it; srun ends them.
set +e
srun --cpu-bind=none --kill-on-bad-exit=1 ray symmetric-run --address "$address" \
  -- bash launch/train_or_resume.sh "$@" \
  --workers auto --address "$address" --nodes "$SLURM_JOB_NUM_NODES" --wait-seconds 600
status=$?
srun --cpu-bind=none ray stop --force > /dev/null # symmetric-run leaves what does not stop within 16 s
exit $status
