// Ask the API: with patience that ends, and problems told in the server's own words.

const PATIENCE_MS = 10_000;
export const KEPT = "X-Liqwatch-Kept";

/** Say whether an answer is one that the browser kept, because Liqwatch could not be reached. */
export const isKept = (answer) => answer.headers.has(KEPT);

/** Return the answer of an address; throw an Error with the problem document's words, also as `problem`. */
export async function ask(path, options = {}) {
  const answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS), ...options });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw Object.assign(new Error(problem.detail ?? `${path}: ${answer.status}`), { problem, status: answer.status });
}
