/** Who we say we are to a server; over stdio that is known only once our own client has said who it is. */
import type { JsonObject } from '../../json/json.ts';

export interface Greeting {
  readonly info: JsonObject;
  readonly capabilities: JsonObject;
  /** The revision that our one client of the legacy family asked for. */
  readonly protocolVersion?: string | undefined;
}

export interface GreetingSource {
  /** `undefined` until it is known. */
  readonly now: Greeting | undefined;
  readonly promise: Promise<Greeting>;
}

export interface SettableGreeting extends GreetingSource {
  /** Only the first one counts. */
  set(greeting: Greeting): void;
}

export function greetingSource(known?: Greeting): SettableGreeting {
  let now = known;
  let resolve: (greeting: Greeting) => void = () => {};
  const promise = known ? Promise.resolve(known) : new Promise<Greeting>((done) => (resolve = done));
  return {
    get now() {
      return now;
    },
    promise,
    set(greeting) {
      now ??= greeting;
      resolve(now);
    },
  };
}

/** The same without what one client's connection alone may say. */
export function withoutRoots(source: GreetingSource): GreetingSource {
  const without = ({ info, capabilities: { roots: _roots, ...capabilities } }: Greeting): Greeting => ({
    info,
    capabilities,
  });
  return {
    get now() {
      return source.now && without(source.now);
    },
    get promise() {
      return source.promise.then(without);
    },
  };
}
