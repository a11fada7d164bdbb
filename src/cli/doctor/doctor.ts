/** `switchyard doctor`: what is wrong on this machine, why, and what to do. */
import { systemClock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Config, ServerConfig } from '../../config/config.ts';
import { userStateFolder } from '../../config/folders.ts';
import { loginStore } from '../../proxy/server-logins.ts';
import type { ServerReport } from '../../meta-tools/proxy-status.ts';
import type { Command, Input } from '../command.ts';
import { configFiles } from '../support/configured.ts';
import { configFindings, nodeFindings } from './config.ts';
import { keyringFindings } from './logins.ts';
import { httpFindings, redirectFindings } from './ports.ts';
import { runnerFindings } from './package-runners.ts';
import { catalogFindings, serverFindings } from './servers.ts';
import { stateFindings } from './state.ts';
import type { Finding } from './finding.ts';
import { oneLine } from '../terminal/sanitize.ts';
import { httpAddress } from '../support/http-address.ts';
import { loginDocuments, loginWords } from '../login/known-logins.ts';
import { NO_LOG } from '../support/remembered-catalog.ts';
import { wrapped } from '../terminal/table.ts';
import { showWaiting } from '../terminal/waiting-progress.ts';

export const doctor: Command = {
  name: 'doctor',
  takes: '',
  summary: 'explains what is wrong on this machine, and what to do about it',
  about: [
    'Looks at Node, the config and what it names, the state folder, and what clients would get, and connects every',
    'server once: local ones are started for that and ended again. Exits 1 where an error is found and not mended.',
  ].join('\n'),
  options: {
    fix: {
      type: 'boolean',
      about: 'mend what is safe to mend: modes and leftovers in the state folder, broken packages of npx',
    },
    'no-start': { type: 'boolean', about: 'start no local server, and say so' },
    http: {
      type: 'string',
      value: '[HOST:]PORT',
      about: 'look also whether serve --http could serve there',
    },
  },
  examples: [
    'switchyard doctor',
    'switchyard doctor --fix',
    'switchyard doctor --no-start',
    'switchyard doctor --http 8080',
    'switchyard doctor --json',
  ],
  positionals: false,
  run,
};

interface Told {
  readonly severity: Finding['severity'];
  readonly what: string;
  readonly cause: string;
  readonly remedy: string;
  readonly fixable: boolean;
  readonly fixed: boolean;
}

async function run({ options, configFiles: given, machine, output }: Input): Promise<number> {
  const { config, findings, missing } = await configFindings(given, machine);
  const at = options.text('http');
  const address = at === undefined ? undefined : httpAddress(at);
  // Before anything starts: a proxy tidies up.
  const state = await stateFindings(config?.stateDir ?? userStateFolder(machine));
  const local = !options.flag('no-start');
  const without = new Set(missing);
  let report = (): readonly ServerReport[] => [];
  const trying = (next: typeof report): void => void (report = next);
  const servers = config
    ? await showWaiting(
        { output, config, report: () => report(), otherwise: () => 'connecting the servers' },
        serverFindings({ config, machine, without, local, trying }),
      )
    : [];
  const runners = config ? runnerFindings(config, machine, servers) : [];
  const notStarted = config && !local ? localServers(config).length : 0;
  const logins = config ? await loginStore(config, systemClock, NO_LOG).all() : [];
  const all = [
    ...nodeFindings(process.versions.node),
    ...findings,
    ...state,
    ...(address ? await httpFindings(address, config, config ? configFiles(given, machine) : []) : []),
    ...(config ? await redirectFindings(config) : []),
    ...(config ? await keyringFindings(config, logins) : []),
    ...servers,
    ...runners,
    ...(config ? catalogFindings(config) : []),
  ];
  const told: Told[] = [];
  for (const finding of all) told.push(await tell(finding, options.flag('fix')));
  const left = told.filter(({ fixed }) => !fixed);
  if (output.json)
    output.document({
      healthy: left.length === 0,
      notStarted,
      findings: told,
      logins: loginDocuments(logins),
    });
  else {
    const { colors, width } = output;
    for (const { severity, what, cause, remedy, fixable, fixed } of told) {
      const paint = fixed ? colors.green : severity === 'error' ? colors.red : colors.yellow;
      const lines = [
        ...wrapped(`${fixed ? 'mended' : severity}: ${what}`, width).map((line) => paint(line)),
        ...wrapped(`why: ${cause}`, width - 2).map((line) => `  ${line}`),
        ...(fixed
          ? []
          : wrapped(`do:  ${remedy}${fixable ? ' (or switchyard doctor --fix)' : ''}`, width - 2)
        ).map((line) => `  ${line}`),
      ];
      for (const line of lines) output.line(line);
    }
    for (const one of logins)
      output.line(
        `login: ${oneLine(one.server, 80)}${one.who && ` (${oneLine(one.who, 80)})`}: ${loginWords(one)}`,
      );
    if (notStarted > 0)
      output.line(
        `${notStarted} local ${notStarted === 1 ? 'server was' : 'servers were'} not started (--no-start): whether they work is not known.`,
      );
    output.line(
      left.length === 0
        ? notStarted === 0
          ? 'Nothing is wrong.'
          : 'Nothing is wrong in what was looked at.'
        : `${left.length} ${left.length === 1 ? 'finding' : 'findings'}.`,
    );
  }
  return left.some(({ severity }) => severity === 'error') ? 1 : 0;
}

function localServers({ servers }: Config): readonly ServerConfig[] {
  return [...servers.values()].filter(({ disabled, transport }) => !disabled && transport.kind === 'stdio');
}

async function tell({ fix, untried, ...finding }: Finding, mend: boolean): Promise<Told> {
  const told = { ...finding, fixable: fix !== undefined };
  if (!fix || !mend) return { ...told, fixed: false };
  try {
    await fix();
    const cause = untried === undefined ? finding.cause : `${finding.cause}; ${untried}`;
    return { ...told, fixed: true, cause };
  } catch (error) {
    return { ...told, fixed: false, cause: `${finding.cause}; it could not be mended: ${messageOf(error)}` };
  }
}
