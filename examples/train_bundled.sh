#!/usr/bin/env bash
# Train the two models that come with sketchkit, from Quick, Draw! drawings of 25 classes, and put them in place.
#
#   examples/train_bundled.sh DRAWINGS... -- FOLDER
#
# DRAWINGS are folders of simplified ndjson files, one a class; FOLDER takes the data sets and the runs, and what
# was stopped goes on. It takes some three hours of one core with bfloat16 products.
set -euo pipefail
cd "$(dirname "$0")/.."

drawings=()
while [ "${1:---}" != -- ]; do drawings+=("$1"); shift; done
folder=${2:?"usage: examples/train_bundled.sh DRAWINGS... -- FOLDER"}

common=(--batch-size 100 --schedule cosine --warmup 100 --ema 0.999 --balance 0.3 --precision bfloat16
        --threads 1 --seed 1 --grid 50)

# train DATA RUN OPTIONS...: a run that is there goes on with the options that it was begun with.
train() {
  local data=$1 run=$2; shift 2
  if [ -e "$folder/$run/run.json" ]; then
    sketchkit train "$folder/$data" -o "$folder/$run" --resume
  else
    sketchkit train "$folder/$data" -o "$folder/$run" "${common[@]}" "$@"
  fi
}

[ -e "$folder/real" ] || sketchkit data prepare "${drawings[@]}" -o "$folder/real" --split 90/5/5
train real doodle-first --backend decoder --classes --steps 12000
train real doodle-vae --backend vae --classes --steps 7000 --kl-weight 0.25 --kl-rate 0.9995 --kl-minimum 0.4

# At low temperatures the first doodle may fall into a scribble that it does not know how to end: nobody it
# learnt from had drawn that. So it learns on for a while, also from drawings of its own at such temperatures,
# those that came to an end. Real drawings of more than 120 points are left out here, one in two hundred.
own="$folder/own"
mkdir -p "$own"
classes=$(sketchkit models info "$folder/doodle-first/best.safetensors" --json |
  python -c 'import json, sys; print("\n".join(json.load(sys.stdin)["card"]["classes"]))')
while read -r class; do
  for settings in "paper 300 1" "javascript 200 2"; do
    read -r rule count seed <<< "$settings"
    mkdir -p "$own/$rule"
    [ -e "$own/$rule/$class.ndjson" ] || sketchkit sample --model "$folder/doodle-first/best.safetensors" \
      --class "$class" -n "$count" --seed "$seed" --temperature 0.25 -O "rule=$rule" -o "$own/$rule/$class.ndjson"
  done
done <<< "$classes"
[ -e "$folder/both" ] || sketchkit data prepare "${drawings[@]}" "$own/paper" "$own/javascript" \
  -o "$folder/both" --split 90/5/5 --simplify never --max-points 120
train both doodle --init "$folder/doodle-first/best.safetensors" --steps 1500 --learning-rate 3e-4

licence='CC BY 4.0. Trained on the Quick, Draw! dataset, made available by Google under CC BY 4.0'
for name in doodle doodle-vae; do
  sketchkit models export "$folder/$name/best.safetensors" -o "sketchkit/bundled/$name.safetensors" \
    --dtype float16 --name "$name" --licence "$licence" --force
done
