/** How the mask and the grey levels look: style, opacity and window. */

import { at } from "../elements.js";

export function bindLook(viewer) {
  const styles = at("styles");
  styles.addEventListener("change", ({ target }) => {
    viewer.style = target.value;
  });
  bindSlider("opacity", (value) => {
    viewer.opacity = value / 100;
    return `${value} %`;
  });
  if (viewer.hasWindow) bindWindow(viewer);
  at("smaller").addEventListener("click", () => viewer.zoomBy(0.8));
  at("larger").addEventListener("click", () => viewer.zoomBy(1.25));
  at("fit").addEventListener("click", () => viewer.fit());
}

/** Hides the mask, or shows it as it was before. */
export function toggleMask() {
  const styles = at("styles");
  const shown = styles.querySelector(":checked").value;
  const wanted = shown === "none" ? (styles.dataset.before ?? "fill") : "none";
  styles.dataset.before = shown;
  const input = styles.querySelector(`[value="${wanted}"]`);
  input.checked = true;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

/** A slider whose output says what `use` returns; to be called once its range is set. */
export function bindSlider(id, use) {
  const slider = at(id);
  const say = () => {
    at(`${id}-words`).textContent = use(Number(slider.value));
  };
  slider.addEventListener("input", say);
  say();
  return slider;
}

function bindWindow(viewer) {
  at("window").hidden = false;
  const range = viewer.range();
  const ends = ["low", "high"].map((name) => {
    const slider = at(name);
    slider.min = range.low;
    slider.max = range.high;
    slider.step = (range.high - range.low) / 500 || 1;
    slider.value = viewer.window[name];
    return bindSlider(name, (value) => {
      if (value !== viewer.window[name]) viewer.window = { ...viewer.window, [name]: value };
      return value.toPrecision(4);
    });
  });
  viewer.addEventListener("window", () => {
    ends.forEach((slider) => {
      slider.value = viewer.window[slider.id];
      at(`${slider.id}-words`).textContent = viewer.window[slider.id].toPrecision(4);
    });
  });
}
