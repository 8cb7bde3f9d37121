#!/usr/bin/env bash
# The whole way on synthetic playlists, a row a step: seconds, processor seconds, peak memory, and what it printed last.
# FOLDER is made; its steps.log has what the commands said on the way. RECORD=TABLE keeps the rows in results/TABLE.json.
#
#     benchmarks/million.sh 1000000 FOLDER      # 60 GB of disk; a challenge of 10,000 playlists
#     benchmarks/million.sh 20000 FOLDER        # a challenge of 1,000
set -euo pipefail
n="${1:?number of playlists}" folder="${2:?folder to work in}"
python="${PYTHON:-python}"
here="$(cd "$(dirname "$0")" && pwd)"
mkdir "$folder" && cd "$folder"

kept=(--data "$n synthetic playlists" --script "benchmarks/million.sh $n FOLDER" ${RECORD:+--record "$RECORD"})
timed() { "$python" "$here/timed.py" "${kept[@]}" "$1" "$python" "${@:2}" 2>> steps.log; }
step() { timed "$1" -m playlistrec "${@:2}"; }

echo "| step | seconds | processor | peak memory | |"
echo "|---|---|---|---|---|"
step "synth" synth slices --playlists "$n"
step "preprocess" preprocess slices -o data --k-core 5 --split continuation --valid 0.01 --test 0.01
step "fit popularity" fit data -m popularity -o popularity
step "fit itemknn" fit data -m itemknn --set neighbours=100 -o itemknn
step "fit aggregate" fit data -m aggregate -o aggregate --checkpoint-every 5m
for run in popularity itemknn aggregate; do
  timed "evaluate $run" "$here/million.py" data "$run"
done
step "challenge make" challenge make data -o challenge
step "fit for the challenge" fit challenge/data -m aggregate -o answers --checkpoint-every 5m
step "challenge submit" challenge submit answers challenge -o submission.csv.gz --team none --email none@example.org
step "challenge verify" challenge verify submission.csv.gz challenge
step "challenge score" challenge score submission.csv.gz challenge
seq 1000 | sed 's/.*/{"id": &, "title": "mix &"}/' > queries.jsonl
step "recommend, one title" recommend answers --title "summer" --format csv
step "recommend, 1,000 titles" recommend answers --batch queries.jsonl -o lists.jsonl
step "fit aggregate within 2 minutes" fit data -m aggregate -o limited --time-limit 2m
timed "evaluate aggregate of 2 minutes" "$here/million.py" data limited
