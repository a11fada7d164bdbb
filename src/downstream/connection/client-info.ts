/** Who we say we are to a server; over stdio that is known only once our own client has said who it is. */
import type { JsonObject } from '../../json/json.ts';

export interface ClientIdentity {
  readonly info: JsonObject;
  readonly capabilities: JsonObject;
  /** The revision that our one client of the legacy family asked for. */
  readonly protocolVersion?: string | undefined;
}

export interface IdentitySource {
  /** `undefined` until it is known. */
  readonly now: ClientIdentity | undefined;
  readonly promise: Promise<ClientIdentity>;
}

export interface SettableIdentity extends IdentitySource {
  /** Only the first one counts. */
  set(identity: ClientIdentity): void;
}

export function identitySource(known?: ClientIdentity): SettableIdentity {
  let now = known;
  let resolve: (identity: ClientIdentity) => void = () => {};
  const promise = known ? Promise.resolve(known) : new Promise<ClientIdentity>((done) => (resolve = done));
  return {
    get now() {
      return now;
    },
    promise,
    set(identity) {
      now ??= identity;
      resolve(now);
    },
  };
}

/** The same without what one client's connection alone may say. */
export function withoutRoots(source: IdentitySource): IdentitySource {
  const without = ({
    info,
    capabilities: { roots: _roots, ...capabilities },
  }: ClientIdentity): ClientIdentity => ({
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
