import type { Wire } from '../core/wire.ts';

/** Where what belongs to one request of a client goes: its own answer in HTTP, the one pipe in stdio. */
export interface Outlet {
  /** A message that is not the answer. */
  send(text: string): void;
  /** The answer. The status is for HTTP (200 unless told otherwise). */
  end(message: Wire, status?: number): void;
  /** The client cancelled the request: it must not get an answer where silence is possible. */
  drop(message: Wire): void;
  /** The client went away before the answer. */
  onGone(listener: () => void): void;
}
