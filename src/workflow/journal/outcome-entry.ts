/** Outcomes as the journal's entries hold them; a large result is stored once, under its hash. */
import { createHash } from 'node:crypto';
import { memberText } from '../../json/edit.ts';
import { Json } from '../../json/json.ts';
import type { Finished, Outcome, StepError } from '../run/port.ts';
import type { Blob, Entry } from './journal.ts';

/** Results above this size are stored apart. */
const INLINE_BYTES = 256 * 1024;

export interface OutcomeData {
  /** JSON */
  readonly data: string;
  readonly blob?: Blob | undefined;
}

export function outcomeData({ outcome, ms }: Finished): OutcomeData {
  if (outcome.kind !== 'done') return { data: JSON.stringify({ ...outcome, ms }) };
  const { text } = outcome.value;
  if (text.length <= INLINE_BYTES) return { data: `{"kind":"done","ms":${ms},"value":${text}}` };
  const hash = createHash('sha256').update(text).digest('base64url');
  return { data: `{"kind":"done","ms":${ms},"value":"$blob"}`, blob: { hash, body: text } };
}

/** Reads an entry whose blob has been put in its place. */
export function readOutcome({ key, at, data }: Entry): Finished {
  const { ms, kind, error } = JSON.parse(data) as {
    readonly ms: number;
    readonly kind: Outcome['kind'];
    readonly error?: StepError;
  };
  const outcome = (
    kind === 'done' ? { kind, value: Json.fromText(memberText(data, 'value') ?? 'null') } : { kind, error }
  ) as Outcome;
  return { key, outcome, at, ms };
}
