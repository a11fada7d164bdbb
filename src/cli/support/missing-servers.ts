/** Servers whose tools are not there, for a command that lists or calls. */
import type { ServerReport } from '../../meta-tools/proxy-status.ts';
import { plain } from '../terminal/sanitize.ts';

export interface MissingServer {
  readonly server: string;
  readonly why: string;
}

/** Servers that did not start, and why. */
export function serversDown(report: readonly ServerReport[]): MissingServer[] {
  return report.flatMap(({ server, state, lastFailure }) =>
    state === 'ready' || state === 'degraded' || !lastFailure
      ? []
      : [{ server, why: plain(lastFailure.what) }],
  );
}

/** Servers that are up and did not tell what they have, and why. */
export function serversUnlisted(report: readonly ServerReport[]): MissingServer[] {
  return report.flatMap(({ server, state, lastFailure }) =>
    (state === 'ready' || state === 'degraded') && lastFailure?.stage === 'list'
      ? [{ server, why: `what it offers could not be listed: ${plain(lastFailure.what)}` }]
      : [],
  );
}
