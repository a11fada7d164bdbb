import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import { parse } from 'jsonc-parser';
import { describe, expect, test } from 'vitest';

const validate = new AjvJsonSchemaValidator().getValidator(
  JSON.parse(readFileSync('switchyard.schema.json', 'utf8')) as object,
);

describe('the reference of the config', () => {
  test('is what the schema of the config makes it', async () => {
    const stale = promisify(execFile)(process.execPath, ['--import', 'tsx', 'scripts/docs.ts', '--check']);
    await expect(stale).resolves.toMatchObject({ stderr: '' });
  });

  test('gives editors a JSON Schema that takes the config of every example', () => {
    const files = readdirSync('examples', { recursive: true, encoding: 'utf8' })
      .filter((file) => /^[\w-]+\/\w+\.json$/.test(file))
      .map((file) => readFileSync(`examples/${file}`, 'utf8'));
    const texts = files;
    expect(texts.length).toBeGreaterThan(9);
    expect(texts.map((text) => validate(parse(text)).errorMessage)).toEqual(texts.map(() => undefined));
  });

  test.each([
    ['a duration with its unit', { defaults: { timeoutMs: '1.5m' } }],
    ['a size with its unit', { http: { maxBodyBytes: '32MiB' } }],
    ['a variable in the place of a number', { mcpServers: { a: { host: 'h', port: '${PORT}' } } }],
    ['a switch as text', { expose: { metaTools: 'false' } }],
  ])('takes %s', (_, config) => {
    expect(validate(config).errorMessage).toBeUndefined();
  });

  test.each([
    ['an unknown key', { mcpServers: { a: { command: 'x', timeout: 1 } } }],
    ['a number that is none', { mcpServers: { a: { command: 'x', maxConcurrency: 'many' } } }],
    ['a duration of an unknown unit', { defaults: { timeoutMs: '3 days' } }],
    ['a word that is none of the choices', { mcpServers: { a: { command: 'x', start: 'later' } } }],
    ['a pool without members', { pools: { a: {} } }],
    ['what belongs to one server in the defaults', { defaults: { command: 'x' } }],
  ])('refuses %s', (_, config) => {
    expect(validate(config).valid).toBe(false);
  });
});
