// The products and gates of the network, four or eight numbers at a time (AssemblyScript; `npm run vectors` makes vectors.wasm).
// All arguments are places in memory, or counts: outputs and inputs are multiples of 4 (of 8 bits: of 8), batches of 2, units of 8.

/** The sums of the four lanes of each of four vectors. */
// @ts-ignore: decorator
@inline
function addLanes<T>(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = v128.add<T>(v128.shuffle<T>(a, b, 0, 4, 1, 5), v128.shuffle<T>(a, b, 2, 6, 3, 7));
  const cd = v128.add<T>(v128.shuffle<T>(c, d, 0, 4, 1, 5), v128.shuffle<T>(c, d, 2, 6, 3, 7));
  return v128.add<T>(v128.shuffle<T>(ab, cd, 0, 1, 4, 5), v128.shuffle<T>(ab, cd, 2, 3, 6, 7));
}

/** sums[b][n] += scale[n] * (weights[n] . whole[b]), with weights of 8 bits and whole of 16. */
export function addWhole(weights: usize, scale: usize, whole: usize, sums: usize, outputs: i32, inputs: i32, batch: i32): void {
  for (let n = 0; n < outputs; n += 4) {
    for (let b = 0; b < batch; b += 2) {
      let w = weights + n * inputs;
      let x = whole + b * inputs * 2;
      let a0 = i32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, c0 = a0, c1 = a0, c2 = a0, c3 = a0;
      for (const end = w + inputs; w < end; w += 8, x += 16) {
        const first = v128.load(x), second = v128.load(x + inputs * 2);
        let line = v128.load_ext<i8>(w);
        a0 = i32x4.add(a0, i32x4.dot_i16x8_s(line, first));
        c0 = i32x4.add(c0, i32x4.dot_i16x8_s(line, second));
        line = v128.load_ext<i8>(w + inputs);
        a1 = i32x4.add(a1, i32x4.dot_i16x8_s(line, first));
        c1 = i32x4.add(c1, i32x4.dot_i16x8_s(line, second));
        line = v128.load_ext<i8>(w + inputs * 2);
        a2 = i32x4.add(a2, i32x4.dot_i16x8_s(line, first));
        c2 = i32x4.add(c2, i32x4.dot_i16x8_s(line, second));
        line = v128.load_ext<i8>(w + inputs * 3);
        a3 = i32x4.add(a3, i32x4.dot_i16x8_s(line, first));
        c3 = i32x4.add(c3, i32x4.dot_i16x8_s(line, second));
      }
      const factor = v128.load(scale + n * 4), out = sums + (b * outputs + n) * 4;
      scaled(out, addLanes<i32>(a0, a1, a2, a3), factor);
      scaled(out + outputs * 4, addLanes<i32>(c0, c1, c2, c3), factor);
    }
  }
}

// @ts-ignore: decorator
@inline
function scaled(out: usize, sums: v128, factor: v128): void {
  v128.store(out, f32x4.add(v128.load(out), f32x4.mul(f32x4.convert_i32x4_s(sums), factor)));
}

/** out[b][n] = weights[n] . rows[b] + add[n], where `add` goes on by so many bytes a row; all of 32 bits. */
export function linear(weights: usize, rows: usize, add: usize, addStep: i32, out: usize, outputs: i32, inputs: i32, batch: i32): void {
  for (let n = 0; n < outputs; n += 4) {
    for (let b = 0; b < batch; b += 2) {
      let w = weights + n * inputs * 4;
      let x = rows + b * inputs * 4;
      const wide = inputs * 4;
      let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, c0 = a0, c1 = a0, c2 = a0, c3 = a0;
      for (const end = w + wide; w < end; w += 16, x += 16) {
        const first = v128.load(x), second = v128.load(x + wide);
        let line = v128.load(w);
        a0 = f32x4.add(a0, f32x4.mul(line, first));
        c0 = f32x4.add(c0, f32x4.mul(line, second));
        line = v128.load(w + wide);
        a1 = f32x4.add(a1, f32x4.mul(line, first));
        c1 = f32x4.add(c1, f32x4.mul(line, second));
        line = v128.load(w + wide * 2);
        a2 = f32x4.add(a2, f32x4.mul(line, first));
        c2 = f32x4.add(c2, f32x4.mul(line, second));
        line = v128.load(w + wide * 3);
        a3 = f32x4.add(a3, f32x4.mul(line, first));
        c3 = f32x4.add(c3, f32x4.mul(line, second));
      }
      const to = out + (b * outputs + n) * 4, plus = add + b * addStep + n * 4;
      v128.store(to, f32x4.add(addLanes<f32>(a0, a1, a2, a3), v128.load(plus)));
      v128.store(to + outputs * 4, f32x4.add(addLanes<f32>(c0, c1, c2, c3), v128.load(plus + addStep)));
    }
  }
}

/** 1 / (1 + exp(-x)): exp by the power of 2 nearest, and a Taylor series for the rest. */
// @ts-ignore: decorator
@inline
function sigmoid(x: v128): v128 {
  const y = f32x4.max(f32x4.splat(-87), f32x4.min(f32x4.splat(87), f32x4.neg(x)));
  const power = f32x4.nearest(f32x4.mul(y, f32x4.splat(1.4426950408889634)));
  // ln 2 in two parts, of which products with the first are exact.
  let r = f32x4.sub(y, f32x4.mul(power, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(power, f32x4.splat(-0.00021219444005469057)));
  let sum = f32x4.splat(1 / 5040);
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1 / 720));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1 / 120));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1 / 24));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1 / 6));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(0.5));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1));
  sum = f32x4.add(f32x4.mul(sum, r), f32x4.splat(1));
  const scale = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(power), i32x4.splat(127)), 23);
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), f32x4.mul(sum, scale)));
}

/** Four units: their memory (twice as large) in place, and what they show. */
// @ts-ignore: decorator
@inline
function gate(sums: usize, units: i32, memory: usize): v128 {
  const wide = units * 4;
  const i = sigmoid(v128.load(sums)), f = sigmoid(v128.load(sums + wide));
  const g = sigmoid(v128.load(sums + wide * 2)), o = sigmoid(v128.load(sums + wide * 3));
  const added = f32x4.mul(f32x4.mul(f32x4.splat(4), i), g);
  const kept = f32x4.add(f32x4.mul(f, v128.load(memory)), added);
  const after = f32x4.sub(kept, f32x4.add(i, i));
  v128.store(memory, after);
  const shown = sigmoid(after);
  return f32x4.sub(f32x4.mul(f32x4.add(o, o), shown), o);
}

/** Memory and outputs after a step, and the outputs in whole numbers of 127ths. */
export function gates(sums: usize, memory: usize, hidden: usize, whole: usize, units: i32, batch: i32): void {
  const most = f32x4.splat(127);
  for (let b = 0; b < batch; b++) {
    for (let u = 0; u < units; u += 8) {
      const from = sums + (b * units * 4 + u) * 4, at = (b * units + u) * 4;
      const low = gate(from, units, memory + at), high = gate(from + 16, units, memory + at + 16);
      v128.store(hidden + at, low);
      v128.store(hidden + at + 16, high);
      const a = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(low, most)));
      const c = i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(high, most)));
      v128.store(whole + (at >> 1), i16x8.narrow_i32x4_s(a, c));
    }
  }
}
