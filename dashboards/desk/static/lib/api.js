// Asks the API. In: a path and parameters. Out: answers, or an `ApiError` with what to do. State: none beside the hooks';
// whether a login is needed and what the collector says of its store is told to `onNotice`.
import { begin, end } from "./address.js";
import { useCallback, useEffect, useRef, useState } from "./preact.js";

/** What went wrong: `code`, `message`, `hint`, `status`. Codes of the page's own: `away`, `odd`. */
export class ApiError extends Error {
  constructor(code, message, hint, status = 0) {
    super(message);
    Object.assign(this, { code, hint, status });
  }
}

const notices = new Set();

/** Call `listener({ login, problem })` whenever one of these is learnt; returns a function that stops it. */
export function onNotice(listener) {
  notices.add(listener);
  return () => notices.delete(listener);
}

const tell = (notice) => notices.forEach((listener) => listener(notice));

/** The URL of a question; what is null, undefined or empty is left out, a list is repeated. */
export function urlOf(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== null && item !== undefined && item !== "") query.append(name, String(item));
    }
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** The answer of a URL. Throws `ApiError`, or `AbortError` if the signal aborts it. */
export async function ask(url, signal) {
  let response;
  try {
    response = await fetch(url, { signal, headers: { Accept: "application/json" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("away", "The collector does not answer.", "Is it still running? Start it: telemetry collect.");
  }
  const problem = response.headers.get("Search-Telemetry-Problem");
  if (response.ok || problem) tell({ problem: problem ? decodeURIComponent(problem) : "" });
  let answer;
  try {
    answer = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("odd", "The answer is not the collector's.", `HTTP status ${response.status}.`, response.status);
  }
  if (response.ok) return answer;
  const { code = "odd", message = "The query failed.", hint = "" } = answer?.error ?? {};
  if (response.status === 401) tell({ login: true });
  throw new ApiError(code, message, hint, response.status);
}

/** Log in with a token. Throws `ApiError`. */
export async function logIn(token) {
  const response = await fetch("/login", { method: "POST", body: JSON.stringify({ token }) });
  if (response.ok) return tell({ login: false });
  const answer = await response.json();
  throw new ApiError(answer.error.code, answer.error.message, answer.error.hint, response.status);
}

/** Log out; the next question asks for the token. Throws `ApiError`. */
export async function logOut() {
  const response = await fetch("/logout", { method: "POST" }).catch(() => null);
  if (!response || (!response.ok && response.status !== 401)) throw new ApiError("away", "The collector does not answer.", "You are still logged in.");
  tell({ login: true });
}

/**
 * An answer that follows its question.
 *
 * While a new answer for the same path is under way, the old one stays, as `loading`: nothing flickers while the live
 * range moves, or another filter is chosen. A question that is not asked any more is aborted.
 *
 * path: such as `/api/summary`; null asks nothing.
 * parameters: see `urlOf`.
 * Returns `{ answer, error, loading, reload, asked }`: `asked` is the URL that `answer` is of.
 */
export function useAnswer(path, parameters = {}) {
  const url = path ? urlOf(path, parameters) : null;
  const [state, setState] = useState({ path: null, asked: null, answer: null, error: null });
  const [turn, setTurn] = useState(0);
  const done = useRef(null);
  const reload = useCallback(() => setTurn((before) => before + 1), []);
  useEffect(() => {
    if (!url) return undefined;
    const aborter = new AbortController();
    begin(aborter);
    const settle = (found) => {
      if (aborter.signal.aborted) return;
      done.current = `${url} ${turn}`;
      setState((before) => ({ answer: before.path === path ? before.answer : null, error: null, ...found, path }));
    };
    ask(url, aborter.signal)
      .then((answer) => settle({ answer, asked: url }), (error) => settle({ error }))
      .finally(() => end(aborter));
    return () => {
      aborter.abort();
      end(aborter);
    };
  }, [url, turn]);
  const mine = state.path === path && url !== null;
  return {
    answer: mine ? state.answer : null,
    error: mine ? state.error : null,
    asked: mine ? state.asked : null,
    loading: url !== null && done.current !== `${url} ${turn}`,
    reload,
  };
}
