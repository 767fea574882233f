#!/usr/bin/env bash
# Train the two models that come with sketchkit, from Quick, Draw! drawings of 25 classes, and put them in place.
#
#   examples/train_bundled.sh DRAWINGS... -- FOLDER
#
# DRAWINGS are folders of simplified ndjson files, one a class; FOLDER takes the data sets and the runs, and what
# was stopped goes on. It takes some two to three hours of one core with bfloat16 products.
set -euo pipefail
cd "$(dirname "$0")/.."

drawings=()
while [ "${1:---}" != -- ]; do drawings+=("$1"); shift; done
folder=${2:?"usage: examples/train_bundled.sh DRAWINGS... -- FOLDER"}

common=(--batch-size 100 --schedule cosine --balance 0.3 --precision bfloat16 --threads 1 --grid 50
  --evaluate-every 500 --save-every 500 --patience 0)

# train DATA RUN OPTIONS...: a run that is there goes on with the options that it was begun with.
train() {
  local data=$1 run=$2; shift 2
  if [ -e "$folder/$run/run.json" ]; then
    sketchkit train "$folder/$data" -o "$folder/$run" --resume
  else
    sketchkit train "$folder/$data" -o "$folder/$run" "${common[@]}" "$@"
  fi
}

# The splits are by a hash of each drawing: what is held out of one set is not learnt from in the other.
[ -e "$folder/all" ] || sketchkit data prepare "${drawings[@]}" -o "$folder/all" --split 90/5/5
[ -e "$folder/short" ] || sketchkit data prepare "${drawings[@]}" -o "$folder/short" --split 90/5/5 --max-points 80

# In the second stage the one drawing in twenty of more than 80 points is left out: they are mostly scribbles, which
# a model at a low temperature falls into and does not know how to end.
decoder=(--warmup 100 --ema 0.999 --padding 1)
train all doodle-first --seed 1 --backend decoder --classes "${decoder[@]}" --steps 12000
train short doodle --seed 1 --init "$folder/doodle-first/best.safetensors" "${decoder[@]}" --steps 1500 \
  --learning-rate 2e-4 --nmax 198

# First z learns to say nearly everything, then the pen goes further astray, so that z says where things are and not
# only how they go on; in the end L_KL weighs more, so that there are drawings between drawings.
vae=(--recurrent-dropout 0 --kl-start 1 --kl-minimum 0)
train all doodle-vae-first --seed 5 --backend vae --classes --position --stray 3 "${vae[@]}" \
  --kl-weight 0.02 --warmup 100 --ema 0.999 --steps 6000
train all doodle-vae-second --seed 6 --init "$folder/doodle-vae-first/last.safetensors" --stray 10 "${vae[@]}" \
  --kl-weight 0.02 --warmup 100 --ema 0.999 --steps 2900 --learning-rate 1e-3
train all doodle-vae --seed 8 --init "$folder/doodle-vae-second/last.safetensors" --stray 10 "${vae[@]}" \
  --kl-weight 0.15 --warmup 50 --ema 0.998 --steps 3200 --learning-rate 9e-4

licence='CC BY 4.0. Trained on the Quick, Draw! dataset, made available by Google under CC BY 4.0'
for name in doodle doodle-vae; do
  sketchkit models export "$folder/$name/best.safetensors" -o "sketchkit/bundled/$name.safetensors" \
    --dtype float16 --name "$name" --licence "$licence" --force
done
