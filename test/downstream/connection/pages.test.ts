import { expect, test } from 'vitest';
import { Json } from '../../../src/json/json.ts';
import { fetchListing } from '../../../src/downstream/connection/pages.ts';

test('B10 a server that lists without measure is listened to up to a measure', async () => {
  const hello = {
    protocolVersion: '2025-11-25',
    serverInfo: undefined,
    capabilities: { tools: {} },
    instructions: undefined,
  };
  const padding = 'x'.repeat(20 * 1024 * 1024);
  let pages = 0;
  const { listing } = await fetchListing(hello, {
    ask: () => {
      const page = pages++;
      return Promise.resolve(Json.of({ tools: [{ name: `t${page}` }], nextCursor: String(page), padding }));
    },
    before: undefined,
    maxItems: 5000,
    maxPages: 1000,
    maxBytes: 64 * 1024 * 1024,
  });
  expect(pages).toBe(4);
  expect(listing.tools).toHaveLength(3);
  expect(listing.problems).toEqual([expect.stringContaining('the rest is left out')]);
});
