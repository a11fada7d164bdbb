/** Makes a check: connects everything, lists it, tries what is safe, plans what is saved. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Config, ServerConfig } from '../../config/config.ts';
import type { HostEnvironment } from '../../config/folders.ts';
import { Cancellation } from '../../core/cancellation.ts';
import { messageOf } from '../../core/errors.ts';
import { at, type JsonObject, stringAt } from '../../json/json.ts';
import { redactor } from '../../core/redaction/redact.ts';
import type { ServerReport } from '../../meta-tools/proxy-status.ts';
import { problemText } from '../../workflow/definition/problem.ts';
import { safeCalls, tryCall } from './safe-calls.ts';
import type { CheckedCall, CheckedServer, CheckedWorkflow, CheckReport, CheckState } from './report.ts';
import { callProblems, callWarnings, catalogRemarks } from './remarks.ts';
import { checkTools } from './tool-sizes.ts';
import { configSecrets } from '../support/configured.ts';
import { oneLine } from '../terminal/sanitize.ts';
import { openOwnProxy, type OwnProxy } from '../support/own-proxy.ts';
import { packageVersion } from '../support/package-version.ts';

export interface CheckOptions {
  readonly config: Config;
  readonly machine: HostEnvironment;
  /** Told whenever a server is done. */
  readonly settled: (server: CheckedServer) => void;
}

const LOOK_EVERY_MS = 25;
const GRACE_MS = 5000;

export class Check {
  readonly #options: CheckOptions;
  readonly #config: Config;
  readonly #clean: (text: string) => string;
  readonly #stopped = new Cancellation();
  readonly #began = performance.now();
  readonly #calls = new Map<string, readonly CheckedCall[]>();
  /** The servers whose calls are over. */
  readonly #done = new Set<string>();
  #own: OwnProxy | undefined;
  #calling = false;

  constructor(options: CheckOptions) {
    this.#options = options;
    this.#config = eachOnce(options.config);
    const redact = redactor(configSecrets(options.config));
    this.#clean = (text) => oneLine(redact(text.slice(0, 100_000)));
  }

  /** The state of the servers at this moment. */
  get reports(): readonly ServerReport[] {
    return this.#own?.proxy.report('command') ?? [];
  }

  /** As it stands, at any time. */
  get servers(): readonly CheckedServer[] {
    const reports = new Map(this.reports.map((report) => [report.server, report]));
    const catalog = this.#own?.attachment.catalog;
    return [...this.#config.servers.values()].map((server) =>
      this.#serverOf(server, reports.get(server.key), catalog),
    );
  }

  /** Ends `run` before its time. */
  stop(): void {
    this.#stopped.cancel('the check was stopped');
  }

