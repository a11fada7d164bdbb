/**
 * How long calls took, by server and tool, as a Prometheus histogram.
 *
 * Counted here and put into prom-client's form when somebody looks: its own histogram makes a text of the labels and one
 * of the class for every value, which is a twentieth of what a small call costs.
 */
import type { Metric, Registry } from 'prom-client';

interface Tally {
  /** The number of values in each class; the last class has no upper bound. */
  readonly counts: number[];
  sum: number;
}

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export class Durations {
  readonly type = 'histogram';
  readonly name: string;
  readonly help: string;
  readonly #bounds: readonly number[];
  readonly #servers = new Map<string, Map<string, Tally>>();

  /** @param bounds the upper ones of all classes but the last, seconds, rising. */
  constructor(name: string, help: string, bounds: readonly number[], registry: Registry) {
    this.name = name;
    this.help = help;
    this.#bounds = bounds;
    // The registry asks its metrics for no more than their name and `get`.
    registry.registerMetric(this as unknown as Metric);
  }

  add(server: string, tool: string, seconds: number): void {
    const tally = this.#tallyOf(server, tool);
    let at = 0;
    while (at < this.#bounds.length && seconds > (this.#bounds[at] as number)) at++;
    tally.counts[at] = (tally.counts[at] as number) + 1;
    tally.sum += seconds;
  }

  /** As prom-client wants it. */
  get(): Promise<{ name: string; help: string; type: string; values: Sample[] }> {
    const values: Sample[] = [];
    for (const [server, tools] of this.#servers)
      for (const [tool, tally] of tools) values.push(...this.#samples({ server, tool }, tally));
    return Promise.resolve({ name: this.name, help: this.help, type: this.type, values });
  }

  #tallyOf(server: string, tool: string): Tally {
    let tools = this.#servers.get(server);
    if (!tools) this.#servers.set(server, (tools = new Map()));
    let tally = tools.get(tool);
    if (!tally) {
      tally = { counts: Array.from({ length: this.#bounds.length + 1 }, () => 0), sum: 0 };
      tools.set(tool, tally);
    }
    return tally;
  }

  /** Every class counts what is in the classes below it, too. */
  #samples(labels: Readonly<Record<string, string>>, { counts, sum }: Tally): Sample[] {
    let count = 0;
    const buckets = [...this.#bounds, '+Inf'].map((le, at) => {
      count += counts[at] as number;
      return { metricName: `${this.name}_bucket`, labels: { ...labels, le }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: sum },
      { metricName: `${this.name}_count`, labels, value: count },
    ];
  }
}
