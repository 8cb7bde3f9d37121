#!/bin/sh
# The whole way on synthetic playlists: make them, read them, fit, judge, recommend.
#   sh examples/demo.sh [playlistrec] [folder]
set -eu
playlistrec=${1:-playlistrec}
out=${2:-demo}
rm -rf "$out"

run() {
    printf '\n$ playlistrec %s\n' "$*"
    "$playlistrec" "$@"
}

run synth "$out/slices" --playlists 2000
run preprocess "$out/slices" -o "$out/data" --k-core 5
run fit "$out/data" -m popularity -o "$out/popularity"
run fit "$out/data" -m lightgcn -o "$out/lightgcn" --time-limit 2m
run evaluate "$out/popularity" --split test -k 20
run evaluate "$out/lightgcn" --split test -k 20
run recommend "$out/lightgcn" --playlist 7

# Two tracks of that playlist, by name: what a person without a playlist would type.
first=$("$playlistrec" recommend "$out/lightgcn" --playlist 7 -k 2 --json | sed 's/.*"rank": 1, [^}]*"track_name": "\([^"]*\)", "artist_name": "\([^"]*\)".*/\2 - \1/')
second=$("$playlistrec" recommend "$out/lightgcn" --playlist 7 -k 2 --json | sed 's/.*"rank": 2, [^}]*"track_name": "\([^"]*\)", "artist_name": "\([^"]*\)".*/\2 - \1/')
printf '\n$ playlistrec recommend %s --track "%s" --track "%s" -k 5\n' "$out/lightgcn" "$first" "$second"
"$playlistrec" recommend "$out/lightgcn" --track "$first" --track "$second" -k 5
