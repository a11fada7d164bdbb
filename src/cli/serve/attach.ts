/**
 * `serve --attach`: a client's entry that passes its messages to the one proxy in the background that all clients of
 * this config share, and starts that one where there is none.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { HostEnvironment } from '../../config/folders.ts';
import { openConversation } from '../../control/control-client.ts';
import { runningProxies } from '../../control/run-file.ts';
import type { ListMode } from '../../core/list-mode.ts';
import { messageOf } from '../../core/errors.ts';
import { stringAt } from '../../json/json.ts';
import type { Logger } from '../../core/logger.ts';
import { startTimeOf } from '../../transport/child-process/process-table.ts';
import type { ServerSelection } from '../support/server-selection.ts';
import { shareId } from './attach-protocol.ts';

export interface AttachOptions {
  /** Absolute. */
  readonly files: readonly string[];
  readonly part: ServerSelection;
  readonly list: ListMode | undefined;
  readonly stateDir: string;
  readonly machine: HostEnvironment;
  readonly log: Logger;
}

/** The client waits for its first answer meanwhile: most give up after 30 s or more. */
const START_MS = 15_000;
const LOOK_EVERY_MS = 20;
const MAX_STARTS = 3;
/** Answers that are on their way to the client get this time when the client, or a signal, ends this process. */
const LAST_MS = 1800;

/** Runs until the client or the proxy leaves. @returns the exit code; `undefined`: there is no proxy to share. */
export async function attach(options: AttachOptions): Promise<number | undefined> {
  const socket = await sharedProxy(options).catch((error: unknown) => {
    options.log.warn({ why: messageOf(error) }, 'no shared proxy can be had: this client gets its own');
    return undefined;
  });
  return socket && relay(socket, options.log);
}

/** @throws Error where none can be had in time. */
async function sharedProxy(options: AttachOptions): Promise<Socket> {
  const until = performance.now() + START_MS;
  let child: ChildProcess | undefined;
  let failure: string | undefined;
  let starts = 0;
  const start = (): void => {
    starts++;
    child = startInBackground(options);
    child.once('error', (error) => (failure = messageOf(error)));
    child.once('exit', (code, signal) => {
      // 0: another one was elected.
      if (code !== 0) failure = `it ended at its start (${code ?? signal})`;
      child = undefined;
    });
  };
  while (performance.now() < until) {
    const socket = await attached(options);
    if (socket) {
      child?.removeAllListeners();
      return socket;
    }
    if (failure !== undefined) throw new Error(failure);
    if (!child && starts < MAX_STARTS) start();
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`none answered within ${START_MS / 1000} s`);
}

/** With the oldest one that takes us. @throws Error where it has as many clients as it may. */
async function attached({ stateDir, files, part, list }: AttachOptions): Promise<Socket | undefined> {
  const id = shareId(files, part);
  for (const run of await runningProxies(stateDir, startTimeOf)) {
    if (run.share !== id) continue;
    const conversation = await openConversation(run.socket, { ask: 'attach', list }).catch(() => undefined);
    if (conversation?.answer['attached'] === true) return conversation.socket;
    conversation?.socket.destroy();
    // No use to wait, or to start another: of this config there is one only.
    if (conversation?.answer['full'] === true) throw new Error(stringAt(conversation.answer, 'error'));
  }
  return undefined;
}

/** In a group of its own, and in the home folder: it outlives this client, and is not of its project. */
function startInBackground({ files, part, machine }: AttachOptions): ChildProcess {
  const [, program = ''] = process.argv;
  const child = spawn(
    process.execPath,
    [
      ...process.execArgv,
      program,
      'serve',
      '--shared',
      ...files.flatMap((file) => ['--config', file]),
      ...part.servers.flatMap((server) => ['--servers', server]),
      ...part.tags.flatMap((tag) => ['--tags', tag]),
    ],
    { cwd: machine.homeDir, env: machine.env, detached: true, stdio: 'ignore', windowsHide: true },
  );
  child.unref();
  return child;
}

/** Bytes as they come, both ways. */
function relay(socket: Socket, log: Logger): Promise<number> {
  const { stdin, stdout } = process;
  return new Promise((resolve) => {
    let leaving = false;
    const leave = (): void => {
      if (leaving) return;
      leaving = true;
      socket.end();
      setTimeout(() => socket.destroy(), LAST_MS).unref();
    };
    socket.once('close', () => {
      if (!leaving) log.error({}, 'the shared proxy is gone');
      stdin.destroy();
      if (stdout.writableLength === 0) resolve(leaving ? 0 : 1);
      else stdout.write('', () => resolve(leaving ? 0 : 1));
    });
    socket.on('error', () => socket.destroy());
    stdin.on('error', leave).once('end', leave);
    stdout.on('error', leave);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, leave);
    stdin.pipe(socket, { end: false });
    socket.pipe(stdout, { end: false });
  });
}
