const POLL_MS = 10;

/**
 * Asks until there is an answer other than `undefined` and `false`.
 *
 * @throws Error with `what` and what is known by then, if the time is over.
 */
export async function until<T>(
  what: string,
  ready: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 5000,
  known: () => string = () => '',
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await ready();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline)
      throw new Error(`waited ${withinMs} ms in vain for ${what}. ${known()}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
