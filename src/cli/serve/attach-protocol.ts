/** Names that an attaching process and the shared proxy agree on. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { configId } from '../../config/config-id.ts';
import { packageVersion } from '../support/package-version.ts';
import type { ServerSelection } from '../support/server-selection.ts';

/** Clients with one id can share a proxy: the same config, the same part of it, the same version of ours. */
export function shareId(files: readonly string[], { servers, tags }: ServerSelection): string {
  const parts = [configId(files), packageVersion(), servers.toSorted(), tags.toSorted()];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** The folder of the election of a share's one proxy. */
export function electionFolder(stateDir: string, id: string): string {
  return join(stateDir, 'run', `shared-${id}`);
}
