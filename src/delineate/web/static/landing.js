/** The first page: images by drop, picker or clipboard, examples, and results of this tab. */

import { API, askJSON } from "./api.js";
import { at, build } from "./elements.js";
import { announce, toast } from "./toast.js";
import { BatchForm } from "./upload/batch_form.js";
import { fromClipboard, fromDrop, ofFolder, picked } from "./upload/gather.js";
import { forgetAll, remember, stillThere } from "./upload/recent.js";
import { Rows } from "./upload/rows.js";
import { counted } from "./words.js";

const ONE_BY_ONE = 12; // more are one batch
const MARK = "/static/mark.svg"; // of what has no picture of its own

const drop = at("drop");
const limits = {
  mostFiles: Number(drop.dataset.mostFiles),
  largestUpload: Number(drop.dataset.largestUpload),
  largestRequest: Number(drop.dataset.largestRequest),
};
const rows = new Rows(at("rows"), limits.largestUpload);
const batch = new BatchForm(limits);

async function take({ images, leftOut }) {
  const words = leftOutWords(leftOut);
  if (images.length > ONE_BY_ONE) {
    batch.open(images, words);
    return;
  }
  if (images.length === 0) {
    toast(`No image came with that. ${words ?? ""}`, { kind: "warn" });
    return;
  }
  const isOnlyOne = images.length === 1 && rows.length === 0;
  at("left-out").hidden = words === null;
  at("left-out").textContent = words ?? "";
  at("sent").hidden = false;
  announce(`${counted(images.length, "image")} taken.`);
  const predictions = await Promise.all(rows.add(images));
  if (isOnlyOne && predictions[0] && rows.length === 1) location.assign(`/result/${predictions[0].id}`);
}

function leftOutWords(names) {
  if (names.length === 0) return null;
  const some = names.slice(0, 5).join(", ") + (names.length > 5 ? ", …" : "");
  return `${counted(names.length, "file")} left out, not named like images: ${some}.`;
}

function bindPickers() {
  at("choose-folder").hidden = !("webkitdirectory" in HTMLInputElement.prototype);
  if (navigator.platform.startsWith("Mac")) at("command-key").textContent = "⌘";
  for (const [name, gathered] of [["files", picked], ["folder", ofFolder]]) {
    at(`choose-${name}`).addEventListener("click", () => at(name).click());
    at(name).addEventListener("change", (event) => {
      const files = gathered([...event.target.files]);
      event.target.value = ""; // so that the same file can be chosen once more
      take(files);
    });
  }
}

/** The whole page takes a drop, so that nobody misses; text that is dragged is left alone. */
function bindDrop() {
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  let timer;
  const show = (isOver) => {
    drop.classList.toggle("is-over", isOver);
    at("veil").hidden = !isOver;
    clearTimeout(timer);
    // While somebody drags, `dragover` comes again and again; a drag that is given up may end unsaid.
    if (isOver) timer = setTimeout(() => show(false), 1500);
  };
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    show(true);
  });
  addEventListener("dragleave", (event) => event.relatedTarget === null && show(false));
  addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    show(false);
    try {
      take(await fromDrop(event.dataTransfer));
    } catch (error) {
      toast(`The browser could not read what was dropped: ${error.message}`, { kind: "bad" });
    }
  });
  addEventListener("paste", (event) => {
    const gathered = fromClipboard(event.clipboardData);
    if (gathered.images.length > 0) take(gathered);
  });
}

function bindExamples() {
  at("examples")?.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button || button.disabled) return;
    const spinner = build("i", { class: "spinner" });
    button.append(spinner);
    button.disabled = true;
    announce("The model looks at the example.");
    try {
      const address = `${API}/examples/${button.dataset.key}/prediction`;
      const prediction = await askJSON(address, { method: "POST", patient: true });
      const thumbnail = button.querySelector("img").src;
      remember({ id: prediction.id, name: prediction.image.name, kind: "result", thumbnail });
      location.assign(`/result/${prediction.id}`);
    } catch (problem) {
      toast(problem.message, { kind: "bad" });
    } finally {
      spinner.remove();
      button.disabled = false;
    }
  });
}

async function showEarlier() {
  const results = await stillThere();
  at("earlier").hidden = results.length === 0;
  at("earlier-list").replaceChildren(...results.map(earlierItem));
}

function earlierItem({ id, name, kind, thumbnail }) {
  const picture = build("img", { alt: "", src: thumbnail ?? MARK });
  return build("li", {}, build("a", { href: `/${kind}/${id}` }, picture, build("span", {}, name)));
}

at("clear").addEventListener("click", () => rows.clear());
at("rows").addEventListener("change", () => {
  if (rows.length > 0) return;
  at("sent").hidden = true;
  at("choose-files").focus();
  showEarlier();
});
at("forget").addEventListener("click", () => {
  forgetAll();
  at("earlier").hidden = true;
  at("choose-files").focus();
});
bindPickers();
bindDrop();
bindExamples();
showEarlier();
