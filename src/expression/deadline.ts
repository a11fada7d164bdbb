/**
 * Ends synchronous work that takes too long, whatever it does.
 *
 * V8 stops code that a script calls when the script's time is up; about 60 µs a call, so only for text whose
 * author is not trusted with the event loop.
 */
import { createContext, Script } from 'node:vm';

export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';
}

let runner: ((ms: number, task: () => unknown) => unknown) | undefined;

/**
 * The task may be begun anew, where the machine was too busy to let it work: it must be pure.
 *
 * @throws DeadlineExceeded
 */
export function withDeadline<T>(ms: number, task: () => T): T {
  runner ??= createRunner();
  const before = process.cpuUsage();
  try {
    return runner(ms, task) as T;
  } catch (error) {
    const { user, system } = process.cpuUsage(before);
    const starved = error instanceof DeadlineExceeded && (user + system) / 1000 < ms / 2;
    if (!starved) throw error;
    return runner(ms * STARVED_FACTOR, task) as T;
  }
}

const STARVED_FACTOR = 10;

function createRunner(): (ms: number, task: () => unknown) => unknown {
  // A null prototype, or the host's Object would be in reach. The context never sees any text of a caller.
  const box = createContext(Object.create(null) as object) as { task?: (() => unknown) | undefined };
  const script = new Script('task()');
  return (ms, task) => {
    const outer = box.task;
    box.task = task;
    try {
      return script.runInContext(box, { timeout: ms }) as unknown;
    } catch (error) {
      if ((error as NodeJS.ErrnoException | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
        throw new DeadlineExceeded(`took longer than ${ms} ms`);
      throw error;
    } finally {
      box.task = outer;
    }
  };
}
