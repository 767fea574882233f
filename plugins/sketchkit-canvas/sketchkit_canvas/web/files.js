/** Drawings as files, made by the page itself. @module */

import { bounds } from '../page/geometry.js';
import { paint, pathData } from '../page/ink.js';

/** @typedef {import('../page/types.js').Format} Format */
/** @typedef {import('../page/types.js').Saved} Saved */
/** @typedef {import('../page/types.js').Stroke} Stroke */
/** @typedef {{strokes: Stroke[], color: string}} Ink */

/** As in sketchkit's own sheets: a person's strokes, the network's, and paper. */
const [INK, ADDED, PAPER] = ['#1d2330', '#0072b2', '#ffffff'];
/** The width of a line, and what stays free around a drawing, in units of the sheet. */
const [LINE, MARGIN] = [6.5, 24];
/** The side of a picture in pixels, alone and one of several, and how many of these stand in a row. */
const [ALONE, AMONG, COLUMNS] = [1024, 384, 3];

/**
 * @param {Format} format
 * @param {Saved} saved
 * @returns {Promise<string>} the name under which it was saved
 */
export async function saveFile(format, saved) {
  const inks = inksOf(saved);
  const name = `${stemOf(saved)}.${format}`;
  const svg = () => new Blob([svgOf(inks, saved.metadata)], { type: 'image/svg+xml' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(format === 'svg' ? svg() : await pngOf(inks));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return name;
}

/** What each picture holds, strokes of one hand that follow each other together. @param {Saved} saved @returns {Ink[][]} */
function inksOf({ drawings, added }) {
  return drawings.map((strokes) => {
    /** @type {Ink[]} */
    const inks = [];
    strokes.forEach((stroke, i) => {
      const color = added?.[i] ? ADDED : INK;
      const last = inks.at(-1);
      if (last?.color === color) last.strokes.push(stroke);
      else inks.push({ strokes: [stroke], color });
    });
    return inks;
  });
}

/** The square of the sheet that a picture shows: all of its ink, in the middle. @param {Ink[]} inks */
function squareOf(inks) {
  const box = bounds(inks.flatMap(({ strokes }) => strokes)) ?? { left: 0, top: 0, width: 800, height: 800 };
  const size = Math.max(box.width, box.height) + 2 * MARGIN;
  return { left: box.left + (box.width - size) / 2, top: box.top + (box.height - size) / 2, size };
}

/** @param {number} pictures */
function sheetOf(pictures) {
  const cell = pictures > 1 ? AMONG : ALONE;
  const columns = Math.min(pictures, COLUMNS);
  const place = (/** @type {number} */ k) => [(k % COLUMNS) * cell, Math.floor(k / COLUMNS) * cell];
  return { cell, width: columns * cell, height: Math.ceil(pictures / COLUMNS) * cell, place };
}

/** @param {Ink[][]} pictures @param {Saved['metadata']} metadata */
function svgOf(pictures, metadata) {
  const { cell, width, height, place } = sheetOf(pictures.length);
  const rounded = (/** @type {number} */ value) => Math.round(value * 1000) / 1000;
  const drawn = pictures.map((inks, k) => {
    const { left, top, size } = squareOf(inks);
    const scale = cell / size;
    const [x, y] = place(k);
    const paths = inks.flatMap(({ strokes, color }) => strokes.map((stroke) => `<path stroke="${color}" d="${pathData(stroke)}"/>`));
    return `<g transform="translate(${rounded(x - left * scale)} ${rounded(y - top * scale)}) scale(${rounded(scale)})">${paths.join('')}</g>`;
  });
  const by = JSON.stringify({ generator: 'sketchkit', page: 'web', ...metadata });
  const escaped = by.replace(/[<>&]/g, (letter) => `&#${letter.charCodeAt(0)};`);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">` +
    `<metadata>${escaped}</metadata><rect width="${width}" height="${height}" fill="${PAPER}"/>` +
    `<g fill="none" stroke-width="${LINE}" stroke-linecap="round" stroke-linejoin="round">${drawn.join('')}</g></svg>\n`
  );
}

/** @param {Ink[][]} pictures @returns {Promise<Blob>} */
function pngOf(pictures) {
  const { cell, width, height, place } = sheetOf(pictures.length);
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d');
  if (!context) throw new Error('the browser has no canvas');
  context.fillStyle = PAPER;
  context.fillRect(0, 0, width, height);
  pictures.forEach((inks, k) => {
    const { left, top, size } = squareOf(inks);
    const scale = cell / size;
    const [x, y] = place(k);
    context.setTransform(scale, 0, 0, scale, x - left * scale, y - top * scale);
    for (const { strokes, color } of inks) paint(context, strokes, color, LINE);
  });
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the browser made no picture'))), 'image/png');
  });
}

/** The name of a file without its suffix, in letters that every system takes. @param {Saved} saved */
function stemOf({ metadata }) {
  const words = [metadata?.label, metadata?.mode, metadata?.seed, metadata?.index].filter((word) => word !== null && word !== undefined);
  return words.map((word) => String(word).replace(/[^A-Za-z0-9]+/g, '-')).join('-') || 'drawing';
}
