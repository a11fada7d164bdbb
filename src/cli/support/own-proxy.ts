/** A proxy inside a command, with the command as its only client: for commands that list, call and check. */
import type { Catalog } from '../../catalog/catalog.ts';
import type { Config } from '../../config/config.ts';
import type { HostEnvironment } from '../../config/folders.ts';
import type { AskClient, Client } from '../../core/call.ts';
import { Cancellation } from '../../core/cancellation.ts';
import { RpcError } from '../../core/errors.ts';
import { Json, type JsonObject } from '../../json/json.ts';
import { METHOD_NOT_FOUND } from '../../core/errors.ts';
import { LATEST_LEGACY } from '../../protocol/revisions.ts';
import { createProxy } from '../../proxy/create-proxy.ts';
import type { Proxy } from '../../proxy/proxy.ts';
import type { Attachment } from '../../server/served-proxy.ts';
import { createLog } from '../../telemetry/log.ts';
import { configSecrets } from './configured.ts';
import { packageVersion } from './package-version.ts';

export interface OwnProxyOptions {
  readonly config: Config;
  readonly machine: HostEnvironment;
  /** Answers what servers ask during a call; without it the client says that it can answer nothing. */
  readonly ask?: AskClient;
  /** A signal ends the process once its servers are ended, or left to finish what they fetch. */
  readonly endsOnSignal?: boolean;
  /** The MCP client capabilities that `ask` covers. */
  readonly capabilities?: JsonObject;
}

export interface OwnProxy {
  readonly proxy: Proxy;
  readonly client: Client;
  readonly attachment: Attachment;
  /** Waits until every server has been listed or has failed. */
  catalog(): Promise<Catalog>;
  /** @throws RpcError | ProxyError */
  call(request: OwnCall): Promise<Json>;
  close(): Promise<void>;
}

/** A request of the command's own. */
export interface OwnCall {
  readonly method: string;
  /** The tool, prompt or URI that the method names. */
  readonly name: string;
  readonly params: JsonObject;
  readonly signal?: Cancellation;
  readonly onProgress?: (params: Json) => void;
}

/** Starts all servers of the config; waits for none. */
export async function openOwnProxy({
  config,
  machine,
  ask,
  endsOnSignal = false,
  capabilities = {},
}: OwnProxyOptions): Promise<OwnProxy> {
  const log = createLog({ level: 'error', secrets: configSecrets(config) });
  const version = packageVersion();
  const proxy = await createProxy({
    config,
    version,
    exclusive: true,
    // A command is here for a moment only.
    goesOn: false,
    startsKnown: false,
    env: machine.env,
    log,
  });
  const client: Client = {
    id: 'command',
    view: 'command',
    era: 'legacy',
    protocolVersion: LATEST_LEGACY,
    info: { name: 'switchyard', version },
    capabilities,
    logLevel: undefined,
  };
  const attachment = proxy.served.attach({
    client,
    ask: ask ?? refuse,
    notify() {},
    listsChanged() {},
    resourceUpdated() {},
  });
  const close = async (): Promise<void> => {
    attachment.detach();
    await proxy.close();
    await log.flush();
  };
  const end = (): void => void close().finally(() => process.exit(1));
  if (endsOnSignal) process.once('SIGINT', end).once('SIGTERM', end);
  return {
    proxy,
    client,
    attachment,
    async catalog() {
      await proxy.listed();
      return attachment.settledCatalog('tools');
    },
    call: ({ method, name, params, signal = new Cancellation(), onProgress }) =>
      proxy.served
        .handle({ method, name, params: Json.ofExact(params), client, signal, onProgress, ask })
        .then(),
    async close() {
      await close();
      process.off('SIGINT', end).off('SIGTERM', end);
    },
  };
}

function refuse(): Promise<Json> {
  return Promise.reject(RpcError.of(METHOD_NOT_FOUND, 'This client answers no questions'));
}
