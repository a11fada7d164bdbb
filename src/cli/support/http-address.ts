/** The address that `--http` names. */
import { UsageError } from '../command.ts';

export interface HttpAddress {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** Reads `[HOST:]PORT`; an IPv6 host stands in brackets. @throws UsageError */
export function httpAddress(text: string): HttpAddress {
  const match = /^(?:(?<host>\[[0-9a-fA-F:.]+\]|[^:]+):)?(?<port>\d{1,5})$/.exec(text);
  const port = Number(match?.groups?.['port']);
  if (!match || port > 65_535) throw new UsageError(`--http expects [HOST:]PORT, got "${text}".`);
  return { host: (match.groups?.['host'] ?? '127.0.0.1').replaceAll(/[[\]]/g, ''), port };
}
