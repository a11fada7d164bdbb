/** How a private key signs what proves who the client is (RFC 7523): the key says, and the server where there is a choice. */
import { createPrivateKey, type KeyObject } from 'node:crypto';

/** @param supported what the authorization server says that it takes; an algorithm of these goes before the usual one. */
export function signingAlgorithm(privateKey: string, supported: unknown): string {
  const possible = possibleFor(privateKey);
  const taken = Array.isArray(supported) ? possible.find((name) => supported.includes(name)) : undefined;
  return taken ?? possible[0] ?? 'RS256';
}

/** The usual one first. */
function possibleFor(privateKey: string): readonly string[] {
  const key = keyOf(privateKey);
  switch (key?.asymmetricKeyType) {
    case 'ec':
      return CURVES.get(key.asymmetricKeyDetails?.namedCurve ?? '') ?? [];
    case 'ed25519':
      return ['EdDSA'];
    case 'rsa-pss':
      return RSA_PSS;
    default:
      return ['RS256', 'RS384', 'RS512', ...RSA_PSS];
  }
}

const RSA_PSS = ['PS256', 'PS384', 'PS512'];

const CURVES: ReadonlyMap<string, readonly string[]> = new Map([
  ['prime256v1', ['ES256']],
  ['secp384r1', ['ES384']],
]);

/** Nothing where the text is no key: whoever signs with it says so better. */
function keyOf(privateKey: string): KeyObject | undefined {
  try {
    return createPrivateKey(privateKey);
  } catch {
    return undefined;
  }
}
