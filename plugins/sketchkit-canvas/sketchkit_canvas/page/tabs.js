/** The four modes as tabs. @module */

import { button, element } from './dom.js';

/** @typedef {import('./types.js').ModeName} ModeName */

export const MODES = /** @type {const} */ (['finish', 'nine', 'mimic', 'morph']);

/** @param {(mode: ModeName) => void} choose */
export function listenToTabs(choose) {
  for (const mode of MODES) button(`tab-${mode}`).addEventListener('click', () => choose(mode));
  element('modes').addEventListener('keydown', (event) => {
    const at = MODES.findIndex((mode) => document.activeElement?.id === `tab-${mode}`);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: MODES.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const mode = MODES[(to + MODES.length) % MODES.length];
    button(`tab-${mode}`).focus();
    choose(mode);
  });
}

/** @param {ModeName} chosen */
export function showTab(chosen) {
  for (const mode of MODES) {
    const tab = button(`tab-${mode}`);
    tab.setAttribute('aria-selected', String(mode === chosen));
    tab.tabIndex = mode === chosen ? 0 : -1;
    element(`side-${mode}`).hidden = mode !== chosen;
  }
  const panel = element('panel');
  panel.dataset.mode = chosen;
  panel.setAttribute('aria-labelledby', `tab-${chosen}`);
}
