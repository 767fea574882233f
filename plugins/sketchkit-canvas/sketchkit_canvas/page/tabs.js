/** The modes as tabs. @module */

import { button, element } from './dom.js';

/** @typedef {import('./types.js').ModeName} ModeName */

/**
 * @param {readonly ModeName[]} modes
 * @param {(mode: ModeName) => void} choose
 */
export function listenToTabs(modes, choose) {
  for (const mode of modes) button(`tab-${mode}`).addEventListener('click', () => choose(mode));
  element('modes').addEventListener('keydown', (event) => {
    const at = modes.findIndex((mode) => document.activeElement?.id === `tab-${mode}`);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: modes.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const mode = modes[(to + modes.length) % modes.length];
    button(`tab-${mode}`).focus();
    choose(mode);
  });
}

/** @param {readonly ModeName[]} modes @param {ModeName} chosen */
export function showTab(modes, chosen) {
  for (const mode of modes) {
    const tab = button(`tab-${mode}`);
    tab.setAttribute('aria-selected', String(mode === chosen));
    tab.tabIndex = mode === chosen ? 0 : -1;
    element(`side-${mode}`).hidden = mode !== chosen;
  }
  const panel = element('panel');
  panel.dataset.mode = chosen;
  panel.setAttribute('aria-labelledby', `tab-${chosen}`);
}
