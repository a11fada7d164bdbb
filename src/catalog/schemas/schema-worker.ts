/**
 * The thread that compiles output schemas as the usual client does, to see whether it can: what a foreign schema costs,
 * it costs here.
 */
import { parentPort } from 'node:worker_threads';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { messageOf } from '../../core/errors.ts';
import type { JsonObject } from '../../json/json.ts';
import { endsOnEveryPath } from './endless-schema.ts';

const port = parentPort;
if (!port) throw new Error('this is a worker');

port.on('message', (text: string) => port.postMessage(faultOf(text)));
port.postMessage('ready');

/** @param text of an object. @returns why it is of no use to a client; empty where it is. */
function faultOf(text: string): string {
  // As clients of the TypeScript SDK make it: each has one of its own.
  const ajv = new Ajv({
    strict: false,
    validateFormats: true,
    validateSchema: false,
    allErrors: true,
    logger: false,
  });
  formats.default(ajv);
  try {
    const schema = JSON.parse(text) as JsonObject;
    const id = schema['$id'];
    if (typeof id === 'string' && ajv.getSchema(id)) return `its $id "${id}" is that of another schema`;
    ajv.compile(schema);
    return endsOnEveryPath(schema) ? '' : 'it applies itself to the same value for ever';
  } catch (error) {
    return messageOf(error) || 'it does not compile';
  }
}
