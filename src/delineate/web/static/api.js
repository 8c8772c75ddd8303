/** Everything that pages ask of the server. */

import { toast } from "./toast.js";

export const API = "/api/v1";
const AWAY = "The server does not answer. It may be stopped or starting again";
const TRIES_AGAIN_S = [1, 2, 4, 8, 15];

/** What the server, or its silence, says is wrong: `message` is for people, `kind` for programs. */
export class ProblemError extends Error {
  constructor(message, { kind, status = 0 }) {
    super(message);
    this.name = "ProblemError";
    this.kind = kind;
    this.status = status;
  }
}

/**
 * The answer to a request, once it is a good one.
 *
 * A full queue (503) is waited for as long as the server asks, with a visible note. A server that
 * does not answer is tried again where asking twice does no harm.
 *
 * @param {string} address
 * @param {{method?: string, json?: unknown, form?: FormData, signal?: AbortSignal,
 *          patient?: boolean, onWait?: (words: string | null) => void}} [options]
 *   `patient`: ask again when the server is away (so by default for GET);
 *   `onWait`: says why nothing comes yet, and null when it goes on (by default a message)
 * @returns {Promise<Response>}
 * @throws {ProblemError}
 */
export async function ask(address, options = {}) {
  const { method = "GET", json, form, signal, patient = method === "GET", onWait = noted() } = options;
  const request = {
    method,
    signal,
    credentials: "same-origin",
    headers: json === undefined ? {} : { "Content-Type": "application/json" },
    body: json === undefined ? form : JSON.stringify(json),
  };
  try {
    for (let tries = 0; ; tries += 1) {
      const { answer, wait_s, words } = await attempt(address, request, patient, tries);
      if (answer) return answer;
      await countdown(wait_s, (left) => onWait(`${words}; trying again in ${left} s.`), signal);
    }
  } finally {
    onWait(null);
  }
}

/** @returns {Promise<any>} the document that the server answers with */
export const askJSON = async (address, options) => (await ask(address, options)).json();
export const askBlob = async (address, options) => (await ask(address, options)).blob();
export const askBuffer = async (address, options) => (await ask(address, options)).arrayBuffer();

async function attempt(address, request, patient, tries) {
  let answer;
  try {
    answer = await fetch(address, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (!patient) throw new ProblemError(`${AWAY}. Try again in a moment.`, { kind: "away" });
    return { wait_s: TRIES_AGAIN_S[Math.min(tries, TRIES_AGAIN_S.length - 1)], words: AWAY };
  }
  if (answer.ok) return { answer };
  const problem = await problemOf(answer);
  if (answer.status !== 503) throw problem;
  const wait_s = Number(answer.headers.get("Retry-After")) || TRIES_AGAIN_S[0];
  return { wait_s, words: withoutStop(problem.message) };
}

async function problemOf(answer) {
  const { status } = answer;
  const said = await answer.json().catch(() => ({}));
  if (status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  return new ProblemError(said.error ?? `The server answered ${status} ${answer.statusText}.`, {
    kind: said.kind ?? "unknown",
    status,
  });
}

/**
 * Sends a large form and says how much of it has left the browser, which `fetch` cannot.
 * @param {string} address
 * @param {FormData} form
 * @param {{signal?: AbortSignal, onProgress: (sent: number, all: number) => void}} options
 * @returns {Promise<any>} the document of the answer
 * @throws {ProblemError}
 */
export function send(address, form, { signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.upload.onprogress = (event) => onProgress(event.loaded, event.total);
    request.onerror = () => reject(new ProblemError(`${AWAY}. Try again in a moment.`, { kind: "away" }));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    request.onload = () => {
      const { status, responseText } = request;
      if (status < 300) resolve(JSON.parse(responseText));
      else problemOf(new Response(responseText, { status })).then(reject);
    };
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

const withoutStop = (words) => words.replace(/\.\s*$/, "");

async function countdown(seconds, tell, signal) {
  for (let left = Math.ceil(seconds); left > 0; left -= 1) {
    tell(left);
    await pause(1000, signal);
  }
}

/** Waits; ends at once with an `AbortError` when the signal fires. */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}

function noted() {
  let note = null;
  return (words) => {
    if (words === null) note?.close();
    else if (note) note.update(words);
    else note = toast(words, { kind: "warn", sticky: true });
  };
}

/**
 * Listens to server-sent events until `close` or an event `end`; a lost connection is taken up.
 *
 * @param {string} address
 * @param {Record<string, (data: any) => void>} handlers what to do with the JSON of each event
 * @param {(isConnected: boolean) => void} [onState]
 * @returns {{close: () => void}}
 */
export function listen(address, handlers, onState = () => {}) {
  let source;
  let timer;
  let isClosed = false;
  const close = () => {
    isClosed = true;
    clearTimeout(timer);
    source.close();
  };
  const open = () => {
    source = new EventSource(address);
    source.onopen = () => onState(true);
    source.onerror = () => {
      if (isClosed) return;
      onState(false);
      // A browser takes up a broken stream by itself, but gives up on an answer that is none.
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, 3000);
    };
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handle(event.data ? JSON.parse(event.data) : null));
    }
    source.addEventListener("end", close);
  };
  open();
  return { close };
}
