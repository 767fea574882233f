/** Finding what index.html holds. @module */

/** @param {string} id @returns {HTMLElement} */
export function element(id) {
  return of(HTMLElement, id);
}

/** @param {string} id @returns {HTMLButtonElement} */
export function button(id) {
  return of(HTMLButtonElement, id);
}

/** @param {string} id @returns {HTMLInputElement} */
export function input(id) {
  return of(HTMLInputElement, id);
}

/** @param {string} id @returns {HTMLSelectElement} */
export function select(id) {
  return of(HTMLSelectElement, id);
}

/** @param {string} id @returns {HTMLCanvasElement} */
export function canvas(id) {
  return of(HTMLCanvasElement, id);
}

/** @param {string} id @returns {HTMLDialogElement} */
export function dialog(id) {
  return of(HTMLDialogElement, id);
}

/**
 * @template {HTMLElement} T
 * @param {{new (): T}} kind
 * @param {string} id
 * @returns {T}
 */
function of(kind, id) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} ${id}`);
  return found;
}
