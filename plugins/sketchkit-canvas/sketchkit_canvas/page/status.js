/** What the page says: the line at its foot, and whispers for those who do not see the paper. @module */

import { element } from './dom.js';

/** @typedef {'calm' | 'warning'} Tone */

/** A warning stays for so many milliseconds, for the network says much. */
const HOLD = 5000;

let until = 0;
/** @type {number | undefined} */
let timer;

/** @param {string} words @param {Tone} [tone] */
export function say(words, tone = 'calm') {
  clearTimeout(timer);
  const rest = until - performance.now();
  if (tone === 'calm' && rest > 0) timer = setTimeout(() => show(words, tone), rest);
  else show(words, tone);
}

/** What a person has just done has come to this, or what was warned of is over. @param {string} words */
export function answer(words) {
  until = 0;
  say(words);
}

/** @param {string} words @param {Tone} tone */
function show(words, tone) {
  const line = element('status');
  until = tone === 'warning' ? performance.now() + HOLD : 0;
  line.dataset.tone = tone;
  if (line.textContent !== words) line.textContent = words;
}

/** @param {string} words */
export function whisper(words) {
  element('whisper').textContent = words;
}
