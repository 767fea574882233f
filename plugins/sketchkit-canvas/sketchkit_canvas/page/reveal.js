/** Drawings that appear at the speed of a drawing hand, however fast their points come. @module */

/** @typedef {import('./types.js').Move} Move */
/** @typedef {import('./types.js').Stroke} Stroke */
/** @typedef {{moves: Move[], strokes: Stroke[], shown: number, over: boolean, finished: boolean, label: string | null, told: boolean}} Track */

/** Points a second. */
export const HAND = 120;

export class Reveal {
  /** @type {Track[]} */ tracks = [];
  /** points that came twice or out of order; a good server sends none */ misplaced = 0;
  #frame = 0;
  #last = 0;
  #due = 0;

  /**
   * @param {(k: number) => void} paint  called when more of drawing k is to be seen, or it is over
   * @param {{rate?: number, wait?: boolean}} options  rate: points a second of each drawing; wait: show a drawing
   *   only when all of it has come
   */
  constructor(paint, { rate = HAND, wait = false } = {}) {
    this.paint = paint;
    this.rate = rate;
    this.wait = wait;
  }

  /** @param {number} n  begin again with this many empty drawings */
  reset(n) {
    this.stop();
    /** @returns {Track} */
    const track = () => ({ moves: [], strokes: [], shown: 0, over: false, finished: false, label: null, told: false });
    this.tracks = Array.from({ length: n }, track);
  }

  /**
   * @param {number} k
   * @param {number} first
   * @param {Move[]} moves
   */
  push(k, first, moves) {
    const track = this.tracks[k];
    if (!track || first !== track.moves.length) return void this.misplaced++;
    track.moves.push(...moves);
    this.#run();
  }

  /**
   * @param {number} k
   * @param {boolean} finished  whether the model ended it
   * @param {string | null} label  the class that it was drawn as
   */
  over(k, finished, label) {
    const track = this.tracks[k];
    if (!track) return;
    Object.assign(track, { over: true, finished, label });
    this.#run();
  }

  /** Whether everything that belongs to drawing k has come and is to be seen. @param {number} k */
  complete(k) {
    const track = this.tracks[k];
    return Boolean(track?.over && track.shown === track.moves.length);
  }

  get allComplete() {
    return this.tracks.length > 0 && this.tracks.every((_, k) => this.complete(k));
  }

  /** @param {number} k @returns {Stroke[]} */
  strokes(k) {
    return this.tracks[k]?.strokes ?? [];
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    this.#frame = this.#last = this.#due = 0;
  }

  #run() {
    if (!this.#frame) this.#frame = requestAnimationFrame((now) => this.#tick(now));
  }

  /** @param {number} now */
  #tick(now) {
    this.#due += this.#last ? ((now - this.#last) / 1000) * this.rate : 1;
    this.#last = now;
    const more = Math.floor(this.#due);
    this.#due = Number.isFinite(this.#due) ? this.#due - more : 0;
    const moved = this.tracks.map((track) => this.#show(track, more));
    const going = this.tracks.some((track) => track.shown < track.moves.length && !this.#held(track));
    this.#frame = going ? requestAnimationFrame((later) => this.#tick(later)) : 0;
    if (!going) this.#last = this.#due = 0;
    moved.forEach((changed, k) => changed && this.paint(k));
  }

  /** @param {Track} track */
  #held(track) {
    return this.wait && !track.over;
  }

  /**
   * @param {Track} track
   * @param {number} more
   * @returns {boolean} whether there is something new to be seen or said
   */
  #show(track, more) {
    if (this.#held(track)) return false;
    const until = Math.min(track.moves.length, this.wait ? Infinity : track.shown + more);
    const began = track.shown;
    for (; track.shown < until; track.shown++) {
      const [x, y, ink] = track.moves[track.shown];
      const last = track.strokes.at(-1);
      if (ink && last) last.push([x, y]);
      else track.strokes.push([[x, y]]);
    }
    const ended = track.over && track.shown === track.moves.length && !track.told;
    track.told ||= ended;
    return track.shown > began || ended;
  }
}
