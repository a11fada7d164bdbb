/**
 * A downstream server as a child process: messages over its stdin and stdout, its whole process group ended
 * with it.
 *
 * The caller decides whether to start it again, and which variables it may see.
 */
import type { ChildProcess } from 'node:child_process';
import spawn from 'cross-spawn';
import { systemClock } from '../../core/clock.ts';
import type { ProxyError } from '../../core/errors.ts';
import { ended, exitOf, notStarted, silence } from './errors.ts';
import { GuardedEvents } from '../guarded-events.ts';
import { incomingLines, readLines } from '../message-reader.ts';
import { LineWriter } from '../bytes/line-writer.ts';
import type { Link, LinkEvents, Outgoing } from '../link.ts';
import { SendQueue } from '../bytes/send-queue.ts';
import { drained } from './drained.ts';
import type { ChildProcessOptions } from './options.ts';
import { packageRunner, type PackageRunner } from './package-runners.ts';
import { endFetching, endGroup, existsGroup } from './process-group.ts';
import { redactor } from '../../core/redaction/redact.ts';
import { Stderr } from './stderr.ts';

export interface ChildProcessLink extends Link {
  /** `undefined` where the process did not start. */
  readonly pid: number | undefined;
  /** The last lines of its stderr, without secrets. */
  stderrTail(): string;
}

/** Never throws: a process that did not start is told through `events.closed`. */
export function openChildProcess(options: ChildProcessOptions): (events: LinkEvents) => ChildProcessLink {
  return (events) => new Child(options, events);
}

/** The time that a package runner has to clean up after SIGTERM. */
const CLEAN_UP_MS = 30_000;
/** A process that closes its pipes is mostly about to exit, and its exit code says more. */
const EXIT_AFTER_PIPE_MS = 250;

class Child implements ChildProcessLink {
  readonly #options: ChildProcessOptions;
  readonly #events: GuardedEvents;
  readonly #stderr: Stderr;
  readonly #process: ChildProcess | undefined;
  #writer: LineWriter | undefined;
  #outbox: SendQueue | undefined;
  readonly #runner: PackageRunner | undefined;
  #wrote = false;
  /** Set by `close()`; without it the end is a failure. */
  #closing: Promise<void> | undefined;
  /** Set once the process is ending or gone; resolves when its group is. */
  #ending: Promise<void> | undefined;
  #exited = false;
  /** The process goes on without us. */
  #left = false;
  readonly #exit: Promise<void>;
  #resolveExit: () => void = () => {};

