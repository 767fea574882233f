/** Keys that work anywhere on the page. @module */

/**
 * @typedef {object} Commands
 * @property {() => void} undo
 * @property {() => void} redo
 * @property {Record<string, () => void>} letters  by key
 * @property {(key: string) => boolean} mode  a key of the present mode; true if it had a meaning
 * @property {() => boolean} lettersOn
 */

/** @param {EventTarget | null} target  whether typing there is writing */
function writes(target) {
  if (!(target instanceof HTMLElement)) return false;
  return target.matches('select, textarea, input:not([type=checkbox]):not([type=range])');
}

/** @param {Commands} commands */
export function listen(commands) {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || writes(event.target) || document.querySelector('dialog[open]')) return;
    if (meant(commands, event)) event.preventDefault();
  });
}

/**
 * @param {Commands} commands
 * @param {KeyboardEvent} event
 * @returns {boolean} whether the key had a meaning
 */
function meant(commands, event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) {
    if (event.altKey || (key !== 'z' && key !== 'y')) return false;
    if (key === 'y' || event.shiftKey) commands.redo();
    else commands.undo();
    return true;
  }
  if (event.altKey) return false;
  // Single letters can be turned off: someone who speaks to a computer may say them by chance.
  if (key.length === 1 && key !== '?' && !commands.lettersOn()) return false;
  if (commands.mode(key)) return true;
  if (!Object.hasOwn(commands.letters, key)) return false;
  commands.letters[key]();
  return true;
}
