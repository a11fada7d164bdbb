/** J02 and J03: journals that are torn, damaged, read-only or full. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { JournalError } from '../../src/workflow/journal/journal.ts';
import { openStore } from '../../src/workflow/journal/store.ts';
import { bench, clientNamed } from './bench-of-tools.ts';
import { storeJournal } from '../fixtures/workflow/store-journal.ts';
import { temporaryFolder } from '../harness/temp-folder.ts';

// A thousand openings, each synced: in memory where there is such a folder.
const root = temporaryFolder('journal', existsSync('/dev/shm') ? '/dev/shm' : undefined);

const FRAMES = 24;
const WAL_HEADER = 32;
const FRAME = 4096 + 24;

const row = (id: string): Parameters<ReturnType<typeof openStore>['commit']>[0][number] => ({
  type: 'run',
  row: {
    id,
    workflow: 'w',
    client: 'c',
    status: 'running',
    owner: '',
    startedAt: 1,
    finishedAt: null,
    interpreter: 1,
    plan: '{}',
    result: null,
  },
});

/** A database whose log holds one entry a commit, as a killed process leaves it. */
function writtenJournal(): { readonly folder: string; readonly wal: Buffer } {
  const folder = join(root, 'source');
  mkdirSync(folder);
  const store = openStore(join(folder, 'journal.db'));
  store.commit([row('r')]);
  for (let seq = 1; seq <= FRAMES; seq++)
    store.commit([
      {
        type: 'entry',
        runId: 'r',
        entry: {
          seq,
          key: `k${seq}`,
          kind: 'outcome',
          at: seq,
          data: JSON.stringify({ pad: 'x'.repeat(200) }),
        },
      },
    ]);
  const copy = join(root, 'copy');
  mkdirSync(copy);
  for (const end of ['', '-wal'])
    copyFileSync(join(folder, `journal.db${end}`), join(copy, `journal.db${end}`));
  store.close();
  return { folder: copy, wal: written(readFileSync(join(copy, 'journal.db-wal'))) };
}

/** Without the room ahead: a frame begins with the number of its page, and there is none before the first. */
function written(wal: Buffer): Buffer {
  let end = WAL_HEADER;
  while (end < wal.length && wal.readUInt32BE(end) > 0) end += FRAME;
  return wal.subarray(0, end);
}

