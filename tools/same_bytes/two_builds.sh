#!/usr/bin/env bash
# Compares what two builds of the program leave, byte for byte: a change that should change no
# result is held against the build before it.
#
#     tools/same_bytes/two_builds.sh OLD_BINARY NEW_BINARY [WORK_FOLDER]
#
# Where WORK_FOLDER holds what the old build left, that is not made again: delete it to make it anew.
#
# A small cohort of phantoms, three organs, all arms, two seeds, one net an organ and one for all,
# a comparison over seeds, and predictions of another program. Prints every file that differs, is
# missing or is new, and exits with 1 if there is any. Minutes on two cores.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
old=$(realpath "$1")
new=$(realpath "$2")
work=${3:-$(mktemp -d)}
mkdir -p "$work"

# Both builds work in the same folder, one after the other: results hold absolute paths.
everything() { # binary, where to keep the results
    local run=$work/run
    rm -rf "$run" "$2"
    mkdir -p "$run"
    cd "$run"
    "$1" phantom --out phantoms --patients 10 --size 48
    for one_net in true false; do
        for seed in 3 4; do
            python3 "$here/left.py" one_net="$one_net" seed="$seed" >"net-$one_net-$seed.toml"
            "$1" run "net-$one_net-$seed.toml" --out "run-$one_net-$seed"
        done
    done
    "$1" compare net-false-3.toml --seeds 2 --organ liver --out compared
    "$1" predict --model run-true-3/liver+kidney_left+spleen/pretrained/model --input phantoms/images \
        --out predictions
    "$1" mine net-true-3.toml --store run-true-3/store --split run-true-3/split.json \
        --predictions predictions --out mined
    "$1" mine net-true-3.toml --store run-true-3/store --predictions predictions \
        --tau 0.5 --exclude suspects,broken --out mined-whole
    "$1" why --in run-true-3 phantom_003:10 >why.txt
    "$1" triage --in run-true-3 --out triage.csv >triage.txt || true
    mv "$run" "$2"
}

rm -rf "$work/new"
for build in old new; do
    [[ -d $work/$build ]] && continue
    # In a shell of its own, so that the first failure ends it (`||` would switch -e off).
    set +e
    (set -e; everything "${!build}" "$work/$build") >"$work/$build.log" 2>&1
    status=$?
    set -e
    if ((status != 0)); then
        cat "$work/$build.log"
        exit 2
    fi
done

hashes() { (cd "$1" && find . -type f -not -path '*/tensorboard/*' -print0 | sort -z | xargs -0 sha256sum); }
hashes "$work/old" >"$work/old.sha256"
hashes "$work/new" >"$work/new.sha256"
if diff "$work/old.sha256" "$work/new.sha256" >"$work/differences"; then
    printf 'the same bytes in %s files\n' "$(wc -l <"$work/old.sha256")"
else
    awk '{print $1, $3}' "$work/differences" | grep '^[<>]'
    exit 1
fi
