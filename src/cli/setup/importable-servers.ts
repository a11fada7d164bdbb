/** Servers of clients that our config can hold: one that does not load would keep all others from being served. */
import type { Edit } from '../../clients/edit/text-editor.ts';
import { type Offered, type Taken, takeOver } from '../../clients/take-over.ts';
import type { HostEnvironment } from '../../config/folders.ts';
import { pathText } from '../../config/text/tree.ts';
import { freshProblems, type OwnConfigFile } from '../support/own-config-file.ts';

export interface TakenServers {
  readonly taken: readonly Taken[];
  readonly edits: readonly Edit[];
  /** The servers that do not load from our file, with the reasons. */
  readonly left: ReadonlyMap<Offered, string>;
}

/** Leaving one server out may make another one new that was the same server: such a one is looked at again. */
export async function takenServers(
  offered: readonly Offered[],
  own: OwnConfigFile,
  machine: HostEnvironment,
): Promise<TakenServers> {
  const left = new Map<Offered, string>();
  for (;;) {
    const good = offered.filter((one) => !left.has(one));
    const { taken, edits } = takeOver(good, own.root, machine);
    const problems = edits.length === 0 ? [] : await freshProblems(own, edits, machine);
    const count = left.size;
    for (const [index, { key, twice }] of taken.entries()) {
      const [one, at] = [good[index], pathText(['mcpServers', key])];
      const problem = problems.find(
        ({ path }) => path === at || (/^[.[]/.test(path.slice(at.length)) && path.startsWith(at)),
      );
      if (one && problem && !twice) left.set(one, problem.message);
    }
    if (left.size === count) return { taken, edits, left };
  }
}
