#!/bin/sh
# Hands the jobs that are not done to Slurm, as arrays, one wave after the other. What stands behind
# the name goes to sbatch: sh slurm.sh --partition=long --account=mine
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$here/logs" "$here/done"
# A per cent sign begins a pattern in the names of Slurm's logs.
logs=$(printf '%s/logs' "$here" | sed 's/%/%%/g')

# Array indices of the jobs from $1 to $2 that are not done, less $3: 1-4,7
missing() {
    id=$1
    while [ "$id" -le "$2" ]; do
        [ -e "$here/done/$id" ] || printf '%d\n' $((id - $3))
        id=$((id + 1))
    done | awk '
        NR > 1 && $1 == last + 1 { last = $1; next }
        { if (NR > 1) printf "%s,", first == last ? first : first "-" last; first = last = $1 }
        END { if (NR) printf "%s", first == last ? first : first "-" last }'
}

# An array: first job, last job, cores, memory in 10^6 bytes, minutes; what goes to sbatch.
submit() {
    first=$1 last=$2 cores=$3 memory=$4 minutes=$5
    shift 5
    offset=$((first - 1))
    list=$(missing "$first" "$last" "$offset")
    [ -n "$list" ] || return 0
    # Two minutes before its time is over a job is asked to stop, and saves a checkpoint.
    HARDSLICE_JOBS=$here HARDSLICE_OFFSET=$offset sbatch --export=ALL --parsable --job-name=hardslice --array="$list" --cpus-per-task="$cores" \
        --mem="${memory}M" --time="$minutes" --requeue --open-mode=append --signal=B:TERM@120 \
        --output="$logs/%A_%a.log" "$@" <<'JOB'
#!/bin/sh
id=$((SLURM_ARRAY_TASK_ID + HARDSLICE_OFFSET))
command=$(sed -n "${id}p" "$HARDSLICE_JOBS/commands")
asked=
sh -c "exec $command" &
child=$!
trap 'asked=1; kill -TERM "$child"' TERM
wait "$child"
status=$?
if [ -n "$asked" ]; then
    wait "$child"
    status=$?
fi
# Stopped with a checkpoint, it goes on when it is run again; one that was cancelled is let go.
job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
if [ "$status" -eq 75 ] && [ "$(squeue --noheader --jobs "$job" --format %T)" = RUNNING ]; then
    scontrol requeue "$job"
fi
exit "$status"
JOB
}

# Waits for nothing that was submitted in this call, or for all of the wave before.
after=
wave() {
    submitted=
    n_of_wave=$2
    next=$1
    end=$(($1 + $2 - 1))
    shift 2
    cores=$1 memory=$2 minutes=$3
    shift 3
    # Clusters take array indices up to 1000 unless they are told otherwise.
    while [ "$next" -le "$end" ]; do
        until=$((next + 999))
        [ "$until" -le "$end" ] || until=$end
        array=$(submit "$next" "$until" "$cores" "$memory" "$minutes" $after "$@")
        array=${array%%;*}
        [ -z "$array" ] || submitted="$submitted:$array"
        next=$((until + 1))
    done
    echo "$n_of_wave jobs, those that are not done in arrays${submitted:- (none)}"
    # Whatever became of that wave: a job whose need is not done says so and ends.
    after=
    [ -z "$submitted" ] || after="--dependency=afterany$submitted"
}

