import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { Durations } from '../../src/telemetry/durations.ts';

const BOUNDS = [0.001, 0.5, 1, 60];

test('durations are told as a histogram of prom-client would tell them', async () => {
  const labels = fc.constantFrom('a', 'b "quoted"', 'c\\d\ne');
  const seconds = fc.oneof(fc.constantFrom(0, ...BOUNDS), fc.double({ min: 0, max: 100, noNaN: true }));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(labels, labels, seconds), { maxLength: 30 }), async (calls) => {
      const [ours, theirs] = [new Registry(), new Registry()];
      const durations = new Durations('took_seconds', 'How long.', BOUNDS, ours);
      const histogram = new Histogram({
        name: 'took_seconds',
        help: 'How long.',
        labelNames: ['server', 'tool'],
        buckets: BOUNDS,
        registers: [theirs],
      });
      for (const [server, tool, value] of calls) {
        durations.add(server, tool, value);
        histogram.observe({ server, tool }, value);
      }
      expect(linesOf(await ours.metrics())).toEqual(linesOf(await theirs.metrics()));
    }),
  );
});

/** In any order, and with the labels of each line in any order. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(',').sort().join()}}`))
    .sort();
}
