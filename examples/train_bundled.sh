#!/usr/bin/env bash
# Train the two models that come with sketchkit, from Quick, Draw! drawings of 25 classes, and put them in place.
#
#   examples/train_bundled.sh DRAWINGS... -- FOLDER
#
# DRAWINGS are folders of simplified ndjson files; FOLDER takes the data set and the runs, and a run that was
# stopped goes on. Each model takes some 90 minutes on one core with bfloat16 products.
set -euo pipefail
cd "$(dirname "$0")/.."

drawings=()
while [ "${1:---}" != -- ]; do drawings+=("$1"); shift; done
folder=${2:?"usage: examples/train_bundled.sh DRAWINGS... -- FOLDER"}

[ -e "$folder/quickdraw-25" ] || sketchkit data prepare "${drawings[@]}" -o "$folder/quickdraw-25" --split 90/5/5

common=(--classes --batch-size 100 --schedule cosine --warmup 100 --ema 0.999 --balance 0.3
        --precision bfloat16 --threads 1 --seed 1 --grid 50)

# A run that is there goes on with the options that it was begun with.
run() {
  local name=$1; shift
  if [ -e "$folder/$name/run.json" ]; then
    sketchkit train "$folder/quickdraw-25" -o "$folder/$name" --resume
  else
    sketchkit train "$folder/quickdraw-25" -o "$folder/$name" "${common[@]}" "$@"
  fi
}

run doodle --backend decoder --steps 15000
run doodle-vae --backend vae --steps 7000 --kl-weight 0.25 --kl-rate 0.9995 --kl-minimum 0.4

licence='CC BY 4.0. Trained on the Quick, Draw! dataset, made available by Google under CC BY 4.0'
for name in doodle doodle-vae; do
  sketchkit models export "$folder/$name/best.safetensors" -o "sketchkit/bundled/$name.safetensors" \
    --dtype float16 --name "$name" --licence "$licence" --force
done
