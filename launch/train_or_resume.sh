#!/usr/bin/env bash
# Trains into a run folder, or goes on with the run that is there: what every launcher here calls, so that a job that is
# started again, by you or by a scheduler, continues.
# Usage: launch/train_or_resume.sh RUN_FOLDER [options of `eggroll-ray train`]
set -euo pipefail
run=$1
shift
if [ -e "$run" ]; then set -- "$@" --resume; fi
exec eggroll-ray train --run "$run" "$@"
