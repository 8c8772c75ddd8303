/**
 * Where the picture lies in its host: host px = image px * scale + offset.
 *
 * Rows and columns are continuous: the pixel (r, c) covers r to r + 1 and c to c + 1, so that
 * `Math.floor` of both names it.
 */

import { magnification, placed, SAME } from "./affine.js";

const LARGEST_SCALE = 64;
const SMALLEST_OF_FIT = 0.5;

export class View {
  constructor() {
    this.image = { width: 1, height: 1 };
    this.host = { width: 1, height: 1 };
    this.scale = 1;
    this.left = 0;
    this.top = 0;
    this.isFitted = true;
  }

  /** The scale at which the whole picture just fits. */
  get fitScale() {
    return Math.min(
      this.host.width / this.image.width,
      this.host.height / this.image.height,
      LARGEST_SCALE,
    );
  }

  fit() {
    this.scale = this.fitScale;
    this.left = (this.host.width - this.image.width * this.scale) / 2;
    this.top = (this.host.height - this.image.height * this.scale) / 2;
    this.isFitted = true;
  }

  /** The host has another size: fitted pictures stay fitted, others keep their middle. */
  resize(width, height) {
    const middle = this.toImage(this.host.width / 2, this.host.height / 2);
    this.host = { width: Math.max(1, width), height: Math.max(1, height) };
    if (this.isFitted) this.fit();
    else this.centre(middle.row, middle.column);
  }

  /** Bring a place of the picture to the middle of the host. */
  centre(row, column) {
    this.left = this.host.width / 2 - column * this.scale;
    this.top = this.host.height / 2 - row * this.scale;
    this.isFitted = false;
    this.#keepInSight();
  }

  /** What lies at (x, y) of the host stays there. */
  zoomAt(x, y, factor) {
    const scale = this.#allowed(this.scale * factor);
    this.left = x - ((x - this.left) * scale) / this.scale;
    this.top = y - ((y - this.top) * scale) / this.scale;
    this.scale = scale;
    this.isFitted = false;
    this.#keepInSight();
  }

  move(right, down) {
    this.left += right;
    this.top += down;
    this.isFitted = false;
    this.#keepInSight();
  }

  /**
   * The part that another view shows, as large, by a map (see affine.js) from places of its picture
   * to those of this one; all of it where that shows all.
   */
  follow(other, map = SAME) {
    if (other.isFitted) {
      this.fit();
      return;
    }
    const middle = placed(map, other.toImage(other.host.width / 2, other.host.height / 2));
    this.scale = this.#allowed(other.scale / magnification(map));
    this.centre(middle.row, middle.column);
  }

  toImage(x, y) {
    return { row: (y - this.top) / this.scale, column: (x - this.left) / this.scale };
  }

  toHost(row, column) {
    return { x: column * this.scale + this.left, y: row * this.scale + this.top };
  }

  /** The view in device px, for those who paint. */
  frame(ratio) {
    return {
      width: Math.max(1, Math.round(this.host.width * ratio)),
      height: Math.max(1, Math.round(this.host.height * ratio)),
      scale: this.scale * ratio,
      left: this.left * ratio,
      top: this.top * ratio,
      ratio,
    };
  }

  #allowed(scale) {
    const smallest = Math.min(this.fitScale, 1) * SMALLEST_OF_FIT;
    return Math.min(LARGEST_SCALE, Math.max(smallest, scale));
  }

  /** The middle of the host never leaves the picture. */
  #keepInSight() {
    const { width, height } = this.host;
    const right = width / 2 - this.image.width * this.scale;
    const bottom = height / 2 - this.image.height * this.scale;
    this.left = Math.min(width / 2, Math.max(right, this.left));
    this.top = Math.min(height / 2, Math.max(bottom, this.top));
  }
}

/** Whether two frames show the same part at the same size. */
export function isSameFrame(one, other) {
  return (
    one !== null &&
    one.width === other.width &&
    one.height === other.height &&
    one.scale === other.scale &&
    one.left === other.left &&
    one.top === other.top
  );
}

/** All of a frame, in its px. */
export function wholeOf(frame) {
  return { top: 0, left: 0, bottom: frame.height, right: frame.width };
}

/** What a `box` = [top, left, height, width] of the picture covers of a frame, `more` px around. */
export function partOf(frame, [top, left, height, width], more) {
  const { scale } = frame;
  return {
    top: Math.max(0, Math.floor(top * scale + frame.top) - more),
    left: Math.max(0, Math.floor(left * scale + frame.left) - more),
    bottom: Math.min(frame.height, Math.ceil((top + height) * scale + frame.top) + more),
    right: Math.min(frame.width, Math.ceil((left + width) * scale + frame.left) + more),
  };
}
