/** One batch: how far it is, what went wrong, and the archive. */

import { API, ask, askJSON, listen } from "./api.js";
import { at, build } from "./elements.js";
import { announce, toast } from "./toast.js";
import { counted, duration } from "./words.js";

const { job: id } = at("batch").dataset;
const ENDED = ["done", "failed", "cancelled"];
let begun = null; // when this page first saw it go on, and how far it was then

function show(job) {
  at("bar").max = Math.max(job.total, 1);
  at("bar").value = job.done;
  at("words").textContent = wordsOf(job);
  at("state").textContent = job.state;
  at("state").className = `badge ${{ done: "good", failed: "bad", cancelled: "warn" }[job.state] ?? "accent"}`;
  at("problem").hidden = job.error === null;
  at("problem").textContent = job.error ?? "";
  showFailures(job.failures);
  const hasEnded = ENDED.includes(job.state);
  at("cancel").hidden = hasEnded;
  at("kept").hidden = hasEnded && job.state !== "done";
  at("download").hidden = !job.links.result;
  if (job.links.result) at("download").href = job.links.result;
  document.title = document.title.replace(/^(\d+ % · )?/, hasEnded ? "" : `${percent(job)} % · `);
}

const percent = (job) => Math.floor((100 * job.done) / Math.max(job.total, 1));

function wordsOf(job) {
  const all = counted(job.total, "image");
  if (job.state === "waiting") return `${all}, waiting for another batch to end.`;
  if (job.state === "running") return `${job.done} of ${all}. ${remaining(job)}`;
  if (job.state === "cancelled") return `Stopped after ${job.done} of ${all}.`;
  if (job.state === "failed") return `Nothing came of these ${all}.`;
  return `${counted(job.total - job.failures.length, "mask")} of ${all}.`;
}

function remaining(job) {
  begun ??= { at: performance.now(), done: job.done };
  const gone = job.done - begun.done;
  if (gone < 2) return "";
  const each_s = (performance.now() - begun.at) / 1000 / gone;
  return `About ${duration((job.total - job.done) * each_s)} to go.`;
}

function showFailures(failures) {
  at("failed").hidden = failures.length === 0;
  at("failed-title").textContent = `${counted(failures.length, "image")} without a mask`;
  const list = at("failures");
  for (const words of failures.slice(list.children.length)) {
    list.append(build("li", {}, words));
  }
}

async function follow() {
  const job = await asked();
  show(job);
  if (ENDED.includes(job.state)) return;
  const stream = listen(job.links.events, { progress: show, end: ended }, (isConnected) => {
    // A server that was started anew knows nothing of the batch; one that is away is waited for.
    if (!isConnected) asked().then(show).catch((problem) => (stream.close(), giveUp(problem)));
  });
}

const asked = () =>
  askJSON(`${API}/jobs/${id}`, {
    onWait: (words) => {
      at("away").hidden = words === null;
      at("away").textContent = words ?? "";
    },
  });

function ended(job) {
  show(job);
  announce(wordsOf(job));
}

function giveUp(problem) {
  at("progress").hidden = at("kept").hidden = true;
  at("state").hidden = true;
  at("problem").hidden = false;
  at("problem").textContent = problem.message;
}

at("cancel").addEventListener("click", async () => {
  try {
    await ask(`${API}/jobs/${id}`, { method: "DELETE" });
    ended(await asked());
  } catch (problem) {
    toast(problem.message, { kind: "bad" });
  }
});

follow().catch(giveUp);