  constructor(options: ChildProcessOptions, events: LinkEvents) {
    const { secrets = [], limits, onStderr, clock = systemClock } = options;
    this.#options = options;
    this.#runner = packageRunner(options.command, options.args);
    this.#events = new GuardedEvents(events, () => this.#answered());
    this.#exit = new Promise((resolve) => (this.#resolveExit = resolve));
    this.#stderr = new Stderr({
      keepBytes: limits.stderrBytes,
      linesPerSecond: limits.stderrLinesPerSecond,
      onLine: onStderr,
      redact: redactor(secrets),
      clock,
    });
    this.#process = this.#start();
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  whySilent(): string {
    return silence(this.#runner, this.#fetches, this.#stderr.tail());
  }

  stderrTail(): string {
    return this.#stderr.tail();
  }

  send(message: Outgoing): void {
    this.#wrote = true;
    this.#outbox?.send(message);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  #start(): ChildProcess | undefined {
    const { command, args, env, cwd } = this.#options;
    let child: ChildProcess;
    try {
      child = spawn(command, [...args], {
        env,
        cwd,
        stdio: ['pipe', 'pipe', 'pipe'],
        shell: false,
        windowsHide: true,
        // Its own process group, so that all of it can be ended; no terminal signal reaches it past us.
        detached: process.platform !== 'win32',
      });
    } catch (cause) {
      setImmediate(() => this.#failStart(cause));
      return undefined;
    }
    child.on('error', (cause) => child.pid === undefined && this.#failStart(cause));
    if (child.pid === undefined) return child;
    child.once('exit', (code, signal) => this.#exitedWith(exitOf(code, signal)));
    this.#attach(child);
    this.#options.onStart?.(child.pid, this.#fetches);
    return child;
  }

  /** A package runner may be in the middle of unpacking. */
  get #fetches(): boolean {
    return this.#runner !== undefined && !this.#events.spoke;
  }

  #answered(): void {
    if (this.#runner && this.pid !== undefined) this.#options.onFetched?.(this.pid);
  }

  #attach({ stdin, stdout, stderr }: ChildProcess): void {
    if (!stdin || !stdout || !stderr) return;
    const { describe: server, limits } = this.#options;
    const events = this.#events;
    this.#writer = new LineWriter(stdin);
    this.#outbox = new SendQueue(this.#writer, { server, queueBytes: limits.queueBytes, events });
    const lines = incomingLines({ server, messageBytes: limits.messageBytes, events });
    readLines(stdout, lines);
    stdout.once('end', () => {
      lines.end();
      this.#pipeClosed('closed its output');
    });
    stderr.on('data', (chunk: Buffer) => this.#stderr.push(chunk));
    // EPIPE and the like: what they mean is seen from the exit, or told by the timer.
    stdin.on('error', () => this.#pipeClosed('closed its input'));
    stdout.on('error', () => this.#pipeClosed('closed its output'));
    stderr.on('error', () => {});
  }

  #failStart(cause: unknown): void {
    const { describe: server, command, cwd } = this.#options;
    this.#exited = true;
    this.#resolveExit();
    this.#ending ??= Promise.resolve();
    this.#events.closed(this.#closing ? undefined : notStarted({ server, command, cwd, cause }));
  }

  #pipeClosed(what: string): void {
    if (this.#exited || this.#closing || this.#ending) return;
    setTimeout(() => {
      if (this.#exited || this.#closing || this.#ending) return;
      this.#outbox?.stop(this.#failure(what, false));
      this.#events.closed(this.#failure(what));
      void this.#endAll();
    }, EXIT_AFTER_PIPE_MS).unref();
  }

  #exitedWith(what: string): void {
    this.#exited = true;
    this.#outbox?.stop(this.#failure(what, false));
    void this.#endAll();
    drained([this.#process?.stdout, this.#process?.stderr], () => {
      this.#stderr.end();
      this.#events.closed(this.#closing ? undefined : this.#failure(what));
      this.#resolveExit();
      this.#release();
    });
  }

  #release(): void {
    this.#process?.stdin?.destroy();
    this.#process?.stdout?.destroy();
    this.#process?.stderr?.destroy();
  }

  #failure(what: string, wrote = this.#wrote): ProxyError {
    return ended({
      server: this.#options.describe,
      what,
      stderr: this.#stderr.tail(),
      spoke: this.#events.spoke,
      fetches: this.#runner !== undefined,
      wrote,
    });
  }

  #endAll(): Promise<void> {
    if (this.#ending) return this.#ending;
    this.#ending = this.#endGroup();
    if (this.#fetches) this.#options.onCleanUp?.(this.#ending);
    return this.#ending;
  }

  async #endGroup(): Promise<void> {
    const { stopGraceMs, onEnd } = this.#options;
    const { pid } = this;
    if (pid === undefined) return;
    if (this.#fetches) await this.#endFetching(pid);
    else if (await endGroup(pid, stopGraceMs)) onEnd?.(pid);
  }

  /** A package runner that is killed in the middle of unpacking leaves half a package, which nobody ever repairs. */
  async #endFetching(pid: number): Promise<void> {
    const { leaving, onEnd } = this.#options;
    const told = leaving?.cancelled !== true;
    const left = new Promise<void>((resolve) => leaving?.onCancel(() => resolve()));
    if (told ? await endFetching(pid, CLEAN_UP_MS, left) : !existsGroup(pid)) return onEnd?.(pid);
    if (leaving?.cancelled !== true || !this.#process) return;
    this.#left = true;
    const { leaveAlone } = await import('./left-alone.ts');
    leaveAlone(this.#process, { group: pid, told });
  }

  async #close(): Promise<void> {
    if (this.#process && !this.#ending) {
      this.#writer?.end();
      await this.#exitWithin(this.#options.stopGraceMs, this.#fetches);
    }
    await this.#endAll();
    // Not even SIGKILL ends a process that hangs in the kernel: it is given up.
    if (this.#process?.pid !== undefined && !this.#left) await this.#exitWithin(this.#options.stopGraceMs);
    this.#events.closed(undefined);
    this.#release();
  }

  /** @param leaves whether the wait ends as well when nobody can wait any longer. */
  async #exitWithin(ms: number, leaves = false): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
      if (leaves) this.#options.leaving?.onCancel(() => resolve());
    });
    await Promise.race([this.#exit, timeout]);
    clearTimeout(timer);
  }
}
