// Runs the modules of the page to send, on what such a page holds: a call a line on stdin, its result on stdout, as JSON.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { complete } from '../sketchkit_canvas/web/complete.js';
import { smooth } from '../sketchkit_canvas/web/curves.js';
import { Mind } from '../sketchkit_canvas/web/mind.js';
import { uniforms } from '../sketchkit_canvas/web/noise.js';
import { readBeginning } from '../sketchkit_canvas/web/units.js';

const html = readFileSync(process.argv[2], 'utf8');
const block = (id) => new RegExp(`<script type="[^"]+" id="${id}">([^]*?)</script>`).exec(html)[1];
const mind = await Mind.load(JSON.parse(block('facts')), block('weights'), block('kernel'));
const { lstm } = mind;

function raws(labels) {
  return labels.map((_, b) => Array.from(lstm.rawOf(b)));
}

const CALLS = {
  // rows [T][B][5]; where states are given, [T][B], each step begins with them
  step({ labels, rows, states }) {
    labels.forEach((label, b) => lstm.put(b, lstm.begin(label)));
    return rows.map((row, t) => {
      states?.[t].forEach(({ hidden, memory, at }, b) => {
        const filled = (values) => Float32Array.from({ length: lstm.facts.units }, (_, i) => values[i] ?? 0);
        const whole = Int16Array.from(filled(hidden), (value) => Math.round(Math.fround(value * 127)));
        lstm.put(b, { ...lstm.begin(labels[b]), hidden: filled(hidden), memory: filled(memory), whole, at });
      });
      lstm.step(row);
      return raws(labels);
    });
  },
  async complete(wish) {
    let taken = null;
    const endings = await complete(mind, wish, (found) => (taken = found), async () => {});
    return { taken, endings };
  },
  uniforms: (places) => places.map((place) => uniforms(...place)),
  chances: ({ name, strokes }) => mind[name].chances(strokes, mind[name].facts.classes),
  read: ({ strokes, scale }) => readBeginning(strokes, scale, lstm.facts.scale_factor),
  smooth: (strokes) => smooth(strokes),
  speed({ batch, steps }) {
    for (let b = 0; b < batch; b++) lstm.put(b, lstm.begin(null));
    const rows = Array.from({ length: batch }, () => [0.1, 0.2, 1, 0, 0]);
    const before = process.cpuUsage();
    for (let t = 0; t < steps; t++) lstm.step(rows);
    const { user, system } = process.cpuUsage(before);
    return (batch * steps * 1e6) / (user + system);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, argument] = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await CALLS[name](argument))}\n`);
}
