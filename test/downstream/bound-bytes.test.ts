import { asyncHandler } from '../../src/core/answer.ts';
import { describe, expect, test } from 'vitest';
import type { Call } from '../../src/core/call.ts';
import { Json } from '../../src/json/json.ts';
import { memoryLimit } from '../../src/middleware/memory-limit.ts';
import { callOf } from '../harness/builders.ts';

const MIB = 1024 * 1024;

function sized(bytes: number): Call {
  return callOf('write', { params: Json.fromText(`"${'x'.repeat(bytes - 2)}"`) });
}

describe('the memory of all requests under way', () => {
  test('is bounded; small ones still pass where large ones no longer do, and all that ends makes room', async () => {
    let open: (() => void)[] = [];
    const answer = Json.of({});
    const handle = memoryLimit({ maxBytes: 8 * MIB })(
      asyncHandler(() => new Promise((resolve) => open.push(() => resolve(answer)))),
    );
    const under = Array.from({ length: 6 }, () => handle(sized(MIB)));
    await expect(handle(sized(MIB))).rejects.toMatchObject({ code: 'BUSY', delivered: false });
    const small = handle(sized(1000));
    for (const end of open) end();
    await Promise.all([...under, small]);
    open = [];
    // Larger than everything, and alone.
    const huge = handle(sized(20 * MIB));
    await expect(handle(sized(10))).rejects.toMatchObject({ code: 'BUSY' });
    for (const end of open) end();
    await huge;
  });
});
