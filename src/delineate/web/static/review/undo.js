/** Undo and redo of changes to labels, kept as the tiles that changed. */

import { bytesOf, packed, unpacked } from "./runs.js";

const TILE_PX = 64;

/**
 * What was there before each change, in no more than a number of bytes.
 *
 * Before pixels are changed their box is touched; then the change is committed, or taken back.
 * Where the steps take more room the oldest go, but the newest always stays.
 */
export class Undo {
  #labels;
  #size;
  #mostBytes;
  #open = new Map(); // tile -> its pixels before the change that is under way
  #past = [];
  #future = [];

  constructor(labels, size, { mostBytes = 64 * 2 ** 20 } = {}) {
    this.#labels = labels;
    this.#size = size;
    this.#mostBytes = mostBytes;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  get bytes() {
    return [...this.#past, ...this.#future].reduce((sum, step) => sum + step.bytes, 0);
  }

  /** Keeps what a box {top, left, bottom, right} holds; it may reach beyond the image. */
  touch(box) {
    for (const tile of this.#tilesOf(box)) {
      if (!this.#open.has(tile)) this.#open.set(tile, this.#read(tile));
    }
  }

  /** Ends a change and gives it a name; one that changed nothing leaves no step. */
  commit(name) {
    const tiles = new Map();
    for (const [tile, before] of this.#open) {
      if (!isSame(before, this.#read(tile))) tiles.set(tile, packed(before));
    }
    this.#open.clear();
    if (!tiles.size) return false;
    this.#future = [];
    this.#past.push(stepOf(name, tiles));
    while (this.#past.length > 1 && this.bytes > this.#mostBytes) this.#past.shift();
    return true;
  }

  /** Takes back the change that is under way. */
  rollback() {
    for (const [tile, before] of this.#open) this.#write(tile, before);
    this.#open.clear();
  }

  /** @returns the name of the change that was taken back, or null */
  undo() {
    return this.#swap(this.#past, this.#future);
  }

  /** @returns the name of the change that was made again, or null */
  redo() {
    return this.#swap(this.#future, this.#past);
  }

  #swap(from, to) {
    const step = from.pop();
    if (!step) return null;
    const tiles = new Map();
    for (const [tile, kept] of step.tiles) {
      tiles.set(tile, packed(this.#read(tile)));
      this.#write(tile, unpacked(kept));
    }
    to.push(stepOf(step.name, tiles));
    return step.name;
  }

  #tilesOf({ top, left, bottom, right }) {
    const { width, height } = this.#size;
    const across = Math.ceil(width / TILE_PX);
    const tiles = [];
    const lastRow = Math.min(height, bottom) - 1;
    const lastColumn = Math.min(width, right) - 1;
    for (let y = tileAt(top); y <= tileAt(lastRow); y += 1) {
      for (let x = tileAt(left); x <= tileAt(lastColumn); x += 1) tiles.push(y * across + x);
    }
    return tiles;
  }

  /** The rows of a tile within all labels, as [from, to). */
  #rows(tile) {
    const { width, height } = this.#size;
    const across = Math.ceil(width / TILE_PX);
    const left = (tile % across) * TILE_PX;
    const top = Math.floor(tile / across) * TILE_PX;
    const right = Math.min(width, left + TILE_PX);
    const rows = [];
    for (let row = top; row < Math.min(height, top + TILE_PX); row += 1) {
      rows.push([row * width + left, row * width + right]);
    }
    return rows;
  }

  #read(tile) {
    const rows = this.#rows(tile);
    const across = rows[0][1] - rows[0][0];
    const pixels = new Uint8Array(rows.length * across);
    rows.forEach(([from, to], i) => pixels.set(this.#labels.subarray(from, to), i * across));
    return pixels;
  }

  #write(tile, pixels) {
    const rows = this.#rows(tile);
    const across = rows[0][1] - rows[0][0];
    rows.forEach(([from], i) => {
      this.#labels.set(pixels.subarray(i * across, (i + 1) * across), from);
    });
  }
}

function stepOf(name, tiles) {
  const bytes = [...tiles.values()].reduce((sum, kept) => sum + bytesOf(kept), 0);
  return { name, tiles, bytes };
}

function tileAt(place) {
  return Math.floor(Math.max(0, place) / TILE_PX);
}

function isSame(a, b) {
  return a.every((value, i) => value === b[i]);
}
