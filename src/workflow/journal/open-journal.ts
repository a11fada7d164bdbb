import type { Logger } from '../../core/logger.ts';
import { type Journal, JournalError } from './journal.ts';
import { startWorker } from './start-worker.ts';
import type { WorkerReply, Request } from './worker.ts';

/**
 * Opens the journal in a thread of its own.
 *
 * @throws JournalError where there is no place for it: the folder is read-only, or the disk is full.
 */
export async function openJournal(file: string, log: Logger): Promise<Journal> {
  const worker = startWorker({ file });
  const waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: JournalError) => void }
  >();
  let last = 0;
  let dead: JournalError | undefined;

  worker.on('message', (answer: WorkerReply) => {
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (waiting.size === 0) worker.unref();
    if ('error' in answer) asked?.reject(new JournalError(sentence(answer.error), { cause: answer.error }));
    else asked?.resolve(answer.result);
  });
  const end = (why: string): void => {
    dead ??= new JournalError(why);
    for (const { reject } of waiting.values()) reject(dead);
    waiting.clear();
  };
  worker.on('error', (error) => end(`the journal's thread failed: ${error.message}`));
  worker.on('exit', () => end('the journal is closed'));

  const answered = (id: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (dead) {
        reject(dead);
        return;
      }
      waiting.set(id, { resolve, reject });
      worker.ref();
    });
  const ask = async (method: Request['method'], ...args: readonly unknown[]): Promise<unknown> => {
    const id = ++last;
    const answer = answered(id);
    if (!dead) worker.postMessage({ id, method, args } satisfies Request);
    return await answer;
  };

  try {
    const repaired = await answered(0);
    if (repaired !== undefined)
      log.error({ file: repaired }, 'the workflow journal was damaged: it is put aside, and a new one begun');
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  return {
    commit: async (changes) => void (await ask('commit', changes)),
    runs: async (filter) => (await ask('runs', filter)) as Awaited<ReturnType<Journal['runs']>>,
    run: async (id) => (await ask('run', id)) as Awaited<ReturnType<Journal['run']>>,
    entries: async (runId) => (await ask('entries', runId)) as Awaited<ReturnType<Journal['entries']>>,
    claim: async (...args) => (await ask('claim', ...args)) as boolean,
    signals: async (owner) => (await ask('signals', owner)) as Awaited<ReturnType<Journal['signals']>>,
    async close() {
      if (dead) return;
      await ask('close').catch(() => {});
      await worker.terminate();
    },
  };
}

function sentence({
  message,
  code,
}: {
  readonly message: string;
  readonly code: string | undefined;
}): string {
  if (/FULL/.test(code ?? '') || /full/.test(message))
    return 'the workflow journal cannot be written: the disk of the state folder is full. Make room there, then try again';
  if (/READONLY|CANTOPEN|PERM|EACCES|EROFS|ENOTDIR|EEXIST/.test(`${code ?? ''} ${message}`))
    return 'the workflow journal cannot be written: the state folder is read-only or not there';
  return `the workflow journal cannot be used: ${message}`;
}
