/** The move of a client's own servers into our config; a server that would mean something else there stays. */
import { rm } from 'node:fs/promises';
import { entriesIn } from '../../clients/client-entry.ts';
import { parseText, textFormatOf } from '../../clients/edit/edit-text.ts';
import { readIfThere, replaceFile } from '../../clients/edit/replace-file.ts';
import type { ClientFileFound } from '../../clients/found-servers.ts';
import { type Taken, takeOver } from '../../clients/take-over.ts';
import type { ServerConfig } from '../../config/config.ts';
import type { HostEnvironment } from '../../config/folders.ts';
import { messageOf } from '../../core/errors.ts';
import { readConfig } from '../support/configured.ts';
import { changeOwnConfig, type OwnConfigFile } from '../support/own-config-file.ts';

/** The servers that were moved into our config, and those that were left with the client. */
export interface Adoption {
  readonly names: readonly string[];
  readonly taken: readonly Taken[];
  readonly left: readonly { readonly name: string; readonly why: string }[];
}

export const NO_ADOPTION: Adoption = { names: [], taken: [], left: [] };

/** Takes over what means the same in our config; everything else stays with the client. */
export async function adoptServers(
  found: ClientFileFound,
  own: OwnConfigFile,
  machine: HostEnvironment,
): Promise<Adoption> {
  const { client, file, servers, skipped } = found;
  const root = await parseText((await readIfThere(file)) ?? '', textFormatOf(file));
  const entries = new Set(entriesIn(client.id, root).map(({ name }) => name));
  const offered = [...servers]
    .filter(([name, { disabled }]) => entries.has(name) && disabled !== true)
    .map(([name, input]) => ({ client: client.id, name, input }));
  const off = [...servers].filter(([, { disabled }]) => disabled === true);
  const left = [
    ...skipped.filter((one) => one.own !== true).map(({ name, reason }) => ({ name, why: `${reason}.` })),
    ...off.map(([name]) => ({ name, why: 'it is switched off there.' })),
  ];
  const current = { ...own, text: await readIfThere(own.file) };
  const { taken, edits } = takeOver(
    offered,
    await parseText(current.text ?? '', textFormatOf(own.file)),
    machine,
  );
  if (edits.length > 0) await changeOwnConfig(current, edits);
  const strange = await changedMeaning(taken, file, own.file, machine);
  if (strange.size > 0) {
    // Once more, with the servers that mean the same.
    await restoreOwnConfig(current);
    const again = takeOver(
      offered.filter(({ name }) => !strange.has(name)),
      await parseText(current.text ?? '', textFormatOf(own.file)),
      machine,
    );
    if (again.edits.length > 0) await changeOwnConfig(current, again.edits);
    const more = [...strange].map(([name, why]) => ({ name, why }));
    return { names: again.taken.map(({ name }) => name), taken: again.taken, left: [...left, ...more] };
  }
  return { names: taken.map(({ name }) => name), taken, left };
}

export async function restoreOwnConfig({ file, text }: OwnConfigFile): Promise<void> {
  if (text === undefined) await rm(file, { force: true });
  else if ((await readIfThere(file)) !== text) await replaceFile(file, text);
}

/** Servers that would be started otherwise from our file than from the client's: with the reason. */
async function changedMeaning(
  taken: readonly Taken[],
  clientFile: string,
  ownFile: string,
  machine: HostEnvironment,
): Promise<ReadonlyMap<string, string>> {
  const strange = new Map<string, string>();
  const before = await readConfig([clientFile], userMachine(machine));
  let after;
  try {
    after = await readConfig([ownFile], machine);
  } catch (error) {
    // A variable that is not set is an error in our file.
    const why = messageOf(error);
    for (const { name, key, twice } of taken)
      if (!twice && (why.includes(`.${key}.`) || why.includes(`"${key}"`)))
        strange.set(name, why.split('\n')[0] ?? why);
    if (strange.size === 0) throw error;
    return strange;
  }
  for (const { name, key } of taken) {
    const [one, other] = [before.servers.get(name), after.servers.get(key)];
    if (!one || !other || meaning(one) !== meaning(other))
      strange.set(name, 'it would mean something else outside of this file.');
  }
  return strange;
}

function meaning({ transport, disabled }: ServerConfig): string {
  return JSON.stringify([transport, disabled], (_key, value: unknown) =>
    value instanceof Map ? [...value] : value,
  );
}

/** A file of the whole user is read as such, wherever the command runs. */
export function userMachine(machine: HostEnvironment): HostEnvironment {
  return { ...machine, cwd: machine.homeDir };
}
