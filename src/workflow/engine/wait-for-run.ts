import type { Cancellation } from '../../core/cancellation.ts';
import type { Caller } from '../calls.ts';
import { briefView, type RunView } from '../run-view.ts';
import type { Engine } from './engine.ts';
import type { LiveRun } from './live-run.ts';

/** Waits for a run on behalf of a caller, who may be asked, sees progress, and may cancel. */
export async function waitForRun(
  engine: Engine,
  run: LiveRun,
  caller: Caller,
  signal: Cancellation | undefined,
): Promise<RunView> {
  const detach = engine.attach(run, caller);
  const unlisten = signal?.onCancel((_reason, cause) => {
    // A run outlives a client that is gone, and the proxy itself: that is what the journal is for.
    if (cause === 'client-cancelled') void run.cancel('caller').catch(() => {});
    else detach();
  });
  // The clock's timers keep no process alive; a caller that waits does.
  const alive = setInterval(() => {}, 2 ** 30);
  try {
    return briefView(await run.untilStill());
  } finally {
    clearInterval(alive);
    unlisten?.();
    detach();
  }
}
