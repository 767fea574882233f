#!/usr/bin/env bash
# Train all that comes with sketchkit from Quick, Draw! drawings and published models, and put it in place: the
# judge, the critic, doodle and doodle-vae.
#
#   examples/train_bundled.sh PEOPLE FEW TEACHERS FOLDER [--no-teachers]
#
# PEOPLE is a folder of simplified ndjson files, one a class, that hold hundreds of drawings or more; FEW one of files
# of some 25 drawings, of the classes of PEOPLE, of the teachers and of others; TEACHERS one of published
# decoder-only models (NAME.gen.json). FOLDER takes the data sets and the runs. It takes some ten hours of one
# core with bfloat16 products; what was stopped goes on. With --no-teachers only a doodle is trained, from PEOPLE.
set -euo pipefail
cd "$(dirname "$0")/.."
usage="usage: examples/train_bundled.sh PEOPLE FEW TEACHERS FOLDER [--no-teachers]"
people=${1:?$usage} few=${2:?$usage} teachers=${3:?$usage} folder=${4:?$usage} alone=${5:-}
mkdir -p "$folder"

# prepare NAME DRAWINGS... OPTIONS...: a data set that is there stays. The splits are by a hash of each drawing:
# the last 15 % (40 % of FEW) of the train split are reserved for the judge, valid and test are seen by none.
prepare() {
  local name=$1; shift
  [ -e "$folder/$name" ] || sketchkit data prepare "$@" -o "$folder/$name" --split 90/5/5
}
# train DATA RUN OPTIONS...: a run that is there goes on.
train() {
  local data=$1 run=$2; shift 2
  sketchkit train "$folder/$data" -o "$folder/$run" --resume auto --batch-size 100 --schedule cosine \
    --balance 0.5 --precision bfloat16 --threads 1 --grid 45 --evaluate-every 1000 --save-every 500 "$@"
}
# distill NAME SEED N: what the teachers draw, N a class at each of three temperatures.
distill() {
  [ -e "$folder/$1.ndjson" ] ||
    sketchkit data distill "$teachers"/*.gen.json -o "$folder/$1.ndjson" --seed "$2" -n "$3" --max-points 130
}
# The files of FEW whose classes PEOPLE does not have, in two folders: of the teachers' classes, and of others.
part_few() {
  local file name kind
  mkdir -p "$folder/few-taught" "$folder/few-others"
  for file in "$few"/*.ndjson; do
    name=$(basename "$file" .ndjson) kind=others
    [ -e "$people/$name.ndjson" ] && continue
    [ -e "$teachers/${name// /_}.gen.json" ] && kind=taught
    ln -sf "$(realpath "$file")" "$folder/few-$kind/"
  done
}

decoder=(--classes --position --hidden 768 --ema 0.999 --padding 1)
if [ "$alone" = --no-teachers ]; then
  prepare people "$people" --reserve 15
  train people doodle-alone-first "${decoder[@]}" --seed 1 --learning-rate 1e-2 --warmup 150 --steps 9500
  exit
fi

# --- the judge and the critic -----------------------------------------------------------------------------
part_few
distill taught 1 1000
distill taught-judge 1000 300
prepare judge-people "$people" --reserve 15 --reserved
prepare judge-taught "$folder/taught-judge.ndjson"
for kind in taught others; do
  prepare "judge-few-$kind" "$folder/few-$kind" --reserve 40 --reserved
  prepare "few-$kind-set" "$folder/few-$kind" --reserve 40
done
prepare people "$people" --reserve 15
prepare taught-set "$folder/taught.ndjson"
[ -e "$folder/judge.safetensors" ] || python examples/train_recogniser.py "$folder/judge-people=1" \
  "$folder/judge-taught=1" "$folder/judge-few-taught=0.35" "$folder/judge-few-others=0.05" \
  --test "$folder/people" -o "$folder/judge.safetensors" --network residual --views 9 --seed 7 --steps 4500
[ -e "$folder/critic.safetensors" ] || python examples/train_recogniser.py "$folder/people=1" \
  "$folder/taught-set=1" "$folder/few-taught-set=0.35" "$folder/few-others-set=0.05" \
  -o "$folder/critic.safetensors" --network plain --seed 3 --steps 5000
