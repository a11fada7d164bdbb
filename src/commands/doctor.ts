/** `switchyard doctor`: what is wrong on this machine, why, and what to do. */
import { systemClock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { userStateFolder } from '../config/folders.ts';
import { loginStore } from '../logins.ts';
import type { Command, Input } from './command.ts';
import { configFiles } from './configured.ts';
import { configFindings, nodeFindings } from './doctor-config.ts';
import { keyringFindings } from './doctor-logins.ts';
import { httpFindings, redirectFindings } from './doctor-ports.ts';
import { catalogFindings, remoteFindings } from './doctor-servers.ts';
import { stateFindings } from './doctor-state.ts';
import type { Finding } from './finding.ts';
import { oneLine } from './foreign-text.ts';
import { httpAddress } from './http-address.ts';
import { loginDocuments, loginWords } from './known-logins.ts';
import { NO_LOG } from './remembered-catalog.ts';
import { wrapped } from './text-layout.ts';

export const doctor: Command = {
  name: 'doctor',
  takes: '',
  summary: 'explains what is wrong on this machine, and what to do about it',
  about: [
    'Looks at Node, the config and what it names, the state folder, remote servers, and what clients would get. Starts',
    'no local server: switchyard check does. Exits 1 where an error is found and not mended.',
  ].join('\n'),
  options: {
    fix: { type: 'boolean', about: 'mend what is safe to mend: modes and leftovers in the state folder' },
    http: {
      type: 'string',
      value: '[HOST:]PORT',
      about: 'look also whether serve --http could serve there',
    },
  },
  examples: [
    'switchyard doctor',
    'switchyard doctor --fix',
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
  const { config, findings } = await configFindings(given, machine);
  const at = options.text('http');
  const address = at === undefined ? undefined : httpAddress(at);
  // Before anything starts: a proxy tidies up.
  const state = await stateFindings(config?.stateDir ?? userStateFolder(machine));
  const remote = config
    ? await output.progress(() => 'asking remote servers', remoteFindings(config, machine))
    : [];
  const logins = config ? await loginStore(config, systemClock, NO_LOG).all() : [];
  const all = [
    ...nodeFindings(process.versions.node),
    ...findings,
    ...state,
    ...(address ? await httpFindings(address, config, config ? configFiles(given, machine) : []) : []),
    ...(config ? await redirectFindings(config) : []),
    ...(config ? await keyringFindings(config, logins) : []),
    ...remote,
    ...(config ? catalogFindings(config) : []),
  ];
  const told: Told[] = [];
  for (const finding of all) told.push(await tell(finding, options.flag('fix')));
  const left = told.filter(({ fixed }) => !fixed);
  if (output.json)
    output.document({ healthy: left.length === 0, findings: told, logins: loginDocuments(logins) });
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
    output.line(
      left.length === 0
        ? 'Nothing is wrong.'
        : `${left.length} ${left.length === 1 ? 'finding' : 'findings'}.`,
    );
  }
  return left.some(({ severity }) => severity === 'error') ? 1 : 0;
}

async function tell({ fix, ...finding }: Finding, mend: boolean): Promise<Told> {
  const told = { ...finding, fixable: fix !== undefined };
  if (!fix || !mend) return { ...told, fixed: false };
  try {
    await fix();
    return { ...told, fixed: true };
  } catch (error) {
    return { ...told, fixed: false, cause: `${finding.cause}; it could not be mended: ${messageOf(error)}` };
  }
}
