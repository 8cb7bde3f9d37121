#!/bin/sh
# The whole way on synthetic playlists: make them, read them, fit, judge, recommend, look (extra `plots`).
#   sh examples/demo.sh [playlistrec] [folder]
set -eu
playlistrec=${1:-playlistrec}
out=${2:-demo}
rm -rf "$out"

run() {
    printf '\n$ playlistrec'
    for word in "$@"; do
        case $word in *' '*) printf ' "%s"' "$word" ;; *) printf ' %s' "$word" ;; esac
    done
    printf '\n'
    "$playlistrec" "$@"
}

run synth "$out/slices" --playlists 2000
run preprocess "$out/slices" -o "$out/data" --k-core 5
for model in popularity itemknn; do
    run fit "$out/data" -m $model -o "$out/$model"
done
# The tracks' vectors of three epochs are kept: the report shows how the artists part.
run fit "$out/data" -m lightgcn -o "$out/lightgcn" --time-limit 2m --set snapshot_epochs=0,5,20
for model in popularity itemknn lightgcn; do
    run evaluate "$out/$model" --split test -k 20
done
run recommend "$out/lightgcn" --playlist 7
# Names are found whatever their case and accents: the first is "Vüre Fün" by Žü.
run recommend "$out/lightgcn" --track "zu - vure fun" --track "Jamurkun Zan" -k 5
run report "$out/lightgcn" "$out/itemknn" "$out/popularity" -o "$out/report.html"
# The page needs the extra `serve`.
printf '\nTo build playlists on a page with this run, and see them continued:\n\n  %s serve %s/lightgcn\n\n' "$playlistrec" "$out"
printf 'then open http://127.0.0.1:8000 in a browser.\n'
