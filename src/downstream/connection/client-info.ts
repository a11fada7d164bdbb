/** The identity that a server is told; over stdio it is known only after the handshake of the proxy's own client. */
import type { JsonObject } from '../../json/json.ts';

export interface ClientIdentity {
  readonly info: JsonObject;
  readonly capabilities: JsonObject;
  /** The revision that the one client of the legacy era asked for. */
  readonly protocolVersion?: string | undefined;
}

export interface IdentitySource {
  /** `undefined` until it is known. */
  readonly now: ClientIdentity | undefined;
  readonly promise: Promise<ClientIdentity>;
}

export interface SettableIdentity extends IdentitySource {
  /** Sets the identity; only the first one counts. */
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

/** The same identity without roots, which only the connection of one client may declare. */
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
