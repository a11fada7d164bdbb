/** Random workflows against an interpreter that is as simple as can be. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storeJournal } from '../fixtures/workflow/store-journal.ts';
import { bench, type Bench, clientNamed, toolError } from './bench-of-tools.ts';

interface RandomStep {
  readonly needs: readonly number[];
  readonly items: number;
  readonly fails: boolean;
  readonly skipped: boolean;
  readonly ms: number;
}

const flows = fc
  .record({
    steps: fc.array(
      fc.record({
        needs: fc.array(fc.nat(), { maxLength: 3 }),
        items: fc.constantFrom(-1, -1, -1, 0, 1, 3),
        fails: fc.constantFrom(false, false, false, false, true),
        skipped: fc.constantFrom(false, false, false, false, false, true),
        ms: fc.nat(3),
      }),
      { minLength: 1, maxLength: 12 },
    ),
    concurrency: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ steps, concurrency }) => ({
    concurrency,
    // Only earlier steps: a graph without cycles.
    steps: steps.map((step, index): RandomStep => ({
      ...step,
      needs: index === 0 ? [] : [...new Set(step.needs.map((need) => need % index))],
    })),
  }));

function definitionOf(steps: readonly RandomStep[], concurrency: number): object {
  return {
    on_error: 'continue',
    concurrency,
    steps: steps.map(({ needs, items, fails, skipped, ms }, index) => ({
      id: `s${index}`,
      tool: fails ? 'boom' : 'sum',
      ...(skipped && { when: '1 > 2' }),
      ...(items >= 0 && {
        foreach: JSON.stringify(Array.from({ length: items }, (_, item) => item)),
        concurrency: 2,
      }),
      with: {
        step: index,
        ms,
        add: needs.map((need) => `\${{ steps.s${need}.output }}`),
        ...(items >= 0 && { item: '${{ item }}' }),
      },
    })),
  };
}

/** What each step comes to: its value, or why there is none. */
function reference(steps: readonly RandomStep[]): readonly unknown[] {
  const results: unknown[] = [];
  for (const [index, { needs, items, fails, skipped }] of steps.entries()) {
    const inputs = needs.map((need) => results[need]);
    if (inputs.some((input) => input === 'failed' || input === 'skipped')) results.push('skipped');
    else if (skipped) results.push('skipped');
    else if (fails && items !== 0) results.push('failed');
    else if (items >= 0)
      results.push(Array.from({ length: items }, (_, item) => total(inputs) + index + item));
    else results.push(total(inputs) + index);
  }
  return results;
}

function total(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, part) => sum + total(part), 0);
  return typeof value === 'number' ? value : 0;
}

interface Args {
  readonly step: number;
  readonly ms: number;
  readonly item?: number;
  readonly add: readonly unknown[];
}

describe('random workflows', () => {
  let b: Bench;
  let active = 0;
  let most = 0;
  const begun: number[] = [];
  const ended: number[] = [];

  const work = async (args: unknown, result: (args: Args) => unknown): Promise<unknown> => {
    const its = args as Args;
    begun.push(its.step);
    most = Math.max(most, ++active);
    await new Promise((done) => setTimeout(done, its.ms));
    active--;
    ended.push(its.step);
    return result(its);
  };

  beforeAll(async () => {
    const tools = {
      sum: {
        run: (args: unknown) =>
          work(args, ({ step, item = 0, add }) => ({
            content: [{ type: 'text', text: String(total(add) + step + item) }],
          })),
      },
      boom: { run: (args: unknown) => work(args, () => toolError('no')) },
    };
    b = bench(tools, { openJournal: storeJournal });
    await b.workflows.start();
  });
  afterAll(async () => await b.close());

  test('give what the reference gives, keep order and bounds', async () => {
    await fc.assert(
      fc.asyncProperty(flows, async ({ steps, concurrency }) => {
        [active, most] = [0, 0];
        begun.length = 0;
        ended.length = 0;
        const run = await b.workflows.run(
          { workflow: definitionOf(steps, concurrency), input: {}, wait: true },
          { client: clientNamed('u') },
        );
        const views = run.steps as Readonly<
          Record<string, { readonly status: string; readonly output?: unknown }>
        >;
        const got = steps.map((_, index) => {
          const view = views[`s${index}`];
          return view?.status === 'succeeded' ? view.output : view?.status;
        });
        expect(got).toEqual(reference(steps));
        expect(most).toBeLessThanOrEqual(concurrency);
        for (const [index, { needs }] of steps.entries()) {
          const first = begun.indexOf(index);
          if (first >= 0)
            for (const need of needs)
              if (ended.includes(need)) expect(ended.lastIndexOf(need)).toBeLessThan(ended.indexOf(index));
        }
        expect(run.status).toBe(reference(steps).includes('failed') ? 'failed' : 'succeeded');
      }),
      { numRuns: 150 },
    );
  }, 30_000);

  test('are as parallel as they can be: independent steps fill every place', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 8 }), async (concurrency) => {
        [active, most] = [0, 0];
        const steps = Array.from({ length: 10 }, (): RandomStep => ({
          needs: [],
          items: -1,
          fails: false,
          skipped: false,
          ms: 3,
        }));
        await b.workflows.run(
          { workflow: definitionOf(steps, concurrency), input: {}, wait: true },
          { client: clientNamed('u') },
        );
        expect(most).toBe(concurrency);
      }),
      { numRuns: 8 },
    );
  });
});
