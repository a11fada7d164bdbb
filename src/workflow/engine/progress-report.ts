import { Json } from '../../json/json.ts';
import type { Caller } from '../calls.ts';
import type { Run } from '../run/run.ts';

const NAMED_STEPS = 5;

/** Tells a caller how far a run is, whenever more steps are done. */
export class ProgressReport {
  #reported = -1;

  send({ onProgress }: Caller, { progress: { done, total, running } }: Pick<Run, 'progress'>): void {
    if (done <= this.#reported) return;
    this.#reported = done;
    const message =
      running.length === 0
        ? `${done} of ${total} steps done`
        : `running: ${running.slice(0, NAMED_STEPS).join(', ')}`;
    onProgress?.(Json.of({ progress: done, total, message }));
  }
}
