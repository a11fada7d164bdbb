/** Starts a Node script that serves MCP over HTTP, and waits for it to say where. */
import { spawn } from 'node:child_process';

export interface Listening {
  readonly url: string;
  stop(): Promise<void>;
}

const START_TIMEOUT = 20_000;

/**
 * @param args what to run: a script, with options for Node before it and its own behind it
 * @throws Error with everything the script wrote, if it ends or stays silent instead
 */
export async function startListening(args: readonly string[]): Promise<Listening> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let output = '';

  const url = await new Promise<string>((resolve, reject) => {
    const fail = (what: string): void => {
      child.kill('SIGKILL');
      reject(new Error(`node ${args.join(' ')}: ${what}\n${output}`));
    };
    const timer = setTimeout(() => fail(`not listening after ${START_TIMEOUT} ms`), START_TIMEOUT);
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = /listening (http:\/\/[^\s"]+)/.exec(output)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', (error) => fail(error.message));
    child.once('close', (code) => {
      clearTimeout(timer);
      fail(`ended with code ${code}`);
    });
  });

  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await exited;
      clearTimeout(timer);
    },
  };
}