  /** Starts every server, and has ended all when it is over. */
  async run(): Promise<CheckReport> {
    const { machine } = this.#options;
    const own = await openOwnProxy({ config: this.#config, machine });
    this.#own = own;
    try {
      await this.#race(own.proxy.connected());
      await this.#listed();
      const catalog = this.#stopped.cancelled ? own.attachment.catalog : await own.catalog();
      const problems = await this.#call(own, catalog);
      const workflows = await this.#plan(own);
      return this.#report(problems, workflows, catalog);
    } finally {
      await own.close();
    }
  }

  /** All have told what they offer, or have failed. */
  async #listed(): Promise<void> {
    const longest = Math.max(0, ...[...this.#config.servers.values()].map((one) => one.connectTimeoutMs));
    const until = performance.now() + longest + GRACE_MS;
    const listing = (): boolean =>
      this.servers.some(({ state }) => state === 'starting' || state === 'listing');
    while (!this.#stopped.cancelled && listing() && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    this.#calling = true;
  }

  /** @returns what is wrong with calls that belong to no server. */
  async #call(own: OwnProxy, catalog: Catalog): Promise<readonly string[]> {
    const tools = catalog.lists.tools.items.map((text) => JSON.parse(text) as JsonObject);
    const byServer = new Map<string, ReturnType<typeof safeCalls>>();
    for (const call of safeCalls(tools, this.#config.check.calls)) {
      const server = catalog.tools.get(call.tool)?.targets[0]?.server ?? '';
      byServer.set(server, [...(byServer.get(server) ?? []), call]);
    }
    const keys = new Set([...this.#config.servers.keys(), ...byServer.keys()]);
    await Promise.all(
      [...keys].map(async (server) => {
        // One after the other: a check is not to be a load.
        for (const call of byServer.get(server) ?? []) {
          if (this.#stopped.cancelled) break;
          const tried = await tryCall(own, call, this.#clean, this.#stopped);
          this.#calls.set(server, [...(this.#calls.get(server) ?? []), tried]);
        }
        this.#done.add(server);
        const checked = this.servers.find((one) => one.server === server);
        if (checked && !this.#stopped.cancelled) this.#options.settled(checked);
      }),
    );
    return [...this.#calls]
      .filter(([server]) => !this.#config.servers.has(server))
      .flatMap(([, calls]) => callProblems(calls));
  }

  async #plan(own: OwnProxy): Promise<readonly CheckedWorkflow[]> {
    if (this.#config.workflows.files.length === 0 || !own.proxy.workflows || this.#stopped.cancelled)
      return [];
    const workflows = await own.proxy.workflows.get();
    return Promise.all(
      workflows.saved().map(async ({ name, problems }) => {
        const found = problems.map((problem) => this.#clean(problemText(problem)));
        const checked = { name: oneLine(name, 80), maxCalls: undefined, problems: found, healthy: false };
        if (found.length > 0) return checked;
        try {
          const answer = await workflows.plan(name, 'operator');
          if (answer.valid) return { ...checked, healthy: true, maxCalls: answer.plan.max_calls };
          return { ...checked, problems: answer.errors.map((error) => this.#clean(problemText(error))) };
        } catch (error) {
          return { ...checked, problems: [this.#clean(messageOf(error))] };
        }
      }),
    );
  }

  #report(problems: readonly string[], workflows: readonly CheckedWorkflow[], catalog: Catalog): CheckReport {
    const { servers } = this;
    const enabled = servers.filter(({ state }) => state !== 'disabled');
    const well = enabled.filter(({ state }) => state === 'healthy');
    const calls = [...this.#calls.values()].flat();
    const broken = workflows.filter(({ healthy }) => !healthy);
    const healthy = well.length === enabled.length && broken.length === 0 && problems.length === 0;
    const totals = {
      servers: enabled.length,
      healthy: well.length,
      disabled: servers.length - enabled.length,
      tools: catalog.tools.size,
      calls: calls.length,
      callsAnswered: calls.filter(({ outcome }) => outcome === 'answered').length,
      workflows: workflows.length,
    };
    const parts = [
      `${totals.healthy} of ${totals.servers} servers are healthy`,
      ...(workflows.length === 0
        ? []
        : [`${workflows.length - broken.length} of ${workflows.length} workflows can run`]),
      ...(problems.length === 0 ? [] : [`${problems.length} problems besides`]),
    ];
    return {
      version: packageVersion(),
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      at: new Date().toISOString(),
      tookMs: Math.round(performance.now() - this.#began),
      healthy,
      verdict: `${healthy ? 'Healthy' : 'Not healthy'}: ${parts.join('; ')}.`,
      totals,
      servers,
      workflows,
      problems,
      warnings: [...this.#config.warnings.map(this.#clean), ...catalogRemarks(catalog)],
    };
  }

  #serverOf(
    config: ServerConfig,
    report: ServerReport | undefined,
    catalog: Catalog | undefined,
  ): CheckedServer {
    const { key, disabled, transport } = config;
    const texts = catalog ? textsOf(key, catalog) : [];
    const calls = this.#calls.get(key) ?? [];
    const failure = report?.lastFailure;
    const failed = failure ? [this.#clean(`${failure.stage}: ${failure.what}`)] : [];
    const problems = [...failed, ...callProblems(calls)];
    const { warnings, toolBytes } = checkTools(texts);
    const refused = report?.['problems'];
    return {
      server: oneLine(key, 80),
      transport: transport.kind,
      state: this.#stateOf(config, report, problems),
      protocol: stringAt(report, 'protocolVersion'),
      program: programOf(report, this.#clean),
      startMs: numberAt(report, 'startMs'),
      listMs: numberAt(report, 'listMs'),
      tools: report?.tools ?? 0,
      prompts: catalog ? countOf(key, catalog.prompts.values()) : 0,
      resources: catalog ? countOf(key, catalog.resources.values()) : 0,
      toolBytes,
      calls,
      problems: disabled ? [] : problems,
      warnings: [
        ...(Array.isArray(refused) ? refused.map((one) => this.#clean(String(one))) : []),
        ...warnings,
        ...callWarnings(calls),
      ],
    };
  }

  #stateOf(
    { key, disabled }: ServerConfig,
    report: ServerReport | undefined,
    problems: readonly string[],
  ): CheckState {
    if (disabled) return 'disabled';
    if (!report) return 'waiting';
    if (problems.length > 0) return 'unhealthy';
    if (stringAt(report, 'protocolVersion') === undefined) return this.#calling ? 'unhealthy' : 'starting';
    if (numberAt(report, 'listMs') === undefined) return this.#calling ? 'unhealthy' : 'listing';
    if (this.#done.has(key)) return 'healthy';
    return this.#calling ? 'calling' : 'ready';
  }

  async #race(work: Promise<void>): Promise<void> {
    await Promise.race([work, new Promise<void>((resolve) => this.#stopped.onCancel(() => resolve()))]);
  }
}

/** Everything is connected at once and once: a start that fails is a finding, and not tried until it works. */
function eachOnce(config: Config): Config {
  const servers = new Map(
    [...config.servers].map(([key, server]) => [
      key,
      { ...server, start: 'eager', restart: { ...server.restart, enabled: false } } as const,
    ]),
  );
  return { ...config, servers };
}

function textsOf(server: string, { lists, tools }: Catalog): string[] {
  return lists.tools.items.filter((text) => {
    const name = stringAt(JSON.parse(text), 'name') ?? '';
    return tools.get(name)?.targets[0]?.server === server;
  });
}

function countOf(
  server: string,
  routes: Iterable<{ readonly targets: readonly { readonly server: string }[] }>,
): number {
  return [...routes].filter(({ targets: [target] }) => target?.server === server).length;
}

function programOf(report: ServerReport | undefined, clean: (text: string) => string): string | undefined {
  const [name, version] = ['name', 'version'].map((key) => stringAt(at(report, 'serverInfo'), key));
  return name === undefined ? undefined : oneLine(clean(`${name} ${version ?? ''}`), 80);
}

function numberAt(value: unknown, key: string): number | undefined {
  const found = at(value, key);
  return typeof found === 'number' ? found : undefined;
}
