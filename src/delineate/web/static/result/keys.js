/** One key an action, while the focus is on the picture. */

import { at, build } from "../elements.js";

export function bindKeys(host, { look, threshold, objects }) {
  const actions = [
    [["+", "-"], "zoom in, zoom out"],
    [["0"], "the whole picture"],
    [["1"], "one image pixel a screen pixel"],
    [["←", "↑", "→", "↓"], "move"],
    [["a"], "areas", () => look.show("fill")],
    [["o"], "outlines", () => look.show("outline")],
    [["p"], "probability", () => look.show("probability")],
    ...(look.hasGate ? [[["g"], "where the gate looked", () => look.show("gate")]] : []),
    [["h"], "nothing over the picture", () => look.show("none")],
    [["["], "lower the threshold", () => threshold.nudge(-1)],
    [["]"], "raise the threshold", () => threshold.nudge(1)],
    [["c"], "back to the chosen threshold", () => threshold.back()],
    [["n"], "numbers of the objects", () => objects.toggleNumbers()],
    [["."], "next object", () => objects.step(1)],
    [[","], "object before", () => objects.step(-1)],
    [["?"], "these keys", () => at("keys").showModal()],
  ];
  at("keys-rows").replaceChildren(
    ...actions.map(([keys, words]) =>
      build(
        "tr",
        {},
        build("td", {}, ...keys.flatMap((key) => [build("kbd", {}, key), " "])),
        build("td", {}, words),
      ),
    ),
  );
  const acts = new Map(actions.flatMap(([keys, , act]) => keys.map((key) => [key, act])));
  host.addEventListener("keydown", (event) => {
    const act = acts.get(event.key);
    const isMeant = event.target === host && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (act === undefined || !isMeant) return;
    event.preventDefault();
    act();
  });
  at("show-keys").addEventListener("click", () => at("keys").showModal());
}
