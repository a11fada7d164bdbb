import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Handler, Middleware } from '../../src/core/call.ts';
import { CALL_ORDER, composeInOrder, SERVER_ORDER, STEP_ORDER } from '../../src/pipeline/order.ts';
import { callOf } from '../harness/builders.ts';

/** The names in the drawing that stand between two of its arrows. */
function drawn(): string[][] {
  const page = readFileSync('docs/architecture.md', 'utf8');
  const drawing = /```text\n(client\n[\s\S]*?)```/.exec(page)?.[1] ?? '';
  return drawing
    .split('▼')
    .map((part) =>
      part.split('\n').flatMap((line) => /^([a-z][\w-]*(?: [\w-]+)*)(?: {2}|$)/.exec(line)?.[1] ?? []),
    );
}

describe('the drawing in docs/architecture.md', () => {
  const [, , around, server] = drawn();

  test('has the middleware of a call in the order in which it is composed, and the router behind it', () => {
    expect(around).toEqual([...CALL_ORDER, 'router']);
  });

  test('has the middleware of each server in the order in which it is composed', () => {
    expect(server).toEqual([...SERVER_ORDER]);
  });
});

describe('composing', () => {
  async function passed(left: readonly string[] = []): Promise<string[]> {
    const seen: string[] = [];
    const layer = (name: string): Middleware | undefined =>
      left.includes(name) ? undefined : (next) => (call) => (seen.push(name), next(call));
    const names = [...STEP_ORDER].reverse();
    const layers = Object.fromEntries(names.map((name) => [name, layer(name)]));
    const end: Handler = (() => Promise.resolve(undefined)) as unknown as Handler;
    await composeInOrder(STEP_ORDER, layers as Parameters<typeof composeInOrder<string>>[1], end)(callOf());
    return seen;
  }

  test('follows the order, whichever layer is written down first', async () => {
    expect(await passed()).toEqual([...STEP_ORDER]);
  });

  test('leaves out a layer that is not there', async () => {
    expect(await passed(['cache'])).toEqual(STEP_ORDER.filter((name) => name !== 'cache'));
  });
});
