#!/bin/sh
# A campaign as a Slurm array, from a folder that all machines share:
#   sbatch slurm-array.sh hardware/campaigns/release.yaml
#   sbatch --dependency=afterany:JOBID --wrap 'npx voteplane report merge campaign-*.json --html report.html'
# A task that is stopped by the time limit goes on with --resume when it is queued again.
#SBATCH --job-name=voteplane
#SBATCH --array=1-64
#SBATCH --cpus-per-task=4
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@60
#SBATCH --requeue
set -u
shard=$SLURM_ARRAY_TASK_ID
exec srun npx voteplane campaign "$1" --shard "$shard/$SLURM_ARRAY_TASK_MAX" --jobs "$SLURM_CPUS_PER_TASK" \
  --journal "campaign-$shard.jsonl" --resume --json "campaign-$shard.json"
