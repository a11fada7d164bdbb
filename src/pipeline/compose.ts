import type { Handler, Middleware } from '../core/call.ts';

/** Wraps the handler in all middleware; the first is the outermost. */
export function compose(middleware: readonly Middleware[], handler: Handler): Handler {
  return middleware.reduceRight((next, wrap) => wrap(next), handler);
}
