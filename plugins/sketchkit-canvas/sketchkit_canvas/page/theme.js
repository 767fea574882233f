/** Light and dark: the colours are in the style sheet, and the canvases take them from there. @module */

const dark = matchMedia('(prefers-color-scheme: dark)');
const still = matchMedia('(prefers-reduced-motion: reduce)');

export const reducedMotion = () => still.matches;

/** Tells of other colours by an event `change`. */
class Theme extends EventTarget {
  /** @type {'light' | 'dark' | null} */ chosen = null;
  /** of a person's strokes */ ink = '#000';
  /** of the network's */ model = '#000';
  /** of the keyboard's pen */ cursor = '#000';
  /** @type {string[]} from ordinary to surprising */ heat = [];

  get current() {
    return this.chosen ?? (dark.matches ? 'dark' : 'light');
  }

  /** @param {'light' | 'dark' | null} chosen */
  choose(chosen) {
    this.chosen = chosen;
    if (chosen) document.documentElement.dataset.theme = chosen;
    else delete document.documentElement.dataset.theme;
    this.read();
  }

  read() {
    const probe = document.body.appendChild(document.createElement('i'));
    const color = (/** @type {string} */ name) => {
      probe.style.color = `var(${name})`;
      return getComputedStyle(probe).color;
    };
    this.ink = color('--ink');
    this.model = color('--model');
    this.cursor = color('--accent');
    this.heat = Array.from({ length: 9 }, (_, i) => color(`--heat-${i}`));
    probe.remove();
    this.dispatchEvent(new Event('change'));
  }

  /** @param {number} share  0 ordinary, 1 surprising */
  heatColor(share) {
    return this.heat[Math.round(Math.max(0, Math.min(1, share)) * (this.heat.length - 1))];
  }
}

export const theme = new Theme();
dark.addEventListener('change', () => theme.read());
