/**
 * What a run of the suite through the proxy is held to: the run of the same suite without the proxy.
 *
 * Nothing here excuses a failure because it is known. There are two lists, and both are about what a check
 * can mean once a proxy stands between the suite and a server.
 */
import type { Check, SuiteRun } from './run-suite.ts';

/**
 * Checks of the connection itself, where the specification leaves a choice to whoever answers: to send JSON
 * or a stream, to close a stream early and be asked again. The proxy makes its own choice on its own
 * connection, so it need not repeat that of the server behind it. It may still not fail them.
 */
const perConnection: ReadonlySet<string> = new Set([
  'server-sse-multiple-streams:server-sse-streams-functional',
  'server-sse-polling:server-sse-priming-event',
  'server-sse-polling:server-sse-retry-field',
  'server-sse-polling:server-sse-disconnect-resume',
]);

/**
 * What a server of the older revision cannot say, whoever translates for it. A check belongs here if the
 * old wire has no place for the thing it looks at, and not because it is hard to translate.
 */
export const beyondTheOldWire: Readonly<Record<string, string>> = {
  'input-required-result-basic-elicitation:sep-2322-elicitation-incomplete':
    'wants the key "user_name": a request of the old wire has an id that its server chose, and no key',
  'input-required-result-basic-elicitation:sep-2322-elicitation-complete':
    'runs only after the check above has passed',
  'input-required-result-ignore-extra-params:sep-2322-ignore-unexpected-params':
    'answers under the key "user_name" before it was asked: an old server has to ask first',
  'server-stateless:sep-2575-server-rejects-undeclared-capability':
    'wants error -32021: an old server refuses in its own words, and names no capability',
  'server-stateless:sep-2575-missing-capability-http-400': 'wants the status that goes with error -32021',
};

/** What a list that does not change with the servers cannot show. */
export const withoutChanges: Readonly<Record<string, string>> = {
  'server-stateless:sep-2575-server-sends-tools-list-changed-on-subscription':
    'wants news of a tool that a search finds, and that no list holds',
};

export interface Allowances {
  /** Whether checks of scenarios that the revision does not require may be lost. */
  readonly requiredOnly?: boolean;
  readonly beyond?: Readonly<Record<string, string>>;
}

/** @returns the checks that pass without the proxy and do not pass, or fail only, with it */
export function lostOnTheWay(
  direct: SuiteRun,
  through: SuiteRun,
  { requiredOnly = false, beyond = {} }: Allowances = {},
): readonly string[] {
  const names = new Set([...direct.checks.keys(), ...through.checks.keys()]);
  const isLost = (name: string): boolean => {
    const before = direct.checks.get(name);
    const after = through.checks.get(name);
    if (requiredOnly && !(before ?? after)?.required) return false;
    if (Object.hasOwn(beyond, name)) return false;
    if (after?.status === 'FAILURE') return before?.status !== 'FAILURE';
    return before?.status === 'SUCCESS' && after?.status !== 'SUCCESS' && !perConnection.has(name);
  };
  return [...names].filter(isLost).map((name) => describeCheck(name, through.checks.get(name)));
}

function describeCheck(name: string, check: Check | undefined): string {
  const message = check?.message === undefined ? '' : `: ${check.message.slice(0, 400)}`;
  return `${name} ${check?.status ?? 'did not run'}${message}`;
}
