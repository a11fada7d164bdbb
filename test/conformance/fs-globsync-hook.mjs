/**
 * Lets the conformance suite start on Node 20: `node --import ./fs-globsync-hook.mjs …`.
 *
 * The suite imports `globSync` from `fs`, which Node has had only since 22, and a module does not even link
 * over a missing name. Only its `tier-check` command ever calls it, so a stand-in that throws is enough.
 */
import fs from 'node:fs';
import { register } from 'node:module';

const standIn = `
  export * from 'node:fs';
  export { default } from 'node:fs';
  export function globSync() { throw new Error('fs.globSync needs Node 22'); }
`;
const hooks = `
  const standIn = 'data:text/javascript,' + encodeURIComponent(${JSON.stringify(standIn)});
  export function resolve(specifier, context, next) {
    const asked = specifier === 'fs' && context.parentURL?.includes('/@modelcontextprotocol/conformance/');
    return asked ? { url: standIn, shortCircuit: true } : next(specifier, context);
  }
`;

if (!('globSync' in fs)) register('data:text/javascript,' + encodeURIComponent(hooks));
