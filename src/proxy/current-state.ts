/** The state that a reload replaces, all at once; readers ask for it anew each time. */
import type { Config } from '../config/config.ts';
import type { CallPipeline } from '../pipeline/call-pipeline.ts';
import type { Topology } from '../routing/topology.ts';

export interface ProxyState {
  readonly config: Config;
  /** The servers and pools of the config. */
  readonly topology: Topology;
  readonly pipeline: CallPipeline;
}

export class CurrentState {
  #now: ProxyState | undefined;

  /** @throws Error before the proxy is put together. */
  get now(): ProxyState {
    if (!this.#now) throw new Error('the proxy is not put together yet');
    return this.#now;
  }

  replace(next: ProxyState): void {
    this.#now = next;
  }
}
