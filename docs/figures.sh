#!/bin/sh
# Makes the figures and reports of the documentation, from what `make demo` left and, if it is given, from the Polimi
# playlists (a folder with train.csv.gz and test.csv.gz).
#   make demo && sh docs/figures.sh .venv/bin/playlistrec demo [POLIMI]
set -eu
playlistrec=$1
demo=$2
polimi=${3:-}
out=$(dirname "$0")/_static

"$playlistrec" plot popularity "$demo/data" -o "$out/popularity.png"
"$playlistrec" plot graph "$demo/data" -o "$out/graph.png"
"$playlistrec" plot epochs "$demo/lightgcn" -o "$out/map.png"
"$playlistrec" plot training "$demo/lightgcn" -o "$out/training.png"
cp "$demo/report.html" "$out/demo.html"

[ -n "$polimi" ] || exit 0
work=$(mktemp -d)
"$playlistrec" preprocess "$polimi" -o "$work/data" --split given --limit 10000
same="--epochs 10 --set batch_size=4096 --set lr=0.01 --set eval_every=2 --set n_negatives=1 --set snapshot_epochs=0,2,10"
for model in lightgcn sage gat; do
    "$playlistrec" fit "$work/data" -m $model --preset $model-small -o "$work/$model-random" $same
done
for model in lightgcn sage; do
    "$playlistrec" fit "$work/data" -m $model --preset $model-small -o "$work/$model-hard" $same --set hard_negative_candidates=8
done
"$playlistrec" fit "$work/data" -m itemknn -o "$work/itemknn"
"$playlistrec" report "$work/lightgcn-random" "$work/lightgcn-hard" "$work/sage-random" "$work/sage-hard" \
    "$work/gat-random" "$work/itemknn" -o "$out/polimi.html"
rm -r "$work"
