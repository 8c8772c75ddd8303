/**
 * Hands on a viewer: wheel and pinch zoom, drags move, the right button or Alt changes the window.
 *
 * `viewer` is a Viewer. A second finger always zooms and moves, whatever the first one does.
 */

const STEP_PX = 40;
const ZOOM_STEP = 1.25;
const WHEEL_LINE_PX = 16;
const KEYS = {
  "+": (viewer) => viewer.zoomBy(ZOOM_STEP),
  "=": (viewer) => viewer.zoomBy(ZOOM_STEP),
  "-": (viewer) => viewer.zoomBy(1 / ZOOM_STEP),
  _: (viewer) => viewer.zoomBy(1 / ZOOM_STEP),
  0: (viewer) => viewer.fit(),
  1: (viewer) => viewer.zoomBy(1 / viewer.scale),
  ArrowLeft: (viewer) => viewer.move(STEP_PX, 0),
  ArrowRight: (viewer) => viewer.move(-STEP_PX, 0),
  ArrowUp: (viewer) => viewer.move(0, STEP_PX),
  ArrowDown: (viewer) => viewer.move(0, -STEP_PX),
};

export class Gestures {
  #viewer;
  #host;
  #fingers = new Map();
  #drag = null;

  constructor(viewer, host) {
    this.#viewer = viewer;
    this.#host = host;
    host.addEventListener("pointerdown", (event) => this.#down(event));
    host.addEventListener("pointermove", (event) => this.#move(event));
    host.addEventListener("pointerup", (event) => this.#up(event));
    host.addEventListener("pointercancel", (event) => this.#up(event));
    host.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    host.addEventListener("keydown", (event) => this.#key(event));
    host.addEventListener("contextmenu", (event) => {
      if (viewer.hasWindow) event.preventDefault();
    });
  }

  #down(event) {
    this.#fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.#fingers.size === 2) {
      this.#drag = "pinch";
      this.#viewer.dispatchEvent(new CustomEvent("pinch"));
    } else if (this.#fingers.size === 1) this.#drag = this.#dragOf(event);
    if (this.#drag !== null) this.#host.setPointerCapture(event.pointerId);
  }

  #dragOf(event) {
    const isWindowing = event.button === 2 || (event.button === 0 && event.altKey);
    if (isWindowing) return this.#viewer.hasWindow ? "window" : null;
    return event.button === 1 || (event.button === 0 && this.#viewer.panEnabled) ? "pan" : null;
  }

  #move(event) {
    const before = this.#fingers.get(event.pointerId);
    if (before === undefined) return;
    const now = { x: event.clientX, y: event.clientY };
    if (this.#drag === "pinch") this.#pinch(event.pointerId, before, now);
    else if (this.#drag === "pan") this.#viewer.move(now.x - before.x, now.y - before.y);
    else if (this.#drag === "window") this.#viewer.dragWindow(now.x - before.x, now.y - before.y);
    this.#fingers.set(event.pointerId, now);
  }

  #pinch(id, before, now) {
    const [, other] = [...this.#fingers].find(([each]) => each !== id) ?? [];
    if (other === undefined) return;
    const [old, apart] = [distance(before, other), distance(now, other)];
    this.#viewer.move((now.x - before.x) / 2, (now.y - before.y) / 2);
    if (old > 0 && apart > 0) {
      this.#viewer.zoomAt((now.x + other.x) / 2, (now.y + other.y) / 2, apart / old);
    }
  }

  #up(event) {
    this.#fingers.delete(event.pointerId);
    // The finger that stays after a pinch does nothing: it was never meant to draw or to move.
    this.#drag = this.#fingers.size === 0 ? null : this.#drag && "rest";
  }

  #wheel(event) {
    event.preventDefault();
    const px = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : WHEEL_LINE_PX;
    const speed = event.ctrlKey ? 0.01 : 0.0015;
    this.#viewer.zoomAt(event.clientX, event.clientY, Math.exp(-event.deltaY * px * speed));
  }

  #key(event) {
    const act = KEYS[event.key];
    const isMeant = !event.defaultPrevented && event.target === this.#host;
    if (!isMeant || act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(this.#viewer);
  }
}

function distance(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
