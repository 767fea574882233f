#!/usr/bin/env bash
# Train all that comes with sketchkit from Quick, Draw! drawings and published models, and put it in place: the
# judge, the critics, doodle, doodle-more and doodle-vae.
#
#   examples/train_bundled.sh PEOPLE FEW TEACHERS FOLDER [--no-teachers]
#
# PEOPLE is a folder of simplified ndjson files, one a class, that hold hundreds of drawings or more; FEW one of files
# of some 25 drawings, of the classes of PEOPLE, of the teachers and of others; TEACHERS one of published
# decoder-only models (NAME.gen.json). FOLDER takes the data sets and the runs. It takes some eleven hours of one
# core with bfloat16 products; what was stopped goes on. With --no-teachers only a doodle is trained, from PEOPLE.
set -euo pipefail
cd "$(dirname "$0")/.."
usage="usage: examples/train_bundled.sh PEOPLE FEW TEACHERS FOLDER [--no-teachers]"
people=${1:?$usage} few=${2:?$usage} teachers=${3:?$usage} folder=${4:?$usage} alone=${5:-}
mkdir -p "$folder"

# prepare NAME DRAWINGS... OPTIONS...: a data set that is there stays. The splits are by a hash of each drawing:
# the last 15 % (40 % of FEW) of the train split are reserved for the judge; nothing learns from valid and test.
prepare() {
  local name=$1; shift
  [ -e "$folder/$name" ] || sketchkit data prepare -o "$folder/$name" --split 90/5/5 "$@"
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
  train people doodle-alone "${decoder[@]}" --seed 1 --learning-rate 1e-2 --warmup 150 --steps 2500
  exit
fi

# --- the judge and the critics ----------------------------------------------------------------------------
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
[ -e "$folder/beginnings.safetensors" ] || python examples/train_recogniser.py "$folder/people=1" \
  "$folder/taught-set=1" "$folder/few-taught-set=0.35" "$folder/few-others-set=0.05" \
  -o "$folder/beginnings.safetensors" --network plain --begun --views 9 --seed 3 --steps 5000

# From here on everything uses the critic of whole drawings, and no step looks at the judge.
cp "$folder"/{critic,beginnings}.safetensors sketchkit/critic/
cp "$folder/judge.safetensors" sketchkit/evaluate/

# The critic of flaws learns from drawings that the critic can name.
# critique NAME LEAST DRAWINGS...
critique() {
  local name=$1 least=$2; shift 2
  [ -e "$folder/$name.ndjson" ] || sketchkit data critique "$@" --least "$least" -o "$folder/$name.ndjson"
}
mkdir -p "$folder/fewer"
awk '(NR - 1) % 1000 < 700' "$folder/taught.ndjson" > "$folder/fewer/taught.ndjson"
critique fewer-good 0.5 "$folder/fewer/taught.ndjson"
critique sound-people 0.4 "$people"/*.ndjson
prepare sound "$folder"/{sound-people,fewer-good}.ndjson --reserve 15
[ -e "$folder/flaws.safetensors" ] || python examples/train_recogniser.py "$folder/sound=1" \
  -o "$folder/flaws.safetensors" --network plain --flaws --seed 3 --steps 5000
cp "$folder/flaws.safetensors" sketchkit/critic/

# --- doodle -----------------------------------------------------------------------------------------------
# First people's drawings and the teachers', 700 a class and temperature of these. Then, at a low rate, those that
# the critic can name, and of doodle's own drawings those that it can name well. Then the same two stages again.
# own NAME MODEL TEMPERATURES: what a model draws itself.
own() {
  [ -e "$folder/$1.ndjson" ] || sketchkit data distill "$2" \
    -n 400 -t "$3" --max-points 130 --seed 7 -o "$folder/$1.ndjson"
  critique "$1-good" 0.8 "$folder/$1.ndjson"
}
# refine FROM TO DATA OPTIONS...: a model that is there stays.
refine() {
  local from=$folder/$1.safetensors to=$2 data=$folder/$3; shift 3
  [ -e "$folder/$to.safetensors" ] || { python examples/refine_by_critic.py "$from" "$data" \
    -o "$folder/.$to.safetensors" --padding 1 "$@" && mv "$folder"/{.,}"$to.safetensors"; }
}
# between FIRST SECOND SHARE TO: the weights a share of the way from one model to another.
between() {
  [ -e "$folder/$4.safetensors" ] || python - "$@" "$folder/$4.safetensors" <<'PYTHON'
import sys

import sketchkit

first, second = (sketchkit.load_model(name, device="cpu") for name in sys.argv[1:3])
share, before = float(sys.argv[3]), first.state_dict()
after = {name: (1 - share) * before[name] + share * each for name, each in second.state_dict().items()}
second.load_state_dict(after)
second.save(sys.argv[5])
PYTHON
}
critique people-good 0.3 "$people"/*.ndjson
critique taught-good 0.5 "$folder/taught.ndjson"
prepare mixed "$people" "$folder/fewer/taught.ndjson" --reserve 15
prepare mixed-good "$people" "$folder/fewer-good.ndjson" --reserve 15
refined=(--classes --padding 1 --seed 2 --learning-rate 1.5e-3 --min-learning-rate 1e-5 --warmup 30 --ema 0.995
  --steps 1000)

train mixed doodle-first "${decoder[@]}" --seed 1 --learning-rate 1e-2 --warmup 150 --steps 9500
own own-first "$folder/doodle-first/best.safetensors" 0.3,0.5
prepare good-first "$folder"/{people-good,taught-good,own-first-good}.ndjson --reserve 15
train good-first doodle-second --init "$folder/doodle-first/last.safetensors" "${refined[@]}"

train mixed-good doodle-third --init "$folder/doodle-second/last.safetensors" --classes --padding 1 --seed 3 \
  --learning-rate 4e-3 --min-learning-rate 1e-5 --warmup 50 --ema 0.998 --steps 6000
own own-third "$folder/doodle-third/best.safetensors" 0.25,0.4
prepare good-third "$folder"/{people-good,taught-good,own-third-good}.ndjson --reserve 15
train good-third doodle-fourth --init "$folder/doodle-third/last.safetensors" "${refined[@]}"
# The last stage draws better and finds people's drawings less likely: seven tenths of the way to it.
between "$folder"/doodle-{third,fourth}/best.safetensors 0.7 doodle-between
# Then the critic says of each of its own drawings what it is worth, first at a constant rate, then at a falling one;
# the weights are 0.85 of the way from before.
refine doodle-between doodle-praised mixed-good --soundness 0 --seed 5 --steps 1200 --schedule constant
refine doodle-praised doodle-last mixed-good --soundness 0 --seed 6 --steps 300
between "$folder/doodle-between.safetensors" "$folder/doodle-last.safetensors" 0.85 doodle-refined
# The same with endings at every other update, and with the critic of flaws.
ending=(--endings 0.4 --batch-size 80) firmly=(--weight 6 --siblings 8 --learning-rate 2e-4)
refine doodle-refined doodle-sound-first mixed-good "${ending[@]}" --seed 5 --steps 400 --schedule constant
refine doodle-sound-first doodle-sound-second mixed-good "${ending[@]}" "${firmly[@]}" --seed 6 --steps 400 --schedule constant
refine doodle-sound-second doodle-sound-last mixed-good "${ending[@]}" "${firmly[@]}" --seed 7 --steps 450
between "$folder/doodle-refined.safetensors" "$folder/doodle-sound-last.safetensors" 0.9 doodle

# --- doodle-more ------------------------------------------------------------------------------------------
# From doodle and some fifteen drawings of each of 91 simple things, of which forty variations are made. Then the
# critic says of its drawings of 60 of these what they are worth, then of 49, and those that the judge and an eye name
# ship.
simple=(anvil banana bandage "baseball bat" bucket castle circle clock cloud crown donut envelope eye eyeglasses fish
  "floor lamp" flower fork hamburger hand hat headphones "hot air balloon" house jail ladder "light bulb" lightning
  line lollipop mountain mouth mushroom nose ocean pants "paper clip" pear "picture frame" popsicle rain rainbow
  sailboat skull snowman sock square stairs "swing set" sword t-shirt tent tooth tornado tree triangle umbrella wheel
  "wine bottle" "wine glass")
beside=(bed book chair couch cup diamond door dresser dumbbell "frying pan" hexagon hourglass key laptop leaf mailbox
  moon octagon pencil "smiley face" snail snowflake spoon star "stop sign" stove table television "The Eiffel Tower"
  "traffic light" zigzag)
given_up=(anvil bandage castle eye fork ladder lightning mouth rainbow skull wheel)
left_out=(fish hamburger house umbrella banana eyeglasses "hot air balloon" "light bulb" pear sailboat "swing set"
  triangle "wine bottle")
# without NAME...: the simple things without others, in the array `rest`.
without() {
  local name; rest=()
  for name in "${simple[@]}"; do [[ " $(printf '%q ' "$@")" == *" $(printf '%q' "$name") "* ]] || rest+=("$name"); done
}
# vary NAME CLASSES...
vary() {
  local output=$folder/$1.ndjson name each=(); shift
  for name in "$@"; do each+=(--class "$name"); done
  [ -e "$output" ] || python examples/vary_drawings.py "$folder/few-others-set" -n 40 "${each[@]}" -o "$output"
}
# alone FROM TO CLASSES...: a model of some classes of another one.
alone() {
  [ -e "$folder/$2.safetensors" ] || python - "$folder/$1.safetensors" "$folder/$2.safetensors" "${@:3}" <<'PYTHON'
import dataclasses
import sys

import sketchkit
from sketchkit.training.transfer import take_weights

whole, names = sketchkit.load_model(sys.argv[1], device="cpu"), tuple(sorted(sys.argv[3:]))
sizes = dataclasses.replace(whole.architecture, classes=len(names))
part = type(whole)(sizes, dataclasses.replace(whole.card, classes=names))
take_weights(part, whole)
part.save(sys.argv[2])
PYTHON
}
vary varied "${simple[@]}" "${beside[@]}"
vary varied-simple "${simple[@]}"
prepare more-set "$folder/varied.ndjson" "$people" "$folder/fewer-good.ndjson" --reserve 15 --split 98/1/1
prepare simple-set "$folder/varied-simple.ndjson" --split 98/1/1
train more-set doodle-more-first --init "$folder/doodle.safetensors" --classes --padding 1 --seed 4 --balance 1 \
  --learning-rate 2e-3 --min-learning-rate 1e-5 --warmup 50 --ema 0.995 --recurrent-dropout 0.15 --steps 3600
alone doodle-more-first/best doodle-more-second "${simple[@]}"
looking=(--soundness 0 --groups 12 --siblings 8 --temperature 0.3 --weight 10 --batch-size 32)
refine doodle-more-second doodle-more-third simple-set "${looking[@]}" --learning-rate 1e-3 --seed 13 --steps 1100
refine doodle-more-third doodle-more-fourth simple-set "${looking[@]}" --learning-rate 7e-4 --seed 15 --steps 650
without "${given_up[@]}"
vary varied-fewer "${rest[@]}"
prepare fewer-simple-set "$folder/varied-fewer.ndjson" --split 98/1/1
alone doodle-more-fourth doodle-more-fifth "${rest[@]}"
refine doodle-more-fifth doodle-more-last fewer-simple-set "${looking[@]}" --learning-rate 6e-4 --seed 17 --steps 500
without "${given_up[@]}" "${left_out[@]}"
alone doodle-more-last doodle-more "${rest[@]}"

# --- doodle-vae -------------------------------------------------------------------------------------------
# First z learns to say nearly everything, while the pen goes a little astray, so that z says where things are and not
# only how they go on; then the pen goes further astray and L_KL weighs more, so that there are drawings between
# drawings. Last, the prior.
vae=(--backend vae --classes --position --recurrent-dropout 0 --kl-start 1 --kl-minimum 0)
train mixed-good doodle-vae-first "${vae[@]}" --seed 5 --offset-noise 5 --kl-weight 0.04 --learning-rate 8e-3 \
  --min-learning-rate 5e-4 --warmup 100 --ema 0.999 --steps 6500
train mixed-good doodle-vae-second --init "$folder/doodle-vae-first/last.safetensors" "${vae[@]}" --seed 6 \
  --offset-noise 10 --kl-weight 0.15 --learning-rate 3e-3 --warmup 50 --ema 0.998 --steps 4200
[ -e "$folder/doodle-vae.safetensors" ] || sketchkit models prior "$folder/doodle-vae-second/best.safetensors" \
  "$folder/mixed-good" --steps 8000 -o "$folder/doodle-vae.safetensors"

# --- in place ---------------------------------------------------------------------------------------------
licence='CC BY 4.0. Trained on the Quick, Draw! dataset, made available by Google under CC BY 4.0'
taught='. Learnt in part from drawings made by models that Google Magenta published, which were trained on the Quick,
Draw! dataset (CC BY 4.0)'
# export_as NAME FILE LICENCE
export_as() {
  sketchkit models export "$2" -o "sketchkit/bundled/$1.safetensors" --dtype float16 --name "$1" \
    --licence "${3//$'\n'/ }" --force
}
export_as doodle "$folder/doodle.safetensors" "$licence$taught"
export_as doodle-more "$folder/doodle-more.safetensors" "$licence$taught"
export_as doodle-vae "$folder/doodle-vae.safetensors" "$licence$taught"