describe('J02 a torn journal', () => {
  test('recovers to a prefix, cut at every frame edge and at 1,000 random offsets', () => {
    const { folder, wal } = writtenJournal();
    const edges = Array.from(
      { length: Math.floor((wal.length - WAL_HEADER) / FRAME) + 1 },
      (_, index) => WAL_HEADER + index * FRAME,
    );
    let seed = 7;
    const random = Array.from(
      { length: 1000 },
      () => (seed = (seed * 1103515245 + 12345) % 2147483648) % wal.length,
    );
    const source = join(folder, 'journal.db');
    let last = -1;
    for (const [index, cut] of [...edges, ...random].entries()) {
      // A new name each time: SQLite keeps what it knows of a file as long as the process lives.
      const file = join(folder, `${index}.db`);
      copyFileSync(source, file);
      // At its end or in its middle: a log has its full length from the first run on.
      const ahead = Buffer.alloc(index % 2 === 0 ? 0 : 3 * FRAME);
      writeFileSync(`${file}-wal`, Buffer.concat([wal.subarray(0, cut), ahead]));
      const store = openStore(file);
      expect(store.repaired).toBeUndefined();
      const seqs = store.entries('r').map(({ seq }) => seq);
      expect(seqs).toEqual(seqs.map((_, place) => place + 1));
      store.close();
      for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true });
      last = Math.max(last, seqs.length);
    }
    expect(last).toBe(FRAMES);
  }, 60_000);

  test('has room ahead from its first run on, however often it is opened, and nothing is lost by it', () => {
    const folder = join(root, 'room');
    mkdirSync(folder);
    const file = join(folder, 'journal.db');
    for (let round = 0; round < 3; round++) {
      const [one, other] = [openStore(file), openStore(file)];
      one.commit([row(`a${round}`)]);
      other.commit([row(`b${round}`)]);
      one.commit([row(`c${round}`)]);
      const log = readFileSync(`${file}-wal`);
      expect(log.length).toBeGreaterThan(1000 * FRAME);
      expect(written(log).length).toBeGreaterThan(3 * FRAME);
      expect(other.runs({ limit: 100 })).toHaveLength(3 * (round + 1));
      for (const store of [one, other]) store.close();
    }
  });

  test('that is no database any more is put aside, and a new one is begun', () => {
    const file = join(root, 'broken', 'journal.db');
    mkdirSync(join(root, 'broken'));
    writeFileSync(file, 'this is no database at all, but long enough to look like one'.repeat(200));
    const store = openStore(file);
    expect(store.repaired).toMatch(/damaged/);
    expect(existsSync(store.repaired ?? '')).toBe(true);
    store.commit([row('r')]);
    expect(store.run('r')?.id).toBe('r');
    store.close();
  });

  test('that is overwritten in its middle never stops the start', async () => {
    const b = bench({ put: { run: () => ({ ok: true }) } });
    await b.workflows.start();
    for (let i = 0; i < 20; i++)
      await b.workflows.run(
        { workflow: { steps: [{ id: 'a', tool: 'put' }] }, input: {}, wait: true },
        { client: clientNamed('u') },
      );
    await b.workflows.close();
    const file = join(b.stateDir, 'workflows', 'journal.db');
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xa5, 4096, 4096 * 4));
    const again = bench({ put: { run: () => ({ ok: true }) } }, { stateDir: b.stateDir });
    await again.workflows.start();
    const run = await again.workflows.run(
      { workflow: { steps: [{ id: 'a', tool: 'put' }] }, input: {}, wait: true },
      { client: clientNamed('u') },
    );
    expect(run.status).toBe('succeeded');
    expect(readdirSync(join(b.stateDir, 'workflows')).some((name) => name.includes('damaged'))).toBe(true);
    await again.close();
  });
});

describe('J03 no room for the journal', () => {
  test('a folder that cannot be written refuses the run before anything is called', async () => {
    const stateDir = temporaryFolder('read-only', root);
    // A file where the folder should be: for root as well nothing can be written there.
    writeFileSync(join(stateDir, 'workflows'), '');
    const b = bench({ put: { run: () => ({}) } }, { stateDir });
    await b.workflows.start();
    await expect(
      b.workflows.run(
        { workflow: { steps: [{ id: 'a', tool: 'put' }] }, input: {}, wait: true },
        { client: clientNamed('u') },
      ),
    ).rejects.toMatchObject({ code: 'NEEDS_ATTENTION', delivered: false });
    expect(b.calls).toEqual([]);
    await b.close();
  });

  test('a disk that fills up in mid-run stops before the next step, and the run goes on when there is room', async () => {
    let full = false;
    const b = bench(
      { put: { run: (args) => ((full = true), args) } },
      {
        openJournal: async (file) => {
          const journal = await storeJournal(file);
          return {
            ...journal,
            commit: (changes) =>
              full ? Promise.reject(new JournalError('the disk is full')) : journal.commit(changes),
          };
        },
      },
    );
    await b.workflows.start();
    const who = { client: clientNamed('u') };
    const workflow = {
      steps: [
        { id: 'a', tool: 'put' },
        { id: 'b', after: ['a'], tool: 'put' },
      ],
    };
    const run = await b.workflows.run({ workflow, input: {}, wait: true }, who);
    expect(run).toMatchObject({ status: 'needs_attention', error: { code: 'NEEDS_ATTENTION' } });
    expect(run.error?.message).toContain('the disk is full');
    expect(b.calls).toHaveLength(1);
    full = false;
    // Nothing tells whether "a" was done: a person says so.
    const asked = await b.workflows.resume({ runId: run.run_id }, who);
    expect(asked.attention).toMatchObject([{ step: 'a', options: ['retry', 'skip', 'fail', 'done'] }]);
    const rest = b.workflows.resume({ runId: run.run_id, decision: 'done', output: 1 }, who);
    full = false;
    await rest;
    expect(b.calls).toHaveLength(2);
    await b.close();
  });
});
