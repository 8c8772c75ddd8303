/** The queue of the model, made while one looks on. */

import { API, askJSON, listen } from "../api.js";
import { at } from "../elements.js";

/** Binds the button; `done` is called when new findings are in the log. */
export function bindMaking(done) {
  const button = at("make");
  button.addEventListener("click", async () => {
    button.disabled = true;
    at("making").hidden = false;
    say("The model looks at the data …");
    try {
      const job = await askJSON(`${API}/findings`, { method: "POST" });
      follow(job, done, () => {
        button.disabled = false;
      });
    } catch (error) {
      say(error.message);
      button.disabled = false;
    }
  });
}

function follow(job, done, end) {
  const show = (now) => {
    at("making-bar").max = Math.max(1, now.total);
    at("making-bar").value = now.done;
    say(wordsOf(now));
  };
  const ended = (now) => {
    show(now);
    end();
    if (now.state === "done") done();
  };
  const stream = listen(job.links.events, { progress: show, end: ended }, (isConnected) => {
    // A server that was started anew knows nothing of the job; one that is away is waited for.
    if (!isConnected) {
      askJSON(job.links.self).catch((problem) => {
        stream.close();
        say(problem.message);
        end();
      });
    }
  });
}

function wordsOf({ state, done, total, error, failures }) {
  if (state === "failed") return error;
  if (state === "cancelled") return "Stopped.";
  if (state !== "done") return `The model looks at the data: ${done} of ${total} images.`;
  return failures.length ? `Done; ${failures.length} images could not be read: ${failures[0]}` : "Done.";
}

function say(words) {
  at("making-words").textContent = words;
}
