import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { signingAlgorithm } from '../../src/login/oauth/signing-algorithm.ts';

const pem = ({ privateKey }: { privateKey: KeyObject }): string =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const rsa = pem(generateKeyPairSync('rsa', { modulusLength: 2048 }));
const pss = pem(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }));
const p256 = pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
const p384 = pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }));
const edwards = pem(generateKeyPairSync('ed25519'));

describe('the algorithm that a private key signs with', () => {
  test.each([
    ['RSA', rsa, 'RS256'],
    ['RSA for PSS alone', pss, 'PS256'],
    ['P-256', p256, 'ES256'],
    ['P-384', p384, 'ES384'],
    ['Ed25519', edwards, 'EdDSA'],
  ])('is found from the key: %s', (_, key, algorithm) => {
    expect(signingAlgorithm(key, undefined)).toBe(algorithm);
  });

  test('is one that the authorization server takes, where the key leaves a choice', () => {
    expect(signingAlgorithm(rsa, ['ES256', 'PS256'])).toBe('PS256');
    expect(signingAlgorithm(rsa, ['PS256', 'RS256'])).toBe('RS256');
  });

  test('is the usual one where the server names none that the key can do, or the text is no key', () => {
    expect(signingAlgorithm(p256, ['RS256'])).toBe('ES256');
    expect(signingAlgorithm('no key', ['nonsense'])).toBe('RS256');
  });
});
