#!/bin/sh
# A campaign over the processors of one machine, or over several with --sshlogin, by GNU parallel:
#   gnu-parallel.sh CAMPAIGN SHARDS FOLDER
# leaves shard results, the merged result and the report in FOLDER. Started again it goes on where it was.
set -eu
campaign=$1 shards=$2 folder=$3
voteplane=${VOTEPLANE:-npx voteplane}
mkdir -p "$folder"

# A shard in which something failed (exit 1) has a result all the same; merging tells.
seq "$shards" | parallel --will-cite --halt never \
  "$voteplane campaign '$campaign' --shard {}/$shards --jobs 1 --journal '$folder/{}.jsonl' --resume \
    --json '$folder/shard-{}.json' >'$folder/{}.log' 2>&1" || true

$voteplane report merge "$folder"/shard-*.json \
  --json "$folder/result.json" --html "$folder/report.html" --junit "$folder/junit.xml"
