/** Nine small pictures, three by three. @module */

import { paint } from './ink.js';
import { Picture } from './picture.js';
import { theme } from './theme.js';

/** @typedef {import('./types.js').Stroke} Stroke */
/** @typedef {{ink: readonly Stroke[], model: readonly Stroke[]}} Shown */

/** @type {Record<string, number>} */
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -3, ArrowDown: 3 };

export class Grid {
  /** @type {{cell: HTMLElement, picture: Picture}[]} */ cells = [];

  /**
   * @param {HTMLElement} box  what is filled with the pictures
   * @param {(k: number) => Shown} look
   * @param {{name: string, captions?: string[], choose?: (k: number) => void}} options  name: for test ids; choose: what a
   *   click on a picture does, without which it is none that can be clicked
   */
  constructor(box, look, { name, captions, choose }) {
    for (let k = 0; k < 9; k++) {
      const cell = document.createElement(choose ? 'button' : 'figure');
      const canvas = cell.appendChild(document.createElement('canvas'));
      canvas.setAttribute('aria-hidden', 'true');
      cell.className = 'cell';
      cell.dataset.testid = `${name}-${k}`;
      if (captions) cell.appendChild(document.createElement('figcaption')).textContent = captions[k];
      if (cell instanceof HTMLButtonElement) cell.type = 'button';
      else canvas.setAttribute('role', 'img');
      if (choose) cell.addEventListener('click', () => choose(k));
      box.append(cell);
      const picture = new Picture(canvas, (context, line) => {
        const { ink, model } = look(k);
        paint(context, ink, theme.ink, line);
        paint(context, model, theme.model, line);
      });
      this.cells.push({ cell, picture });
    }
    if (choose) this.#rove(box);
    theme.addEventListener('change', () => this.redraw());
  }

  redraw() {
    for (const { picture } of this.cells) picture.redraw();
  }

  /**
   * @param {number} k
   * @param {string} words  what a picture shows
   * @param {boolean} [disabled]
   */
  describe(k, words, disabled = false) {
    const { cell, picture } = this.cells[k];
    const named = cell instanceof HTMLButtonElement ? cell : picture.canvas;
    named.removeAttribute('aria-hidden');
    named.setAttribute('aria-label', words);
    // Not the property: a disabled button would lose the focus while it waits for its drawing.
    if (cell instanceof HTMLButtonElement) cell.setAttribute('aria-disabled', String(disabled));
  }

  /** Write a few words into the corner of a picture. @param {number} k @param {string} words */
  name(k, words) {
    const { cell } = this.cells[k];
    const found = cell.querySelector('.kind');
    if (!words) return void found?.remove();
    const kind = found ?? cell.appendChild(Object.assign(document.createElement('span'), { className: 'kind' }));
    kind.textContent = words;
  }

  /** One stop for the tab key; the arrows go from picture to picture. @param {HTMLElement} box */
  #rove(box) {
    this.cells.forEach(({ cell }, k) => (cell.tabIndex = k ? -1 : 0));
    box.addEventListener('keydown', (event) => {
      const at = this.cells.findIndex(({ cell }) => cell === document.activeElement);
      const step = STEPS[event.key];
      if (at < 0 || !step) return;
      event.preventDefault();
      const to = this.cells[at + step];
      if (!to || (Math.abs(step) === 1 && Math.floor(at / 3) !== Math.floor((at + step) / 3))) return;
      this.cells.forEach(({ cell }) => (cell.tabIndex = cell === to.cell ? 0 : -1));
      to.cell.focus();
    });
  }
}
